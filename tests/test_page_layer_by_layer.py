"""The page VGG layer by layer."""

import copy
import dataclasses
import hashlib
from collections import OrderedDict

import pytest
import random_networks
import torch
from page_visits import checked, choose_layer, html, layer_of, open_page, texts, through_the_table

from vizcore import models
from vizcore.inspection import top_patches
from vizcore.models import layers as model_layers
from vizcore.ui import cache

STEM, MINI = "layer_by_layer", models.spec("mini_vgg").title
pytestmark = pytest.mark.usefixtures("few_pictures")


def units(app):
    """The units on offer for the chosen layer: the first is the one with the strongest patches."""
    return list(app.selectbox(key="one").options)


def layer(app):
    return layer_of(app, "of_layer")


def test_alone_it_shows_the_best_vgg_there_is():
    app = checked(open_page(STEM, how_many=4, each=4), calm=True)
    title = models.spec("vgg16" if models.status("vgg16") != "missing" else "squeezenet1_1").title
    assert app.selectbox(key="net").value == title
    assert app.selectbox(key="model").value == models.DEFAULT  # the sidebar is untouched
    assert all(f">{name}<" in html(app) for name in ("relu1", "fire2", "fire9")) and "10 pictures" in texts(app)
    assert len(units(app)) == 4
    assert "What do you learn from VGG layer-by-layer visualization" in texts(app)


def test_vgg_16_is_shown_when_its_weights_are_on_disk(monkeypatch, tmp_path):
    """A small network with VGG-11's convolutions stands for it; its file is found, checked and read as usual."""
    features = random_networks.torchvision_module("vgg11").features
    stand_in = torch.nn.Sequential(
        OrderedDict(
            features=features,
            pool=torch.nn.AdaptiveAvgPool2d(1),
            flat=torch.nn.Flatten(),
            classifier=torch.nn.Linear(512, 1000),
        )
    )
    file = tmp_path / "vgg16-397923af.pth"
    torch.save(stand_in.state_dict(), file)

    def build(state):
        stand_in.load_state_dict(state)
        return copy.deepcopy(stand_in)

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    spec = dataclasses.replace(models.spec("vgg16"), build=build, sha256=digest, input_size=64, resize=72)
    monkeypatch.setitem(models.MODELS, "vgg16", spec)
    monkeypatch.setenv("VIZ_WEIGHTS_DIR", str(tmp_path))
    app = checked(open_page(STEM, how_many=4, each=4), calm=True)
    assert app.selectbox(key="net").options == ["VGG-16", "SqueezeNet 1.1", MINI, "EfficientNet-Lite0"]
    assert app.selectbox(key="net").value == "VGG-16"
    assert layer(app).startswith("features.") and "Block 5" in html(app)
    cache.load_net.clear()


def test_through_the_table():
    app = through_the_table(STEM)
    assert app.title[0].value.endswith("VGG layer by layer") and len(units(app)) == 6


def test_every_control_changes_what_is_shown():
    app = checked(open_page(STEM, net=MINI, how_many=4, each=4))
    net = models.load("mini_vgg")
    assert layer(app) == model_layers.block_ends(net)[2].name
    most = units(app)
    before = html(app)
    checked(app.segmented_control(key="back").set_value("Guided").run())
    assert html(app) != before and "the drawings of the same boxes (guided)" in texts(app)
    checked(app.segmented_control(key="back").set_value("Gradient").run())
    assert "The plain gradient says" in texts(app) and "Rule = contextlib.nullcontext" in app.code[0].value
    checked(app.segmented_control(key="how_many").set_value(6).run())
    assert units(app)[:4] == most and len(units(app)) == 6
    checked(app.segmented_control(key="each").set_value(9).run())
    assert "Left the 9 patches" in texts(app)
    checked(app.segmented_control(key="by").set_value("on this picture").run())
    assert "strongest cell on your picture, Giant panda" in texts(app)
    panda = units(app)
    app.session_state["image"] = "jaguar"
    checked(app.run())
    assert units(app) != panda and "strongest cell on your picture, Jaguars" in texts(app)
    checked(app.segmented_control(key="by").set_value("random").run())
    drawn = units(app)
    ends = model_layers.block_ends(net)
    assert drawn == [str(unit) for unit in top_patches.at_random(ends[2], 6, 0)]
    checked(app.number_input(key="seed").set_value(7).run())
    assert units(app) == [str(unit) for unit in top_patches.at_random(ends[2], 6, 7)] != drawn
    checked(choose_layer(app, ends[0].name, "of_layer"))
    assert "3 × 3 pixels" in texts(app)
    second = units(app)[1]
    checked(app.selectbox(key="one").select(second).run())
    assert app.selectbox(key="one").value == second and f", {second}\n" in app.code[0].value


def test_each_tab_shows_its_part_alone():
    marks = "One layer, unit by unit", "Whose drawings are they?", "In numbers"
    for part, mark in zip(("One layer", "Whose drawings", "In numbers"), marks, strict=True):
        app = checked(open_page(STEM, net=MINI, how_many=4, each=4, part=part), calm=True)
        assert [header.value for header in app.header if header.value in marks] == [mark]
        assert len(units(app)) == 4 and app.code


def test_a_layer_that_ends_no_block_has_a_sheet_too():
    net = models.load("mini_vgg")
    ends = {item.name for item in model_layers.block_ends(net)}
    other = next(item.name for item in model_layers.candidates(net) if item.name not in ends)
    app = checked(open_page(STEM, net=MINI, of_layer=other, how_many=4, each=4), calm=True)
    assert layer(app) == other and f"each unit of {other}" in texts(app)


def test_lite0_says_why_its_deconvnet_is_blind():
    app = checked(open_page(STEM, net="EfficientNet-Lite0", how_many=4, each=4), calm=True)
    assert "Deconvnet needs max-pooling" in texts(app) and "much the same whatever is in the patch" in texts(app)
    assert "Block 1" not in html(app) and "28 × 28 cells" in html(app)
    checked(app.segmented_control(key="back").set_value("Guided").run())
    assert "Deconvnet needs max-pooling" not in texts(app) and "much the same" not in texts(app)


def test_the_sidebars_model_is_offered_too():
    app = checked(open_page(STEM, model="digits_cnn", net="Digits: Tiny VGG", how_many=4, each=4), calm=True)
    assert layer(app) in {item.name for item in models.load("digits_cnn").layers} and "digit" in texts(app)
    assert "trained with most of these" not in texts(app)
    app = checked(open_page(STEM, model="digits_linear", net="Digits: linear"))
    assert "has no feature maps" in app.warning[0].value


def test_a_bad_link_falls_back():
    app = checked(open_page(STEM, net="nothing", back="x", by="x", how_many=99, each=0, of_layer="x", one="-1"), True)
    assert app.segmented_control(key="back").value == "Deconvnet" and len(units(app)) == 6
