"""The page on saliency maps."""

import json
import re
from functools import partial

import page_visits
import pytest
from page_visits import bars, panels, texts, through_the_table
from streamlit.testing.v1 import AppTest

open_page = partial(page_visits.open_page, "saliency")


@pytest.fixture(autouse=True)
def _fewer_points(monkeypatch):
    """The curve has three points."""
    from vizcore.evaluation import perturbation

    monkeypatch.setattr(perturbation, "SHARES", (0.0, 0.1, 0.3))


def ends(app: AppTest) -> list[str]:
    """The right ends of all colour bars, in order."""
    return [bar["ticks"][2] for bar in bars(app)]


def test_opens_alone_and_through_the_table():
    alone, through = open_page(), through_the_table("saliency")
    for app in (alone, through):
        assert "Saliency maps" in app.title[0].value and not app.warning
    assert ends(alone) == ends(through) and len(ends(alone)) == 5


def test_loss_and_probability_have_other_scales_and_say_when_saturated():
    logit, loss, probability = (open_page(image="polar_bear", of=of) for of in ("logit", "loss", "probability"))
    assert len({ends(app)[0] for app in (logit, loss, probability)}) == 3
    assert "saturated" in texts(probability) and "saturated" not in texts(logit)


def test_channels_are_combined_as_chosen():
    total, largest, length = (float(ends(open_page(channels=c))[0]) for c in ("sum", "max", "l2"))
    assert largest < length < total


def test_scale_reaches_further_at_the_maximum():
    assert float(ends(open_page(clip=95))[0]) < float(ends(open_page())[0]) < float(ends(open_page(clip=100))[0])


def test_smooth_grad_takes_its_parameters_from_the_address():
    one = open_page(variant="SmoothGrad", sg_samples=4, sg_seed=1)
    other = open_page(variant="SmoothGrad", sg_samples=4, sg_seed=2)
    assert one.slider(key="sg_samples").value == 4
    assert ends(one)[0] != ends(other)[0]
    assert re.search(r"orrelation</abbr> with the plain gradient's map: -?0\.\d\d", texts(one))


def test_integrated_gradients_say_how_far_their_sum_misses():
    app = open_page(variant="Integrated gradients", ig_steps=8, ig_tolerance=0)
    assert app.slider(key="ig_tolerance").value == 0
    assert any(re.search(r"\d\.\d\d ?%", info.value) for info in app.info)


def test_forgrad_keeps_what_it_says_and_a_control_stands_beside_it():
    low, high = (open_page(variant="FORGrad", fg_cutoff=cutoff) for cutoff in (0.1, 0.4))
    assert low.slider(key="fg_cutoff").value == 0.1 and len(ends(low)) == 7  # four maps with a scale each
    assert "shorter than 14.1 pixels" in texts(low) and "shorter than 3.54 pixels" in texts(high)
    pattern = r"keeps (\S+) % of the map's variance; of the same numbers at random places it keeps (\S+) %"
    kept, control = zip(*(map(float, re.search(pattern, texts(app)).groups()) for app in (low, high)), strict=True)
    assert 0 < kept[0] < kept[1] < 100 and 0 < control[0] < control[1] < 100
    whole = open_page(variant="FORGrad", fg_cutoff=1)
    assert re.search(pattern, texts(whole)).groups() == ("100", "100")
    assert ends(whole)[0] == ends(open_page())[0]  # the plain gradient
    assert not [box for box in low.get("button_group") if box.key == "fg_reduction"]
    assert ends(open_page(variant="FORGrad", channels="max"))[0] != ends(low)[0]


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("Gradient", "slope of the logit, per normalized unit of colour"),
        ("SmoothGrad", "mean slope of the logit over noisy copies, per normalized unit of colour"),
        ("Integrated gradients", "part of the logit's change from the baseline"),
        ("FORGrad", "slope of the logit, per normalized unit of colour"),
    ],
)
def test_the_numbers_of_every_variant_have_their_own_unit(variant, said):
    shown = " ".join(bar["label"] for bar in bars(open_page(variant=variant, sg_samples=4, ig_steps=8, ig_tolerance=0)))
    assert said in shown and ("from the baseline" in shown) == (variant == "Integrated gradients")


def test_number_of_classes_changes_the_row():
    app = open_page(k=2)
    before = len(panels(app))
    app.slider(key="k").set_value(4).run()
    assert not app.exception and len(panels(app)) == before + 2


def test_removing_more_pixels_and_another_filling_change_the_scores():
    said = [
        re.search(r"With (\S+) % .* a logit of (\S+),", texts(app)).groups()
        for app in (open_page(), open_page(share=30), open_page(fill="blur"))
    ]
    assert [share for share, _ in said] == ["10", "30", "10"]
    assert len({logit for _, logit in said}) == 3


def test_seed_changes_only_the_random_control():
    pattern = r"logit of (\S+), as many random ones (\S+)\. "
    said = [re.search(pattern, texts(open_page(seed=seed))).groups() for seed in (0, 1)]
    assert said[0][0] == said[1][0] and said[0][1] != said[1][1]


def test_curve_of_the_probability_stays_below_one():
    app = open_page(curve="probability")
    lines = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert len(lines) == 3 and all(0 <= max(line["y"]) <= 1 for line in lines if isinstance(line["y"], list))


def test_other_class_from_the_sidebar():
    app = open_page(**{"class": "290"})
    assert "leave “jaguar”" in texts(app)


@pytest.mark.parametrize("model", ["digits_linear", "digits_cnn"])
def test_grey_digits(model):
    app = open_page(model=model, image="giant_panda")
    assert not app.warning and len(ends(app)) == 5
