"""The page on output maps: every control changes what it says it changes."""

from functools import partial

import page_visits
import pytest
from page_visits import choose_layer, texts, through_the_table

from vizcore.inspection import activations

open_page = partial(page_visits.open_page, "output_maps")
LAYER = "fire2.expand3x3_relu"


def test_through_the_table():
    app = through_the_table("output_maps")
    assert "Output maps" in app.title[0].value


def test_numbers_shown_are_those_of_the_maps():
    from vizcore import models
    from vizcore.images import gallery

    net = models.load("squeezenet1_1")
    app = open_page(layer=LAYER, image="jaguar")
    x = net.preprocess(gallery.open_image(gallery.find("gallery", "jaguar")))
    numbers = activations.statistics(activations.feature_maps(net, x, LAYER))
    assert f"{100 * numbers.sparsity.mean():.3g} % of all values" in texts(app)
    assert app.number_input(key="unit").value == numbers.mean.argmax()
    assert f"Unit {numbers.mean.argmax()} has the largest mean" in texts(app)


def test_controls():
    app = open_page()
    for layer, size in ((LAYER, "64 maps of 56 × 56"), ("fire9", "512 maps of 13 × 13")):
        choose_layer(app, layer)
        assert f"**{layer}**: {size}" in texts(app)
    app.segmented_control(key="scale").set_value("each").run()
    assert "Each map has its own scale" in texts(app) and "own scale even the faintest" in texts(app)
    for key, value in (("sort", "index"), ("sort", "max"), ("drawn", "smooth")):
        app.segmented_control(key=key).set_value(value).run()
        assert not app.exception
    app.number_input(key="unit").set_value(511).run()
    choose_layer(app, "relu1")
    assert not app.exception and app.number_input(key="unit").value == 63
    app.selectbox(key="second").set_value("jaguar").run()
    assert "The same maps for" in texts(app) and "correlation of" in texts(app)
    app.slider(key="opacity").set_value(0.8).run()
    assert not app.exception


def test_negative_layers_say_so():
    assert "blue is below zero" in texts(open_page(layer="conv1"))


def test_a_link_reproduces_the_view_and_an_impossible_unit_does_not_stop_it():
    app = open_page(layer=LAYER, unit=7, sort="max", scale="each", second="jaguar")
    assert app.number_input(key="unit").value == 7
    assert app.segmented_control(key="sort").value == "max"
    assert open_page(layer=LAYER, unit=5000).number_input(key="unit").value == 63


@pytest.mark.parametrize(("model", "said"), [("digits_cnn", "10 maps of"), ("digits_linear", "has no maps")])
def test_grey_networks(model, said):
    assert said in texts(open_page(model=model))
