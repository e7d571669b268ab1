"""Random weights in private twins, how alike maps are, the efficient test, and units and directions taken away."""

import copy
import itertools

import numpy as np
import pytest
import scipy.stats
import torch
from skimage.metrics import structural_similarity
from torch import nn

from vizcore import methods, models
from vizcore.evaluation import ablation, compare, randomization, randomization_bench
from vizcore.evaluation.randomization import Reference
from vizcore.images.collection import open_collection
from vizcore.methods import gradients
from vizcore.models import layers as model_layers


class Residual(nn.Module):
    """A block with a way around, one ReLU used twice."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.norm = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.two, self.relu = nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.two(self.relu(self.norm(self.one(x)))) + x)


def plain() -> nn.Module:
    layers = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


def residual() -> nn.Module:
    first = [nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()]
    return nn.Sequential(*first, Residual(6), Residual(6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))


def dense() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 12), nn.ReLU(), nn.Linear(12, 3))


@pytest.fixture(scope="module", params=[plain, residual, dense], ids=lambda make: make.__name__)
def net(request):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return models.wrap(request.param(), request.param.__name__, input_size=16)


@pytest.fixture
def x():
    return torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def state(net) -> tuple:
    """All that a computation on a shared network may not change."""
    tensors = [t.clone() for t in (*net.network.parameters(), *net.network.buffers())]
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.network.modules()]
    flags = [(p.requires_grad, p.grad) for p in net.network.parameters()], net.network.training
    return tensors, hooks, flags


# Twins.


def test_the_network_is_untouched(net, x):
    before, logits, random = state(net), net(x), torch.get_rng_state()
    for _, twin in itertools.chain(randomization.cascade(net, 3), randomization.independent(net, 3)):
        randomization.explain(twin, x, 0)
    after = state(net)
    assert all(torch.equal(a, b) for a, b in zip(before[0], after[0], strict=True)) and before[1:] == after[1:]
    assert torch.equal(logits, net(x)) and torch.equal(random, torch.get_rng_state())


def test_the_cascade_goes_from_the_output_down_and_keeps_what_it_drew(net):
    order = model_layers.weighted_layers(net)[::-1]
    original, last = dict(net.network.named_parameters()), {}
    every = [layer.name for layer in net.layers]
    found = list(randomization.cascade(net, 5))
    assert tuple(name for name, _ in found) == order
    for name, twin in found:
        below = set(every[: every.index(name)])
        now = dict(twin.network.named_parameters())
        for key, value in now.items():
            if key.rpartition(".")[0] in below:
                assert value is original[key]  # shared: the twins are small
            elif key in last:
                assert value is last[key]
        last = {key: value for key, value in now.items() if key.rpartition(".")[0] not in below}
        assert twin.layers == net.layers and not any(p.requires_grad for p in twin.network.parameters())
    assert not any(torch.equal(last[key], original[key]) for key in last if original[key].std() > 0)


def test_one_seed_one_draw(net, x):
    for (name, twin), (_, same) in zip(randomization.cascade(net, 7), randomization.cascade(net, 7), strict=True):
        assert torch.equal(twin(x), same(x)) and torch.equal(twin(x), randomization.randomize(net, name, 7)(x))
    last, other = (list(randomization.cascade(net, seed))[-1][1] for seed in (7, 8))
    assert not torch.equal(last(x), other(x))


def test_independent_randomization_changes_one_layer(net):
    original = dict(net.network.named_parameters())
    found = list(randomization.independent(net, 2))
    assert tuple(name for name, _ in found) == model_layers.weighted_layers(net)[::-1]
    for name, twin in found:
        changed = {key.rpartition(".")[0] for key, p in twin.network.named_parameters() if p is not original[key]}
        assert changed == {name}
    with pytest.raises(ValueError, match="no layer"):
        randomization.randomize_only(net, ["nothing"])


def test_stages_hold_every_weighted_layer_once(net):
    found = randomization.stages(net)
    assert tuple(layer for stage in found for layer in stage.layers) == model_layers.weighted_layers(net)
    assert len(randomization.stages(net, 2)) == min(2, len(found))
    assert sum(len(stage.layers) for stage in randomization.stages(net, 2)) == len(model_layers.weighted_layers(net))


def test_stages_of_networks_with_blocks():
    names = [stage.name for stage in randomization.stages(models.load("squeezenet1_1"))]
    assert names == ["conv1", *(f"fire{n}" for n in range(2, 10)), "conv10"]
    assert len(randomization.stages(models.load("efficientnet_lite0"))) <= randomization.MOST_STAGES


def test_explain_is_what_the_methods_find_and_says_what_cannot_run(net, x):
    found, missing = randomization.explain(net, x, 1)
    assert found.keys() | missing.keys() == set(randomization.QUICK) and not found.keys() & missing.keys()
    assert np.array_equal(found["saliency"], gradients.input_gradient(net, x, 1)[0].numpy())
    assert np.allclose(randomization.sizes(found["saliency"]), methods.run("saliency", net, x, 1).values)
    assert np.array_equal(found["edges"], methods.run("edges", net, x, 1).values)
    if net.name == "dense":
        assert "grad_cam" in missing and missing["grad_cam"].endswith(".")
    else:
        layer = model_layers.last_features(net)
        assert np.array_equal(found["grad_cam"], methods.run("grad_cam", net, x, 1, layer=layer).values)
    noise = [randomization.explain(net, x, 1, ["random"], noise)[0]["random"] for noise in (0, 1)]
    assert not np.array_equal(*noise)


# How alike.


@pytest.mark.parametrize("shape", [(7, 7), (13, 20), (64, 48)])
@pytest.mark.parametrize("span", [1.0, 255.0])
def test_ssim_equals_scikit_images(shape, span):
    dice = np.random.default_rng(0)
    one = dice.random(shape) * span
    for other in (one, one + dice.normal(size=shape) * span / 9, span - one, np.zeros(shape)):
        wanted = structural_similarity(one, other, data_range=span)
        assert compare.ssim(one, other, span) == pytest.approx(wanted, abs=1e-9)


def test_ssim_of_what_does_not_fit():
    with pytest.raises(ValueError, match="one shape"):
        compare.ssim(np.zeros((9, 9)), np.zeros((9, 8)))
    with pytest.raises(ValueError, match="at least 7"):
        compare.ssim(np.zeros((6, 9)), np.zeros((6, 9)))


@pytest.mark.parametrize("levels", [2, 7, 10**6])
def test_spearman_equals_scipys(levels):
    a, b = np.random.default_rng(levels).integers(0, levels, (2, 500)).astype(np.float32)
    assert compare.spearman(a, b) == pytest.approx(scipy.stats.spearmanr(a, b).statistic, abs=1e-12)
    assert compare.Ranked(a).spearman(b) == compare.spearman(a, b)


def test_similarity_with_and_without_signs():
    dice = np.random.default_rng(0)
    values = dice.normal(size=(3, 16, 16)).astype(np.float32)
    other = dice.normal(size=(3, 16, 16)).astype(np.float32)
    reference = Reference(values, 16)
    assert reference.similarity(values) == pytest.approx((1, 1, 1))
    assert reference.similarity(-values) == pytest.approx((1, -1, 1))
    found = reference.similarity(other)
    sizes = [np.abs(v).sum(0) for v in (values, other)]
    assert found.size == pytest.approx(scipy.stats.spearmanr(*map(np.ravel, sizes)).statistic)
    assert found.signed == pytest.approx(scipy.stats.spearmanr(values.ravel(), other.ravel()).statistic)
    scaled = [(s - s.min()) / np.ptp(s) for s in sizes]
    assert found.ssim == pytest.approx(structural_similarity(*scaled, data_range=1.0), abs=1e-4)
    assert all(np.isnan(Reference(values, 16).similarity(np.zeros_like(values))))
    small = Reference(np.abs(values[0, :5, :5]), 5).similarity(np.abs(other[0, :5, :5]))
    assert np.isnan(small.ssim) and np.isfinite(small.size)  # no window fits


def test_complexity_is_the_entropy_of_the_histogram():
    values = np.random.default_rng(0).normal(size=(3, 20, 20))
    counts, _ = np.histogram(np.abs(values).sum(0), bins=100)
    assert randomization.complexity(values) == pytest.approx(scipy.stats.entropy(counts))
    flat, peak = np.arange(1000.0).reshape(25, 40), np.zeros((25, 40))
    peak[3, 4] = 1
    assert randomization.complexity(flat) == pytest.approx(np.log(100)) and randomization.complexity(flat * 0) == 0
    assert randomization.complexity(peak) < 0.01
    assert randomization.rise(peak, flat) > 100 and randomization.rise(flat, flat) == 0
    assert np.isnan(randomization.rise(flat, flat * 0)) and np.isnan(randomization.rise(flat * 0, flat))


# Units and directions.


def test_projection_equals_an_explicit_one():
    dice = torch.Generator().manual_seed(0)
    activation = torch.randn(2, 5, 3, 4, generator=dice, dtype=torch.float64)
    directions = ablation.random_directions(5, 2, seed=3)
    assert torch.allclose(directions.T @ directions, torch.eye(2, dtype=torch.float64))
    wanted = activation.clone()
    for n, i, j in itertools.product(range(2), range(3), range(4)):
        for direction in directions.T:
            wanted[n, :, i, j] -= (
                sum(d * a for d, a in zip(direction, wanted[n, :, i, j].clone(), strict=True)) * direction
            )
    assert torch.allclose(ablation.without_directions(activation, directions), wanted)
    axes = torch.eye(5, dtype=torch.float64)[:, [1, 4]]
    assert torch.allclose(ablation.without_directions(activation, axes), ablation.without_units(activation, [1, 4]))
    assert not ablation.without_directions(activation, ablation.random_directions(5, 5)).abs().max() > 1e-12
    vector = activation[:, :, 0, 0]
    assert torch.allclose(ablation.without_directions(vector, axes), ablation.without_units(vector, [1, 4]))
    with pytest.raises(ValueError, match="up to 5"):
        ablation.random_directions(5, 6)


def test_random_directions_are_seeded_and_prefer_none():
    assert torch.equal(ablation.random_directions(6, 2, 1), ablation.random_directions(6, 2, 1))
    many = torch.stack([ablation.random_directions(4, 1, seed)[:, 0] for seed in range(800)])
    assert (many.T @ many / 800 - torch.eye(4) / 4).abs().max() < 0.05


def test_importance_is_weight_times_mean_where_a_linear_layer_follows(net, x):
    if net.name == "dense":
        pytest.skip("no maps")
    layer = model_layers.last_features(net)
    weights = model_layers.readout(net).weights[1]
    maps = net.forward(x, capture=[layer])[1][layer][0]
    assert torch.allclose(ablation.importance(net, x, 1, layer), weights * maps.mean((1, 2)), atol=1e-6)


def test_ablation_equals_a_network_whose_layer_is_changed(net, x):
    layer = "1" if net.name == "plain" else "3" if net.name == "residual" else "2"
    before = state(net)
    found = ablation.ablate(net, x, 0, layer, [1, 3], draws=2, seed=4, alone=[2])
    assert all(torch.equal(a, b) for a, b in zip(before[0], state(net)[0], strict=True))
    rank = ablation.importance(net, x, 0, layer).argsort(descending=True).tolist()

    def by_hook(change) -> float:
        twin = copy.deepcopy(net.network)
        twin.get_submodule(layer).register_forward_hook(lambda module, inputs, output: change(output.clone()))
        return float(twin(x).softmax(1)[0, 0])

    def off(units):
        return lambda output: output.index_fill(1, torch.tensor(units), 0)

    assert found.before == pytest.approx(by_hook(lambda output: output), abs=1e-6)
    assert found.alone[0] == pytest.approx(by_hook(off([2])), abs=1e-6)
    assert found.after["most"][:, 0] == pytest.approx([by_hook(off(rank[:k])) for k in (1, 3)], abs=1e-6)
    lots = np.random.default_rng(4)
    channels = net.layer(layer).out_shape[0]
    for at, k in enumerate((1, 3)):
        for draw in range(2):
            lot = lots.choice(channels, k, replace=False).tolist()
            assert found.after["units"][at, draw] == pytest.approx(by_hook(off(lot)), abs=1e-6)
            q = ablation.random_directions(channels, k, int(lots.integers(2**31))).float()
            gone = by_hook(lambda output, q=q: ablation.without_directions(output, q))
            assert found.after["directions"][at, draw] == pytest.approx(gone, abs=1e-6)
    again = ablation.ablate(net, x, 0, layer, [1, 3], draws=2, seed=4)
    assert np.array_equal(again.after["directions"], found.after["directions"])


def test_means_over_pictures_have_their_intervals():
    rows = [
        ablation.Ablated(b, np.empty(0), {kind: np.array([[b / 2, b], [0.0, 0.0]]) for kind in ablation.KINDS})
        for b in (0.2, 0.6, 0.8)
    ]
    left = ablation.over(rows)
    assert left.before.mean == pytest.approx(1.6 / 3) and left.before.low < left.before.mean < left.before.high
    assert left.after["units"][0].mean == pytest.approx(0.75 * 1.6 / 3) and left.after["most"][1] == (0, 0, 0)
    assert ablation.counts(512) == (1, 2, 5, 10, 20, 50, 100, 200) and ablation.counts(1) == (1,)
    features = np.array([[0.0, 1], [3, 0], [1, 1]])
    assert ablation.top(features, np.array([1.0, 0]), 2) == [1, 2]


def test_errors_are_sentences(net, x):
    for call in (
        lambda: randomization.randomize(net, "nothing"),
        lambda: ablation.ablate(net, x, 99, net.layers[0].name, [1]),
        lambda: ablation.ablate(net, x, 0, "nothing", [1]),
        lambda: ablation.ablate(net, x, 0, net.layers[-1].name, [1], alone=[10_000]),
    ):
        with pytest.raises(ValueError, match=r"\w+ .*\.$"):
            call()


# The kept measurement.


def test_a_record_keeps_what_was_measured():
    net = models.load("mini_vgg")
    names = ("saliency", "guided_backprop", "deconvnet", "random")
    cascades = [randomization_bench.one_picture(net, number, names) for number in (0, 9)]
    layer = model_layers.last_features(net)
    ablated = [randomization_bench.ablate(net, number, layer) for number in (0, 9)]
    found = randomization_bench.from_record(randomization_bench.to_record(net, cascades, ablated))
    assert found.pictures == 2 and found.stages == tuple(s.name for s in randomization.stages(net))[::-1]
    for name in names:
        wanted = np.stack([one.similarity[name] for one in cascades])
        assert np.allclose(found.similarity[name], wanted, atol=1e-4, equal_nan=True)
    assert found.left.before.mean == pytest.approx(np.mean([one.before for one in ablated]), abs=1e-4)
    assert found.higher("saliency", "saliency").tolist() == [0.0] * len(found.stages)
    assert abs(found.level("random").mean) < 0.05 and found.rise("random").mean == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("model", [m for m in randomization_bench.MEASURED if randomization_bench.measured(m)])
def test_the_kept_measurement_is_of_this_network_and_says_what_the_page_says(model):
    """Guided backpropagation stays more alike than the gradient for most of the cascade, on 20 pictures or more."""
    kept, net = randomization_bench.measured(model), models.load(model)
    assert kept.pictures >= 20 and kept.stages == tuple(s.name for s in randomization.stages(net))[::-1]
    assert kept.layer == model_layers.last_features(net)
    guided, gradient = (kept.curve(name, "size") for name in ("guided_backprop", "saliency"))
    above = [a.mean > b.mean for a, b in zip(guided, gradient, strict=True)]
    assert sum(above) > len(above) / 2
    assert all(one.mean == pytest.approx(1) for one in kept.curve("edges", "size"))
    assert all(abs(one.mean) < 0.05 for one in kept.curve("random", "size"))


@pytest.mark.slow
def test_a_picture_measured_again_gives_what_was_kept():
    kept, net = randomization_bench.measured("squeezenet1_1"), models.load("squeezenet1_1")
    names, at = ("saliency", "guided_backprop", "grad_cam"), 3
    found = randomization_bench.one_picture(net, randomization_bench.chosen()[at], names)
    for name in names:
        assert np.allclose(found.similarity[name], kept.similarity[name][at], atol=0.05, equal_nan=True), name
    one = randomization_bench.ablate(net, 5, kept.layer)
    assert one.after["most"][0, 0] <= one.before and len(open_collection().titles) >= 20
