"""The page on saliency maps."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch):
    """Pages are found as in the dashboard, and the curve has fewer points."""
    from vizcore import perturbation

    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr(perturbation, "SHARES", (0.0, 0.1, 0.3))


def open_page(path="pages/saliency.py", **address) -> AppTest:
    app = AppTest.from_file(str(ROOT / path), default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = str(value)
    return app.run()


def bars(app: AppTest) -> list[str]:
    """The ends of all colour bars, in order."""
    found = [re.search(r"Colour scale, (\S+) to (\S+)", element.proto.body) for element in app.get("html")]
    return [match.group(2) for match in found if match]


def text(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.info))


def fresh(**address) -> AppTest:
    app = open_page(**address)
    assert not app.exception, app.exception[0].stack_trace
    return app


def test_opens_alone_and_through_the_table():
    alone, through = open_page(), open_page("dashboard.py").switch_page("pages/saliency.py").run()
    for app in (alone, through):
        assert not app.exception, app.exception[0].stack_trace
        assert "Saliency maps" in app.title[0].value and not app.warning
    assert bars(alone) == bars(through) and len(bars(alone)) == 4


def test_loss_and_probability_have_other_scales_and_say_when_saturated():
    logit, loss, probability = (fresh(image="polar_bear", of=of) for of in ("logit", "loss", "probability"))
    assert len({bars(app)[0] for app in (logit, loss, probability)}) == 3
    assert "saturated" in text(probability) and "saturated" not in text(logit)


def test_channels_are_combined_as_chosen():
    total, largest, length = (float(bars(fresh(channels=c))[0]) for c in ("sum", "max", "l2"))
    assert largest < length < total


def test_scale_reaches_further_at_the_maximum():
    assert float(bars(fresh(clip=95))[0]) < float(bars(fresh())[0]) < float(bars(fresh(clip=100))[0])


def test_smooth_grad_takes_its_parameters_from_the_address():
    one = fresh(variant="SmoothGrad", sg_samples=4, sg_seed=1)
    other = fresh(variant="SmoothGrad", sg_samples=4, sg_seed=2)
    assert one.slider(key="sg_samples").value == 4
    assert bars(one)[0] != bars(other)[0]
    assert re.search(r"orrelation</abbr> with the plain gradient's map: -?0\.\d\d", text(one))


def test_integrated_gradients_say_how_far_their_sum_misses():
    app = fresh(variant="Integrated gradients", ig_steps=8, ig_tolerance=0)
    assert app.slider(key="ig_tolerance").value == 0
    assert any(re.search(r"\d\.\d\d ?%", info.value) for info in app.info)


def test_number_of_classes_changes_the_row():
    app = fresh(k=2)
    before = len(app.get("image"))
    app.slider(key="k").set_value(4).run()
    assert not app.exception and len(app.get("image")) == before + 2


def test_removing_more_pixels_and_another_filling_change_the_scores():
    said = [
        re.search(r"With (\S+) % .* a logit of (\S+),", text(app)).groups()
        for app in (fresh(), fresh(share=30), fresh(fill="blur"))
    ]
    assert [share for share, _ in said] == ["10", "30", "10"]
    assert len({logit for _, logit in said}) == 3


def test_seed_changes_only_the_random_control():
    pattern = r"logit of (\S+), as many random ones (\S+)\. "
    said = [re.search(pattern, text(fresh(seed=seed))).groups() for seed in (0, 1)]
    assert said[0][0] == said[1][0] and said[0][1] != said[1][1]


def test_curve_of_the_probability_stays_below_one():
    app = fresh(curve="probability")
    lines = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert len(lines) == 3 and all(0 <= max(line["y"]) <= 1 for line in lines if isinstance(line["y"], list))


def test_other_class_from_the_sidebar():
    app = fresh(**{"class": "290"})
    assert "leave “jaguar”" in text(app)


@pytest.mark.parametrize("model", ["digits_linear", "digits_cnn"])
def test_grey_digits(model):
    app = fresh(model=model, image="giant_panda")
    assert not app.warning and len(bars(app)) == 4
