"""The page Object segmentation for free."""

import re

import numpy as np
import pytest
from page_visits import captions, checked, html, open_page, texts, through_the_table

from vizcore import models
from vizcore.evaluation import segmentation, segmentation_bench
from vizcore.images import composites

COMPOSITE = "Composite with known outline"


def scores(app) -> list[str]:
    return [found for text in captions(app) for found in re.findall(r"IoU (\d\.\d\d)", text)]


def program(app) -> str:
    return next(block.value for block in app.code if "result = np.isin(mask" in block.value)


def run(code: str) -> np.ndarray:
    space: dict = {}
    exec(compile(code, "snippet", "exec"), space)
    return space["result"]


def shown(app, ground: str) -> None:
    """The chart has every kept mean of this background, and the verdict is about it."""
    kept, on = segmentation_bench.stored(ground), {"background": "on one material", "photo": "on photographs"}[ground]
    numbers = re.findall(r"<b>(\d\.\d\d)</b>", html(app))
    expected = [
        np.mean([row[i] for row in kept.rows[name]]) for name in (*segmentation_bench.SOURCES, "box") for i in (0, 1)
    ]
    assert numbers[: len(expected)] == [f"{mean:.2f}" for mean in expected]
    assert f"**Saliency map, {on}**" in texts(app)
    assert any(caption.value.startswith(f"Saliency map, {on}: the 8 best") for caption in app.caption)


def test_the_kind_of_background():
    app = open_page("segmentation")
    checked(app.segmented_control(key="grounds").set_value("Photographs").run())
    shown(app, "photo")
    shown(open_page("segmentation", grounds="Photographs"), "photo")
    shown(open_page("segmentation", grounds="sand"), "background")
    for ground in composites.GROUNDS:  # what the page says of the plain box is what was measured
        rows = segmentation_bench.stored(ground).rows
        best = max(np.mean([row.cut for row in rows[source]]) for source in segmentation_bench.SOURCES)
        assert f"{np.mean([row.cut for row in rows['box']]):.2f}, from the seeds of the best map" in texts(app)
        assert f") {best:.2f}: " in texts(app)


def test_alone_and_through_the_table():
    app = open_page("segmentation")
    assert captions(app) == captions(through_the_table("segmentation"))
    assert not scores(app) and "Nobody outlined this picture" in texts(app)
    shown(app, "background")
    assert f"{len(segmentation_bench.stored().recipes)} composites" in texts(app)


@pytest.mark.parametrize("ground", composites.GROUNDS)
def test_a_composite_of_the_measurement_scores_what_was_kept(ground):
    kept = segmentation_bench.stored(ground)
    recipe, row = kept.recipes[3], kept.rows["grad_cam"][3]
    app = open_page(
        "segmentation",
        scene=COMPOSITE,
        source="Grad-CAM",
        cutout=recipe.cutout,
        ground=recipe.background,
        size=recipe.size,
        across=recipe.across,
        down=recipe.down,
    )
    assert scores(app)[0] == f"{row.cut:.2f}" and scores(app)[1] == f"{row.threshold:.2f}"
    assert scores(app)[2] == f"{kept.rows['box'][3].threshold:.2f}"
    assert scores(app)[3] == f"{kept.rows['box'][3].cut:.2f}" and scores(app)[4] == "1.00"
    net = models.load("squeezenet1_1")
    mask = segmentation_bench.measure_one(net, "grad_cam", segmentation_bench.SOURCES["grad_cam"][1], recipe)[1]
    assert segmentation.iou(run(program(app)), mask) > 0.999


def saliency_score(foreground: int) -> float:
    """What the page's own composite scores when only this percentile differs from the default."""
    settings = segmentation_bench.SIMONYAN._replace(foreground=foreground)
    recipe = composites.Recipe("zebra", "meadow", 70, 40, 60)
    return segmentation_bench.measure_one(models.load("squeezenet1_1"), "saliency", settings, recipe)[0].cut


