"""Every method against a second, slower implementation that follows the paper, and against Captum and pytorch-grad-cam.

The slow ones share no code with vizcore: the layer is probed by a module put behind it, gradients come from
`.backward()` through the whole network, ReLUs are replaced by modules with explicit hooks, and maps are summed by
loops. A method without an entry in SLOW fails: add `@slow("name", ...)` together with the method.

All of it is compared in float64, on non-square batches of two: what is left then is the formula, and a mistake in it
is never as small as 1e-8 of the largest value of an image's map, nor is rounding ever as large, on any processor.
How far float32, which students see, is from float64 is measured at the end, once for each method.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import random_networks
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizcore import methods, models
from vizcore.methods import cam, gradients, occlusion, relu_rules
from vizcore.models import Net
from vizcore.models.torchvision_guard import torchvision_models

TOLERANCE = 1e-8  # float64 rounds at 1e-16; deep networks and small divisors cost a few digits of that
FLOAT32 = 2.0**-24  # what one rounding to float32 changes at most, as a share: some peers round their results to it
MIDDLE = {
    "efficientnet_lite0": "stage5.block2",
    "vgg11": "features.12",
    "resnet18": "layer3",
    "squeezenet1_1": "fire6",
    "googlenet": "inception4c",
    "densenet121": "features.denseblock3",
    "mobilenet_v2": "features.13",
}
THIN = {  # layers of few maps, for methods that run the network once for every map; some inside a concatenation
    "efficientnet_lite0": "stage3",
    "vgg11": "features.1",
    "resnet18": "layer1",
    "squeezenet1_1": "fire3.squeeze_relu",
    "googlenet": "inception3a.branch2.0",
    "densenet121": "features.denseblock1.denselayer2",
    "mobilenet_v2": "features.3",
}
PER_MAP = ("ablation_cam", "score_cam")
MANY_RUNS = (*PER_MAP, "occlusion", "rise")
NO_CAM = ("vgg11",)  # fully connected layers behind the last map
RELU6 = ("efficientnet_lite0", "mobilenet_v2")


@dataclass(frozen=True, eq=False)
class Case:
    """One network with a batch of two non-square images and their strongest classes."""

    name: str
    net: Net
    x: Tensor
    targets: Tensor

    def module(self) -> nn.Module:
        return random_networks.plain(self.net)

    def small(self) -> "Case":
        """A part of the second photograph with its strongest class, for what runs the network hundreds of times."""
        x = random_networks.photographs(64, 96)[1:, :, :48, :64].double()
        with torch.no_grad():
            return replace(self, x=x, targets=self.net(x).argmax(1))


@pytest.fixture(scope="module", params=random_networks.NAMES)
def case(request) -> Case:
    net = random_networks.double(request.param)
    x = random_networks.photographs(48, 80).double()
    with torch.no_grad():
        return Case(request.param, net, x, net(x).argmax(1))


def assert_close(ours, theirs, tolerance: float = TOLERANCE) -> None:
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    assert ours.shape == theirs.shape
    assert np.isfinite(theirs).all() and theirs.any(), "an empty map compares nothing"
    for a, b in zip(ours, theirs, strict=True):
        assert float(np.abs(a - b).max()) <= tolerance * float(np.abs(b).max())


def differs(ours, theirs, share: float = 0.01) -> bool:
    """Whether the largest difference is more than this share of the scale, in some image."""
    ours, theirs = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    return any(np.abs(a - b).max() > share * np.abs(b).max() for a, b in zip(ours, theirs, strict=True))


# The slow implementations.

SLOW: dict[str, tuple[Callable, tuple[dict, ...]]] = {}


def slow(name: str, *variants: dict):
    """Register a slow implementation with the parameters it is compared at."""

    def register(function):
        SLOW[name] = function, variants or ({},)
        return function

    return register


def slow_gradient(module: nn.Module, x: Tensor, targets: Tensor, score=None) -> np.ndarray:
    """The gradient of the sum over the images of `score(logits, target)`, left on the input by `.backward()`."""
    score = score or (lambda logits, target: logits[target])
    leaf = x.clone().requires_grad_()
    logits = module(leaf)
    sum(score(row, target) for row, target in zip(logits, targets, strict=True)).backward()
    return leaf.grad.numpy()


@slow("saliency", {}, {"reduction": "max"}, {"reduction": "l2"}, {"of": "probability"}, {"of": "loss"})
def slow_saliency(case: Case, reduction: str = "sum", of: str = "logit") -> np.ndarray:
    score = {
        "logit": None,
        "probability": lambda logits, target: torch.softmax(logits, 0)[target],
        "loss": lambda logits, target: F.cross_entropy(logits, target),
    }[of]
    gradient = np.abs(slow_gradient(case.module(), case.x, case.targets, score))
    red, green, blue = gradient[:, 0], gradient[:, 1], gradient[:, 2]
    return {
        "sum": red + green + blue,
        "max": np.maximum(np.maximum(red, green), blue),
        "l2": np.sqrt(red**2 + green**2 + blue**2),
    }[reduction]


@slow("input_x_gradient")
def slow_input_x_gradient(case: Case) -> np.ndarray:
    return case.x.numpy() * slow_gradient(case.module(), case.x, case.targets)


@slow("smooth_grad", {"samples": 4, "noise": 0.2, "seed": 5})
def slow_smooth_grad(case: Case, samples: int, noise: float, seed: int) -> np.ndarray:
    module = case.module()
    return np.mean([slow_gradient(module, x, case.targets) for x in noisy(case.x, samples, noise, seed)], 0)


def noisy(x: Tensor, samples: int, noise: float, seed: int) -> list[Tensor]:
    """Copies with noise whose standard deviation, per image, is a share of its largest minus smallest value."""
    generator = torch.Generator().manual_seed(seed)
    sigma = torch.stack([noise * (image.max() - image.min()) for image in x])
    return [x + sigma[:, None, None, None] * torch.randn(x.shape, generator=generator).to(x) for _ in range(samples)]


@slow("integrated_gradients", {"steps": 3, "tolerance": 0.0}, {"steps": 4, "tolerance": 0.0, "baseline": "black"})
def slow_integrated_gradients(case: Case, steps: int, tolerance: float, baseline: str = "mean") -> np.ndarray:
    """The integral over u, t = u^3, dt = 3 u^2 du, at the middles of equal pieces."""
    count = 27 * steps if tolerance else steps
    start = torch.zeros_like(case.x)
    if baseline == "black":
        start += black(case.net)[:, None, None]
    module, total = case.module(), 0.0
    for i in range(count):
        u = (i + 0.5) / count
        point = start + u**3 * (case.x - start)
        total = total + slow_gradient(module, point, case.targets) * 3 * u**2 / count
    return (case.x - start).numpy() * total


def black(net: Net) -> Tensor:
    """(3,) what a black pixel is after normalization."""
    return torch.tensor([-mean / std for mean, std in zip(net.mean, net.std, strict=True)], dtype=torch.float64)


class HandMadeReLU(nn.Module):
    """A ReLU (with a ceiling) whose way back is written with tensor hooks."""

    def __init__(self, rule: str, ceiling: float = float("inf")):
        super().__init__()
        self.rule, self.ceiling = rule, ceiling

    def forward(self, f: Tensor) -> Tensor:
        values = f.detach().clone()
        values[values < 0] = 0
        values[values > self.ceiling] = self.ceiling
        open_ = ((f.detach() > 0) & (f.detach() < self.ceiling)).to(f)
        out = (f - f.detach()) + values  # the values of the ReLU, the gradient of the identity
        if f.requires_grad:
            out.register_hook(lambda r: r * (r > 0) * (open_ if self.rule == "guided" else 1))
        return out


def spelled_out(module: nn.Module) -> nn.Module:
    """The same network with a module for each of its functional ReLUs."""
    if hasattr(module, "features") and type(module).__name__ == "DenseNet":
        pool = nn.AdaptiveAvgPool2d(1)
        module = nn.Sequential(module.features, nn.ReLU(), pool, nn.Flatten(), module.classifier)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child).__name__ == "BasicConv2d":  # GoogLeNet
                setattr(parent, name, nn.Sequential(child.conv, child.bn, nn.ReLU()))
    return module


def with_hand_made_relus(module: nn.Module, rule: str) -> nn.Module:
    module = spelled_out(module)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU | nn.ReLU6):
                setattr(parent, name, HandMadeReLU(rule, 6.0 if isinstance(child, nn.ReLU6) else float("inf")))
    return module


@slow("forgrad", {}, {"cutoff": 0.3, "reduction": "max"}, {"cutoff": 0.7}, {"cutoff": 1.0})
def slow_forgrad(case: Case, cutoff: float = 0.1, reduction: str = "sum") -> np.ndarray:
    """The transform written out as matrices, the spectrum shifted so that its centre is frequency zero."""
    maps = slow_saliency(case, reduction)
    height, width = maps.shape[1:]
    down, across = fourier_matrix(height), fourier_matrix(width)
    passes = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            distance = np.hypot((row - height // 2) / height, (column - width // 2) / width)
            passes[row, column] = distance <= cutoff * np.hypot(0.5, 0.5)
    spectra = [down @ values @ across.T * passes for values in maps]
    found = np.array([np.conj(down).T @ spectrum @ np.conj(across) for spectrum in spectra]) / (height * width)
    assert np.abs(found.imag).max() <= 1e-9 * np.abs(found).max()
    return np.abs(found.real)


def fourier_matrix(size: int) -> np.ndarray:
    """Row k samples the wave of k - size // 2 periods in `size` pixels."""
    waves = np.arange(size) - size // 2
    return np.exp(-2j * np.pi * np.outer(waves, np.arange(size)) / size)


