"""The page on caveats: methods side by side at random weights, curves, two tests, units and directions, studies."""

import re

import numpy as np
import pytest
from page_visits import bars, captions, checked, html, open_page, panels, pictures, texts, through_the_table
from PIL import Image

from vizcore import images, models
from vizcore.content import loader
from vizcore.evaluation import ablation, compare, randomization, randomization_bench
from vizcore.images.gallery import find
from vizcore.models import layers as model_layers
from vizcore.ui import jobs
from vizcore.ui.picture import Own
from vizcore.ui.sections import caveats as section

pytestmark = pytest.mark.usefixtures("few_pictures")
SMALL = {"model": "mini_vgg", "image": "jaguar"}
STUDIES = "Why user studies"  # the tab that computes nothing


@pytest.fixture(scope="module")
def truth():
    """The network, the picture and the class of SMALL."""
    net = models.load("mini_vgg")
    x = net.preprocess(images.load(find("gallery", "jaguar").file))
    return net, x, int(net(x)[0].argmax())


def number(caption: str) -> float:
    return float(caption.rsplit(": ", 1)[1].replace("> ", ""))


def test_numbers_under_the_pictures_are_those_of_the_twin(truth):
    net, x, target = truth
    app = open_page("caveats", **SMALL, down_to="block4.conv1", part=STUDIES)
    checked(app, calm=True)
    twin = randomization.randomize(net, "block4.conv1", 0)
    names = ("saliency", "guided_backprop", "eigen_cam", "edges")
    trained, random = (randomization.explain(n, x, target, names)[0] for n in (net, twin))
    shown = {c.rsplit(": ", 1)[0]: c for c in captions(app)[1:]}
    for name in names:
        wanted = compare.spearman(*(randomization.sizes(found[name]) for found in (trained, random)))
        assert number(shown[section.TITLES[name]]) == pytest.approx(wanted, abs=0.006), name
    chances = twin(x)[0].softmax(0)
    assert captions(app)[0].startswith(f"Says “{net.categories[int(chances.argmax())]}”")
    assert abs(number(shown["New noise"])) < 0.05 and number(shown["Edges"]) == 1


def test_twelve_methods_and_more_with_two_controls_and_one_bar():
    """And the photograph; CAM needs average pooling, which this network has not."""
    app = open_page("caveats", **SMALL, part=STUDIES)
    found = panels(app)
    assert len(found) == 15 and len(section.SETS) == 3 and len(randomization.QUICK) >= 14
    assert len(bars(app)) == 1 and bars(app)[0]["ticks"] == ["0", "0.5", "1"]
    assert all(panel["alt"] for panel in found)
    slow = open_page("caveats", **SMALL, method_set="17 methods", part=STUDIES)
    assert len(panels(slow)) == 17 and any(c.startswith("SmoothGrad: ") for c in captions(slow))


def test_before_and_after_and_the_trained_network():
    app = open_page("caveats", **SMALL, method_set="6, before and after", part=STUDIES)
    said = captions(app)
    assert len(said) == 18 and said[0].startswith("Says “jaguar”") and said[1] == "Gradient: trained"
    assert pictures(app)[7] == pictures(app)[16]  # edges know no network
    assert pictures(app)[8] != pictures(app)[17]  # noise is new each time
    app.select_slider(key="down_to").set_value("trained").run()
    checked(app, calm=True)
    assert pictures(app)[1:9] == pictures(app)[10:18] and "Move the slider" in texts(app)


def test_one_part_alone_signed_and_ssim(truth):
    net, x, target = truth
    app = open_page("caveats", **SMALL, random_in="One part", down_to="block1.conv1", alike_by="Signed", part=STUDIES)
    twin = randomization.randomize_only(net, ["block1.conv1"], 0)
    one, two = (randomization.explain(n, x, target, ["saliency"])[0]["saliency"] for n in (net, twin))
    assert number(captions(app)[1]) == pytest.approx(compare.spearman(one, two), abs=0.006)
    app.segmented_control(key="alike_by").set_value("SSIM").run()
    wanted = randomization.Reference(one, net.input_size).similarity(two).ssim
    assert number(captions(app)[1]) == pytest.approx(wanted, abs=0.006)


