"""Single cells and units: effective fields, best patches, preferred inputs, the classes a unit feeds."""

import threading
import time

import numpy as np
import pytest
import random_networks
import torch
from PIL import Image
from torch import nn

from vizcore import models
from vizcore.figures import charts
from vizcore.figures import patches as patch_figures
from vizcore.images import collection
from vizcore.inspection import effective_field, preferred, top_patches, unit_classes, unit_gradients
from vizcore.models import layers as model_layers
from vizcore.models import partial


class Branches(nn.Module):
    """Padding, stride, pooling, a shortcut, and one ReLU module used twice."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 5, stride=2, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.deep = nn.Conv2d(6, 6, 3, padding=2, dilation=2)
        self.block = nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.Dropout())
        self.average, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.linear = nn.Linear(8, 5)

    def forward(self, x):
        x = self.pool(self.relu(self.stem(x)))
        x = self.relu(x + self.deep(x))
        return self.linear(self.flatten(self.average(self.block(x))))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(3)
    return models.wrap(Branches(), input_size=33)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 256, (33, 33, 3), dtype=np.uint8)) for _ in range(14)]
    return collection.Collection(
        tuple(f"noise {n}" for n in range(14)), tuple(str(n) for n in range(14)), lambda n: images[n]
    )


def batch(net, count=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, net.channels, net.input_size, net.input_size, generator=generator)


# Running only as far as a layer.


def test_partial_run_equals_the_whole_run(net):
    x = batch(net)
    names = [layer.name for layer in net.layers]
    _, acts = net.forward(x, capture=names)
    for name in names:
        assert torch.equal(partial.activation(net, x, name), acts[name]), name
    assert net.layer("relu").calls == 2


def test_partial_run_takes_other_sizes(net):
    assert partial.activation(net, torch.zeros(1, 3, 65, 65), "pool").shape[-1] > net.layer("pool").out_shape[-1]
    with pytest.raises(ValueError, match="no layer called"):
        partial.activation(net, batch(net), "nothing")


@pytest.mark.parametrize("name", random_networks.NAMES)
def test_going_on_from_a_layer_equals_a_network_with_that_layer_replaced(name):
    """At some thirty layers, inside residuals and concatenations too: another output, and the layer's own."""
    net, x = random_networks.double(name), random_networks.photographs(48, 64)[:1].double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        wanted, acts = net.forward(x, capture=[layer.name for layer in net.layers])
    for layer in net.layers[:: max(2, len(net.layers) // 30)]:
        own = acts[layer.name]
        other = own + 0.1 * torch.randn(own.shape, generator=generator, dtype=own.dtype)
        found = partial.logits_with(net, x, layer.name, torch.cat([own, other, own]))
        assert torch.allclose(found[[0, 2]], wanted.expand(2, -1), rtol=1e-9, atol=1e-9), layer.name
        module = random_networks.plain(net)
        calls, here = layer.calls, []

        def swap(module, inputs, output, here=here, calls=calls, other=other):
            here.append(0)
            return other.clone() if len(here) == calls else output

        module.get_submodule(layer.name).register_forward_hook(swap)
        with torch.no_grad():
            assert torch.allclose(found[1:2], module(x), rtol=1e-9, atol=1e-9), layer.name
    with pytest.raises(ValueError, match="has no layer called"):
        partial.logits_with(net, x, "nowhere", torch.zeros(1, 2))


# Effective receptive fields.


@pytest.mark.parametrize("corner", [(0, 0), (0.5, 0.5), (1, 1)])
def test_effective_field_lies_in_the_theoretical_one(net, corner):
    layers = [layer for layer in net.layers if layer.spatial]
    assert len(layers) >= 6
    for layer in layers:
        cell = tuple(int(share * (side - 1)) for share, side in zip(corner, layer.out_shape[1:], strict=True))
        field = effective_field.effective_field(net, batch(net), layer.name, cell)
        top, left, bottom, right = effective_field.clipped(layer.receptive_field.box(*cell), 33, 33)
        assert field[top:bottom, left:right].sum() == pytest.approx(field.sum()) and field.sum() > 0, layer.name
        assert (field >= 0).all() and field.shape == (33, 33)


def test_effective_field_of_every_digit_layer():
    digits = models.load("digits_cnn")
    for layer in digits.layers:
        if layer.spatial:
            cell = layer.out_shape[1] // 2, layer.out_shape[2] // 2
            field = effective_field.effective_field(digits, batch(digits), layer.name, cell)
            top, left, bottom, right = effective_field.clipped(layer.receptive_field.box(*cell), 28, 28)
            field[top:bottom, left:right] = 0
            assert not field.any(), layer.name


def test_effective_field_by_finite_differences(net):
    x, cell, layer = batch(net, 2), (2, 3), "deep"
    field = effective_field.effective_field(net, x, layer, cell, unit=1)
    found = np.zeros_like(field)
    with torch.no_grad():
        for row in range(8, 14):
            for column in range(8, 14):
                for channel in range(3):
                    for number in range(2):
                        up, down = x[number : number + 1].clone(), x[number : number + 1].clone()
                        up[0, channel, row, column] += 1e-2
                        down[0, channel, row, column] -= 1e-2
                        change = (partial.activation(net, up, layer) - partial.activation(net, down, layer))[0, 1, 2, 3]
                        found[row, column] += abs(float(change)) / 2e-2 / 2
    assert np.median(np.abs(found - field)[8:14, 8:14]) < 1e-3


def test_effective_field_refuses_what_is_not_there(net):
    for layer, cell, unit in (("stem", (99, 0), None), ("stem", (0, 0), 6), ("linear", (0, 0), None)):
        with pytest.raises(ValueError):
            effective_field.effective_field(net, batch(net), layer, cell, unit)


def test_mass_box_is_the_smallest_square_with_the_share():
    rows, columns = np.mgrid[:41, :41]
    field = np.exp(-((rows - 12.0) ** 2 + (columns - 25.0) ** 2) / 18).astype(np.float32)
    for share in (0.5, 0.9, 1.0):
        top, left, bottom, right = effective_field.mass_box(field, share)
        assert field[top:bottom, left:right].sum() >= share * field.sum() * (1 - 1e-5)
        smaller = field[top + 1 : bottom - 1, left + 1 : right - 1]
        assert share == 1.0 or smaller.sum() < share * field.sum()
    point = np.zeros((9, 9), np.float32)
    point[4, 7] = 2
    assert effective_field.mass_box(point) == (4, 7, 5, 8)
    assert effective_field.mass_box(point * 0) is None


def test_clipped_box_stays_in_the_picture():
    assert effective_field.clipped((-5, 3, 40, 9), 33, 33) == (0, 3, 33, 9)
    top, _, bottom, _ = effective_field.clipped((50, 0, 60, 5), 33, 33)
    assert top == bottom


# Best patches.


def brute_force(net, pictures, layer, count=top_patches.COUNT):
    """For each unit the (value, picture, cell) of its best pictures, from whole forward passes."""
    rows = []
    for number in range(len(pictures.titles)):
        with torch.no_grad():
            maps = net.forward(net.preprocess(pictures.open(number)), capture=[layer])[1][layer][0].numpy()
        rows.append([(m.max(), number, tuple(int(v) for v in np.unravel_index(m.argmax(), m.shape))) for m in maps])
    return [sorted(best, key=lambda hit: (-hit[0], hit[1]))[:count] for best in zip(*rows, strict=True)]


def test_index_equals_brute_force(net, pictures):
    index = top_patches.build(net, pictures)
    for layer in net.layers:
        if len(layer.out_shape) != 3:
            continue
        for unit, expected in enumerate(brute_force(net, pictures, layer.name)):
            hits = index.top(net, layer.name, unit)
            assert [hit.picture for hit in hits] == [p for _, p, _ in expected], (layer.name, unit)
            assert [hit.cell for hit in hits] == [c for _, _, c in expected]
            assert [hit.value for hit in hits] == pytest.approx([v for v, _, _ in expected], rel=1e-4)


def test_look_up_takes_less_than_50_ms(net, pictures):
    index = top_patches.build(net, pictures)
    seconds = []
    for unit in range(8):
        start = time.perf_counter()
        index.top(net, "block", unit)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.05  # the others may have waited for another process


def test_layers_that_are_one_tensor_share_a_ranking(net):
    same = model_layers.same_outputs(net)
    assert same["block"] == same["block.2"] == same["block.1"] == "block.1"
    assert same["pool"] == "pool" and same["relu"] == "relu"


def test_few_pictures_leave_no_empty_hits(net, pictures):
    few = pictures._replace(titles=pictures.titles[:3], digests=pictures.digests[:3])
    shares = []
    index = top_patches.build(net, few, progress=shares.append)
    assert len(index.top(net, "stem", 0)) == 3 and shares == pytest.approx([1 / 3, 2 / 3, 1])
    for layer, unit in (("stem", 6), ("linear", 0), ("nothing", 0)):
        with pytest.raises(ValueError):
            index.top(net, layer, unit)


def same(one, other):
    return all(
        np.array_equal(a, b)
        for name in one.rankings
        for a, b in zip(one.rankings[name], other.rankings[name], strict=True)
    )


def test_copy_on_disk_is_used_replaced_when_damaged_and_not_needed(net, pictures, tmp_path, monkeypatch):
    built = []
    build = top_patches.build

    def counted(*args, **kwargs):
        built.append(1)
        return build(*args, **kwargs)

    monkeypatch.setattr(top_patches, "build", counted)
    monkeypatch.setenv("VIZ_CACHE_DIR", str(tmp_path / "made"))
    first = top_patches.load_or_build(net, pictures)
    second = top_patches.load_or_build(net, pictures)
    assert len(built) == 1 and same(first, second)
    (file,) = (tmp_path / "made").iterdir()
    whole = file.read_bytes()
    middle = len(whole) // 2
    for damage in (b"", b"not a zip", whole[:middle], whole[:middle] + b"\xff" * 64 + whole[middle + 64 :]):
        file.write_bytes(damage)
        count = len(built)
        assert same(first, top_patches.load_or_build(net, pictures))
        assert len(built) == count + 1 and file.read_bytes() == whole
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    assert same(first, top_patches.load_or_build(net, pictures, folder=blocked / "cache"))


def test_identity_follows_weights_and_pictures(net, pictures):
    torch.manual_seed(4)
    other = models.wrap(Branches(), input_size=33)
    fewer = pictures._replace(digests=pictures.digests[:-1])
    names = {top_patches.identity(n, p) for n in (net, other) for p in (pictures, fewer)}
    assert len(names) == 4 and top_patches.identity(net, pictures) in names


def test_many_threads_get_one_and_the_same_index(net, pictures, tmp_path):
    expected = top_patches.build(net, pictures)
    found = [None] * 8

    def work(number):
        found[number] = top_patches.load_or_build(net, pictures, folder=tmp_path)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same(expected, index) for index in found)
    assert [file.suffix for file in tmp_path.iterdir()] == [".npz"]


def test_patch_boxes(lite0):
    stem, head = lite0.layer("stem.conv"), lite0.layer("head.relu")
    assert top_patches.patch_box(lite0, stem, (3, 4)) == stem.receptive_field.box(3, 4)
    for cell in ((0, 0), (3, 3), (6, 6)):
        top, left, bottom, right = top_patches.patch_box(lite0, head, cell)
        assert bottom - top == right - left == 112 and min(top, left) >= 0 and max(bottom, right) <= 224
        middle = (cell[0] + 0.5) * 32
        assert top <= middle <= bottom
    picture = Image.new("RGB", (10, 10), (9, 9, 9))
    patch = np.asarray(collection.cut(picture, (-2, 7, 4, 13)))
    assert patch.shape == (6, 6, 3) and (patch[2:, :3] == 9).all() and (patch[:2] == 128).all()


# Preferred inputs.


def test_ascent_raises_random_units_at_least_five_times_over_noise(lite0):
    rng = np.random.default_rng(0)
    for layer, count in (("head.relu", 10), ("stage3.block2", 10)):
        units = rng.choice(lite0.layer(layer).out_shape[0], count, replace=False).tolist()
        found = preferred.synthesize(lite0, layer, units, steps=40, size=96)
        assert found.images.shape == (count, 96, 96, 3) and found.trace.shape == (40, count)
        assert (found.activation >= 5 * np.maximum(found.noise, 1e-3)).all(), (layer, found)


def test_ascent_is_seeded_reports_and_can_be_cancelled(net):
    state = torch.random.get_rng_state()
    first, second, third = (
        preferred.synthesize(net, "deep", [0, 2], steps=4, seed=seed, variation=0.1) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.images, second.images) and not np.array_equal(first.images, third.images)
    assert torch.equal(state, torch.random.get_rng_state())
    shares = []

    def report(share):
        shares.append(share)
        if share >= 0.5:
            raise preferred.Cancelled

    with pytest.raises(preferred.Cancelled):
        preferred.synthesize(net, "deep", [0], steps=4, progress=report)
    assert shares == [0.25, 0.5]
    with pytest.raises(ValueError, match="units 0 to 5"):
        preferred.synthesize(net, "deep", [6])


def test_ascent_of_grey_digits():
    digits = models.load("digits_cnn")
    found = preferred.synthesize(digits, "linear", [3], steps=8)
    assert found.images.shape == (1, 28, 28, 1) and found.activation[0] > found.noise[0]
    assert patch_figures.pixels(found.images[0]).mode == "RGB"


# The classes it feeds.


def test_contributions_are_weight_times_mean_behind_the_last_maps(net):
    x = batch(net)
    _, acts = net.forward(x, capture=["block.1"])
    for unit in range(8):
        expected = net.network.linear.weight[:, unit] * acts["block.1"][:, unit].mean()
        assert torch.allclose(unit_classes.contributions(net, x, "block.1", unit), expected, atol=1e-6)
    readout = model_layers.readout(net)
    assert readout.layer == net.cam_layer and readout.weights.shape == (5, 8)


def test_contributions_equal_one_gradient_per_class(net):
    x = batch(net)
    for unit in (0, 4):
        logits, acts = net.forward(x, capture=["deep"], cut="deep")
        expected = [
            (torch.autograd.grad(logits[:, k].sum(), acts["deep"], retain_graph=True)[0] * acts["deep"])[:, unit]
            .sum()
            .item()
            / len(x)
            for k in range(5)
        ]
        assert unit_classes.contributions(net, x, "deep", unit).tolist() == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError):
        unit_classes.contributions(net, x, "deep", 6)
    assert model_layers.readout(models.load("digits_cnn")) is None


