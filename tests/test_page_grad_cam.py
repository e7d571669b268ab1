"""The Grad-CAM page, alone and inside the dashboard."""

from functools import partial

import page_visits
import pytest
from page_visits import captions, checked, choose_layer, layer_of, pictures, texts, through_the_table

open_page = partial(page_visits.open_page, "grad_cam", image="dog_bicycle_car")
DOGSLED, TANDEM = 537, 444


@pytest.fixture(scope="module")
def net():
    from vizcore import models

    return models.load("squeezenet1_1")


@pytest.fixture(scope="module")
def x(net):
    from vizcore.images import gallery

    return net.preprocess(gallery.open_image(gallery.find("gallery", "dog_bicycle_car")))


def test_alone_and_through_the_dashboard():
    alone = open_page()
    through = through_the_table("grad_cam", image="dog_bicycle_car")
    assert captions(alone) == captions(through)
    assert "16" in through.title[0].value and "Grad-CAM" in through.title[0].value


def test_numbers_on_the_page_are_the_computed_ones(net, x):
    from vizcore.evaluation import compare
    from vizcore.figures import render
    from vizcore.inspection import cam_steps
    from vizcore.methods import cam

    app = open_page(versus=TANDEM)
    steps = cam_steps.unroll(net, x, DOGSLED, "fire9")
    head = cam_steps.linear_head(net, steps, DOGSLED)
    shown = " ".join(captions(app)) + texts(app)
    second = cam.grad_cam(net, x, TANDEM, "fire9")[0].numpy()
    for text in (
        f"ReLU: {int((steps.before_relu < 0).sum())} of 169 cells",
        f"Evidence for dogsled: up to {render.number(float(steps.map.max()))}",
        f"Evidence for bicycle-built-for-two: up to {render.number(float(second.max()))}",
        f"is {head.score:.4g}",
        f"Feature map of unit {steps.strongest(1)[0]}",
    ):
        assert text in shown
    assert f"correlation of {compare.correlation(steps.map.numpy(), second):.2f}" in shown


def test_layer_changes_everything_below():
    app = open_page()
    app.session_state["layer"] = "fire5"
    app.run()
    shown = " ".join(captions(checked(app))) + texts(app)
    assert "of 729 cells" in shown and "A check" not in shown and "fire5" in shown
    assert layer_of(app) == "fire5"
    app.session_state["layer"] = "fire8"
    assert layer_of(checked(app.run())) == "fire8"
    assert "Evidence for dogsled at fire8" in captions(app)


def test_counterfactual_of_a_sum_without_negative_cells_is_a_calm_sentence():
    app = open_page(image="giant_panda", model="efficientnet_lite0")
    app.toggle(key="counterfactual").set_value(True).run()
    checked(app)
    assert "The final ReLU removed everything: no evidence against giant panda" in texts(app)
    assert "A check" not in texts(app)


def test_controls_change_their_figures(net, x):
    from vizcore.inspection import cam_steps

    strongest = cam_steps.unroll(net, x, DOGSLED, "fire9").strongest(8)
    app = open_page(rank=3)
    assert f"Feature map of unit {strongest[2]}" in captions(app)
    app.button_group(key="rank").set_value("5").run()
    assert f"Feature map of unit {strongest[4]}" in captions(checked(app))
    before = pictures(app)
    app.slider(key="opacity").set_value(0.8).run()
    app.button_group(key="drawn").set_value("cells").run()
    after = pictures(checked(app))
    assert before[0] != after[0] and before[1] != after[1] and before[2:] == after[2:]
    app.toggle(key="linked").set_value(False).run()
    unlinked = pictures(checked(app))
    assert unlinked != after
    app.selectbox(key="versus").select("671").run()
    assert any("mountain bike: up to" in text for text in captions(checked(app)))


def test_variants_on_request():
    app = open_page()
    assert not any(text.startswith("HiResCAM") for text in captions(app))
    app.toggle(key="variants").set_value(True).run()
    shown = captions(checked(app))
    for title in ("Grad-CAM", "CAM", "Grad-CAM++", "HiResCAM", "LayerCAM", "XGrad-CAM"):
        assert sum(text.startswith(f"{title}: up to") for text in shown) == 1
    choose_layer(app, "fire7")
    assert "CAM needs average pooling" in texts(checked(app))
    assert not any(text.startswith("CAM: up to") for text in captions(app))


def test_grey_network_and_network_without_maps(monkeypatch):
    import streamlit as st
    import torch
    from torch import nn

    from vizcore import models
    from vizcore.ui import cache

    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 12, 3), nn.ReLU())
    grey = models.wrap(nn.Sequential(body, nn.Flatten(), nn.Linear(1200, 10)), "grey", 28, [0.5], [0.5])
    flat = models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), "flat", 28, [0.5], [0.5])
    try:
        for net in (grey, flat):
            st.cache_data.clear()
            monkeypatch.setattr(cache, "load_net", lambda model, net=net: net)
            for page in ("grad_cam", "guided_grad_cam"):
                app = page_visits.open_page(page)
                assert not app.exception, app.exception[0].stack_trace
                if net is flat:
                    assert "no layer of this kind" in app.info[0].value
                else:
                    assert not app.warning and captions(app)
    finally:
        st.cache_data.clear()


def test_the_button_shows_two_objects_and_the_way_back():
    app = open_page(image="jaguar")
    app.button(key="demo").click().run()
    checked(app)
    assert app.session_state["image"] == "dog_bicycle_car"
    assert any(text.startswith("Evidence for malamute") for text in captions(app))
    assert any(text.startswith("Evidence for bicycle-built-for-two") for text in captions(app))
    checked(app.button(key="demo_back").click().run())
    assert app.session_state["image"] == "jaguar" and app.button(key="demo")
    assert not [button for button in app.button if button.key == "demo_back"]
    assert any(text.startswith("Evidence for jaguar") for text in captions(app))


def test_why_not_the_layer_that_makes_the_classes():
    said = texts(open_page(model="squeezenet1_1", layer="fire9"))
    assert "Why not conv10" in said and "999 of the 1,000 weights are zero" in said and "correlation of 1.000" in said
    assert "A check" in said
    said = texts(open_page(model="squeezenet1_1", layer="conv10"))
    assert "conv10 makes one map for each class" in said and "Choose fire9" in said
    assert "makes one map for each class" not in texts(open_page(model="efficientnet_lite0"))
