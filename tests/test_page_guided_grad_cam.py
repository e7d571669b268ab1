"""The Guided Grad-CAM page, alone and inside the dashboard."""

from functools import partial

import numpy as np
import page_visits
from page_visits import captions, checked, choose_layer, pictures, texts, through_the_table

open_page = partial(page_visits.open_page, "guided_grad_cam")
MALAMUTE, TANDEM, LIMOUSINE = 249, 444, 627


def scene(name: str = "squeezenet1_1"):
    """The network and the picture with a dog and a bicycle, as it sees it."""
    from vizcore import models
    from vizcore.images import gallery

    net = models.load(name)
    return net, net.preprocess(gallery.open_image(gallery.find("gallery", "dog_bicycle_car")))


def test_alone_and_through_the_dashboard():
    alone = open_page(image="jaguar")
    through = through_the_table("guided_grad_cam", image="jaguar")
    assert captions(alone) == captions(through)


def test_the_button_leads_to_two_classes_and_their_correlations():
    from vizcore.evaluation import compare
    from vizcore.methods import cam, relu_rules

    app = open_page(image="jaguar")
    app.button(key="demo").click().run()
    checked(app)
    assert app.session_state["image"] == "dog_bicycle_car"
    assert app.selectbox(key="class").value == str(MALAMUTE)
    assert app.selectbox(key="versus").value == str(TANDEM)
    assert not [button for button in app.button if button.key == "demo"]
    net, x = scene()
    guided = [relu_rules.guided_backprop(net, x, c)[0].numpy() for c in (MALAMUTE, TANDEM)]
    places = [cam.upsample(cam.grad_cam(net, x, c, "fire9"), (227, 227))[0].numpy() for c in (MALAMUTE, TANDEM)]
    products = [g * p for g, p in zip(guided, places, strict=True)]
    for pair in (guided, places, products):
        assert f"Correlation: **{compare.correlation(*pair):.2f}**" in texts(app)
    assert "what tells the classes apart here comes from Grad-CAM" in texts(app)


def test_what_the_exercise_says_about_the_limousine():
    """The strongest cell is on the truck, pixels 150 to 224 by 18 to 60, and the probability below 0.01 %."""
    from vizcore.methods import cam

    net, x = scene("efficientnet_lite0")
    place = cam.upsample(cam.grad_cam(net, x, LIMOUSINE), (224, 224))[0]
    row, column = np.unravel_index(int(place.argmax()), place.shape)
    assert 18 <= row < 60 and 150 <= column < 224
    assert net.categories[LIMOUSINE] == "limousine"
    assert float(net(x).softmax(1)[0, LIMOUSINE]) < 1e-4


def test_controls_change_their_figures():
    app = open_page(image="dog_bicycle_car", versus=TANDEM)
    before = pictures(app)
    app.button_group(key="zoom").set_value("4×").run()
    assert "The picture: 56 × 56 pixels" in captions(checked(app))
    zoomed = pictures(app)
    assert before[:3] == zoomed[:3] and before[3] != zoomed[3] and before[4] != zoomed[4]
    app.toggle(key="linked").set_value(False).run()
    unlinked = pictures(checked(app))
    assert unlinked[:5] == zoomed[:5] and unlinked[5:] != zoomed[5:]
    app.selectbox(key="versus").select("671").run()
    assert "Guided Grad-CAM: mountain bike" in captions(checked(app))
    choose_layer(app, "fire5")
    assert any("27 × 27 cells" in text for text in captions(checked(app)))
    app.selectbox(key="class").select(str(TANDEM)).run()
    assert "Guided backpropagation for bicycle-built-for-two" in captions(checked(app))


def test_class_without_evidence_is_a_calm_sentence():
    from vizcore.methods import cam

    net, x = scene("efficientnet_lite0")
    order = net(x)[0].argsort()[:40].tolist()
    empty = next(c for c in order if not cam.grad_cam(net, x, c).any())
    app = open_page(image="dog_bicycle_car", model=net.name, **{"class": empty})
    assert "Grad-CAM is zero everywhere: no positive evidence" in texts(app)
    assert "not defined" in texts(app)
