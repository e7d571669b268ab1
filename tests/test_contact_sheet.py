"""Contact sheets: which layers and units, drawing back in one go, and how alike the patches are."""

import io
import time

import numpy as np
import pytest
import random_networks
import torch
from PIL import Image
from torch import nn

from vizcore import models
from vizcore.content import programs
from vizcore.figures import bars as bar_figures
from vizcore.figures import contact_sheet
from vizcore.images import collection
from vizcore.images.collection import cut, open_collection
from vizcore.inspection import contact_sheet as strips
from vizcore.inspection import likeness, squares, top_patches, unit_gradients
from vizcore.models import layers as model_layers
from vizcore.models import partial

NETWORKS = ("mini_vgg", "efficientnet_lite0", "vgg11", "resnet18")


def network(name):
    return models.load(name) if name == "mini_vgg" else random_networks.network(name)


def few(net, count=10):
    found = open_collection(channels=net.channels)
    return found._replace(titles=found.titles[:count], digests=found.digests[:count])


@pytest.fixture(scope="module")
def mini():
    net = models.load("mini_vgg")
    pictures = few(net)
    return net, pictures, top_patches.build(net, pictures)


# Which layers.


def test_blocks_of_a_vgg_end_with_the_relu_before_each_pool(mini):
    net = mini[0]
    names = [layer.name for layer in net.layers]
    for vgg in (net, network("vgg11")):
        layers = list(vgg.layers)
        pools = [n for n, layer in enumerate(layers) if layer.kind == "pool" and layer.spatial][:5]
        expected = [next(layer.name for layer in layers[n::-1] if layer.kind == "relu") for n in pools]
        assert [layer.name for layer in model_layers.block_ends(vgg)] == expected
    assert {layer.name for layer in model_layers.candidates(net)} == {n for n in names if ".relu" in n}


@pytest.mark.parametrize("name", [*random_networks.NAMES, "digits_cnn"])
def test_every_network_with_maps_has_blocks(name):
    net = models.load(name) if name == "digits_cnn" else random_networks.network(name)
    ends = model_layers.block_ends(net)
    sides = [layer.out_shape[1] for layer in ends]
    assert len(ends) >= 2 and sides == sorted(sides, reverse=True)
    assert len(set(sides)) == len(sides) or [layer.name for layer in ends[1:]] == list(model_layers.joins(net))
    assert set(ends) <= set(model_layers.candidates(net))


def test_a_network_without_relus_or_without_maps():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.LazyLinear(3))
    plain(torch.zeros(1, 3, 20, 20))
    assert [layer.name for layer in model_layers.block_ends(models.wrap(plain, input_size=20))] == ["0", "2"]
    with pytest.raises(ValueError, match="no feature maps"):
        model_layers.candidates(models.load("digits_linear"))


# Which units.


def test_units_that_fire_most_by_a_slow_search(mini):
    net, pictures, index = mini
    layer = model_layers.block_ends(net)[1].name
    start = model_layers.before_relu(net, layer)
    x = torch.cat([net.preprocess(pictures.open(n)) for n in range(len(pictures.titles))])
    with torch.no_grad():
        best = partial.activation(net, x, start).flatten(2).amax(2).sort(0, descending=True).values[:9]
    assert top_patches.firing_most(net, index, layer, 5) == tuple(best.mean(0).topk(5).indices.tolist())
    on = top_patches.firing_on(net, x[3:4], [layer], 4)[layer]
    with torch.no_grad():
        levels = partial.activation(net, x[3:4], start)[0].flatten(1).amax(1)
    assert on == tuple(levels.topk(4).indices.tolist())


def test_random_units_are_reproducible_and_differ_between_seeds(mini):
    layer = model_layers.block_ends(mini[0])[-1]
    drawn = top_patches.at_random(layer, 8, 1)
    assert drawn == top_patches.at_random(layer, 8, 1) != top_patches.at_random(layer, 8, 2)
    assert len(set(drawn)) == 8 and max(drawn) < layer.out_shape[0]


