"""Page 19: the corrupted picture, the curves, the attacks; numbers as computed apart from the page."""

import json

import numpy as np
import pytest
import torch
from page_visits import captions, checked, open_page, panels, texts, through_the_table
from torch import nn

from vizcore import images, methods, models
from vizcore.content import programs
from vizcore.evaluation import attacks, compare, corruptions, robustness
from vizcore.figures import robustness as charts
from vizcore.figures.bars import percent
from vizcore.images import gallery
from vizcore.types import Mean
from vizcore.ui.picture import Own

SMALL = {"model": "mini_vgg", "image": "jaguar"}  # the quickest network
ATTACKED = {"part": "Explanation attacked", "attack_map": "true"}


@pytest.fixture(scope="module")
def net():
    return models.load("mini_vgg")


@pytest.fixture(scope="module")
def square(net):
    return net.crop(gallery.open_image(gallery.find("gallery", "jaguar")))


def said(net, x) -> str:
    with torch.no_grad():
        probability, target = net(x).softmax(1)[0].max(0)
    return f"{net.categories[int(target)]}, {percent(float(probability))}"


def test_before_and_after_with_their_maps(net, square):
    app = checked(open_page("robustness", **SMALL, corruption="fog", severity=4, corruption_seed=3), calm=True)
    spoiled = corruptions.corrupt(square, "fog", 4, 3)
    x, y = (net.preprocess(each, crop=False) for each in (square, spoiled))
    shown = captions(app)
    assert shown[0] == f"Before: {said(net, x)}" and shown[3] == f"After: {said(net, y)}"
    target = int(net(x).argmax())
    for at, method in ((4, "saliency"), (5, "grad_cam")):
        pair = [methods.run(method, net, each, target).values for each in (x, y)]
        alike = compare.in_words(compare.likeness(*pair, net.input_size))
        assert shown[at] == f"“{net.categories[target]}”; rank correlation {alike}"
    edges = [methods.run("edges", net, each, target).values for each in (x, y)]
    assert compare.in_words(compare.likeness(*edges, net.input_size)) in texts(app)


def test_alone_and_through_the_table():
    alone, through = (visit("robustness", **SMALL, part="All+19") for visit in (open_page, through_the_table))
    assert captions(alone)[:6] == captions(through)[:6] and "19" in through.title[0].value


def test_explaining_the_new_class(net, square):
    settings = SMALL | {"corruption": "contrast", "severity": 5, "part": "All 19"}
    y = net.preprocess(corruptions.corrupt(square, "contrast", 5), crop=False)
    name = said(net, y).rpartition(",")[0]
    assert name != said(net, net.preprocess(square, crop=False)).rpartition(",")[0]
    app = checked(open_page("robustness", **settings, new_class="true"), calm=True)
    assert captions(app)[4].startswith(f"“{name}”;")


def test_every_corruption_and_method_and_bad_links_fall_back():
    for name in corruptions.names():
        checked(open_page("robustness", **SMALL, part="All 19", corruption=name, severity=5), calm=True)
    app = open_page("robustness", **SMALL, corruption="rain", severity=9, epsilon=3, first_map="no", point_severity=7,
                    attacked_map="rise", toward=123456, aim_picture="nobody", point_network="none")  # fmt: skip
    checked(app, calm=True)
    assert app.selectbox(key="corruption").value == "gaussian_noise" and app.slider(key="severity").value == 3
    assert app.select_slider(key="epsilon").value == 1


def test_one_map_twice_is_shown_once():
    app = checked(open_page("robustness", **SMALL, part="All 19", first_map="grad_cam"), calm=True)
    assert [caption.partition(":")[0] for caption in captions(app)][::2] == ["Before", "After"]


# Accuracy.


def test_the_kept_measurement_is_what_the_networks_say():
    """A few cells, computed again: the most probable class, and its probability up to rounding on other machines."""
    few = 6
    for model, name, severity in (("squeezenet1_1", "jpeg_compression", 2), ("efficientnet_lite0", "fog", 4)):
        net, kept = models.load(model), robustness.stored(model)
        cases = robustness.cases(net)
        squares = [net.crop(case.open()) for case in cases[:few]]
        spoiled = [corruptions.corrupt(each, name, severity, robustness.SEED) for each in squares]
        for pictures, answers in ((squares, kept.clean), (spoiled, kept.spoiled[name][severity - 1])):
            for now, then in zip(robustness.answer(net, pictures), answers, strict=False):
                assert abs(now.probability - then.probability) < 0.02
                assert now.said == then.said or now.probability < 0.52
        assert len(kept.clean) == len(cases) and set(kept.spoiled) == set(corruptions.names())
        assert all(len(rows) == 5 and all(len(row) == len(cases) for row in rows) for rows in kept.spoiled.values())


