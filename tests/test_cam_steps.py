"""Grad-CAM's steps against plain loops, against the finished method, and against what must hold exactly."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from vizcore import models
from vizcore.evaluation import compare
from vizcore.figures import bars as bar_figures
from vizcore.figures import cam as cam_figures
from vizcore.figures import render
from vizcore.images import gallery
from vizcore.inspection import cam_steps
from vizcore.methods import cam
from vizcore.models import layers as model_layers


@pytest.fixture(scope="module")
def net():
    return models.load("efficientnet_lite0")


@pytest.fixture(scope="module")
def x(net):
    return net.preprocess(gallery.open_image(gallery.find("gallery", "dog_bicycle_car")))


def small(head: nn.Module, classes: int = 4) -> models.Net:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(inplace=True), nn.Conv2d(5, 6, 3), nn.ReLU())
    return models.wrap(nn.Sequential(body, head), input_size=14, mean=[0.5], std=[0.5])


POOLED = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))


@pytest.mark.parametrize("against", [False, True])
def test_steps_equal_plain_loops(against):
    net = small(nn.Sequential(nn.Flatten(), nn.Linear(600, 20), nn.ReLU(), nn.Linear(20, 4)))
    x = torch.randn(1, 1, 14, 14)
    steps = cam_steps.unroll(net, x, 2, "0.1", against)
    maps, height, width = steps.activations.shape

    def rest(activation):
        return net.network[1](net.network[0][2:](activation[None].clone()))[0, 2]

    activation = net.network[0][:2](x)[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(rest(activation), activation)
    expected = np.zeros((height, width))
    for k in range(maps):
        alpha = sum(float(gradient[k, i, j]) for i in range(height) for j in range(width)) / (height * width)
        alpha = -alpha if against else alpha
        assert float(steps.weights[k]) == pytest.approx(alpha, abs=1e-6)
        for i in range(height):
            for j in range(width):
                value = alpha * float(activation[k, i, j].detach())
                assert float(steps.contributions[k, i, j]) == pytest.approx(value, abs=1e-6)
                expected[i, j] += value
    np.testing.assert_allclose(steps.before_relu, expected, atol=1e-6)
    np.testing.assert_allclose(steps.map, np.maximum(expected, 0), atol=1e-6)
    assert steps.score == pytest.approx(float(rest(activation.detach())), abs=1e-6)


@pytest.mark.parametrize("layer", [None, "stage4.block2", "stem.relu"])
@pytest.mark.parametrize("against", [False, True])
def test_map_is_grad_cams(net, x, layer, against):
    steps = cam_steps.unroll(net, x, 249, layer, against)
    torch.testing.assert_close(steps.map, cam.grad_cam(net, x, 249, layer, counterfactual=against)[0])


def test_counterfactual_is_the_other_side_of_the_sum(net, x):
    for_it, against = (cam_steps.unroll(net, x, 249, None, flag) for flag in (False, True))
    torch.testing.assert_close(against.map, (-for_it.before_relu).relu())


def test_shares_and_the_strongest(net, x):
    steps = cam_steps.unroll(net, x, 249)
    totals = np.array([float(w) * a.mean().item() for w, a in zip(steps.weights, steps.activations, strict=True)])
    np.testing.assert_allclose(steps.totals, totals, atol=1e-6)
    np.testing.assert_allclose(steps.shares, np.abs(totals) / np.abs(totals).sum(), rtol=1e-4, atol=1e-8)
    assert set(steps.strongest(8)) == set(np.argsort(-np.abs(totals))[:8].tolist())
    assert float(steps.shares.sum()) == pytest.approx(1, abs=1e-4)


def test_pooling_and_a_linear_layer_make_alpha_the_weight(net, x):
    head = cam_steps.linear_head(net, cam_steps.unroll(net, x, 249), 249)
    assert head.holds and head.weight_error < 1e-4
    assert head.total + head.bias == pytest.approx(float(net(x)[0, 249]), rel=1e-4)
    pooled = small(nn.Sequential(*POOLED))
    batch = torch.randn(1, 1, 14, 14)
    steps = cam_steps.unroll(pooled, batch, 3)
    assert cam_steps.linear_head(pooled, steps, 3).holds
    for k in range(6):
        assert float(steps.weights[k]) == pytest.approx(float(pooled.network[1][2].weight[3, k]) / 100, rel=1e-4)


def test_no_claim_where_more_follows(net, x):
    assert cam_steps.linear_head(net, cam_steps.unroll(net, x, 249, "stage6.block1"), 249) is None
    flat = small(nn.Sequential(nn.Flatten(), nn.Linear(600, 4)))
    assert cam_steps.linear_head(flat, cam_steps.unroll(flat, torch.randn(1, 1, 14, 14), 0), 0) is None
    curved = small(nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(6, 4)))
    assert not cam_steps.linear_head(curved, cam_steps.unroll(curved, torch.randn(1, 1, 14, 14), 0), 0).holds


def test_maps_that_are_the_classes():
    net = small(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    steps = cam_steps.unroll(net, torch.randn(1, 1, 14, 14), 5)
    head = cam_steps.linear_head(net, steps, 5)
    assert head.holds and head.total == pytest.approx(head.score, rel=1e-4)


def test_stops_are_one_name_per_step(net):
    stops = model_layers.stops(net)
    assert stops[0] == "stem.relu" and stops[-1] == "head.relu" and len(stops) == 18
    assert model_layers.stops(small(nn.Sequential(*POOLED))) == ("0.1", "0.3")
    order = [layer.name for layer in net.layers]
    assert [order.index(name) for name in stops] == sorted(order.index(name) for name in stops)
    assert (
        model_layers.stops(
            models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), input_size=28, mean=[0.0], std=[1.0])
        )
        == ()
    )


def test_correlation():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 3, 5, 5))
    assert compare.correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert compare.correlation(a, -2 * a) == pytest.approx(-1)
    assert compare.correlation(a, np.zeros_like(a)) is None


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_zoom_box_has_the_most(factor):
    values = np.random.default_rng(factor).normal(size=(3, 12, 16))
    left, top, right, bottom = cam_figures.zoom_box(values, factor)
    high, wide = 12 // factor, 16 // factor
    assert (right - left, bottom - top) == (wide, high)
    sums = {
        (i, j): np.abs(values[:, i : i + high, j : j + wide]).sum()
        for i in range(12 - high + 1)
        for j in range(16 - wide + 1)
    }
    assert (top, left) == max(sums, key=sums.get)


def test_zoom_box_refuses_nonsense():
    with pytest.raises(ValueError, match="at least 1"):
        cam_figures.zoom_box(np.ones((4, 4)), 0)


def test_two_classes_colours_where_each_is():
    photo = Image.new("RGB", (20, 20), (200, 60, 60))
    first, second = np.array([[1.0, 0], [0, 1]]), np.array([[0, 2.0], [0, 2]])
    sheet = cam_figures.two_classes(photo, first, second, (1.0, 2.0), smooth=False, side=200)
    assert sheet.size == (200, 200)
    left, right, empty, both = (np.array(sheet.getpixel(p), int) for p in ((50, 50), (150, 50), (50, 150), (150, 150)))
    assert left[2] > left[0] + 50 and right[0] > right[2] + 50
    assert np.ptp(empty) == 0 and empty[0] == np.array(photo.convert("L"))[0, 0]
    assert (np.minimum(left, right) - 12 <= both).all() and (both <= np.maximum(left, right) + 12).all()
    shared = cam_figures.two_classes(photo, first, second, (2.0, 2.0), smooth=False, side=200)
    weaker = np.array(shared.getpixel((50, 50)), int)
    assert np.abs(weaker - empty).sum() < np.abs(left - empty).sum()
    assert shared.getpixel((150, 50)) == sheet.getpixel((150, 50))


def test_two_classes_without_evidence_leaves_the_photograph():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    sheet = cam_figures.two_classes(photo, np.zeros((7, 7)), np.zeros((7, 7)), (0.0, 0.0), side=64)
    np.testing.assert_array_equal(np.asarray(sheet), np.asarray(photo.convert("L").convert("RGB")))


def test_weight_bars_show_both_ends_and_name_their_units():
    weights, means = np.random.default_rng(0).normal(size=(2, 100))
    page = bar_figures.weight_bars(weights, means, count=5)
    shown = [int(k) for k in re.findall(r'title="unit (\d+):', page)]
    assert shown == [*np.argsort(-weights)[:5], *np.argsort(-weights)[-5:]]
    heights = [float(h) for h in re.findall(r"height:([\d.]+)%", page)]
    span = weights.max() - weights.min()
    np.testing.assert_allclose(heights, 100 * np.abs(weights[shown]) / span, atol=0.01)
    assert f"α {render.number(weights[shown[0]])}, mean of its map {render.number(means[shown[0]])}" in page
    assert bar_figures.weight_bars(weights[:8], means[:8], count=5).count("title=") == 8
    assert "nan" not in bar_figures.weight_bars(np.zeros(3), np.zeros(3))


def test_tiles_and_stages_draw_the_steps(net, x):
    steps = cam_steps.unroll(net, x, 249)
    chosen = steps.strongest(3)
    page = cam_figures.tiles(steps, chosen, 1.0)
    assert page.count("<img") == 3 and all(f"<b>{k}</b>" in page for k in chosen)
    assert render.number(float(steps.weights[chosen[0]])) in page
    signed, crisp, smooth = cam_figures.stages(steps, 70)
    np.testing.assert_allclose(signed[5::10, 5::10], steps.before_relu, rtol=1e-5)
    np.testing.assert_allclose(crisp[5::10, 5::10], steps.map, rtol=1e-5)
    np.testing.assert_allclose(smooth, cam.upsample(steps.map[None], (70, 70))[0], atol=1e-4)
