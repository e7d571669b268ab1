"""Pictures of numbers: exact colours, honest scales, layouts that find a map again."""

import base64
import io
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from torch.nn.functional import interpolate

from vizcore.figures import render, sprites

RNG = np.random.default_rng(3)
MAP = RNG.standard_normal((7, 9)).astype(np.float32)
PHOTO = Image.fromarray(RNG.integers(0, 256, (56, 72, 3), dtype=np.uint8))
CENTRE = render.DIVERGING[render.ZERO]


def pixels(image):
    return np.asarray(image).astype(int)


# The colour maps.


@pytest.mark.parametrize("table", [render.HEAT, render.DIVERGING])
def test_tables_are_256_read_only_colours_that_leave_room_for_a_background(table):
    assert table.shape == (256, 3) and table.dtype == np.uint8 and not table.flags.writeable
    assert len(np.unique(table, axis=0)) == 255


def test_lab_against_known_colours():
    known = {
        (255, 255, 255): (100, 0, 0),
        (0, 0, 0): (0, 0, 0),
        (255, 0, 0): (53.24, 80.09, 67.20),
        (0, 0, 255): (32.30, 79.19, -107.86),
        (119, 119, 119): (50.03, 0, 0),
    }
    assert np.allclose(render.rgb_to_lab(list(known)), list(known.values()), atol=0.02)


def test_heat_lightness_rises_evenly_from_black_to_near_white():
    lightness = render.rgb_to_lab(render.HEAT)[:, 0]
    assert lightness[0] < 1 and lightness[-1] > 97
    assert (np.diff(lightness[1:]) > 0).all()
    even = np.linspace(lightness[0], lightness[-1], 256)
    assert np.abs(lightness - even).max() < 6


def test_diverging_is_symmetric_in_lightness_about_a_light_neutral_centre():
    lab = render.rgb_to_lab(render.DIVERGING[1:])
    assert np.abs(lab[:127, 0] - lab[128:, 0][::-1]).max() < 0.6
    assert (np.diff(lab[127:, 0]) < 0).all()
    assert CENTRE.min() == CENTRE.max() > 235
    assert render.DIVERGING[1][2] > 2 * render.DIVERGING[1][0]  # blue end
    assert render.DIVERGING[255][0] > 5 * render.DIVERGING[255][2]  # red end


def test_no_colour_is_clipped_to_the_gamut():
    wanted = np.array([render._CENTRE, *render._BLUES, *render._REDS])
    assert np.allclose(render.rgb_to_lab(render._lab_to_rgb(wanted)), wanted, atol=1e-6)


def test_signs_stay_apart_for_colour_blind_readers():
    """Ends of the signed map after Vienot's (1999) simulation of protanopia and deuteranopia."""
    for rows in ([0.11238, 0.88762, 0], [0.29275, 0.70725, 0]):
        linear = (render.DIVERGING[[30, 225]] / 255.0) ** 2.2
        red_green = linear @ np.array(rows)
        seen = 255 * np.stack([red_green, red_green, linear[:, 2]], -1) ** (1 / 2.2)
        assert np.linalg.norm(np.diff(render.rgb_to_lab(seen), axis=0)) > 40


# Limits.


def test_limits_keep_the_raw_scale():
    assert render.limits(MAP, signed=True) == (-np.abs(MAP).max(), np.abs(MAP).max())
    assert render.limits(MAP, signed=False) == (0.0, MAP.max())
    assert render.limits([[1e-8, 3e-8]], signed=False)[1] == pytest.approx(3e-8)
    assert render.limits(MAP, True, clip=90)[1] == pytest.approx(np.percentile(np.abs(MAP), 90))


@pytest.mark.parametrize("values", [np.zeros((3, 3)), -np.ones((3, 3)), np.full((2, 2), -0.0)])
def test_nothing_positive_gives_a_harmless_scale(values):
    assert render.limits(values, signed=False) == (0.0, 1.0)


