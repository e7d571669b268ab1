"""Statistics of maps against plain loops; the sheet of tiles holds every map in the order of its labels."""

import io

import numpy as np
import pytest
from PIL import Image

from vizcore import models
from vizcore.figures import bars as bar_figures
from vizcore.figures import render, sprites
from vizcore.figures import tables as tables_
from vizcore.inspection import activations
from vizcore.models import layers as model_layers


@pytest.fixture(scope="module")
def maps(lite0, photo):
    return activations.feature_maps(lite0, photo, "stage2.block1.depthwise.relu")


def test_statistics_as_in_a_loop():
    maps = np.random.default_rng(0).normal(size=(6, 4, 5)).clip(0).astype(np.float32)
    maps[2] = 0
    numbers = activations.statistics(maps)
    for k, one in enumerate(maps):
        cells = [float(v) for row in one for v in row]
        assert numbers.mean[k] == pytest.approx(sum(cells) / 20)
        assert numbers.max[k] == max(cells) and numbers.min[k] == min(cells)
        assert numbers.sparsity[k] == pytest.approx(sum(v == 0 for v in cells) / 20)
        assert numbers.dead[k] == (not any(cells))
    for by in ("mean", "max"):
        values = getattr(numbers, by)
        assert list(activations.order(numbers, by)) == sorted(range(6), key=lambda k: (-values[k], k))
    assert list(activations.order(numbers, "index")) == list(range(6))
    with pytest.raises(ValueError, match="sorted by"):
        activations.order(numbers, "colour")


def test_by_depth_agrees_with_each_layer(lite0, photo):
    names = [layer.name for layer in model_layers.map_layers(lite0) if layer.kind == "relu"][::8]
    for row in activations.by_depth(lite0, photo, names):
        maps = activations.feature_maps(lite0, photo, row.layer)
        numbers = activations.statistics(maps)
        assert (row.maps, row.side) == (len(maps), maps.shape[1])
        assert row.sparsity == pytest.approx(numbers.sparsity.mean())
        assert row.dead == pytest.approx(numbers.dead.mean())


def test_layers_without_maps_are_named(lite0, photo):
    with pytest.raises(ValueError, match="has no maps"):
        activations.feature_maps(
            lite0,
            photo,
            "classifier" if "classifier" in [layer.name for layer in lite0.layers] else lite0.layers[-1].name,
        )
    assert model_layers.map_layers(models.load("digits_linear")) == ()


@pytest.mark.parametrize("shared", [True, False])
def test_the_sheet_holds_all_maps_in_order(maps, shared):
    order = activations.order(activations.statistics(maps), "mean")
    sprite, layout = sprites.map_atlas(maps[order], shared)
    assert layout.count == len(maps) and layout.gap == 0
    read = Image.open(io.BytesIO(render.encode(sprite, "png"))).convert("RGB")
    for position in (0, 1, 40, len(maps) - 1):
        one = maps[order[position]]
        expected = render.colorize(one, vmax=maps.max() if shared else one.max())
        assert np.array_equal(np.asarray(read.crop(layout.box(position))), np.asarray(expected))


def test_large_maps_are_averaged_not_skipped():
    maps = np.zeros((1, 112, 112), np.float32)
    maps[0, 51, 51] = 1
    sprite, layout = sprites.map_atlas(maps, shared=False)
    assert layout.cell == 64 and len(np.unique(np.asarray(sprite))) > 1


@pytest.mark.parametrize("shape", [(1, 3, 3), (7, 5, 3), (1280, 7, 7), (10, 28, 28, 3)])
def test_atlas_keeps_every_pixel(shape):
    tiles = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    sprite, layout = sprites.atlas(tiles)
    side, (high, wide) = max(shape[1:3]), shape[1:3]
    for index in {0, shape[0] // 2, shape[0] - 1}:
        tile = np.asarray(sprite.crop(layout.box(index)))
        down, right = (side - high) // 2, (side - wide) // 2
        inside = tile[down : down + high, right : right + wide]
        assert np.array_equal(inside if len(shape) == 4 else inside[..., 0], tiles[index])


def test_poster_shows_every_kernel_crisply():
    tiles = np.random.default_rng(2).integers(0, 256, (5, 3, 7, 7), np.uint8)
    picture = sprites.poster(tiles, side=200)
    assert picture.width <= 200 and picture.width % 9 == 0
    factor = picture.width // (4 * 9)
    small = np.asarray(picture)[::factor, ::factor]
    assert np.array_equal(small[10:17, 1:8], tiles[4].transpose(1, 2, 0))  # the fifth: second row of four


def test_figures_name_their_numbers():
    column = bar_figures.Column(0.5, "conv<1>: 3 maps", True, 0.25)
    drawn = bar_figures.columns([column], "Sides", "112", ("in", "out"))
    assert "height:50.0%" in drawn and "conv&lt;1&gt;" in drawn and "<1>" not in drawn
    tables = tables_.kernel_tables(np.array([[[0.0, 1.0]]]), ["red"])
    assert "rgb(0,0,0)" in tables and "rgb(255,255,255)" in tables and "1.00" in tables
    assert "97.5 %" in bar_figures.bars(["a"], [0.975], 0)
    assert "&lt; 0.01 %" in bar_figures.bars(["a"], [1e-6])
