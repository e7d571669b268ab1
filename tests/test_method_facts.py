"""Costs against counted passes, for every registered method; likeness against an independent computation."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from vizcore import methods, models
from vizcore.evaluation import compare
from vizcore.inspection import activations
from vizcore.methods import cam
from vizcore.methods.cost import Cost

OURS = (  # a method that somebody adds may go without
    "saliency",
    "input_x_gradient",
    "smooth_grad",
    "integrated_gradients",
    "forgrad",
    "deconvnet",
    "guided_backprop",
    "cam",
    "grad_cam",
    "grad_cam_pp",
    "hires_cam",
    "layer_cam",
    "xgrad_cam",
    "eigen_cam",
    "ablation_cam",
    "score_cam",
    "guided_grad_cam",
    "occlusion",
    "rise",
    "edges",
    "random",
)
QUICK = {
    "smooth_grad": {"samples": 4},
    "integrated_gradients": {"steps": 8, "tolerance": 0.0},
    "occlusion": {"patch": 0.45, "stride": 0.75},
    "rise": {"samples": 12},
}


class First(nn.Conv2d):
    """The first layer of the networks here: notes how many pictures enter."""

    seen: ClassVar[list[int]] = [0]

    def forward(self, x):
        self.seen[0] += len(x)
        return super().forward(x)


class Last(nn.Linear):
    """Their last layer: notes how many pictures reach it, and how many of them with a graph."""

    seen: ClassVar[list[int]] = [0, 0]

    def forward(self, x):
        output = super().forward(x)
        self.seen[0] += len(x)
        self.seen[1] += len(x) * output.requires_grad
        return output


@pytest.fixture(scope="module")
def nets():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = (First(3, 12, 3, stride=2), nn.ReLU(), nn.Conv2d(12, 9, 3, padding=1), nn.ReLU())
        second = (First(1, 6, 5), nn.ReLU6(), nn.MaxPool2d(2), nn.Conv2d(6, 14, 3, bias=False), nn.ReLU())
        average = nn.Sequential(*first, nn.AdaptiveAvgPool2d(1), nn.Flatten(), Last(9, 5))
        dense = nn.Sequential(*second, nn.Flatten(), nn.Linear(14 * 64, 8), nn.ReLU(), Last(8, 5))
    return {
        "average": models.wrap(average, "average", 25, [0.5] * 3, [0.25] * 3),
        "dense": models.wrap(dense, "dense", 24, [0.5], [0.25]),
    }


def counted(net, x, method, params) -> tuple[int, int]:
    """Pictures that enter or, where runs begin at a layer, reach the end; and how many of them with a graph."""
    for _ in range(2):  # at the first run, some things are looked up once for each network
        First.seen[:], Last.seen[:] = [0], [0, 0]
        methods.METHODS[method].run(net, x, 2, **params)
    return max(First.seen[0], Last.seen[0]), Last.seen[1]


@pytest.mark.parametrize("name", ["average", "dense"])
@pytest.mark.parametrize("method", methods.names())
def test_cost_is_what_is_counted(nets, name, method):
    net = nets[name]
    if name == "dense" and method == "cam":
        pytest.skip("needs average pooling and one linear layer")
    entry = methods.METHODS[method]
    params = {param.name: param.default for param in entry.params if param.kind != "layer"} | QUICK.get(method, {})
    x = torch.randn(1, net.channels, net.input_size, net.input_size, generator=torch.Generator().manual_seed(3))
    maps = activations.feature_maps(net, x, net.cam_layer)
    cost = entry.cost(net, params, maps) if entry.cost else None
    if cost is None:
        pytest.skip("no cost is stated, and none is shown")
    forward, backward = counted(net, x, method, params)
    assert (cost.forward + cost.partial, cost.backward) == (forward, backward)
    assert cost.exact


def test_the_cost_of_all_of_ours_is_stated(nets):
    maps = np.ones((3, 4, 4), np.float32)
    for name, entry in methods.METHODS.items():
        params = {param.name: param.default for param in entry.params if param.kind != "layer"}
        assert name not in OURS or entry.cost(nets["average"], params, maps) is not None


def test_integrated_gradients_may_take_more(nets):
    net, params = nets["dense"], {"steps": 8, "baseline": "black", "tolerance": 0.001}
    x = torch.randn(1, net.channels, net.input_size, net.input_size, generator=torch.Generator().manual_seed(3))
    cost = methods.METHODS["integrated_gradients"].cost(net, params, None)
    assert not cost.exact and counted(net, x, "integrated_gradients", params)[0] >= cost.forward


def test_dead_and_constant_maps_cost_nothing(nets):
    maps = np.zeros((4, 3, 3), np.float32)
    maps[1], maps[2, 0, 0], maps[3] = 1, 2, np.arange(9).reshape(3, 3)
    assert methods.METHODS["score_cam"].cost(nets["average"], {}, maps).forward == 2 + 2
    assert methods.METHODS["ablation_cam"].cost(nets["average"], {}, maps).partial == 3
    assert methods.METHODS["score_cam"].cost(nets["average"], {}, None) is None


def test_sentences():
    assert Cost(0).sentence() == "The network does not run at all."
    assert Cost(1, 1).sentence() == "1 forward pass and 1 backward pass."
    assert Cost(34, 32, exact=False).sentence() == "At least 34 forward passes and 32 backward passes."
    partly = "1 forward pass and 9 runs of what lies behind the layer, in batches."
    assert Cost(1, partial=9).sentence() == partly


def test_likeness():
    dice = np.random.default_rng(0)
    small, gradient = dice.random((5, 5), dtype=np.float32), dice.normal(size=(3, 20, 20)).astype(np.float32)
    assert compare.likeness(small, small, 20) == pytest.approx(1)
    assert compare.likeness(gradient, -2 * gradient, 20) == pytest.approx(1)
    large = cam.upsample(torch.from_numpy(small)[None], (20, 20))[0].numpy().ravel()
    ranks = [np.argsort(np.argsort(values)) for values in (large, np.abs(gradient).sum(0).ravel())]
    assert compare.likeness(small, gradient, 20) == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-3)
    assert np.isnan(compare.likeness(np.ones((4, 4), np.float32), small, 20))
