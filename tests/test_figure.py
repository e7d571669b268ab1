"""Figures: which bar stands under which pictures, what it says, and whether what is drawn can be seen."""

import io
from collections.abc import Callable

import numpy as np
import page_visits
import pytest
from page_visits import bars, figures
from PIL import Image
from streamlit.testing.v1 import AppTest

from vizcore import methods, models
from vizcore.figures import render
from vizcore.images import gallery
from vizcore.methods import cam
from vizcore.ui import widgets
from vizcore.ui.sections import overview

NAMES = ("giant_panda", "jaguar", "hedgehog", "dog_bicycle_car", "scarlet_macaw", "flying_fox")


def drawn(script: Callable[[], None]) -> AppTest:
    """A page that is this function."""
    return page_visits.checked(AppTest.from_function(script, default_timeout=60).run())


def files(app: AppTest, number: int = 0) -> list[Image.Image]:
    """The pictures of a figure, decoded; their sizes are the announced ones, and nothing is left over."""
    data = [e.proto.bytes for e in app.get("bidi_component") if e.proto.component_name == "vizcore.figure"][number]
    start, found = 4 + int.from_bytes(data[:4], "big"), []
    for panel in (p for row in figures(app)[number] for group in row for p in group["panels"]):
        found.append(Image.open(io.BytesIO(data[start : start + panel["file"]])).convert("RGB"))
        assert found[-1].size == (panel["width"], panel["height"])
        start += panel["file"]
    assert start == len(data)
    return found


def test_neighbours_on_one_scale_share_a_bar_and_a_plain_picture_has_none():
    def script():
        import numpy as np
        from PIL import Image

        from vizcore.ui.blocks import Panel, compare

        low, high = np.full((4, 4), 0.5), np.full((4, 4), 2.0)
        photo = Panel(Image.new("RGB", (9, 9)), "photo")
        panels = [Panel(low, "low"), Panel(high, "high"), photo, Panel(-low, "below", signed=True)]
        compare(panels, unit="metres", key="shared")
        compare(panels[:2], share=False, key="own")

    shared, own = figures(drawn(script))
    assert [[panel["caption"] for panel in group["panels"]] for group in shared[0]] == [
        ["low", "high"],
        ["photo"],
        ["below"],
    ]
    assert [[bar["ticks"] for bar in group["bars"]] for group in shared[0]] == [
        [["0", "1", "2"]],
        [],
        [["-0.5", "0", "0.5"]],
    ]
    assert shared[0][0]["bars"][0]["name"] == "Colour scale, 0 to 2 metres"
    assert [group["bars"][0]["top"] for group in own[0]] == [0.5, 2.0]


def test_a_scale_of_several_rows_has_its_bar_under_the_last():
    def script():
        import numpy as np

        from vizcore.ui.blocks import Panel, compare

        maps = [np.full((4, 4), float(value)) for value in (1, 10, 2, 20)]
        compare([Panel(values, group=f"{n % 2}") for n, values in enumerate(maps)], columns=2)

    ((first, last),) = figures(drawn(script))
    assert [group["bars"] for group in first] == [[], []]
    assert [group["bars"][0]["ticks"][2] for group in last] == ["2", "20"]


def test_an_absolute_value_is_drawn_from_black_with_a_bar_from_zero():
    def script():
        import numpy as np

        from vizcore.ui.blocks import Panel, compare

        values = np.zeros((3, 120, 120))
        values[0, :60] = -1
        panels = [Panel(values, "signed", signed=True), Panel(np.abs(values), "size", signed=False)]
        compare(panels)

    app = drawn(script)
    signed, size = files(app)
    upper, lower = (200, 10), (200, 400)
    assert signed.getpixel(upper) == pytest.approx((1, 128, 128), abs=6)
    assert signed.getpixel(lower) == pytest.approx((128, 128, 128), abs=6)
    assert size.getpixel(upper) == pytest.approx((255, 0, 0), abs=6)
    assert size.getpixel(lower) == pytest.approx((0, 0, 0), abs=6)
    assert [bar["ticks"][0] for bar in bars(app)] == ["-1", "0"]


