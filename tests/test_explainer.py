"""The network taken apart: its numbers are torch's, on the way forward and on each of the three ways back."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from page_visits import ROOT
from torch import Tensor, nn

from vizcore import models
from vizcore.images import gallery
from vizcore.inspection import explainer
from vizcore.inspection.explainer import RULES, Explained
from vizcore.methods import relu_rules
from vizcore.models import Net
from vizcore.types import OtherNetworkError

TARGET = 3


@pytest.fixture(scope="module")
def net() -> Net:
    return models.load("digits_cnn")


@pytest.fixture(scope="module")
def digit() -> Tensor:
    return torch.from_numpy(gallery.digits()[2][7] / 255).float()[None, None]


@pytest.fixture(scope="module")
def taken(net, digit) -> Explained:
    return explainer.explain(net, digit, TARGET)


def random_network(seed: int) -> tuple[Net, Tensor]:
    """Layers drawn by the seed, with strides, padding and dilation that may differ down and across, in float64."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    channels, shape = draw.choice([1, 3]), (draw.randint(17, 22), draw.randint(17, 22))
    x = torch.randn(1, channels, *shape, dtype=torch.float64)
    layers: list[nn.Module] = []

    def pair(low: int, high: int) -> tuple[int, int]:
        return draw.randint(low, high), draw.randint(low, high)

    width = channels
    with torch.no_grad():
        for block in range(2):
            several: list[nn.Module] = [
                nn.Conv2d(width, 4 + block, pair(1, 3), pair(1, 2), pair(0, 2), pair(1, 2), bias=draw.random() < 0.7),
                draw.choice([nn.ReLU(), nn.ReLU6(), nn.ReLU(inplace=True)]),
            ]
            width = 4 + block
            pool = draw.choice(["max", "average", "none"])
            if pool == "max":
                several.append(nn.MaxPool2d(pair(2, 3), pair(1, 3), padding=1, ceil_mode=draw.random() < 0.5))
            elif pool == "average":
                count = draw.random() < 0.5
                several.append(nn.AvgPool2d(pair(2, 3), pair(1, 2), (1, 0), draw.random() < 0.5, count))
            layers += several
        maps = nn.Sequential(*layers).double()(x)
        layers += [nn.Flatten(), nn.Linear(maps.numel(), 6), nn.ReLU(), nn.Linear(6, 4)]
    module = nn.Sequential(*layers).double()

    class Anything(nn.Module):
        """Looks at pictures of another shape than the square that is tried at first."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = module

        def forward(self, x: Tensor) -> Tensor:
            x = x.double()
            return self.layers(x if x.shape[2:] == torch.Size(shape) else x.new_zeros(1, channels, *shape))

    return models.wrap(Anything(), f"random {seed}", 20, (0.0,) * channels, (1.0,) * channels), x


SEEDS = range(12)


@pytest.fixture(scope="module", params=SEEDS)
def case(request) -> tuple[Net, Tensor, Explained]:
    network, x = random_network(request.param)
    return network, x, explainer.explain(network, x, 2)


# Forward.


def test_activations_are_the_networks_own(net, digit, taken):
    logits, kept = net.forward(digit, [layer.name for layer in net.layers])
    assert [stage.name for stage in taken.stages] == ["input", *kept]
    for stage in taken.stages[1:]:
        assert np.array_equal(stage.values, kept[stage.name][0].numpy())
    assert np.array_equal(taken.logits, logits[0].numpy())
    assert np.allclose(taken.probabilities, F.softmax(logits[0], 0).numpy(), atol=1e-7)
    assert np.array_equal(taken.stages[0].values, digit[0].numpy())


def test_every_stage_follows_from_the_one_before(case):
    _, _, taken = case
    for before, stage in itertools.pairwise(taken.stages):
        assert np.allclose(again(before, stage).numpy(), stage.values, atol=1e-12), stage.name


def again(before, stage) -> Tensor:
    """What the stage gives out, computed from its own facts; no batch."""
    x = torch.from_numpy(before.values)
    if stage.kind == "conv":
        weight, bias = torch.from_numpy(stage.weight), torch.from_numpy(stage.bias)
        return F.conv2d(x[None], weight, bias, stage.stride, stage.padding, stage.dilation)[0]
    if stage.kind == "relu":
        return x.clamp(0, stage.ceiling)
    if stage.kind == "flatten":
        return x.flatten()
    if stage.kind == "linear":
        return torch.from_numpy(stage.weight) @ x + torch.from_numpy(stage.bias)
    return torch.from_numpy(by_windows(before.values, stage))


def by_windows(values: np.ndarray, stage) -> np.ndarray:
    """A pool, window by window."""
    out = np.empty_like(stage.values)
    for unit, row, column in np.ndindex(*out.shape):
        cells, whole = window(values.shape[1:], stage, row, column)
        found = [values[unit, r, c] for r, c in cells]
        if stage.kind == "max":
            best = divmod(int(stage.switches[unit, row, column]), values.shape[2])
            assert best in cells
            out[unit, row, column] = values[(unit, *best)]
            assert out[unit, row, column] == max(found)
        else:
            out[unit, row, column] = sum(found) / (whole if stage.counts_padding else len(found))
    return out


def window(shape, stage, row: int, column: int) -> tuple[list, int]:
    """The cells inside the input, and how many there are with the padding."""
    starts = [place * step - pad for place, step, pad in zip((row, column), stage.stride, stage.padding, strict=True)]
    ends = [
        min(start + size, side + pad)
        for start, size, side, pad in zip(starts, stage.kernel, shape, stage.padding, strict=True)
    ]
    rows, columns = (range(max(0, a), min(b, side)) for a, b, side in zip(starts, ends, shape, strict=True))
    return [(r, c) for r in rows for c in columns], (ends[0] - starts[0]) * (ends[1] - starts[1])


# Backward.


def test_gradients_are_autograds(net, digit, taken):
    a = x = digit.clone().requires_grad_()
    outputs = [a := layer(a) for layer in net.network]
    gradients = torch.autograd.grad(a[0, TARGET], [x, *outputs])
    for stage, gradient in zip(taken.stages, gradients, strict=True):
        assert np.allclose(stage.gradients["backprop"], gradient[0].numpy(), atol=1e-6), stage.name


@pytest.mark.parametrize("rule", RULES)
def test_rules_are_those_of_the_methods(net, digit, taken, rule):
    x = digit.clone().requires_grad_()
    if rule == "backprop":
        (expected,) = torch.autograd.grad(net(x)[0, TARGET], x)
    else:
        expected, replaced = relu_rules.backpropagate(net, digit, TARGET, rule)
        assert replaced == 4
    assert np.array_equal(taken.stages[0].gradients[rule], expected[0].numpy())


@pytest.mark.parametrize("rule", RULES)
def test_each_gradient_follows_from_the_one_after(case, rule):
    """Stage by stage in numpy and by the transposed convolution, without autograd."""
    _, _, taken = case
    stages = taken.stages
    seed = np.zeros_like(stages[-1].values)
    seed[taken.target] = 1
    assert np.array_equal(stages[-1].gradients[rule], seed)
    for before, stage in itertools.pairwise(stages):
        expected = back(before, stage, stage.gradients[rule], rule)
        assert np.allclose(expected, before.gradients[rule], atol=1e-12), (stage.name, rule)


def back(before, stage, arriving: np.ndarray, rule: str) -> np.ndarray:
    shape = before.values.shape
    if stage.kind == "conv":
        return transposed(before, stage, arriving)
    if stage.kind == "relu":
        through = (before.values > 0) & (before.values < stage.ceiling)
        keep = {"backprop": through, "deconvnet": arriving > 0, "guided": through & (arriving > 0)}[rule]
        return np.where(keep, arriving, 0)
    if stage.kind == "flatten":
        return arriving.reshape(shape)
    if stage.kind == "linear":
        return stage.weight.T @ arriving
    out = np.zeros(shape)
    for unit, row, column in np.ndindex(*arriving.shape):
        cells, whole = window(shape[1:], stage, row, column)
        if stage.kind == "max":
            cells, share = [divmod(int(stage.switches[unit, row, column]), shape[2])], 1
        else:
            share = 1 / (whole if stage.counts_padding else len(cells))
        for r, c in cells:
            out[unit, r, c] += arriving[unit, row, column] * share
    return out


def transposed(before, stage, arriving: np.ndarray) -> np.ndarray:
    """The transposed convolution; zeros at the end where the stride left a rest, the padding cut off."""
    height, width = before.values.shape[1:]
    wide = F.conv_transpose2d(
        torch.from_numpy(arriving)[None],
        torch.from_numpy(stage.weight),
        stride=stage.stride,
        padding=0,
        dilation=stage.dilation,
    )[0]
    wide = F.pad(wide, (0, width, 0, height))
    top, left = stage.padding
    return wide[:, top : top + height, left : left + width].numpy()


# One step.


def test_products_add_up_to_the_convolution(case):
    _, _, taken = case
    for at, stage in enumerate(taken.stages):
        if stage.kind != "conv":
            continue
        for unit, row, column in np.ndindex(*stage.values.shape):
            terms = explainer.products(taken, at, unit, (row, column))
            assert abs(terms.total - stage.values[unit, row, column]) < 1e-12
            assert not terms.numbers[:, ~terms.inside].any()


def test_flipped_kernel_is_the_transposed_convolution(case):
    _, _, taken = case
    seen = 0
    for at, (before, stage) in enumerate(itertools.pairwise(taken.stages)):
        if stage.kind != "conv":
            continue
        for rule in RULES:
            expected = transposed(before, stage, stage.gradients[rule])
            for unit, row, column in np.ndindex(*before.values.shape):
                terms = explainer.flipped_products(taken, at, unit, (row, column), rule)
                assert abs(terms.total - expected[unit, row, column]) < 1e-12
                seen += 1
    assert seen > 1000


def test_the_kernel_stands_flipped(taken):
    terms = explainer.flipped_products(taken, 2, 4, (10, 11))
    assert np.array_equal(terms.weights, taken.stages[3].weight[:, 4, ::-1, ::-1])
    assert np.array_equal(terms.numbers, taken.stages[3].gradients["backprop"][:, 8:11, 9:12])


def test_no_step_where_no_convolution_is(taken):
    with pytest.raises(ValueError, match="relu1_1 is no convolution"):
        explainer.products(taken, 2, 0, (0, 0))
    with pytest.raises(ValueError, match="No convolution follows relu1_2"):
        explainer.flipped_products(taken, 4, 0, (0, 0))


# Which networks.


class ByFunctions(nn.Module):
    """A student's own: ReLUs and pools as functions, one of them in place, dropout, a view."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 3, 3, padding="same"), nn.Conv2d(3, 4, 3)
        self.drop, self.head = nn.Dropout(), nn.Linear(4 * 6 * 6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.one(x), inplace=True), 2)
        x = F.adaptive_avg_pool2d(torch.relu(self.two(x)), 6)
        return self.head(self.drop(x.view(x.size(0), -1)))


