"""All gradients from one pass against one cut per layer, and the finite differences that check them."""

import numpy as np
import pytest
import random_networks
import torch
from torch import nn

from vizcore import models
from vizcore.inspection import layer_gradients
from vizcore.inspection.layer_gradients import Quantity
from vizcore.methods import gradients
from vizcore.models import capture, partial

STRIDE = {"densenet121": 23, "efficientnet_lite0": 9, "googlenet": 11, "resnet18": 3, "vgg11": 1, "squeezenet1_1": 5}


def net_and_input(name, height=96, width=96):
    """In float64: in float32 one ReLU that rounding opens changes a gradient by a thousand times its rounding."""
    if name.startswith("digits"):
        generator = torch.Generator().manual_seed(0)
        return random_networks.double(name), torch.rand(1, 1, 28, 28, generator=generator).double()
    return random_networks.double(name), random_networks.photographs(height, width)[:1].double()


@pytest.mark.parametrize("of", gradients.SCORES)
@pytest.mark.parametrize("name", [*STRIDE, "digits_cnn", "digits_mlp"])
def test_one_pass_equals_a_cut_at_each_layer(name, of):
    if of != "logit" and name not in ("resnet18", "digits_cnn"):
        pytest.skip("the score is the same function of the logits for every network")
    net, x = net_and_input(name, 96, 96 if name in ("vgg11",) else 80)
    found = layer_gradients.layer_gradients(net, x, 3, of)
    assert list(found) == ["input", *[layer.name for layer in net.layers]]
    for layer in list(found)[1 :: STRIDE.get(name, 1)]:
        logits, acts = net.forward(x, cut=layer)
        number = {"logit": logits[0, 3], "probability": logits.softmax(1)[0, 3], "loss": -logits.log_softmax(1)[0, 3]}
        (wanted,) = torch.autograd.grad(number[of], acts[layer])
        assert (found[layer] - wanted).abs().max() <= 1e-10 * wanted.abs().max(), layer
    wanted = gradients.input_gradient(net, x, 3, of)
    assert (found["input"] - wanted).abs().max() <= 1e-10 * wanted.abs().max()


def test_only_the_layers_asked_for_and_none_for_a_layer_that_does_not_count():
    class Side(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused, self.constant = nn.Linear(4, 3), nn.Linear(4, 3), nn.Linear(2, 3)

        def forward(self, x):
            x = x.flatten(1)
            self.unused(x)
            return self.used(x) + self.constant(torch.ones(1, 2))

    net = models.wrap(Side(), input_size=2, mean=(0.0,), std=(1.0,))
    found = layer_gradients.layer_gradients(net, torch.rand(1, 1, 2, 2), 1)
    assert found["unused"] is None and found["constant"] is None and found["used"].shape == (1, 3)
    assert layer_gradients.sizes(net, torch.rand(1, 1, 2, 2), Quantity("logit", 1))["unused"] is None
    assert list(layer_gradients.layer_gradients(net, torch.rand(1, 1, 2, 2), 1, layers=["used"])) == ["input", "used"]


@pytest.mark.parametrize(("layer", "of", "target"), [("nothing", "logit", 0), (None, "score", 0), (None, "logit", 99)])
def test_wrong_names_are_sentences(layer, of, target):
    net, x = net_and_input("digits_cnn")
    with pytest.raises(ValueError, match=r"[A-Z].*"):
        layer_gradients.layer_gradients(net, x, target, of, [layer] if layer else None)


@pytest.mark.parametrize("scalar", layer_gradients.SCALARS)
@pytest.mark.parametrize(
    ("name", "layer"), [("resnet18", "layer2.1.relu"), ("efficientnet_lite0", "stage3.block2"), ("digits_mlp", "relu")]
)
def test_a_cut_equals_the_partial_network_and_nothing_behind_it_runs(name, layer, scalar):
    net, x = net_and_input(name)
    quantity = Quantity("cut", 0, layer, scalar, 2)
    value, found = layer_gradients.all_gradients(net, x, quantity)
    leaf = x.clone().requires_grad_()
    activation = partial.activation(net, leaf, layer)
    unit = activation[0, 2]
    number = {"mean": unit.mean(), "strongest": unit.max(), "sum": activation.sum()}[scalar]
    (wanted,) = torch.autograd.grad(number, leaf)
    assert value == pytest.approx(float(number.detach()), rel=1e-10)
    assert (found["input"] - wanted).abs().max() <= 1e-10 * wanted.abs().max()
    ran = []
    with capture.observing(lambda name, output: ran.append(name)):
        net(x)
    last = max(at for at, other in enumerate(ran) if other == layer)
    assert set(found) == {"input", *ran[: last + 1]} - set(ran[last + 1 :])
    with pytest.raises(ValueError, match=r"units 0 to|made one number"):
        layer_gradients.all_gradients(net, x, quantity._replace(unit=10**6, scalar="mean"))


def test_sizes():
    net, x = net_and_input("digits_cnn")
    sizes = layer_gradients.sizes(net, x, Quantity("logit", 1))
    found = layer_gradients.layer_gradients(net, x, 1)
    for name, size in sizes.items():
        values = found[name].double().numpy()
        assert size.rms == pytest.approx(np.sqrt((values**2).mean()), rel=1e-5)
        assert size.l2 == pytest.approx(np.sqrt((values**2).sum()), rel=1e-5) and size.count == values.size


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("efficientnet_lite0", Quantity("logit", 290)),
        ("mobilenet_v2", Quantity("loss", 3)),
        ("resnet18", Quantity("cut", 0, "layer2.0", "mean", 5)),
        ("digits_mlp", Quantity("probability", 3)),
    ],
)
def test_finite_differences_agree_in_double_precision(name, quantity):
    net, x = net_and_input(name)
    gradient = layer_gradients.all_gradients(net, x, quantity, []).gradients["input"][0]
    pixel = layer_gradients.strongest_pixel(gradient.numpy())
    computed = float(gradient[pixel])
    shares = []
    steps = (1e-6, 1e-7)  # so small that hardly a kink lies in between
    found = layer_gradients.central_differences(net, x, quantity, pixel, steps, shares.append, batch=3)
    assert np.abs(found.numpy() / computed - 1).min() < 1e-5
    assert shares[-1] == 1 and len(shares) == 2


def test_finite_differences_one_by_one_and_their_errors():
    net, x = net_and_input("digits_cnn")
    quantity, pixel, steps = Quantity("logit", 3), (0, 14, 10), (0.01, 0.1, 1.0)
    found = layer_gradients.central_differences(net, x, quantity, pixel, steps)
    for step, value in zip(steps, found.tolist(), strict=True):
        ends = []
        for sign in (1, -1):
            moved = x.clone()
            moved[0, 0, 14, 10] += sign * step
            ends.append(float(net(moved)[0, 3].detach()))
        assert value == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-9)
    with pytest.raises(ValueError, match="no value"):
        layer_gradients.central_differences(net, x, quantity, (0, 28, 0), steps)
    with pytest.raises(ValueError, match="above zero"):
        layer_gradients.central_differences(net, x, quantity, pixel, (0.0,))


def test_strongest_pixel():
    gradient = np.zeros((3, 4, 5))
    gradient[1, 2, 3] = -2
    assert layer_gradients.strongest_pixel(gradient) == (1, 2, 3)