def test_accuracy_wilson_and_curves():
    cases = tuple(robustness.Case(str(n), "", frozenset({n % 3}), lambda: None) for n in range(12))
    answers = tuple(robustness.Answer(0, 0.5) for _ in cases)
    found = robustness.accuracy(cases, answers)
    low, high = 0.13812, 0.60937  # of 4 in 12, by the formula of Wilson (1927)
    assert found.mean == pytest.approx(1 / 3) and found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)
    right = tuple(robustness.Answer(n % 3, 0.5) for n in range(12))
    measured = robustness.Measured(right, {"fog": (answers,) * 5, "snow": (right,) * 5})
    assert [point.mean for point in robustness.curve(cases, measured, "fog")] == [1] + [pytest.approx(1 / 3)] * 5
    assert robustness.mean_curve(cases, measured) == [1] + [pytest.approx(2 / 3)] * 5


def test_measuring_reports_and_can_be_given_up(net):
    cases, shares = robustness.cases(net)[:3], []
    found = robustness.measure(net, ["contrast", "pixelate"], cases, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    assert set(found.spoiled) == {"contrast", "pixelate"} and len(found.clean) == 3

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        robustness.measure(net, ["contrast"], cases, progress=stop)


def test_a_point_and_the_pictures_behind_it():
    kept = robustness.stored("efficientnet_lite0")
    cases = robustness.cases(models.load("efficientnet_lite0"))
    settings = {"part": "Accuracy", "corruption": "impulse_noise", "point_network": "efficientnet_lite0"}
    app = checked(open_page("robustness", **SMALL, **settings, point_severity=5), calm=True)
    right = sum(robustness.right(cases, kept.spoiled["impulse_noise"][4]))
    assert f"is right on **{right} of {len(cases)}** pictures" in texts(app)
    app = checked(open_page("robustness", **SMALL, **settings, point_severity=0), calm=True)
    right = sum(robustness.right(cases, kept.clean))
    assert f"is right on **{right} of {len(cases)}** pictures" in texts(app)
    for fate in ("lost", "won"):
        app = checked(open_page("robustness", **SMALL, **settings, point_severity=0, fate=fate), calm=True)
        assert "There is none of this kind" in texts(app)


@pytest.mark.slow
def test_measured_now(net):
    settings = {"part": "Accuracy", "corruption": "contrast", "point_network": "mini_vgg", "measure_now": "true"}
    app = checked(open_page("robustness", **SMALL, **settings, point_severity=1), calm=True)
    found, cases = robustness.measure(net, ["contrast"]), robustness.cases(net)
    right = sum(robustness.right(cases, found.spoiled["contrast"][0]))
    assert f"{net.title} is right on **{right} of {len(cases)}** pictures" in texts(app)
    assert net.title in app.get("plotly_chart")[0].proto.spec


def test_a_network_whose_classes_nobody_knows_gets_a_sentence():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="knows no class of the gallery"):
        robustness.cases(models.wrap(module, "two", 32, categories=["this", "that"]))


def test_chart_of_severity():
    line = [Mean(0.8 - 0.1 * n, 0.7 - 0.1 * n, 0.9 - 0.1 * n) for n in range(6)]
    figure = charts.severity_chart({"A": line, "B": line}, {"A": [0.5] * 6}, False, ("B", 2))
    assert figure.data[0].y == pytest.approx([80, 70, 60, 50, 40, 30])
    marked = next(trace for trace in figure.data if len(trace.x) == 1)
    assert marked.y[0] == pytest.approx(60) and round(marked.x[0]) == 2
    figure = charts.severity_chart({"A": line}, {"A": [0.5] * 6}, True, None)
    assert figure.data[0].y[0] == pytest.approx(100) and figure.data[1].y[0] == pytest.approx(100)


# Attacks.