def wrapped(module: nn.Module, size: int = 28, channels: int = 1) -> Net:
    return models.wrap(module, "mine", size, (0.0,) * channels, (1.0,) * channels, title="Mine")


def test_functions_count_as_layers(digit):
    torch.manual_seed(0)
    module = ByFunctions().eval()
    taken = explainer.explain(wrapped(module), digit, 1)
    kinds = ["input", "conv", "relu", "max", "conv", "relu", "average", "flatten", "linear"]
    assert [stage.kind for stage in taken.stages] == kinds
    assert [stage.name for stage in taken.stages][1:5] == ["one", "relu 1", "max 1", "two"]
    assert np.allclose(taken.logits, module(digit)[0].detach().numpy(), atol=1e-6)
    assert (taken.stages[1].values < 0).any()  # not overwritten by the ReLU in place
    x = digit.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module(x)[0, 1], x)
    assert np.allclose(taken.stages[0].gradients["backprop"], gradient[0].numpy(), atol=1e-6)


def test_one_relu_used_twice_has_two_stages(digit):
    relu = nn.ReLU()
    module = nn.Sequential(nn.Conv2d(1, 2, 3), relu, nn.Conv2d(2, 2, 3), relu, nn.Flatten(), nn.Linear(2 * 24 * 24, 3))
    taken = explainer.explain(wrapped(module), digit, 0)
    names = [stage.name for stage in taken.stages]
    assert len(set(names)) == len(names) == 7 and [stage.kind for stage in taken.stages].count("relu") == 2


