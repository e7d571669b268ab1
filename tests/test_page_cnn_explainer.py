"""The CNN explainer's page: which network and digit it shows, what its parts say, and its checked answers."""

import json
from functools import partial

import numpy as np
import page_visits
import pytest
import torch
from page_visits import html, texts, through_the_table

from vizcore import models
from vizcore.figures.render import signed
from vizcore.images import gallery
from vizcore.inspection import explainer
from vizcore.ui.sections import cnn_explainer as section

open_page = partial(page_visits.open_page, "cnn_explainer")


def heads(app) -> tuple[dict, dict]:
    """The two heads of what the browser gets: the order, and the network."""
    (data,) = [e.proto.bytes for e in app.get("bidi_component") if e.proto.component_name == "vizcore.explainer"]
    first = int.from_bytes(data[:4], "big")
    second = int.from_bytes(data[4 + first : 8 + first], "big")
    return json.loads(data[4 : 4 + first]), json.loads(data[8 + first : 8 + first + second])


def numbers(app, stage: str, array: str) -> np.ndarray:
    """An array of a stage, as the browser gets it."""
    (data,) = [e.proto.bytes for e in app.get("bidi_component") if e.proto.component_name == "vizcore.explainer"]
    net = heads(app)[1]
    first = int.from_bytes(data[:4], "big")
    start = 8 + first + int.from_bytes(data[4 + first : 8 + first], "big")
    found = next(one for one in net["stages"] if one["name"] == stage)
    offset, count = found["arrays"][array]
    return np.frombuffer(data, "<f4", count, start + 4 * offset)


def stage_after(app, name: str) -> str:
    """The stage after this one."""
    names = [stage["name"] for stage in heads(app)[1]["stages"]]
    return names[names.index(name) + 1]


def explained(digit: int, target: int) -> explainer.Explained:
    """A test digit's way through the digit network."""
    x = torch.from_numpy(gallery.digits()[2][digit] / 255).float()[None, None]
    return explainer.explain(models.load("digits_cnn"), x, target)


def test_through_the_table_with_the_default_network():
    app = through_the_table("cnn_explainer")
    assert "CNN explainer" in app.title[0].value
    said = "hands the output of a layer to more than the next one"
    assert said in texts(app) and any(said in caption.value for caption in app.sidebar.caption)
    _, net = heads(app)
    assert [stage["name"] for stage in net["stages"]][:3] == ["input", "conv1_1", "relu1_1"]
    assert net["categories"] == list("0123456789")


def test_the_numbers_are_those_of_the_network():
    app = open_page(digit=12, logit=4, part="Playground")
    taken = explained(12, 4)
    for stage in taken.stages:
        assert np.allclose(numbers(app, stage.name, "values"), stage.values.ravel(), atol=1e-6)
        for rule in explainer.RULES:
            assert np.allclose(numbers(app, stage.name, rule), stage.gradients[rule].ravel(), atol=1e-6)
    assert heads(app)[1]["target"] == 4


def test_the_digit_and_the_class_change_the_figure():
    app = open_page(part="Playground")
    before = numbers(app, "linear", "values")
    app.number_input(key="digit").set_value(12).run()
    assert not np.array_equal(numbers(app, "linear", "values"), before)
    app.selectbox(key="logit").set_value("5").run()
    assert heads(app)[1]["target"] == 5
    assert numbers(app, "linear", "backprop").tolist() == [float(index == 5) for index in range(10)]


@pytest.mark.parametrize("model", ["digits_linear", "digits_mlp", "digits_cnn"])
def test_digit_networks_are_shown_themselves(model):
    app = open_page(model=model, digit=12)
    names = [stage["name"] for stage in heads(app)[1]["stages"]]
    assert names == ["input", *(layer.name for layer in models.load(model).layers)]
    assert not [caption for caption in app.sidebar.caption if "of its own" in caption.value]
    assert "Test digit 12" in texts(app)


@pytest.mark.parametrize("model", ["mini_vgg", "mini_alexnet", "efficientnet_lite0"])
def test_other_networks_get_a_sentence(model):
    app = open_page(model=model, part="Playground")
    assert not app.warning and models.spec(model).title in texts(app) and "such as Digits: Tiny VGG" in texts(app)