# Back to the pixels.


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", ["deconvnet", "guided", None])
def test_drawing_back_together_equals_one_at_a_time(name, rule):
    # Lite0 takes ten times as long in float64. In float32 a ReLU that rounding opens in one of the two
    # ways changes a picture by up to 0.7 % (see test_methods_reference.py); another cell or rule changes nearly all.
    single = name == "efficientnet_lite0"
    net, tolerance = (network(name), 0.05) if single else (random_networks.double(name), 1e-10)
    pictures, generator = few(net, 3), np.random.default_rng(0)
    picks = []
    for layer in model_layers.block_ends(net):
        start = model_layers.before_relu(net, layer.name)
        for picture in (2, 0, 2):
            row, column = generator.integers(0, layer.out_shape[1:])
            unit = int(generator.integers(layer.out_shape[0]))
            picks.append(unit_gradients.Pick(start, unit, picture, (int(row), int(column))))
    shares = []
    found = dict(unit_gradients.draw_back(net, pictures, picks, rule, shares.append))
    assert sorted(found) == list(range(len(picks))) and shares[-1] == 1 and shares == sorted(shares)
    for n, pick in enumerate(picks):
        x = net.preprocess(pictures.open(pick.picture))
        alone = unit_gradients.gradient(net, x, pick.layer, pick.unit, pick.cell, rule).gradients[0]
        assert np.linalg.norm(found[n] - alone) <= tolerance * np.linalg.norm(alone), pick


def test_activations_of_several_layers_equal_the_whole_run():
    net = network("resnet18")
    names = [layer.name for layer in net.layers if layer.spatial][:20:3]
    x = random_networks.photographs(96, 80)
    _, acts = net.forward(x, capture=names)
    found = partial.activations(net, x, names)
    assert all(torch.equal(found[name], acts[name]) for name in names)
    with pytest.raises(ValueError, match="no layer called"):
        partial.activations(net, x, ["nothing"])


def test_cancelling_and_the_network_stays_as_it_was(mini):
    net, pictures, index = mini
    before = {k: v.clone() for k, v in net.network.state_dict().items()}
    hooks = [len(m._forward_hooks) for m in net.network.modules()]

    class Stop(Exception):
        pass

    def report(share):
        if share > 0.3:
            raise Stop

    layer = model_layers.block_ends(net)[2].name
    with pytest.raises(Stop):
        strips.gather(net, pictures, index, {layer: (0, 1)}, 4, "guided", report)
    assert hooks == [len(m._forward_hooks) for m in net.network.modules()]
    assert all(torch.equal(before[k], v) for k, v in net.network.state_dict().items())
    assert all(p.grad is None and not p.requires_grad for p in net.network.parameters()) and not net.network.training


# The sheet.


def test_sheet_holds_patches_left_and_drawings_right(mini):
    net, pictures, index = mini
    layer = model_layers.block_ends(net)[3]
    start = model_layers.before_relu(net, layer.name)
    sheet = contact_sheet.draw(strips.gather(net, pictures, index, {layer.name: (5, 2)}, 4, "guided")[layer.name], 4)
    assert sheet.units == (5, 2) and sheet.columns == 2 and sheet.rows == 2 and -1 <= sheet.alike <= 1
    sprite, first = (np.asarray(Image.open(io.BytesIO(data)), float) for data in (sheet.sprite, sheet.first))
    side = sheet.side
    assert sprite.shape == (2 * 2 * side, 4 * side, 3)
    assert first.shape == (contact_sheet.FIRST, 4 * contact_sheet.FIRST, 3)
    for row, unit in enumerate(sheet.units):
        assert sheet.hits[row] == index.top(net, start, unit, 4)
        assert sheet.titles[row] == tuple(pictures.titles[hit.picture] for hit in sheet.hits[row])
        hit = sheet.hits[row][3]  # the last patch of the unit: second row, second column of its band
        box = top_patches.patch_box(net, layer, hit.cell)
        patch = cut(net.crop(pictures.open(hit.picture)), box).resize((side, side), Image.BICUBIC)
        tile = sprite[(2 * row + 1) * side : (2 * row + 2) * side, side : 2 * side]
        assert np.abs(tile - np.asarray(patch, float)).mean() < 6  # JPEG
    drawing = sprite[:side, 2 * side : 3 * side]
    assert abs(np.median(drawing) - 128) < 4 and drawing.std() > 3  # grey is zero


def test_a_deconvnet_without_max_pooling_draws_all_patches_alike(lite0):
    pictures = few(lite0, 4)
    index = top_patches.build(lite0, pictures)
    layer = model_layers.block_ends(lite0)[2].name
    units = top_patches.firing_most(lite0, index, layer, 2)
    alike = {
        rule: strips.gather(lite0, pictures, index, {layer: units}, 4, rule)[layer].alike
        for rule in ("deconvnet", "guided")
    }
    assert alike["deconvnet"] > 0.95 > 0.6 > alike["guided"]


# In numbers.