def test_a_percentile_of_zero_falls_back_to_the_maximum():
    sparse = np.zeros((20, 20))
    sparse[4, 4] = 5
    assert render.limits(sparse, False, clip=99) == (0.0, 5.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    broken = np.ones((3, 3))
    broken[1, 1] = bad
    for draw in (
        lambda: render.limits(broken, False),
        lambda: render.colorize(broken),
        lambda: sprites.sprite(broken[None]),
        lambda: render.overlay(PHOTO, broken),
        lambda: render.gradient_image(np.stack([broken] * 3)),
    ):
        with pytest.raises(ValueError, match="not finite"):
            draw()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"\(H, W\), got \(3, 2, 2\)"):
        render.colorize(np.ones((3, 2, 2)))
    with pytest.raises(ValueError, match=r"\(3, H, W\), got \(2, 2\)"):
        render.gradient_image(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"\(K, H, W\), got \(2, 2\)"):
        sprites.sprite(np.ones((2, 2)))
    with pytest.raises(ValueError, match="no values"):
        render.colorize(np.ones((0, 3)))
    with pytest.raises(ValueError, match="vmax"):
        render.colorize(MAP, vmax=-1)
    with pytest.raises(ValueError, match="percentile"):
        render.limits(MAP, True, clip=0)
    with pytest.raises(ValueError, match="opacity"):
        render.overlay(PHOTO, MAP, opacity=50)
    with pytest.raises(ValueError, match="kind"):
        render.encode(PHOTO, "gif")


# One map.


def test_colorize_is_an_exact_look_up():
    ramp = np.arange(256, dtype=np.float32).reshape(16, 16) / 1000
    image = render.colorize(ramp)
    assert image.mode == "RGB" and image.size == (16, 16)
    assert (pixels(image) == render.HEAT.reshape(16, 16, 3)).all()
    signed = (np.arange(255) - 127.0).reshape(15, 17) / 1000
    assert (pixels(render.colorize(signed, signed=True)) == render.DIVERGING[1:].reshape(15, 17, 3)).all()


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (4, 5), elements=st.floats(-(2.0**100), 2.0**100, width=32)), st.booleans())
def test_zero_is_always_the_zero_colour(values, signed):
    values[1, 2] = 0
    expected = CENTRE if signed else render.HEAT[0]
    assert (pixels(render.colorize(values, signed))[1, 2] == expected).all()


def test_given_vmax_is_used_as_it_is():
    faint = np.full((2, 2), 0.01)
    assert (pixels(render.colorize(faint, vmax=1.0)) == render.HEAT[3]).all()
    assert (pixels(render.colorize(faint)) == render.HEAT[255]).all()
    assert (pixels(render.colorize(faint, vmax=0)) == render.HEAT[0]).all()


@pytest.mark.parametrize("signed", [False, True])
def test_an_all_zero_map_is_plain_zero(signed):
    zero = CENTRE if signed else render.HEAT[0]
    assert (pixels(render.colorize(np.zeros((5, 6)), signed)) == zero).all()
    assert (pixels(sprites.sprite(np.zeros((1, 5, 5)), signed=signed)[0]) == zero).all()
    assert (pixels(render.gradient_image(np.zeros((3, 4, 4)))) == 128).all()
    assert (pixels(render.overlay(PHOTO, np.zeros((2, 2)), 1.0, signed)) == zero).all()


def test_a_constant_map_keeps_its_value():
    assert (pixels(render.colorize(np.full((3, 3), 2.5))) == render.HEAT[255]).all()
    assert (pixels(render.colorize(np.full((3, 3), -2.5), signed=True)) == render.DIVERGING[1]).all()


def test_a_negative_map_drawn_unsigned_is_plain_zero():
    assert (pixels(render.colorize(-np.ones((3, 3)))) == render.HEAT[0]).all()
    mixed = np.array([[-5.0, 0, 1]])
    assert (pixels(render.colorize(mixed))[0] == render.HEAT[[0, 0, 255]]).all()


def test_tiny_and_huge_values_are_drawn():
    for scale in (1e-40, 1e-30, 1e30):
        drawn = pixels(render.colorize(np.array([[0, scale / 2, scale]])))[0]
        assert (drawn == render.HEAT[[0, 128, 255]]).all()


def test_the_arguments_are_left_alone():
    values, photo = MAP.copy(), PHOTO.copy()
    render.overlay(photo, values, signed=True)
    render.colorize(values)
    assert (values == MAP).all() and photo.tobytes() == PHOTO.tobytes()