def test_controls_change_the_result():
    app = open_page("segmentation", scene=COMPOSITE, source="Saliency map")
    checked(app.slider(key="s_object").set_value(80).run())
    assert "orange object 20 %" in " ".join(captions(app)) and scores(app)[0] == f"{saliency_score(80):.2f}"
    checked(app.slider(key="s_ground").set_value(10).run())
    assert "background 10 %" in " ".join(captions(app))
    checked(app.slider(key="s_threshold").set_value(90).run())
    assert "above its 90th percentile" in " ".join(captions(app))
    assert "GaussianBlur" not in program(app) and "cv2.GC_EVAL)" not in program(app)  # as Simonyan et al.
    checked(app.slider(key="s_sigma").set_value(9).run())
    assert "GaussianBlur" in program(app)
    checked(app.slider(key="s_cuts").set_value(3).run())
    assert "cv2.GC_EVAL)" in program(app)
    before = scores(app)
    checked(app.slider(key="across").set_value(100).run())
    assert scores(app) != before
    checked(app.selectbox(key="cutout").select("elephant").run())
    checked(app.selectbox(key="ground").select("snow").run())
    assert "'elephant', background='snow'" in program(app)


@pytest.mark.parametrize("title", ["Saliency map", "SmoothGrad", "Grad-CAM", "Guided Grad-CAM"])
def test_program_of_a_picture_makes_the_mask(title):
    app = open_page("segmentation", image="jaguar", source=title)
    mask = run(program(app))
    assert f"“{models.load('efficientnet_lite0').categories[290]}”" in captions(app)[0]
    assert 0.01 < mask.mean() < 0.99


@pytest.mark.parametrize(("name", "ground"), [("One material", "background"), ("Photographs", "photo")])
def test_measuring_again(name, ground):
    app = open_page("segmentation", source="Grad-CAM", again="true", count=20, grounds=name)
    rows = segmentation_bench.stored(ground).rows
    found = html(app).split("the first 20 composites")[1]
    for mean in (np.mean([r.cut for r in rows["grad_cam"][:20]]), np.mean([r.threshold for r in rows["box"][:20]])):
        assert f"<b>{mean:.2f}</b>" in found


@pytest.mark.parametrize("model", ["mini_vgg", "digits_cnn", "digits_linear"])
def test_other_models(model):
    app = open_page("segmentation", model=model, scene=COMPOSITE, source="Grad-CAM")
    if model == "digits_linear":
        assert app.warning
    elif model == "digits_cnn":
        assert "reads grey pictures" in texts(app) and captions(app) and not scores(app)
    else:
        assert len(scores(app)) == 5


def test_a_bad_link_falls_back():
    app = open_page("segmentation", source="nonsense", scene="x", cutout="unicorn", size="900", sg_object="abc")
    assert captions(app)[1] == "2. Saliency map"


def test_simonyans_values_and_those_of_the_grid():
    app = open_page("segmentation")
    keys = ("s_sigma", "s_object", "s_ground", "s_cuts", "s_threshold")

    def sliders() -> tuple[int, ...]:
        return tuple(app.slider(key=key).value for key in keys)

    paper, best = segmentation_bench.SIMONYAN, segmentation_bench.SOURCES["saliency"][1]
    assert sliders() == tuple(paper) and paper[1:4] == (95, 30, 1)
    checked(app.button(key="preset_b").click().run())
    assert sliders() == tuple(best) and app.button(key="preset_b").disabled
    checked(app.button(key="preset_s").click().run())
    assert sliders() == tuple(paper)


def test_each_tab_shows_its_part_alone():
    marks = "How good is it?", "Where it succeeds"
    for part, mark in zip(("How good", "Best and worst"), marks, strict=True):
        app = open_page("segmentation", part=part)
        assert [other for other in marks if other in texts(app)] == [mark] and len(captions(app)) == 7


def test_the_headline_says_what_was_measured():
    said = texts(open_page("segmentation"))
    for ground, name in (("background", "one material"), ("photo", "photographs")):
        rows = segmentation_bench.stored(ground).rows
        box = np.array([row.cut for row in rows["box"]])
        cuts = {source: np.array([row.cut for row in rows[source]]) for source in segmentation_bench.SOURCES}
        best = max(cuts.values(), key=np.mean)
        assert f"on {name}, the best of 4 maps" in said and f"(IoU {best.mean():.2f} and {box.mean():.2f})" in said
        gain = best - box  # no map is surely better than the box on either kind, and the headline says so
        assert gain.mean() < 1.96 * gain.std() / len(gain) ** 0.5
    assert said.count("does no better than the box") == 2
