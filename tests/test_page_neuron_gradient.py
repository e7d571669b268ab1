"""The page Gradient of an activation."""

import re

import numpy as np
import pytest
from page_visits import captions, checked, choose_layer, html, open_page, texts, through_the_table

from vizcore import images, models
from vizcore.images.gallery import find
from vizcore.inspection import neurons, unit_gradients
from vizcore.models import partial

PAGE = "neuron_gradient"
pytestmark = pytest.mark.usefixtures("few_pictures")


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_page_alone_shows_the_three_steps_and_true_numbers():
    app = open_page(PAGE, image="giant_panda", model="efficientnet_lite0")
    heads = [header.value for header in app.header]
    assert heads[0] == "The gradient of its activation" and "The pictures that excite it most" in heads
    net = models.load("efficientnet_lite0")
    layer = neurons.default_layer(net)
    x = net.preprocess(images.load(find("gallery", "giant_panda").file))
    maps = partial.activation(net, x, layer.replace("relu", "norm"))[0].numpy()
    unit = neurons.salient_unit(maps)
    row, column = neurons.strongest(maps[unit])
    boxes = {box.key: box.value for box in app.number_input}
    assert (boxes["unit"], boxes["row"], boxes["column"]) == (unit, row, column)
    found = metrics(app)
    assert found["Gradient inside the field"] == "100 %"
    assert float(found["Before its ReLU"]) == pytest.approx(maps[unit].max(), rel=5e-3)
    field = net.layer(layer).receptive_field
    box = neurons.field_box(net.layer(layer), (row, column), 224, 224)
    assert found["It can see"] == f"{box[2] - box[0]} × {box[3] - box[1]} px"
    assert f"moves by {field.stride} pixels" in texts(app)
    shown = captions(app)
    assert shown[shown.index("Gradient") + 1] == "Guided" and "Deconvnet" not in shown


def test_through_the_table():
    assert through_the_table(PAGE).title[0].value.endswith("Gradient of an activation")


def test_every_control_changes_what_is_shown():
    app = open_page(PAGE, model="mini_vgg", layer="block3.relu2", unit=7, row=5, column=6, step=1)
    first = metrics(app)
    assert first["Neurons in this layer"] == f"{128 * 28 * 28:,}"
    checked(app.number_input(key="row").set_value(20).run())
    assert metrics(app)["Before its ReLU"] != first["Before its ReLU"]
    checked(app.number_input(key="column").set_value(0).run())
    assert metrics(app)["It can see"].endswith("× 15 px")  # 26 wide, 11 of it left of the picture
    assert "grey is outside the picture" in " ".join(captions(app))
    checked(app.number_input(key="unit").set_value(8).run())
    before = html(app)
    checked(app.segmented_control(key="among").set_value("all pictures").run())
    assert html(app).count("<figure") == 1
    checked(app.slider(key="shown").set_value(4).run())
    assert html(app).count("<figure") == 4 and html(app) != before
    checked(app.toggle(key="zoomed").set_value(False).run())
    whole = html(app)
    checked(app.toggle(key="same").set_value(True).run())
    assert len(set(re.findall(r"Gradient, ± ([^;]+);", html(app)))) == 1
    assert html(app) != whole
    checked(app.button_group(key="back_by").set_value(["Deconvnet"]).run())
    assert "Deconvnet, ±" in html(app) and "Guided, ±" not in html(app) and "Gradient, ±" not in html(app)
    promised = metrics(app)["Promised for a step of 1"]
    checked(app.select_slider(key="step").set_value(8).run())
    assert float(metrics(app)["Promised for a step of 8"]) == pytest.approx(8 * float(promised), rel=2e-2)
    checked(choose_layer(app, "block4.conv1"))
    assert "Before its ReLU" not in metrics(app) and metrics(app)["Neurons in this layer"] == f"{256 * 14 * 14:,}"