def test_gradient_image():
    values = RNG.standard_normal((3, 8, 9))
    values[:, 0, 0] = 0
    image = pixels(render.gradient_image(values, clip=100))
    assert image.shape == (8, 9, 3) and (image[0, 0] == 128).all()
    expected = np.rint(128 + 127 * np.moveaxis(values, 0, -1) / np.abs(values).max())
    assert np.abs(image - expected).max() <= 1
    assert (pixels(render.gradient_image(-values, clip=100)) + image == 256).all()
    assert np.ptp(pixels(render.gradient_image(values, vmax=100.0))) < 20


# Enlarging and overlays.


@pytest.mark.parametrize(
    ("shape", "size"),
    [((7, 7), (224, 224)), ((7, 9), (72, 56)), ((3, 5), (50, 41)), ((1, 1), (8, 8)), ((14, 14), (14, 14))],
)
def test_smooth_enlarging_is_torch_bilinear_with_half_pixel_centres(shape, size):
    values = RNG.standard_normal(shape).astype(np.float32)
    expected = interpolate(torch.tensor(values)[None, None], size[::-1], mode="bilinear", align_corners=False)
    assert np.abs(render.enlarge(values, size, smooth=True) - expected[0, 0].numpy()).max() < 1e-5
    if size[0] == size[1] and shape[0] == shape[1]:
        weights = sprites._weights(shape[0], size[0])
        assert np.abs(weights @ values @ weights.T - expected[0, 0].numpy()).max() < 1e-5


def test_crisp_enlarging_repeats_cells():
    assert (render.enlarge(MAP, (27, 21), smooth=False) == MAP.repeat(3, 0).repeat(3, 1)).all()
    image = render.colorize(MAP)
    large = pixels(render.enlarge(image, (27, 21), smooth=False))
    assert (large == pixels(image).repeat(3, 0).repeat(3, 1)).all()


def test_overlay_numbers():
    heat = pixels(render.colorize(render.enlarge(MAP, PHOTO.size, smooth=True), vmax=MAP.max()))
    for opacity in (0.0, 0.3, 1.0):
        expected = (1 - opacity) * pixels(PHOTO) + opacity * heat
        assert np.abs(pixels(render.overlay(PHOTO, MAP, opacity)) - expected).max() <= 1


def test_overlay_takes_any_photograph_mode_and_a_shared_scale():
    assert render.overlay(PHOTO.convert("L"), MAP).mode == "RGB"
    half = render.overlay(PHOTO, np.full((2, 2), 0.5), opacity=1.0, vmax=1.0)
    assert (pixels(half) == render.HEAT[128]).all()


# Sprites.


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (3, 2), (8, 4), (32, 8), (64, 8), (96, 16), (512, 32)])
def test_default_columns(count, columns):
    image, layout = sprites.sprite(np.ones((count, 2, 2)), cell=4, gap=2)
    assert layout.columns == columns and layout.rows == -(-count // columns)
    assert image.size == (layout.columns * 6 - 2, layout.rows * 6 - 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 8), st.integers(1, 9), st.integers(0, 5))
def test_layout_finds_every_map_again(count, columns, cell, gap):
    image, layout = sprites.sprite(np.ones((count, 3, 3)), columns, cell, gap)
    owner = np.full(image.size[::-1], -1)
    for index in range(count):
        left, top, right, bottom = layout.box(index)
        assert (owner[top:bottom, left:right] == -1).all()
        owner[top:bottom, left:right] = index
    assert (np.bincount(owner[owner >= 0], minlength=count) == cell * cell).all()
    with pytest.raises(IndexError):
        layout.box(count)