def test_the_readmes_network_is_taken_apart():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    source = readme.split("# example: wrap\n")[1].split("result =")[0]
    scope: dict = {}
    exec(source, scope)
    taken = explainer.explain(scope["net"], torch.rand(1, 3, 64, 64), 1)
    assert [stage.kind for stage in taken.stages] == ["input", "conv", "relu", "average", "flatten", "linear"]
    assert taken.stages[3].kernel == (62, 62)


class Shortcut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 1, 3, padding=1), nn.Linear(784, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((x + self.conv(x)).flatten(1))


class Doubled(Shortcut):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).flatten(1)) * 2


def headed(*layers: nn.Module, size: int = 784) -> nn.Module:
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(size, 2))


BAD = [
    (headed(nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1)), "has batch normalization"),
    (headed(nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 1, groups=2), size=2 * 784), "in 2 groups"),
    (nn.Sequential(*headed(), nn.Softmax(1)), "ends in a softmax"),
    (headed(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")), "pads its maps"),
    (headed(nn.Conv2d(1, 1, 4, padding="same")), "pads one side"),
    (headed(nn.GELU()), "calls gelu"),
    (headed(nn.AdaptiveAvgPool2d(5), size=25), "not equal"),
    (headed(*(nn.ReLU() for _ in range(12))), "has 14 layers"),
    (headed(nn.Conv2d(1, 1200, 3, padding=1), size=1200 * 784), "million numbers"),
    (Shortcut(), "adds the outputs of two layers"),
    (Doubled(), "calls mul"),
]


@pytest.mark.parametrize(("module", "why"), BAD, ids=[why for _, why in BAD])
def test_other_networks_get_a_sentence(module, why, digit):
    network = wrapped(module)
    for attempt in (lambda: explainer.check(network), lambda: explainer.explain(network, digit, 0)):
        with pytest.raises(OtherNetworkError) as caught:
            attempt()
        said = str(caught.value)
        assert why in said and said.startswith("Mine ") and said.endswith("such as Digits: Tiny VGG.")


def test_registered_networks_fit_or_say_why():
    fitting = []
    for name in models.names():
        if not models.spec(name).embedded:
            continue
        try:
            explainer.check(models.load(name))
        except OtherNetworkError as error:
            assert "Digits: Tiny VGG" in str(error)
        else:
            fitting.append(name)
    assert fitting == ["digits_linear", "digits_mlp", "digits_cnn"]


def test_bad_questions(net, digit):
    with pytest.raises(ValueError, match="classes 0 to 9"):
        explainer.explain(net, digit, 10)
    with pytest.raises(ValueError, match="One picture at a time"):
        explainer.explain(net, digit.repeat(2, 1, 1, 1), 0)


def test_threads_get_the_same_and_leave_the_network_alone(net, digit, taken):
    before = {name: value.clone() for name, value in net.network.state_dict().items()}
    with ThreadPoolExecutor(8) as pool:
        several = list(pool.map(lambda target: explainer.explain(net, digit, target), [TARGET, 1, TARGET, 2] * 4))
    for other in several[::2][::2]:
        for mine, its in zip(taken.stages, other.stages, strict=True):
            assert all(np.array_equal(mine.gradients[rule], its.gradients[rule]) for rule in RULES)
    assert all(torch.equal(value, before[name]) for name, value in net.network.state_dict().items())
    assert not net.network.training and all(p.grad is None and not p.requires_grad for p in net.network.parameters())
