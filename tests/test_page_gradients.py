"""The page Gradients of every layer."""

import numpy as np
import pytest
import random_networks
import torch
from page_visits import checked, choose_layer, html, layer_of, open_page, texts, through_the_table

from vizcore import images, models
from vizcore.content import programs
from vizcore.images import gallery
from vizcore.inspection import layer_gradients
from vizcore.inspection.layer_gradients import Quantity

PAGE = "gradients"


def metrics(app):
    return [element.value for element in app.metric]


def test_alone_and_through_the_table():
    app = checked(open_page(PAGE), calm=True)
    assert app.title[0].value.endswith("Gradients of every layer")
    assert layer_of(app) == "fire9"
    assert "RMS of the gradient of the loss of" in html(app)  # as the lesson says
    assert "neither vanishing nor exploding" in texts(app)
    through_the_table(PAGE)


def test_every_control_changes_what_is_computed():
    app = checked(open_page(PAGE, model="digits_cnn"), calm=True)
    loss, words = metrics(app), texts(app)
    assert "loss of" in html(app) and "the probability is" in words.lower()
    checked(app.segmented_control(key="of").set_value("probability").run(), calm=True)
    assert "probability of" in html(app)
    checked(app.segmented_control(key="of").set_value("logit").run(), calm=True)
    assert metrics(app) != loss and "logit of" in html(app)
    checked(app.segmented_control(key="norm").set_value("L2").run(), calm=True)
    assert "L2 of the gradient" in html(app) and texts(app) != words
    checked(app.segmented_control(key="detail").set_value("all layers").run(), calm=True)
    assert "Over 12 layers" in texts(app)
    checked(app.toggle(key="cut").set_value(True).run(), calm=True)
    assert "mean of unit" in html(app) and "cut off, not even computed" in texts(app)
    checked(app.number_input(key="unit").set_value(3).run(), calm=True)
    assert "mean of unit 3 of" in html(app)
    checked(app.selectbox(key="scalar").set_value("strongest cell").run(), calm=True)
    assert "strongest cell of unit 3 of" in html(app)
    checked(app.selectbox(key="scalar").set_value("sum of the layer").run(), calm=True)
    assert "sum of" in html(app) and not [w for w in app.number_input if w.key == "unit"]
    checked(choose_layer(app, "conv1_1"), calm=True)
    assert "sum of conv1_1" in html(app)
    before = metrics(app)
    checked(app.number_input(key="row").set_value(14).run(), calm=True)
    checked(app.number_input(key="column").set_value(13).run(), calm=True)
    assert metrics(app)[0] != before[0]
    checked(app.select_slider(key="h").set_value(1.0).run(), calm=True)
    assert any("h = 1" in element.label for element in app.metric)


def test_the_numbers_are_those_of_the_functions():
    app = checked(open_page(PAGE, model="mini_vgg", image="jaguar", layer="block3.relu2", cut="true", unit=5, h=0.01))
    net = models.load("mini_vgg")
    x = net.preprocess(images.load(gallery.find("gallery", "jaguar").file))
    quantity = Quantity("cut", 0, "block3.relu2", "mean", 5)
    gradient = layer_gradients.all_gradients(net, x, quantity, []).gradients["input"][0].numpy()
    pixel = layer_gradients.strongest_pixel(gradient)
    assert float(metrics(app)[0]) == pytest.approx(float(gradient[pixel]), rel=1e-3)
    (difference,) = layer_gradients.central_differences(net, x, quantity, pixel, [0.01]).tolist()
    assert float(metrics(app)[1]) == pytest.approx(difference, rel=0.05)


def test_a_link_reproduces_the_view_and_a_bad_one_falls_back():
    app = checked(open_page(PAGE, model="mini_vgg", layer="block2.conv1", row=3, column=110, of="loss", norm="L2"))
    assert layer_of(app) == "block2.conv1"
    assert (app.number_input(key="row").value, app.number_input(key="column").value) == (3, 110)
    app = checked(
        open_page(
            PAGE,
            model="digits_cnn",
            layer="none",
            row=999,
            of="fun",
            norm="L7",
            h=7,
            scalar="x",
            cut="true",
            unit=9999,
            colour="pink",
        )
    )
    assert layer_of(app) == "pool1"
    assert app.segmented_control(key="norm").value == "RMS" and app.select_slider(key="h").value == 0.001


@pytest.mark.parametrize("model", ["digits_linear", "digits_mlp", "digits_cnn", "mini_vgg"])
def test_other_networks(model):
    for cut in ("false", "true"):  # with and without the cut
        app = checked(open_page(PAGE, model=model, cut=cut), calm=True)
        assert len(metrics(app)) == 3 and metrics(app)[2] != "–"


@pytest.mark.parametrize(
    "quantity",
    [
        Quantity("logit", 388),
        Quantity("loss", 388),
        Quantity("probability", 388),
        *(Quantity("cut", 0, "block2.relu1", scalar, 3) for scalar in layer_gradients.SCALARS),
    ],
)
def test_the_program_makes_the_same_gradient(quantity, monkeypatch):
    net = random_networks.double("mini_vgg")
    monkeypatch.setattr(models, "load", lambda name: net)  # in float64 no ReLU is opened by rounding
    file = gallery.find("gallery", "giant_panda").file
    scope: dict = {}
    of, target, _, scalar, unit = quantity
    program = programs.layer_gradients("mini_vgg", str(file), "block2.relu1", of, target, unit, scalar)
    exec(compile(program, "program", "exec"), scope)
    x = net.preprocess(images.load(file))
    found = layer_gradients.all_gradients(net, x, quantity).gradients
    wanted = found["input"]
    assert torch.allclose(scope["result"], wanted, rtol=0, atol=1e-8 * float(wanted.abs().max()))
    if quantity.of != "cut":
        at_the_layer = found["block2.relu1"]
        assert np.allclose(scope["at_the_layer"], at_the_layer, rtol=0, atol=1e-8 * float(at_the_layer.abs().max()))