def test_likeness_by_hand(mini):
    net, pictures, index = mini
    layers = model_layers.block_ends(net)[:2]
    found = likeness.likeness(net, pictures, index, [layer.name for layer in layers])
    kinds = likeness.kinds(net, pictures)
    pairs = [(a, b) for a in range(len(kinds)) for b in range(a)]
    for layer in layers:
        row, channels = found[layer.name], layer.out_shape[0]
        assert row.kind_chance == pytest.approx(np.mean([kinds[a] == kinds[b] for a, b in pairs]))
        units = np.random.default_rng(0).permutation(channels)[: likeness.SAMPLE]
        assert row.units == len(units)
        pixels, same = [], []
        for unit in units:
            hits = index.top(net, model_layers.before_relu(net, layer.name), int(unit))
            patches = []
            for hit in hits:
                box = top_patches.patch_box(net, layer, hit.cell)
                patch = cut(net.crop(pictures.open(hit.picture)), box).convert("RGB")
                patches.append(np.asarray(patch.resize((8, 8), Image.Resampling.BOX), float).ravel())
            ours = [(a, b) for a in range(len(hits)) for b in range(a)]
            pixels.append(np.mean([_correlation(patches[a], patches[b]) for a, b in ours]))
            same.append(np.mean([kinds[hits[a].picture] == kinds[hits[b].picture] for a, b in ours]))
        assert row.pixels == pytest.approx(np.mean(pixels), abs=1e-4)
        assert row.kind == pytest.approx(np.mean(same))
        assert -1 <= row.pixels_chance <= 1


def _correlation(a, b):
    return np.corrcoef(a, b)[0, 1] if a.std() and b.std() else 0.0


def test_kinds_of_digits_and_of_the_gallery(mini):
    digits = models.load("digits_cnn")
    assert likeness.kinds(digits, few(digits))[0].startswith("digit ")
    assert all(likeness.kinds(mini[0], open_collection(channels=mini[0].channels)))


def test_numbers_escape_and_stay_inside():
    row = likeness.Likeness(-0.2, 0.1, 0.5, 0.25, 4)
    page = bar_figures.likeness_bars([("<b>", "3 px", row, 1.4, float("nan"))])
    assert "&lt;b&gt;" in page and "width:0.0%" in page and "width:100.0%" in page and "left:25.0%" in page


@pytest.mark.parametrize(("name", "rule"), [("mini_vgg", "deconvnet"), ("mini_vgg", "guided"), ("digits_cnn", None)])
def test_program_that_is_shown_gives_the_same_drawings(name, rule, monkeypatch):
    net = models.load(name)
    pictures = few(net)
    monkeypatch.setattr(collection, "open_collection", lambda name="gallery", channels=3: pictures)
    layer = model_layers.block_ends(net)[1].name
    start = model_layers.before_relu(net, layer)
    scope = {}
    exec(programs.drawn_back(name, start, 3, rule, 4), scope)
    picks = [unit_gradients.Pick(start, 3, hit.picture, hit.cell) for hit in scope["hits"]]
    found = dict(unit_gradients.draw_back(net, pictures, picks, rule))
    assert len(scope["result"]) == 4
    for n, hit in enumerate(scope["hits"]):
        top, left, bottom, right = top_patches.patch_box(net, net.layer(start), hit.cell)
        expected = found[n][:, max(top, 0) : bottom, max(left, 0) : right]
        assert np.abs(scope["result"][n].numpy() - expected).max() <= 1e-5 * max(1.0, np.abs(expected).max())


# Squares.


@pytest.mark.parametrize("name", ["squeezenet1_1", "efficientnet_lite0", "mini_vgg", "digits_cnn"])
def test_a_prepared_picture_is_the_preprocessed_one(name):
    net = models.load(name)
    pictures = open_collection(channels=net.channels)
    for number in (0, 2, 5, 9):
        expected = net.preprocess(pictures.open(number))
        for _ in range(2):  # made, and kept
            assert torch.equal(squares.prepared(net, pictures, number), expected)


def test_squares_are_kept_up_to_a_number(monkeypatch):
    net, made = models.load("digits_cnn"), []
    pictures = open_collection(channels=1)
    monkeypatch.setattr(squares, "KEPT", 3)
    monkeypatch.setattr(squares, "_kept", {})
    counted = pictures._replace(open=lambda n: made.append(n) or pictures.open(n))
    for number in (0, 1, 2, 0, 3, 0):
        squares.square(net, counted, number)
    assert made == [0, 1, 2, 3, 0] and len(squares._kept) == 3  # 3 put the oldest out


def test_work_side_by_side_comes_in_order_and_stops_with_its_reader():
    begun = []

    def work(n: int) -> int:
        begun.append(n)
        time.sleep(0.01)
        return 2 * n

    assert list(squares.in_order(work, range(20))) == list(range(0, 40, 2))
    begun.clear()
    results = squares.in_order(work, range(1000))
    assert next(results) == 0
    results.close()
    time.sleep(0.1)
    assert len(begun) < 100
