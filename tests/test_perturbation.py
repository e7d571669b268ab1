"""Taking pixels away, against loops that do it one pixel at a time."""

import numpy as np
import pytest
import torch
from torch import nn

from vizcore import models
from vizcore.evaluation import perturbation
from vizcore.figures import charts, sentences


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5)
    return models.wrap(nn.Sequential(*layers), "toy", input_size=12)


@pytest.fixture(scope="module")
def x():
    return torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def slow_remove(x, values, share, fill, most):
    """Look for the extreme pixel again and again."""
    x, left = x.clone(), {(r, c): values[r, c] for r in range(12) for c in range(12)}
    for _ in range(round(share * 144)):
        row, column = (max if most else min)(left, key=left.get)
        del left[row, column]
        x[0, :, row, column] = fill[0, :, row, column]
    return x


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.3, 1])
@pytest.mark.parametrize("how", perturbation.FILLS)
def test_removed_pixels_are_those_a_loop_removes(net, x, share, how):
    values = np.random.default_rng(2).random((12, 12))
    fill, orders = perturbation.filling(net, x, how), perturbation.orders(values)
    for name in ("most", "least"):
        expected = slow_remove(x, values, share, fill, name == "most")
        assert torch.equal(perturbation.remove(x, orders[name], share, fill), expected)


def test_ranking_breaks_ties_in_reading_order_and_least_is_its_reverse():
    values = np.array([[1, 3], [3, 2]])
    assert perturbation.ranking(values).tolist() == [1, 2, 3, 0]
    orders = perturbation.orders(values)
    assert orders["least"].tolist() == [0, 3, 2, 1]


def test_random_order_is_a_seeded_permutation():
    values = np.zeros((9, 7))
    one, same, other = (perturbation.orders(values, seed)["random"] for seed in (3, 3, 4))
    assert sorted(one) == list(range(63))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_mean_filling_is_the_mean_of_every_channel(net, x):
    fill = perturbation.filling(net, x, "mean")
    for channel in range(3):
        assert torch.allclose(fill[0, channel], torch.full((12, 12), float(x[0, channel].mean())))


def test_curve_equals_one_forward_at_a_time(net, x):
    values = np.random.default_rng(5).random((12, 12))
    fill, orders, shares = perturbation.filling(net, x), perturbation.orders(values), (0, 0.05, 0.2, 0.5)
    found = perturbation.curve(net, x, 3, orders, shares, fill, at_once=5)
    for row, order in enumerate(orders.values()):
        for column, share in enumerate(shares):
            with torch.no_grad():
                logits = net(perturbation.remove(x, order, share, fill))[0]
            assert found["logit"][row, column] == pytest.approx(float(logits[3]), rel=1e-4, abs=1e-5)
            assert found["probability"][row, column] == pytest.approx(float(logits.softmax(0)[3]), rel=1e-4, abs=1e-5)
    single = perturbation.curve(net, x, 3, orders["most"], shares, fill)["logit"]
    assert single.shape == (1, 4) and np.allclose(single[0], found["logit"][0], rtol=1e-4, atol=1e-5)


def test_wrong_arguments_are_named(net, x):
    with pytest.raises(ValueError, match="share"):
        perturbation.remove(x, np.arange(144), 1.2, x)
    with pytest.raises(ValueError, match="144"):
        perturbation.remove(x, np.arange(100), 0.2, x)
    with pytest.raises(ValueError, match="filling"):
        perturbation.filling(net, x, "pink")


def test_pixels_come_back_from_the_normalized_picture():
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    colour = models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(432, 2)), input_size=12)
    picture = Image.fromarray(pixels)
    assert np.array_equal(perturbation.to_picture(colour, colour.preprocess(picture)), pixels)
    grey = models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(144, 2)), input_size=12, mean=(0.13,), std=(0.3,))
    back = perturbation.to_picture(grey, grey.preprocess(picture))
    assert back.mode == "L" and np.array_equal(back, grey.crop(picture))


def test_verdict_follows_the_numbers():
    assert "hurt more than random ones" in sentences.removal({"most": 1.0, "random": 2.0}, 10, "jaguar")
    assert "at least as much" in sentences.removal({"most": 2.0, "random": 1.0}, 10, "jaguar")


def test_chart_draws_the_three_orders():
    lines = {name: np.array([3.0, row]) for row, name in enumerate(("most", "random", "least"))}
    figure = charts.removal_chart((0, 0.1), lines, 0.1, "Logit")
    assert [trace.name for trace in figure.data] == list(charts.REMOVALS.values())
    assert list(figure.data[1].x) == [0, 10] and list(figure.data[1].y) == [3, 1]