@slow("deconvnet")
def slow_deconvnet(case: Case) -> np.ndarray:
    return slow_gradient(with_hand_made_relus(case.module(), "deconvnet"), case.x, case.targets)


@slow("guided_backprop")
def slow_guided_backprop(case: Case) -> np.ndarray:
    return slow_gradient(with_hand_made_relus(case.module(), "guided"), case.x, case.targets)


class Probe(nn.Module):
    """Stands behind a layer and keeps what comes out of it."""

    def forward(self, activation: Tensor) -> Tensor:
        self.activation = activation.clone()
        self.activation.retain_grad()
        return self.activation.clone()


@cache
def slow_maps(case: Case, layer: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Activations and gradients of a layer, (N, K, h, w) each, by backpropagation through the whole network."""
    layer = layer or case.net.cam_layer
    module, probe = case.module(), Probe()
    parent, _, name = layer.rpartition(".")
    setattr(module.get_submodule(parent), name, nn.Sequential(module.get_submodule(layer), probe))
    slow_gradient(module, case.x, case.targets)
    return probe.activation.detach().numpy(), probe.activation.grad.numpy()


def sum_maps(weights: np.ndarray, activations: np.ndarray) -> np.ndarray:
    """The sum of w_k A^k by loops over images and maps; w_k is a number or a map."""
    result = np.zeros((len(activations), *activations.shape[2:]))
    for n in range(len(activations)):
        for k in range(activations.shape[1]):
            result[n] += weights[n, k] * activations[n, k]
    return result


def slow_weights(rule: Callable, acts: np.ndarray, grads: np.ndarray) -> np.ndarray:
    """(N, K): a rule applied to each map's activation and gradient."""
    return np.array([[rule(a, g) for a, g in zip(*maps, strict=True)] for maps in zip(acts, grads, strict=True)])


def grad_cam_pp_weight(a: np.ndarray, g: np.ndarray, epsilon: float = 0.0) -> float:
    """Equation 19 and 7 of the paper, cell by cell."""
    total, weight = a.sum(), 0.0
    for g_ij in g.flat:
        denominator = 2 * g_ij**2 + total * g_ij**3 + epsilon
        if denominator != 0:
            weight += g_ij**2 / denominator * max(g_ij, 0)
    return weight


def xgrad_cam_weight(a: np.ndarray, g: np.ndarray, epsilon: float = 0.0) -> float:
    total = a.sum() + epsilon
    return float((a * g).sum() / total) if total != 0 else 0.0


@slow("grad_cam", {}, {"counterfactual": True})
def slow_grad_cam(case: Case, layer: str | None = None, counterfactual: bool = False) -> np.ndarray:
    acts, grads = slow_maps(case, layer)
    alpha = slow_weights(lambda a, g: g.sum() / g.size, acts, -grads if counterfactual else grads)
    return np.maximum(sum_maps(alpha, acts), 0)


@slow("grad_cam_pp")
def slow_grad_cam_pp(case: Case, layer: str | None = None) -> np.ndarray:
    acts, grads = slow_maps(case, layer)
    return np.maximum(sum_maps(slow_weights(grad_cam_pp_weight, acts, grads), acts), 0)


@slow("hires_cam")
def slow_hires_cam(case: Case, layer: str | None = None) -> np.ndarray:
    acts, grads = slow_maps(case, layer)
    return sum_maps(grads, acts)


@slow("layer_cam")
def slow_layer_cam(case: Case, layer: str | None = None) -> np.ndarray:
    acts, grads = slow_maps(case, layer)
    return np.maximum(sum_maps(np.maximum(grads, 0), acts), 0)


@slow("xgrad_cam")
def slow_xgrad_cam(case: Case, layer: str | None = None) -> np.ndarray:
    acts, grads = slow_maps(case, layer)
    return np.maximum(sum_maps(slow_weights(xgrad_cam_weight, acts, grads), acts), 0)


@slow("eigen_cam", {}, {"centred": True})
def slow_eigen_cam(case: Case, layer: str | None = None, centred: bool = False) -> np.ndarray:
    """A v = sigma u, with u the strongest eigenvector of the cells' Gram matrix A A^T."""
    rows = []
    for acts in slow_maps(case, layer)[0]:
        matrix = acts.reshape(len(acts), -1).T
        mean = matrix.mean(1)
        if centred:
            matrix = matrix - matrix.mean(0)
        values, vectors = np.linalg.eigh(matrix @ matrix.T)
        found = np.sqrt(values[-1]) * vectors[:, -1]
        rows.append((found if found @ mean >= 0 else -found).reshape(acts.shape[1:]))
    return np.stack(rows)


class Without(nn.Module):
    """Stands behind a layer and sets one of its maps to zero."""

    unit: int | None = None

    def forward(self, activation: Tensor) -> Tensor:
        activation = activation.clone()
        if self.unit is not None:
            activation[:, self.unit] = 0
        return activation


@slow("ablation_cam")
def slow_ablation_cam(case: Case, layer: str) -> np.ndarray:
    """One whole forward pass for every map."""
    module, gate = case.module(), Without()
    parent, _, name = layer.rpartition(".")
    setattr(module.get_submodule(parent), name, nn.Sequential(module.get_submodule(layer), gate))
    acts, _ = slow_maps(case, layer)
    rows = torch.arange(len(case.x)), case.targets
    with torch.no_grad():
        score = module(case.x)[rows].numpy()
        weights = np.zeros(acts.shape[:2])
        for k in range(acts.shape[1]):
            gate.unit = k
            weights[:, k] = (score - module(case.x)[rows].numpy()) / score
    return np.maximum(sum_maps(weights, acts), 0)


@slow("score_cam")
def slow_score_cam(case: Case, layer: str) -> np.ndarray:
    """Every map masks its picture, the constant ones too; one whole forward pass for every map and picture."""
    module, (acts, _) = case.module(), slow_maps(case, layer)
    scores = np.zeros(acts.shape[:2])
    for n, k in np.ndindex(scores.shape):
        mask = F.interpolate(torch.from_numpy(acts[n, k])[None, None], case.x.shape[-2:], mode="bilinear")[0, 0]
        spread = float(mask.max() - mask.min())
        mask = (mask - mask.min()) / (spread if spread > 1e-12 else 1)
        with torch.no_grad():
            scores[n, k] = module((case.x[n] * mask)[None])[0, case.targets[n]]
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return np.maximum(sum_maps(powers / powers.sum(1, keepdims=True), acts), 0)


@slow("occlusion", {"patch": 0.45}, {"patch": 0.5, "stride": 0.75, "fill": "black"})
def slow_occlusion(case: Case, patch: float, stride: float = 0.5, fill: str = "mean") -> np.ndarray:
    """Pixel by pixel: the mean over all patches that cover it."""
    module = case.module()
    height, width = case.x.shape[-2:]
    side = round(patch * min(height, width))
    step = round(stride * side)
    cover = torch.zeros(3).to(case.x) if fill == "mean" else black(case.net)
    drops = [[[[] for _ in range(width)] for _ in range(height)] for _ in case.x]
    rows = torch.arange(len(case.x)), case.targets
    with torch.no_grad():
        before = module(case.x)[rows].numpy()
        for top in range(0, height, step):
            for left in range(0, width, step):
                if top - step + side >= height or left - step + side >= width:
                    continue  # the patch before this one had reached the edge
                covered = case.x.clone()
                covered[:, :, top : top + side, left : left + side] = cover[:, None, None]
                drop = before - module(covered)[rows].numpy()
                for n, i in np.ndindex(len(drops), side):
                    for j in range(side):
                        if top + i < height and left + j < width:
                            drops[n][top + i][left + j].append(drop[n])
    return np.array([[[np.mean(cell) for cell in row] for row in image] for image in drops])


@slow("rise", {"samples": 5, "cells": 4, "keep": 0.6, "seed": 3})
def slow_rise(case: Case, samples: int, cells: int, keep: float, seed: int) -> np.ndarray:
    generator = torch.Generator().manual_seed(seed)
    grids = torch.rand(samples, cells, cells, generator=generator).numpy() < keep
    height, width = case.x.shape[-2:]
    tall, wide = int(np.ceil(height / cells)), int(np.ceil(width / cells))
    tops = torch.randint(0, tall, (samples,), generator=generator)
    lefts = torch.randint(0, wide, (samples,), generator=generator)
    module, total = case.module(), np.zeros((len(case.x), height, width))
    for grid, top, left in zip(grids, tops.tolist(), lefts.tolist(), strict=True):
        mask = slow_bilinear(grid.astype(float), ((cells + 1) * tall, (cells + 1) * wide))
        mask = mask[top : top + height, left : left + width]
        with torch.no_grad():
            shares = torch.softmax(module(case.x * torch.from_numpy(mask)), 1).numpy()
        for n, target in enumerate(case.targets):
            total[n] += shares[n, target] * mask
    return total / (samples * keep)


@slow("cam")
def slow_cam(case: Case) -> np.ndarray:
    acts, _ = slow_maps(case, None)
    if case.name == "densenet121":
        acts = np.maximum(acts, 0)  # its last ReLU is a function call behind the last layer
    linear = [m for m in case.module().modules() if isinstance(m, nn.Linear)]
    if not linear:  # SqueezeNet: one map for each class
        return np.stack([acts[n, target] for n, target in enumerate(case.targets)])
    return sum_maps(linear[-1].weight.numpy()[case.targets], acts)


@slow("guided_grad_cam")
def slow_guided_grad_cam(case: Case, layer: str | None = None) -> np.ndarray:
    maps = slow_grad_cam(case, layer)
    guided = slow_guided_backprop(case)
    for n in range(len(maps)):
        guided[n] *= slow_bilinear(maps[n], case.x.shape[-2:])
    return guided


def slow_bilinear(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each output pixel's centre looked up between the centres of the four nearest cells."""
    height, width = values.shape
    out = np.zeros(size)
    for i in range(size[0]):
        y = min(max((i + 0.5) * height / size[0] - 0.5, 0), height - 1)
        top, bottom = int(y), min(int(y) + 1, height - 1)
        for j in range(size[1]):
            x = min(max((j + 0.5) * width / size[1] - 0.5, 0), width - 1)
            left, right = int(x), min(int(x) + 1, width - 1)
            upper = values[top, left] * (1 - x + left) + values[top, right] * (x - left)
            lower = values[bottom, left] * (1 - x + left) + values[bottom, right] * (x - left)
            out[i, j] = upper * (1 - y + top) + lower * (y - top)
    return out


@slow("edges")
def slow_edges(case: Case) -> np.ndarray:
    rows = []
    for image in case.x.numpy():
        grey = np.mean([channel * std for channel, std in zip(image, case.net.std, strict=True)], axis=0)
        padded = np.pad(grey, 1, mode="edge")
        out = np.zeros_like(grey)
        for i, j in np.ndindex(grey.shape):
            (a, b, c), (d, _, f), (g, h, k) = padded[i : i + 3, j : j + 3]
            out[i, j] = np.hypot((c + 2 * f + k - a - 2 * d - g) / 8, (g + 2 * h + k - a - 2 * b - c) / 8)
        rows.append(out)
    return np.stack(rows)


@slow("random", {"seed": 3})
def slow_random(case: Case, seed: int) -> np.ndarray:
    values = methods.METHODS["random"].run(case.net, case.x, case.targets, seed=seed)
    assert values.min() >= 0 and values.max() < 1 and abs(values.mean() - 0.5) < 0.01
    assert not torch.equal(values, methods.METHODS["random"].run(case.net, case.x, 0, seed=seed + 1))
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((2, *case.x.shape[-2:]), generator=generator).numpy()


def test_integrated_gradients_triple_their_points_until_the_sum_is_right():
    """A tolerance that is never reached: 27 times as many points, as if all had been asked for at once."""
    net = random_networks.double("squeezenet1_1")
    case = Case("squeezenet1_1", net, random_networks.photographs(96, 128).double(), torch.tensor([1, 8]))
    ours = gradients.integrated_gradients(net, case.x, case.targets, steps=1, tolerance=1e-9)
    assert_close(ours, slow_integrated_gradients(case, steps=1, tolerance=1e-9))


@pytest.mark.parametrize("name", methods.names())
def test_against_the_slow_implementation(case, name):
    if name not in SLOW:
        pytest.fail(f"{name} has no slow reference implementation in this file")
    reference, variants = SLOW[name]
    if name in MANY_RUNS:
        case = case.small()
    if methods.METHODS[name].family == "control" and case.name != random_networks.NAMES[0]:
        pytest.skip("a control knows nothing about the network")
    if name == "cam" and case.name in NO_CAM:
        with pytest.raises(ValueError, match="global average pooling"):
            cam.cam(case.net, case.x, case.targets)
        return
    takes_layer = any(p.name == "layer" for p in methods.METHODS[name].params)
    for params in variants:
        layers = (THIN[case.name],) if name in PER_MAP else (None, MIDDLE[case.name])
        for layer in layers if takes_layer else (None,):
            extra = {"layer": layer} if takes_layer else {}
            ours = methods.METHODS[name].run(case.net, case.x, case.targets, **params, **extra)
            assert ours.dtype == torch.float64
            expected = reference(case, **params, **extra)
            if params.get("counterfactual") and not expected.any():
                assert not ours.any()  # nothing speaks against the strongest class
            else:
                assert_close(ours, expected)


def test_lite0_against_the_module_of_its_own_package():
    package = pytest.importorskip("efficientnet_lite_pytorch")
    from vizcore.models.efficientnet_lite import checkpoint

    module = package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=checkpoint(), image_size=None)
    x = random_networks.photographs(96, 128).double()
    targets = torch.tensor([290, 388])
    theirs = slow_gradient(module.eval().double(), x, targets)
    assert_close(gradients.input_gradient(random_networks.double("efficientnet_lite0"), x, targets), theirs)


@pytest.mark.parametrize("name", PER_MAP)
def test_methods_that_run_once_for_every_map_at_the_last_layer(name):
    """All 256 maps of the miniature VGG before its last max-pool, with 4 x 6 cells."""
    net = random_networks.double("mini_vgg")
    case = Case("mini_vgg", net, random_networks.photographs(64, 96)[:1].double(), torch.tensor([290]))
    assert_close(methods.METHODS[name].run(net, case.x, case.targets), SLOW[name][0](case, net.cam_layer))


# Captum.


@pytest.fixture
def captum():
    attr = pytest.importorskip("captum.attr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield attr


def test_captum_saliency(case, captum):
    peer = captum.Saliency(case.module()).attribute(case.x.clone(), case.targets, abs=True)
    assert_close(gradients.input_gradient(case.net, case.x, case.targets).abs(), peer.detach())
    assert_close(gradients.saliency(case.net, case.x, case.targets), peer.sum(1).detach())
    assert_close(gradients.saliency(case.net, case.x, case.targets, "max"), peer.amax(1).detach())


def test_captum_input_x_gradient(case, captum):
    peer = captum.InputXGradient(case.module()).attribute(case.x.clone(), case.targets)
    assert_close(gradients.input_x_gradient(case.net, case.x, case.targets), peer.detach())


def test_captum_smooth_grad_on_the_same_noise(case, captum):
    """Captum's NoiseTunnel takes an absolute deviation and the global generator, so it gets our noisy copies."""
    saliency = captum.Saliency(case.module())
    peer = torch.stack([saliency.attribute(x, case.targets, abs=False) for x in noisy(case.x, 3, 0.15, 7)]).mean(0)
    assert_close(gradients.smooth_grad(case.net, case.x, case.targets, samples=3, noise=0.15, seed=7), peer)


def test_captum_noise_tunnel_has_the_same_deviation():
    """A quadratic score: its gradient at a noisy copy is the noise itself, so both deviations can be measured."""

    class Square(nn.Module):
        def forward(self, x):
            return (x**2).sum((2, 3)) / 2

    attr = pytest.importorskip("captum.attr")
    net = models.wrap(Square(), input_size=200, mean=(0.0,), std=(1.0,), resize=200)
    x = torch.zeros(1, 1, 200, 200)
    x[0, 0, 0, 0] = 4.0
    ours = gradients.smooth_grad(net, x, 0, samples=1, noise=0.25) - x
    torch.manual_seed(0)
    tunnel = attr.NoiseTunnel(attr.Saliency(Square()))
    theirs = tunnel.attribute(x.clone(), nt_samples=1, stdevs=1.0, target=0, nt_type="smoothgrad", abs=False) - x
    assert float(ours.std()) == pytest.approx(1.0, rel=0.02)
    assert float(theirs.std()) == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
def test_captum_integrated_gradients(captum, activation):
    """Two rules for one integral: equal to 1e-4 where the network is smooth, to 1e-2 through kinks."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2), activation(), nn.Conv2d(8, 8, 3), activation(), nn.Flatten(), nn.LazyLinear(4)
    )
    module(torch.zeros(1, 3, 16, 20))
    x = torch.randn(2, 3, 16, 20).double()
    net = models.wrap(_Fixed(module), input_size=16)  # it is looked at in float32, and then made float64
    net.network.double()
    module.double()
    targets = torch.tensor([1, 3])
    peer = captum.IntegratedGradients(_Fixed(module)).attribute(x, 0.0, targets, n_steps=200, method="gausslegendre")
    ours = gradients.integrated_gradients(net, x, targets, steps=300, tolerance=0)
    assert_close(ours, peer.detach(), 1e-4 if activation is nn.Tanh else 1e-2)


class _Fixed(nn.Module):
    """Resizes to the size a flattening network was made for."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x if x.shape[-2:] == (16, 20) else F.interpolate(x, (16, 20)))


def test_integrated_gradients_complete_within_one_percent(lite0, photo):
    """On the network with real weights; a random network's two scores may differ by almost nothing."""
    values = gradients.integrated_gradients(lite0, photo, 290)
    with torch.no_grad():
        wanted = float(lite0(photo)[0, 290] - lite0(torch.zeros_like(photo))[0, 290])
    assert float(values.sum()) == pytest.approx(wanted, rel=0.01)


@pytest.mark.parametrize("where", ["mean", "black"])
def test_captum_occlusion(case, captum, where):
    side, step = 40, 30
    cover = torch.zeros(3).to(case.x) if where == "mean" else black(case.net)
    peer = captum.Occlusion(case.module()).attribute(
        case.x, (3, side, side), (3, step, step), cover[None, :, None, None], case.targets
    )
    patch = side / min(case.x.shape[-2:])
    ours = occlusion.occlusion(case.net, case.x, case.targets, patch, step / side, where)
    assert_close(ours, peer[:, 0], 4 * FLOAT32)  # Captum adds up in float64 and divides in float32


def test_captum_guided_backprop(case, captum):
    ours = relu_rules.guided_backprop(case.net, case.x, case.targets)
    peer = captum.GuidedBackprop(case.module()).attribute(case.x.clone(), case.targets).detach()
    assert differs(ours, gradients.input_gradient(case.net, case.x, case.targets))
    if case.name in RELU6:  # Captum looks for nn.ReLU, and nn.ReLU6 is none: its result is the plain gradient
        assert_close(gradients.input_gradient(case.net, case.x, case.targets), peer)
        assert differs(ours, peer)
        return
    if case.name in ("googlenet", "densenet121"):  # ... nor does it see F.relu: all of GoogLeNet, DenseNet's last
        assert differs(ours, peer)
        peer = captum.GuidedBackprop(spelled_out(case.module())).attribute(case.x.clone(), case.targets).detach()
    assert_close(ours, peer)


def test_captum_deconvolution(case, captum):
    ours = relu_rules.deconvnet(case.net, case.x, case.targets)
    if case.name in RELU6:  # as above: the plain gradient
        peer = captum.Deconvolution(case.module()).attribute(case.x.clone(), case.targets).detach()
        assert_close(gradients.input_gradient(case.net, case.x, case.targets), peer)
        assert differs(ours, peer)
        return
    peer = captum.Deconvolution(spelled_out(case.module())).attribute(case.x.clone(), case.targets)
    assert_close(ours, peer.detach())


@pytest.mark.parametrize("where", ["last", "middle"])
def test_captum_layer_grad_cam(case, captum, where):
    """Captum's has no final ReLU unless asked; ours against the class (counterfactual) is its negative half."""
    layer = case.net.cam_layer if where == "last" else MIDDLE[case.name]
    module = case.module()
    peer = captum.LayerGradCam(module, module.get_submodule(layer)).attribute(case.x.clone(), case.targets)
    both = cam.grad_cam(case.net, case.x, case.targets, layer) - cam.grad_cam(
        case.net, case.x, case.targets, layer, counterfactual=True
    )
    assert_close(both, peer[:, 0].detach())


def test_captum_cam_is_grad_cam_times_the_number_of_cells(case, captum):
    """Behind global average pooling Grad-CAM's weights are the linear layer's, divided by the cells."""
    if case.name in NO_CAM:
        pytest.skip("fully connected layers")
    module = case.module()
    layer = module.get_submodule(case.net.cam_layer)
    if case.name == "densenet121":
        module = spelled_out(module)
        layer = module[1]
    peer = captum.LayerGradCam(module, layer).attribute(case.x.clone(), case.targets)[:, 0].detach()
    assert_close(cam.cam(case.net, case.x, case.targets), peer * peer[0].numel())


def test_captum_guided_grad_cam(case, captum):
    if case.name in RELU6:
        pytest.skip("Captum does not see ReLU6: see test_captum_guided_backprop")
    layer = MIDDLE[case.name]
    module = case.module()
    target_layer = module.get_submodule(layer)
    peer = captum.GuidedGradCam(spelled_out(module), target_layer)
    ours = cam.guided_grad_cam(case.net, case.x, case.targets, layer)
    bilinear = peer.attribute(case.x.clone(), case.targets, interpolate_mode="bilinear").detach()
    assert_close(ours, bilinear)
    nearest = peer.attribute(case.x.clone(), case.targets).detach()  # its default is not the paper's bilinear
    assert differs(ours, nearest)


# pytorch-grad-cam.


@dataclass(frozen=True)
class GradCamPeer:
    """What a class of pytorch-grad-cam found: raw map, and the finished one (ReLU, resized, 0 to 1)."""

    raw: np.ndarray
    finished: np.ndarray
    activations: np.ndarray
    gradients: np.ndarray


def grad_cam_peer(kind: str, case: Case, layer: str) -> GradCamPeer:
    torchvision_models()  # it imports torchvision, which needs the guard
    package = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    module = spelled_out(case.module()) if case.name != "densenet121" else case.module()
    target_layer = module.get_submodule(layer)
    targets = [ClassifierOutputTarget(int(t)) for t in case.targets]
    with getattr(package, kind)(module, [target_layer]) as peer:
        finished = peer(case.x.clone().requires_grad_(), targets)
        kept = peer.activations_and_grads
        acts = kept.activations[0].detach().numpy()
        grads = kept.gradients[0].numpy() if kept.gradients else np.zeros_like(acts)  # some use none
        return GradCamPeer(peer.get_cam_image(case.x, target_layer, targets, acts, grads, False), finished, acts, grads)


PEERS = {"GradCAM": "grad_cam", "HiResCAM": "hires_cam", "LayerCAM": "layer_cam", "XGradCAM": "xgrad_cam"}


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("where", ["last", "middle"])
def test_pytorch_grad_cam(case, kind, where):
    layer = case.net.cam_layer if where == "last" else MIDDLE[case.name]
    method = methods.METHODS[PEERS[kind]]
    ours = method.run(case.net, case.x, case.targets, layer=layer)
    peer = grad_cam_peer(kind, case, layer)
    if case.name == "densenet121" and where == "last":
        # DenseNet's F.relu(features, inplace=True) overwrites what the peer has kept of the layer before it.
        assert peer.activations.min() == 0
        assert ours.isfinite().all() and slow_maps(case, layer)[0].min() < 0
        return
    if kind == "XGradCAM":
        # It adds 1e-7 to the divisor, the sum of a map, which may be near zero where maps have both signs. The slow
        # implementation, which ours equals, equals it too when it does the same.
        acts, grads = slow_maps(case, layer)
        weights = slow_weights(lambda a, g: xgrad_cam_weight(a, g, 1e-7), acts, grads)
        assert_close(sum_maps(weights, acts), peer.raw)
        assert not differs(ours, np.maximum(peer.raw, 0))
        return
    assert_close(ours, peer.raw if method.signed else np.maximum(peer.raw, 0))


def test_pytorch_grad_cam_cuts_the_negative_half_of_hires_cam(case):
    """It ends every method with a ReLU; HiResCAM's paper has none."""
    layer = MIDDLE[case.name]
    ours = cam.hires_cam(case.net, case.x, case.targets, layer)
    peer = grad_cam_peer("HiResCAM", case, layer)
    assert ours.min() < 0 <= peer.finished.min()
    resized = cam.upsample(ours.relu(), case.x.shape[-2:])
    assert differs(resized, peer.finished)  # and it rescales each map to 0 to 1, which hides its magnitude


@pytest.mark.parametrize("where", ["last", "middle"])
def test_pytorch_grad_cam_pp(case, where):
    """Its epsilon of 1e-6 in the denominator is larger than the squared gradients of most networks."""
    if case.name == "densenet121" and where == "last":
        pytest.skip("the peer's copy of the layer is overwritten, as in test_pytorch_grad_cam")
    layer = case.net.cam_layer if where == "last" else MIDDLE[case.name]
    peer = grad_cam_peer("GradCAMPlusPlus", case, layer)
    acts, grads = slow_maps(case, layer)
    with_epsilon = slow_weights(lambda a, g: grad_cam_pp_weight(a, g, 1e-6), acts, grads)
    assert_close(sum_maps(with_epsilon, acts), peer.raw)
    if case.name == "efficientnet_lite0" and where == "last":
        assert differs(cam.grad_cam_pp(case.net, case.x, case.targets, layer), np.maximum(peer.raw, 0), 0.001)


@pytest.mark.parametrize("where", ["last", "middle"])
def test_pytorch_grad_cam_eigen_cam(case, where):
    """It takes each map's mean off first, and leaves the sign to chance."""
    if case.name == "densenet121" and where == "last":
        pytest.skip("the peer's copy of the layer is overwritten, as in test_pytorch_grad_cam")
    layer = case.net.cam_layer if where == "last" else MIDDLE[case.name]
    ours = cam.eigen_cam(case.net, case.x, case.targets, layer, centred=True).numpy()
    peer = grad_cam_peer("EigenCAM", case, layer).raw
    assert_close(ours, peer * np.sign((ours * peer).sum((1, 2), keepdims=True)), 4 * FLOAT32)  # it returns float32
    assert differs(cam.eigen_cam(case.net, case.x, case.targets, layer), ours)


def test_pytorch_grad_cam_ablation_cam(case):
    """Behind a ReLU it sets maps to zero, as the paper and we do; elsewhere to 10 million below their minimum."""
    case = case.small()
    peer = grad_cam_peer("AblationCAM", case, THIN[case.name])
    ours = cam.ablation_cam(case.net, case.x, case.targets, THIN[case.name])
    if peer.activations.min() < 0:
        assert differs(ours, np.maximum(peer.raw, 0))
    else:
        # It rounds both scores and the weight to float32. A weight is the small difference of two scores, as a share
        # of one: each may be off by three roundings of 1, and the map by that much of the sum of all maps.
        tolerance = 3 * FLOAT32 * np.abs(peer.activations).sum(1).max() / peer.raw.max()
        assert tolerance < 0.01
        assert_close(ours, np.maximum(peer.raw, 0), tolerance)


def test_pytorch_grad_cam_score_cam(case, monkeypatch):
    """Its masks are enlarged corner to corner; given cells with centres, it agrees."""
    case, layer = case.small(), THIN[case.name]
    ours = cam.score_cam(case.net, case.x, case.targets, layer)

    def centred(size):
        return nn.Upsample(size=size, mode="bilinear", align_corners=False)

    corners = grad_cam_peer("ScoreCAM", case, layer)
    monkeypatch.setattr(torch.nn, "UpsamplingBilinear2d", centred)
    with torch.no_grad():
        score = float(case.net(case.x).abs().max())
    # It rounds the scores to float32; the softmax makes of an absolute error of a score a share of its weight.
    assert_close(ours, np.maximum(grad_cam_peer("ScoreCAM", case, layer).raw, 0), 4 * FLOAT32 * (1 + score))
    assert np.isfinite(corners.raw).all()


def test_edges_against_scikit_image(lite0):
    filters = pytest.importorskip("skimage.filters")
    x = random_networks.photographs(96, 128).double()
    grey = (x * 128 / 255).mean(1).numpy()
    peer = np.stack([filters.sobel(image) for image in grey]) / np.sqrt(2)  # it divides by 4 and by sqrt(2), we by 8
    assert_close(methods.METHODS["edges"].run(lite0, x, 0), peer)


# float32, as students see it.

# What rounding costs, by the size of the map (Euclidean norm), on EfficientNet-Lite0 and three pictures:
# - CAMs and controls, 6e-7 at most. They look at what comes forward out of fifty layers, a few roundings of 2^-24 each.
# - Methods that compare scores, 1.3e-5: a score is as exact, but the difference of two is a small part of it.
# - Gradients, 6e-7 too, but for kinks: where a ReLU6's input is within rounding of 0 or 6 one processor opens it and
#   another does not, and all that lies behind it changes. Up to 0.6 % of a map was seen, and 0.7 % when in float64 the
#   layers' outputs alone were rounded; averages over many points meet more kinks, each with a smaller share.
# The tolerances are these numbers with room for other processors, and well below what another formula would change.
FORWARD, DIFFERENCES, KINKS = 2e-5, 4e-4, 0.05
SMOKE = {
    "smooth_grad": {"samples": 4},
    "integrated_gradients": {"steps": 4, "tolerance": 0.0},
    "occlusion": {"patch": 0.5},
    "rise": {"samples": 8},
    "ablation_cam": {"layer": THIN["efficientnet_lite0"]},
    "score_cam": {"layer": THIN["efficientnet_lite0"]},
}


def smoke_tolerance(name: str) -> float:
    if methods.METHODS[name].family == "perturbation" or name in PER_MAP:
        return DIFFERENCES
    return FORWARD if methods.METHODS[name].family in ("cam", "control") and name != "guided_grad_cam" else KINKS


@pytest.mark.parametrize("name", methods.names())
def test_float32_is_float64_but_for_rounding(lite0, name):
    x, params = random_networks.photographs(96, 128)[:1], SMOKE.get(name, {})
    values = methods.run(name, lite0, x, 290, **params).values
    wanted = methods.METHODS[name].run(random_networks.double(lite0.name), x.double(), 290, **params)[0].numpy()
    assert values.dtype == np.float32 and wanted.any()
    assert np.linalg.norm(values - wanted) <= smoke_tolerance(name) * np.linalg.norm(wanted)