@pytest.mark.parametrize("kind", ["FGSM", "PGD"])
def test_the_prediction_attacked(kind, net, square):
    settings = SMALL | {"part": "Prediction attacked", "attack": kind, "epsilon": 2}
    app = checked(open_page("robustness", **settings), calm=True)
    x = net.preprocess(square, crop=False)
    target = int(net(x).argmax())
    found = attacks.fgsm(net, x, target, 2 / 255)
    after = captions(app)[8]
    if kind == "FGSM":
        assert after == f"After: {said(net, found)}"
    drawn = [trace["name"] for trace in json.loads(app.get("plotly_chart")[0].proto.spec)["data"]]
    assert drawn == [f"“{net.categories[target]}”, attacked", f"“{net.categories[target]}”, random noise"]
    app = checked(open_page("robustness", **settings | {"epsilon": 0}), calm=True)
    assert captions(app)[7] == "No change" and captions(app)[8] == f"After: {said(net, x)}"


def test_towards_a_class(net):
    settings = SMALL | {"part": "Prediction attacked", "targeted": "true", "toward": 294, "epsilon": 4}
    app = checked(open_page("robustness", **settings), calm=True)
    assert net.categories[294] in captions(app)[8]


def test_the_explanation_attacked(net, square):
    app = checked(open_page("robustness", **SMALL, **ATTACKED, map_epsilon=1), calm=True)
    x = net.preprocess(square, crop=False)
    target = int(net(x).argmax())
    moved = attacks.move_explanation(net, x, target, 1 / 255)
    maps = [methods.run("saliency", net, each, target).values for each in (x, moved.x)]
    alike = compare.in_words(compare.likeness(*maps, net.input_size))
    assert f"rank correlation **{alike}** with the map before" in texts(app)
    assert f"The prediction: **{said(net, moved.x)}**" in texts(app)
    assert len([caption for caption in captions(app) if caption.startswith("Control:")]) == 1


def test_the_explanation_of_another_picture_is_the_aim():
    settings = {"attacked_map": "grad_cam", "aim": "Another picture's map", "aim_picture": "koala"}
    app = checked(open_page("robustness", **SMALL, **ATTACKED, **settings), calm=True)
    assert "The aim: the other picture's map" in captions(app)


def test_a_network_for_digits_and_one_without_maps():
    app = checked(open_page("robustness", model="digits_cnn", digit=5, attack_map="true"), calm=True)
    assert "Gaussian" in texts(app) and len(panels(app)) > 10
    app = checked(open_page("robustness", model="digits_linear", digit=5), calm=True)
    assert app.selectbox(key="first_map").value == "saliency"
    app = open_page("robustness", model="digits_linear", digit=5, **ATTACKED)
    assert "the same for every picture" in app.warning[0].value


def test_a_picture_of_one_colour():
    app = open_page("robustness", **SMALL, part="Prediction attacked")
    image = images.load(gallery.find("gallery", "jaguar").file).resize((64, 64))
    image.paste((90, 90, 90), (0, 0, 64, 64))
    app.session_state["own_picture"] = Own(image, images.digest(image), "Grey")
    app.session_state["use_own"] = True
    checked(app.run(), calm=True)
    assert captions(app)[0].startswith("Before:")


def test_the_numbers_in_the_text_are_the_kept_ones():
    app = checked(open_page("robustness", **SMALL, part="Explanation attacked"), calm=True)
    kept, moved = robustness.flipped(), robustness.maps_moved()
    assert f"FGSM turns the prediction of {kept.counts['fgsm']} of {kept.pictures} pictures" in texts(app)
    assert f"over {len(moved.pictures)} pictures" in texts(app)
    assert kept.counts["noise"] < kept.counts["fgsm"]
    assert np.isfinite(moved.mean("saliency", "saliency"))
    assert moved.mean("saliency", "saliency") < moved.mean("noise", "saliency")


def test_the_program_shown_is_the_attack(net, square, monkeypatch):
    monkeypatch.chdir(gallery.ASSETS.parent)
    x = net.preprocess(square, crop=False)
    target = int(net(x).argmax())
    scope: dict = {}
    exec(programs.fgsm("mini_vgg", "assets/gallery/jaguar.jpg", target, 1 / 255), scope)
    assert torch.equal(scope["x"].detach(), x)
    assert (scope["result"] - attacks.fgsm(net, x, target, 1 / 255)).abs().max() < 1e-4
