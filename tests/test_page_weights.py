"""The page on weights: every control changes what it says it changes."""

from functools import partial

import numpy as np
import page_visits
import pytest
from page_visits import texts, through_the_table

from vizcore import models
from vizcore.images import gallery
from vizcore.inspection import filters
from vizcore.ui.sections import weights as section

open_page = partial(page_visits.open_page, "weights")


def test_through_the_table():
    app = through_the_table("weights")
    assert "Visualizing weights" in app.title[0].value


def test_fully_connected_controls():
    app = open_page(digit=0)
    assert app.number_input(key="node").value == 0 and "“0”" in texts(app)
    app.number_input(key="node").set_value(4).run()
    assert "logit" in texts(app) and "of “4”" in texts(app)
    before = texts(app)
    app.number_input(key="digit").set_value(11).run()
    assert texts(app) != before
    own = page_visits.bars(app)[0]
    app.segmented_control(key="greys").set_value("shared").run()
    shared = page_visits.bars(app)[0]
    assert (
        "its own scale" in own["label"] and "one scale for all" in shared["label"] and own["ticks"] != shared["ticks"]
    )
    app.segmented_control(key="network").set_value("mlp").run()
    assert "hidden node 4" in texts(app) and "128 nodes" in texts(app)
    app.number_input(key="node").set_value(127).run()
    app.segmented_control(key="network").set_value("linear").run()
    assert not app.exception
    assert app.number_input(key="node").value == 9  # clipped to the ten nodes


def test_each_tab_shows_its_part_alone():
    marks = "All contributions", "Kernel 0", "difficult to interpret"
    for part, mark in zip(("Templates", "Kernels", "First filters"), marks, strict=True):
        shown = texts(open_page(part=part))
        assert [other for other in marks if other in shown] == [mark]
    assert "All contributions" in texts(open_page(part="nothing"))


def test_scale_of_the_template_is_under_the_template():
    template, contribution = page_visits.figures(open_page(part="Templates"))[0][0][::2]
    assert [len(group["panels"]) for group in (template, contribution)] == [1, 1]
    assert "weight" in template["bars"][0]["label"] and "contribution" in contribution["bars"][0]["label"]


def test_first_digit_is_a_zero():
    index = open_page().number_input(key="digit").value
    assert gallery.digits()[3][index] == 0


def test_kernel_controls():
    app = open_page()
    bank = filters.filter_bank(models.load("squeezenet1_1"), "conv1")
    assert app.segmented_control(key="face").value == "colour"
    assert "Kernel 0" in texts(app) and "every kernel has at least a tenth" in texts(app)
    app.segmented_control(key="order").set_value("norm").run()
    best = int(np.argmax(filters.norms(bank)))
    assert f"Kernel {best}" in texts(app)  # none typed: the first of the sheet
    app.number_input(key="unit").set_value(7).run()
    assert "Kernel 7" in texts(app)
    app.segmented_control(key="scale").set_value("shared").run()
    assert "One scale for all" in texts(app)
    app.segmented_control(key="face").set_value("one").run()
    app.number_input(key="channel").set_value(2).run()
    assert "input channel 2 of 3" in texts(app)
    depthwise = open_page(model="efficientnet_lite0", layer="stage2.block1.depthwise.conv")
    assert not depthwise.exception and "one sheet of weights each" in texts(depthwise)
    app.selectbox(key="layer").set_value("fire5.expand3x3").run()
    app.number_input(key="unit").set_value(95).run()
    app.selectbox(key="layer").set_value("conv1").run()
    assert not app.exception and app.number_input(key="unit").value == 63


@pytest.mark.parametrize("model", ["digits_linear", "digits_cnn"])
def test_grey_networks(model):
    app = open_page(model=model)
    said = "no convolution" if model == "digits_linear" else "conv1_1: 10 kernels of 3 × 3"
    assert said in texts(app) and "difficult to interpret" in texts(app)


def test_a_link_reproduces_the_view():
    app = open_page(network="mlp", node=12, digit=5, layer="conv10", order="norm", unit=9, scale="shared")
    assert "hidden node 12" in texts(app) and "Kernel 9" in texts(app) and "1 × 1 kernel" in texts(app)


def test_small_weights_are_in_thousandths():
    assert "The weights in thousandths;" in texts(open_page(model="mini_alexnet", unit=19))
    assert "The weights;" in texts(open_page(model="mini_vgg", unit=0))


def test_large_first_filters_come_with_the_dashboard():
    shown = [name for name in section.FIRST_LAYERS if models.spec(name).embedded]
    captions = [section.first_filters(name)[1] for name in shown]
    assert captions[0] == "Miniature AlexNet (this gallery): 48 filters of 11 × 11"
    assert captions[1:] and all(caption.endswith("filters of 3 × 3") for caption in captions[1:])


def test_missing_networks_are_named():
    text = texts(open_page())
    assert ("Not on this computer" in text) == ("Download in the sidebar" in text)