def test_another_neuron_at_the_same_place_and_what_increases():
    where = {"model": "mini_vgg", "layer": "block4.relu1", "unit": 9, "row": 6, "column": 7, "image": "giant_panda"}
    app = open_page(PAGE, **where, other_unit=30)
    net = models.load("mini_vgg")
    x = net.preprocess(images.load(find("gallery", "giant_panda").file))
    top, left, bottom, right = neurons.field_box(net.layer("block4.relu1"), (6, 7), 224, 224)
    for rule, title in ((None, "Gradient"), ("guided", "Guided")):
        pair = [unit_gradients.gradient(net, x, "block4.conv1", k, (6, 7), rule).gradients[0] for k in (9, 30)]
        inside = [values[:, top:bottom, left:right].ravel() for values in pair]
        said = re.search(rf"{title}: correlation of the two \*\*(-?[\d.]+)\*\*", texts(app))
        assert float(said[1]) == pytest.approx(np.corrcoef(*inside)[0, 1], abs=0.006)
        assert any(caption.startswith(f"{title}, unit 30: correlation") for caption in captions(app))
    plain = unit_gradients.gradient(net, x, "block4.conv1", 9, (6, 7)).gradients[0]
    up = plain[plain > 0].sum() / np.abs(plain).sum()
    said = re.search(r"size ([\d.]+) % is increase and ([\d.]+) % decrease", texts(app))
    assert float(said[1]) == pytest.approx(100 * up, abs=0.6)
    assert "unit 30 ±" in html(app)
    checked(app.number_input(key="other_unit").set_value(9).run())
    assert "Guided: correlation of the two **1.00**" in texts(app)
    checked(app.number_input(key="other_unit").set_value(None).run())
    assert "drawn by lot" in texts(app) and "unit 30 ±" not in html(app)


def test_a_shut_relu_has_no_gradient_unless_the_page_starts_before_it():
    net = models.load("mini_vgg")
    x = net.preprocess(images.load(find("gallery", "giant_panda").file))
    maps = partial.activation(net, x, "block4.conv1")[0].numpy()
    row, column = np.unravel_index(maps[9].argmin(), maps[9].shape)
    where = {"image": "giant_panda", "model": "mini_vgg", "layer": "block4.relu1", "unit": 9}
    app = open_page(PAGE, **where, row=row, column=column)
    assert metrics(app)["Its activation"] == "0" and metrics(app)["Gradient inside the field"] == "100 %"
    checked(app.toggle(key="before").set_value(False).run())
    assert "Switch “Before its ReLU” on" in texts(app)
    assert "no direction to step in" in texts(app) and "Gradient inside the field" not in metrics(app)


def test_neurons_without_a_place():
    app = open_page(PAGE, model="efficientnet_lite0", layer="classifier", unit=388)
    assert "belongs to no place" in texts(app) and metrics(app)["It can see"] == "224 × 224 px"
    assert not [box for box in app.number_input if box.key == "row"]
    app = open_page(PAGE, model="digits_linear")
    assert "This neuron can see the whole picture" in captions(app)
    assert metrics(app)["Promised for a step of 4"] == metrics(app)["What happens"]  # it is linear
    app = open_page(PAGE, model="efficientnet_lite0", layer="head.relu")
    assert "here that is the whole picture" in texts(app)


def test_digits_and_a_bad_link():
    app = open_page(PAGE, model="digits_cnn", layer="nothing", unit=9999, row=400, column=-3, step=5, back_by="x")
    assert app.number_input(key="unit").label == "Unit, 0 to 9"
    assert metrics(app)["Gradient inside the field"] == "100 %"
    assert "Promised for a step of 4" in metrics(app)


def test_program_that_is_shown_runs(monkeypatch):
    from page_visits import ROOT

    monkeypatch.chdir(ROOT)
    app = open_page(PAGE, image="jaguar", model="mini_vgg", layer="block3.relu2", unit=7, row=5, column=6)
    program = next(block.value for block in app.code if "result =" in block.value)
    found = {}
    exec(program, found)
    net = models.load("mini_vgg")
    x = net.preprocess(images.load(find("gallery", "jaguar").file))
    expected = unit_gradients.gradient(net, x, "block3.conv2", 7, (5, 6)).gradients[0]
    assert np.abs(found["result"].numpy() - expected).max() <= 1e-5 * np.abs(expected).max()
    assert expected.any()
    app = open_page(PAGE, model="digits_mlp", layer="hidden", unit=3)
    exec(
        next(block.value for block in app.code if "result =" in block.value).replace(
            "your_picture.jpg", str(find("gallery", "jaguar").file)
        ),
        found,
    )
    assert found["result"].shape == (1, 28, 28)