@pytest.mark.parametrize("signed", [False, True])
def test_each_cell_is_its_own_map(signed):
    maps = RNG.standard_normal((10, 8, 8)) * np.arange(1, 11)[:, None, None]
    alone, layout = sprites.sprite(maps, columns=4, cell=16, signed=signed, background=(1, 2, 3))
    together, _ = sprites.sprite(maps, columns=4, cell=16, signed=signed, shared=True)
    given_scale, _ = sprites.sprite(maps, columns=4, cell=16, signed=signed, vmax=40.0)
    for index, values in enumerate(maps):
        for image, vmax in ((alone, None), (together, render.limits(maps, signed)[1]), (given_scale, 40.0)):
            expected = pixels(render.colorize(values, signed, vmax)).repeat(2, 0).repeat(2, 1)
            assert (pixels(image.crop(layout.box(index))) == expected).all()
    assert alone.getpixel((17, 0)) == (1, 2, 3) == alone.getpixel((75, 55))


def test_smooth_cells_match_the_smooth_map():
    maps = RNG.standard_normal((3, 7, 7))
    image, layout = sprites.sprite(maps, cell=28, signed=True, smooth=True)
    large = render.enlarge(maps[1], (28, 28), smooth=True)
    expected = render.colorize(large, True, render.limits(maps[1], True)[1])
    lightness = [render.rgb_to_lab(pixels(picture)) for picture in (image.crop(layout.box(1)), expected)]
    assert np.abs(lightness[0] - lightness[1]).max() < 2  # a rounding step of the table at most


def test_reduced_cells_skip_no_row():
    lines = np.zeros((1, 64, 64))
    lines[0, ::4] = 1  # every fourth row: plain subsampling would show all or nothing
    image, _ = sprites.sprite(lines, cell=16)
    share = np.abs(render.HEAT.astype(int) - pixels(image)[8, 8]).sum(1).argmin() / 255
    assert share == pytest.approx(0.25, abs=0.02)


def test_maps_that_are_not_square_are_centred():
    image, _ = sprites.sprite(np.ones((1, 4, 8)), cell=16, background=(9, 9, 9))
    assert (pixels(image)[:4] == 9).all() and (pixels(image)[12:] == 9).all()
    assert (pixels(image)[4:12] == render.HEAT[255]).all()


@pytest.mark.parametrize("smooth", [False, True])
def test_a_large_layer_is_fast(smooth):
    maps = RNG.standard_normal((512, 28, 28)).astype(np.float32)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        sprites.sprite(maps, smooth=smooth)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5  # about 0.04 on an idle laptop; the margin is for a busy one


# Scales and text.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (0.5, "0.5"),
        (-12.345, "-12.3"),
        (1234.5, "1230"),
        (0.000123456, "0.000123"),
        (0.0000123456, "1.23e-5"),
        (1234567, "1.23e6"),
        (99.96, "100"),
        (1e-30, "1e-30"),
        (np.float32(0.1), "0.1"),
    ],
)
def test_number(value, text):
    assert render.number(value) == text


# Files.


def decoded(data):
    return Image.open(io.BytesIO(data))


def test_colour_mapped_pictures_become_an_exact_palette():
    sprite, _ = sprites.sprite(RNG.random((32, 28, 28)))
    assert len(sprite.getcolors(1 << 20)) > 200
    for image in (render.colorize(MAP), render.colorize(MAP, True), sprite, Image.new("RGB", (3, 3), "red")):
        file = decoded(render.encode(image))
        assert file.format == "PNG" and file.mode == "P"
        assert file.convert("RGB").tobytes() == image.tobytes()


def test_photographs_become_jpeg_unless_exactness_is_asked_for():
    photo = PHOTO.resize((200, 160), Image.Resampling.BICUBIC)
    assert decoded(render.encode(photo)).format == "JPEG"
    exact = decoded(render.encode(photo, "png"))
    assert exact.format == "PNG" and exact.convert("RGB").tobytes() == photo.tobytes()
    assert decoded(render.encode(render.colorize(MAP), "jpeg")).format == "JPEG"


def test_transparency_survives():
    half = Image.new("RGBA", (9, 7), (200, 30, 90, 128))
    half.paste((0, 0, 0, 0), (0, 0, 4, 4))
    file = decoded(render.encode(half))
    assert file.mode == "RGBA" and file.tobytes() == half.tobytes()


def test_data_uri():
    for image, subtype in ((PHOTO, "jpeg"), (render.colorize(MAP), "png")):
        head, body = render.data_uri(image).split(",")
        assert head == f"data:image/{subtype};base64"
        assert base64.b64decode(body) == render.encode(image)