def test_show_me_sends_the_figure_to_the_number_it_speaks_of():
    app = open_page(part="Three rules")
    assert heads(app)[0] == {"show": {}, "count": 0}
    app.button(key="show_closed").click().run()
    order = heads(app)[0]
    assert order["count"] == 1 and order["show"]["way"] == "backprop"
    name, unit, row, column, _ = order["show"]["focus"].split(":")
    stage = next(stage for stage in heads(app)[1]["stages"] if stage["name"] == name)
    place = np.ravel_multi_index((int(unit), int(row), int(column)), stage["shape"])
    after = stage_after(app, name)
    assert numbers(app, name, "values")[place] <= 0 < numbers(app, after, "backprop")[place]
    app.button(key="show_negative").click().run()
    assert heads(app)[0]["count"] == 2 and heads(app)[0]["show"] != order["show"]


def test_the_rules_are_counted():
    taken = explained(12, 0)
    for closed in (True, False):
        found = section.meeting(taken, closed)
        assert (found.value <= 0) == closed and (found.gradient > 0) == closed
    app = open_page(digit=12, logit=0, part="Three rules")
    table = app.table[0].value
    inputs, arriving = taken.stages[1].values, taken.stages[2].gradients["backprop"]
    assert table["Guided"].iloc[0] == ((inputs > 0) & (arriving > 0)).sum()
    assert table["Deconvnet"].iloc[0] == (arriving > 0).sum()
    assert table["Backprop"].iloc[0] == ((inputs > 0) & (arriving != 0)).sum()


def test_controls_compare_with_another_class_and_random_weights():
    app = open_page(part="Which class?")
    assert "0" in texts(app) and "random weights" in " ".join(page_visits.captions(app))
    before = page_visits.pictures(app)
    app.segmented_control(key="sent_by").set_value("Guided").run()
    assert len(before) == 3 and not set(before) & set(page_visits.pictures(app))


ANSWERS = [
    ("answer_size", 14, "Right"),
    ("answer_size", 13, "Nearly"),
    ("answer_size", 28, "stride 1"),
    ("answer_size", 9, "Not 9"),
    ("answer_weights", 910, "Right"),
    ("answer_weights", 900, "Nearly"),
    ("answer_weights", 100, "sheet of 3 × 3"),
    ("answer_weights", 7, "Not 7"),
]


def test_answers_are_checked():
    app = open_page(part="Check yourself")
    assert not app.success and not app.warning
    for key, answer, said in ANSWERS:
        app.number_input(key=key).set_value(answer).run()
        told = [element.value for element in (*app.success, *app.warning)]
        assert any(said in text for text in told), answer
        assert bool(app.success) == ("Right" in said)
        app.number_input(key=key).set_value(0).run()
    app.segmented_control(key="answer_rules").set_value("Guided alone").run()
    assert app.warning[0].value.startswith("Not so")
    app.segmented_control(key="answer_rules").set_value("Deconvnet alone").run()
    assert app.success[0].value.startswith("Right")


def test_on_paper_has_every_layer_and_the_step_of_the_address():
    app = open_page(part="On paper", focus="conv1_2:3:10:12:4", digit=12)
    layers = models.load("digits_cnn").layers
    assert all(f">{layer.name}</th>" in html(app) for layer in layers)
    value = float(explained(12, 0).stages[3].values[3, 10, 12])
    assert "conv1_2, map 3, row 10, column 12" in texts(app) and f"own number is {signed(value)}." in texts(app)
    assert "Flipped kernel" in html(app)


@pytest.mark.parametrize("focus", ["", "nothing", "conv1_2:99:0:0:0", "conv1_2:a:b:c:d", "pool1:0:0:0:0", ":::::"])
def test_a_broken_address_shows_the_usual_place(focus):
    app = open_page(part="On paper", focus=focus, way="sideways", grid="0.x")
    assert "conv1_1, map" in texts(app)


def test_a_network_without_convolution_has_no_kernel_to_ask_about():
    assert "choose Digits: Tiny VGG" in texts(open_page(model="digits_linear", part="Check yourself"))
