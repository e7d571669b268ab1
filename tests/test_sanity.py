"""Random weights in a copy, and rank correlation."""

import numpy as np
import pytest
import torch
from torch import nn

from vizcore import models
from vizcore.evaluation import compare, randomization
from vizcore.methods import relu_rules
from vizcore.models import layers as model_layers


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 5),
    )
    return models.wrap(module, "toy", input_size=12)


def slow_spearman(a, b):
    """Ranks by counting, then Pearson by its definition."""
    ranks = [[sum(w < v for w in s) + (sum(w == v for w in s) - 1) / 2 for v in s] for s in (a, b)]
    (x, y), n = ranks, len(a)
    mx, my = sum(x) / n, sum(y) / n
    cov = sum((p - mx) * (q - my) for p, q in zip(x, y, strict=True))
    return cov / (sum((p - mx) ** 2 for p in x) * sum((q - my) ** 2 for q in y)) ** 0.5


@pytest.mark.parametrize("levels", [3, 10, 1000])
def test_spearman_equals_counting(levels):
    a, b = np.random.default_rng(levels).integers(0, levels, (2, 60))
    assert compare.spearman(a, b) == pytest.approx(slow_spearman(a.tolist(), b.tolist()))


def test_spearman_sees_only_the_order():
    a = np.random.default_rng(0).normal(size=(3, 8, 8))
    assert compare.spearman(a, np.exp(3 * a)) == pytest.approx(1)
    assert compare.spearman(a, -a) == pytest.approx(-1)
    assert np.isnan(compare.spearman(a, np.zeros_like(a)))
    with pytest.raises(ValueError, match="shape"):
        compare.spearman(a, a[0])


def test_words_never_round_up_to_the_same():
    words = [compare.in_words(v) for v in (float("nan"), 1.0, 0.99996, 0.9951, 0.5, -0.25)]
    assert words == ["undefined", "1.00", "> 0.999", "0.995", "0.50", "-0.25"]


def test_only_the_layers_from_the_given_one_change_and_the_original_never(net):
    before = {name: value.clone() for name, value in net.network.state_dict().items()}
    hooks = sum(len(m._forward_hooks) for m in net.network.modules())
    twin = randomization.randomize(net, "3", seed=1)
    after, own = net.network.state_dict(), twin.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert {name for name in own if not torch.equal(own[name], before[name])} == {
        "3.weight",
        "3.bias",
        "7.weight",
        "7.bias",
    }
    assert own["0.weight"].data_ptr() == after["0.weight"].data_ptr()
    assert hooks == sum(len(m._forward_hooks) for m in net.network.modules())
    assert not any(p.requires_grad for p in twin.network.parameters())
    assert not twin.network.training and twin.layers == net.layers


def test_random_weights_are_seeded_and_keep_their_size(net):
    one, same, other = (randomization.randomize(net, "7", seed).network[7].weight for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert one.std() == pytest.approx(float(net.network[7].weight.std()), rel=0.3)
    with pytest.raises(ValueError, match="no layer"):
        randomization.randomize(net, "nothing")


def test_global_random_numbers_are_left_alone(net):
    state = torch.get_rng_state()
    randomization.randomize(net, "0")
    assert torch.equal(state, torch.get_rng_state())


def test_copy_works_with_capture_and_rules(net):
    twin = randomization.randomize(net, "7")
    x = torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    ours, theirs = (n.forward(x, capture=["4"])[1]["4"] for n in (net, twin))
    assert torch.equal(ours, theirs)
    assert relu_rules.backpropagate(twin, x, 0, "guided")[1] == 2


def test_weighted_layers_are_in_order(net):
    assert model_layers.weighted_layers(net) == ("0", "3", "7")