def test_lite0_reads_out_its_head(lite0):
    assert model_layers.readout(lite0).layer == "head.relu"


# Figures.


def test_tiles_and_gradient_patches_keep_their_place():
    wide = Image.new("RGB", (20, 10), (200, 0, 0))
    sheet = patch_figures.tiles([wide], 40)
    assert (sheet[0, 10:30] == (200, 0, 0)).all() and (sheet[0, :10] == 128).all()
    gradient = np.zeros((1, 3, 8, 8), np.float32)
    gradient[0, 0, 2, 3] = 5
    (patch,) = patch_figures.gradient_patches(gradient, [(-1, 0, 5, 6)])
    pixels = np.asarray(patch)
    assert patch.size == (6, 6) and pixels[3, 3, 0] == 255 and (pixels[0] == 128).all()


def test_depth_chart_shows_map_side_and_field(lite0):
    layers = model_layers.map_layers(lite0)
    figure = charts.depth_chart(lite0, layers, "head.relu")
    sides, fields = figure.data[0], next(t for t in figure.data if t.name and "receptive" in t.name)
    assert sides.y[0] == 112 and sides.y[-1] == 7 and fields.y[-1] == 851


def test_a_cell_is_counted_in_the_maps_of_this_very_picture():
    """A wide picture has wider maps than the network's own size; a cell outside them is a sentence."""
    net, x = random_networks.network("resnet18"), random_networks.photographs(64, 160)[:1]
    maps = partial.activation(net, x.requires_grad_(), "layer2")
    expected = torch.autograd.grad(maps[0, 3, 5, 17], x)[0]
    found = unit_gradients.gradient(net, x, "layer2", 3, (5, 17)).gradients
    assert torch.equal(torch.from_numpy(found), expected)
    with pytest.raises(ValueError, match="layer2 has 8 x 20 cells; there is none at row 5, column 20"):
        unit_gradients.gradient(net, x, "layer2", 3, (5, 20))