def test_the_bar_says_where_it_ends_and_a_gain_moves_its_ends():
    def script():
        import numpy as np

        from vizcore.ui.blocks import Panel, compare

        values = np.random.default_rng(0).normal(size=(3, 120, 120))
        for gain in (1, 2, 8):
            compare([Panel(values, signed=True), Panel(values[0] ** 2, signed=False)], gain=gain, key=f"gain{gain}")
        compare([Panel(values[0] ** 2, signed=False)], clip=99, columns=1, key="map")

    app, values = drawn(script), np.random.default_rng(0).normal(size=(3, 120, 120))
    found = bars(app)
    top = np.percentile(np.abs(values), 99.5)
    assert [bar["top"] for bar in found[:6:2]] == pytest.approx([top, top / 2, top / 8], rel=1e-5)
    assert found[0]["label"].endswith("; ends at the 99.5th percentile of the absolute value")
    assert found[2]["label"].endswith("; ends at half the 99.5th percentile of the absolute value (gain 2×)")
    assert found[4]["label"].endswith("an eighth of the 99.5th percentile of the absolute value (gain 8×)")
    assert [bar["label"] for bar in found[1:6:2]] == ["", "", ""]  # an unsigned map has no gain, and its whole range
    assert found[6]["label"] == "ends at the 99th percentile of the values"
    contrast = [np.asarray(files(app, number)[0], int).std() for number in range(3)]
    assert contrast[0] < contrast[1] < contrast[2]


def test_figures_without_a_key_keep_theirs_from_run_to_run():
    def script():
        import numpy as np
        import streamlit as st

        from vizcore.figures.render import colorize
        from vizcore.ui.blocks import heat, image

        values = np.eye(4) * st.slider("scale", 1, 9)
        heat(values)
        image(colorize(values))

    app = drawn(script)
    before = [element.proto.id for element in app.get("bidi_component")]
    assert len(set(before)) == 2
    app.slider[0].set_value(7).run()
    assert [element.proto.id for element in app.get("bidi_component")] == before and bars(app)[0]["top"] == 7


def greyish(values: np.ndarray, gain: float, inside: np.ndarray) -> float:
    """The share of a picture's channel values within 12 grey levels of zero, where `inside` (H, W) holds."""
    top = render.limits(values, True, 99.5)[1] / gain
    levels = np.abs(np.asarray(render.gradient_image(values, vmax=top), int) - render.ZERO)
    return float((levels <= 12)[inside].mean())


@pytest.mark.parametrize("model", ["efficientnet_lite0", "squeezenet1_1"])
def test_guided_grad_cam_is_visible_where_grad_cam_is_strong(model):
    """With the gain of the page less than 60 % of the numbers are nearly grey there; without it up to 73 % were."""
    app = page_visits.open_page("guided_grad_cam", model=model, image=NAMES[0])
    default = app.select_slider(key="gain").value
    net, shares = models.load(model), []
    for name in NAMES:
        x = net.preprocess(gallery.open_image(gallery.find("gallery", name)))
        target = int(net(x)[0].argmax())
        place = cam.upsample(cam.grad_cam(net, x, target), (net.input_size,) * 2)[0]
        product = methods.run("guided_grad_cam", net, x, target=target).values
        shares.append(greyish(product, default, (place >= place.max() / 2).numpy()))
        if name == NAMES[0]:
            top = render.limits(product, True, 99.5)[1] / default
            assert bars(app)[2]["top"] == pytest.approx(top, rel=1e-3)
    assert default in widgets.GAINS and max(shares) < 0.6


def test_the_gain_is_in_the_address_and_moves_the_bars_of_signed_pictures_only():
    plain, strong = (page_visits.open_page("guided_grad_cam", image="jaguar", gain=gain) for gain in ("1", "4"))
    assert [app.select_slider(key="gain").value for app in (plain, strong)] == [1, 4]
    ends = [[bar["top"] for bar in bars(app)[:3]] for app in (plain, strong)]
    assert np.divide(*ends) == pytest.approx([4, 1, 4])


@pytest.mark.parametrize("model", ["efficientnet_lite0", "squeezenet1_1"])
def test_the_thumbnail_of_the_gradients_is_visible(model):
    net = models.load(model)
    for name in NAMES:
        x = net.preprocess(gallery.open_image(gallery.find("gallery", name)))
        values = methods.run("saliency", net, x, target=int(net(x)[0].argmax())).values
        pale, dark = (np.asarray(render.colorize(values, clip=clip)).mean() for clip in (overview.CLIP, 100))
        assert pale > 25 > dark
    thumbnail = files(page_visits.open_page("overview", model=model, image=NAMES[0]), 2)[0]
    assert np.asarray(thumbnail).mean() > 25


def test_the_gradient_of_a_grey_picture_is_a_signed_map():
    app = page_visits.open_page("saliency", model="digits_cnn")
    signed, size = bars(app)[1:3]
    assert signed["ticks"][0] == f"-{signed['ticks'][2]}" and size["ticks"][0] == "0"