def test_curves_and_both_tests_of_this_picture():
    app = open_page("caveats", **SMALL)
    checked(app, calm=True)
    assert len(app.get("plotly_chart")) == 2
    table = html(app)
    assert "MPRT: similarity" in table and "eMPRT: rise" in table and "Guided backprop" in table
    assert re.search(r"rank correlation of -?\d\.\d", texts(app))
    app.select_slider(key="weight_seeds").set_value(3).run()
    checked(app, calm=True)
    app.pills(key="curve_lines").set_value([]).run()
    assert any("Choose other lines" in info.value for info in app.info)


def test_the_kept_measurement_stands_first_where_there_is_one(monkeypatch):
    kept = randomization_bench.measured("squeezenet1_1")
    app = open_page("caveats", model="squeezenet1_1", image="koala", part="Two tests")
    checked(app, calm=True)
    assert app.segmented_control(key="measured_on").value == f"{kept.pictures} pictures"
    assert f"On {kept.pictures} pictures with SqueezeNet 1.1" in texts(app)
    guided = kept.level("guided_backprop")
    assert f"{guided.mean:.2f}" in html(app)


def test_units_and_directions_on_this_picture(truth):
    net, x, target = truth
    app = open_page("caveats", **SMALL, part="Distributed representations", unit=5, taken_away=10)
    checked(app, calm=True)
    layer = model_layers.last_features(net)
    found = ablation.ablate(net, x, target, layer, [10], draws=section.SHOWN, alone=[5])
    rows = re.findall(r"<li><span>(.*?)</span><b>(.*?)</b>", html(app))
    shown = {name: value for name, value in rows if name.startswith(("Without", "Nothing"))}
    assert shown["Without unit 5 alone"] == section.percent(found.alone[0])
    assert shown["Without the 10 most important units"] == section.percent(found.after["most"][0, 0])
    app.segmented_control(key="units_are").set_value("Looked at").run()
    assert "a random direction" not in " ".join(captions(app))
    app.toggle(key="which_row").set_value(True).run()
    assert "A, " in captions(app)[15] and "a random direction" in " ".join(captions(app))


def test_a_unit_too_large_a_class_or_a_step_that_is_not_there():
    app = open_page(
        "caveats", **SMALL, down_to="fire99", method_set="99", unit=9999, weight_seeds="x", **{"class": 12345}
    )
    checked(app, calm=True)
    assert len(panels(app)) == 15


@pytest.mark.parametrize("model", ["digits_linear", "digits_mlp"])
def test_networks_without_maps_say_which_methods_are_missing(model):
    app = open_page("caveats", model=model)
    checked(app, calm=True)
    assert "Not for this network: CAM, Grad-CAM" in texts(app) and len(captions(app)) == 8
    assert any("has no feature maps" in info.value for info in app.info)


def test_a_picture_of_one_colour():
    app = open_page("caveats", **SMALL, part="Two tests")
    image = Image.new("RGB", (90, 90), (120, 120, 120))
    app.session_state["own_picture"], app.session_state["use_own"] = Own(image, images.digest(image), "Grey"), True
    checked(app.run(), calm=True)
    assert "Edges: blank" in captions(app)


def test_steps_are_computed_ahead():
    done: list[float] = []

    def work(report):
        for share in np.linspace(0, 1, 200):
            done.append(share)
            report(share)
            jobs.time.sleep(0.01)
        return True

    assert jobs.ahead(("ahead, a test",), work) < 1
    while (share := jobs.ahead(("ahead, a test",), work)) < 1:
        jobs.time.sleep(0.05)
    assert share == 1 and len(done) == 200


def test_every_study_of_the_table_is_among_the_sources():
    text = loader.page("caveats")
    sources = " ".join(item.text for item in text.lists["Sources"])
    addresses = re.findall(r"\]\((https://[^)]+)\)", text.parts["Does it help people?"].text)
    assert len(addresses) == 8 and all(address in sources for address in addresses)


def test_through_the_table():
    app = through_the_table("caveats", **SMALL, part=STUDIES)
    assert "Caveats" in app.title[0].value and "foresee" in texts(app)
