"""The page Inside one unit."""

import re
from functools import partial

import numpy as np
import page_visits
import pytest
from page_visits import checked, choose_layer, texts, through_the_table

from vizcore import models
from vizcore.images.collection import open_collection
from vizcore.inspection import likeness, top_patches, unit_gradients

open_page = partial(page_visits.open_page, "unit")
pytestmark = pytest.mark.usefixtures("few_pictures")


def test_page_alone_shows_map_patches_and_classes():
    app = open_page()
    assert "rank 1 of 512 maps" in texts(app)
    assert "cut to half the picture's side" in texts(app)
    assert "Exact: after fire9" in texts(app)
    assert "Make a picture" in app.toggle(key="made").label


def test_through_the_table():
    app = through_the_table("unit")
    assert app.title[0].value.endswith("Inside one unit")


def test_every_control_changes_what_is_shown():
    app = open_page(layer="fire2", unit=5)
    assert "To first order" in texts(app) and "its whole" in texts(app)
    first = next(c.value for c in app.caption if c.value.startswith("The patches"))
    checked(app.number_input(key="unit").set_value(6).run())
    assert next(c.value for c in app.caption if c.value.startswith("The patches")) != first
    checked(app.segmented_control(key="back").set_value("Deconvnet").run())
    assert "Deconvnet needs" not in texts(app)
    lite0 = open_page(model="efficientnet_lite0", layer="stage3.block1.expand.relu", unit=5, back="Deconvnet")
    assert "Deconvnet needs max-pooling" in texts(lite0)
    checked(app.segmented_control(key="back").set_value("Gradient").run())
    checked(app.segmented_control(key="among").set_value("all pictures").run())
    checked(app.slider(key="opacity").set_value(0.2).run())
    checked(choose_layer(app, "relu1"))
    assert "of 64 maps" in texts(app)


def test_another_units_drawings_stand_beside_with_their_correlation():
    where = {"model": "mini_vgg", "layer": "block5.relu2", "unit": 7, "other_unit": 90, "back": "Guided"}
    app = open_page(**where)
    net, pictures = models.load("mini_vgg"), open_collection()
    hits = top_patches.build(net, pictures).top(net, "block5.conv2", 7)
    alike = []
    for hit in hits:
        x, layer = net.preprocess(pictures.open(hit.picture)), net.layer("block5.relu2")
        top, left, bottom, right = top_patches.patch_box(net, layer, hit.cell)
        pair = [
            unit_gradients.gradient(net, x, "block5.conv2", k, hit.cell, "guided").gradients[
                0, :, top:bottom, left:right
            ]
            for k in (7, 90)
        ]
        alike.append(np.corrcoef(*(values.ravel() for values in pair))[0, 1])

    def said(app) -> float:
        return float(re.search(r"mean over the patches: \*\*(-?[\d.]+)\*\*", texts(app))[1])

    assert said(app) == pytest.approx(np.mean(alike), abs=0.006)
    assert "another unit of the layer: unit 90" in texts(app)
    assert "almost the same drawing" in texts(app)
    checked(app.segmented_control(key="back").set_value("Gradient").run())
    assert said(app) < 0.6 and "almost the same" not in texts(app)
    checked(app.number_input(key="other_unit").set_value(7).run())
    assert said(app) == 1  # the unit beside itself
    checked(app.button(key="other_unit_default").click().run())
    assert "drawn by lot among those active there" in texts(app)


def test_the_exercise_counts_how_often_late_units_gather_one_kind():
    app = open_page(model="mini_vgg")
    net, pictures = models.load("mini_vgg"), open_collection()
    ranking = top_patches.build(net, pictures).rankings["block5.conv2"]
    kinds = likeness.kinds(net, pictures)
    same = [
        np.mean([kinds[a] == kinds[b] for n, a in enumerate(row) for b in row[:n]]) for row in ranking.pictures.tolist()
    ]
    assert f"and in {100 * np.mean(same):.0f} % at block5.relu2" in texts(app)


def test_made_picture_follows_seed_and_steps():
    app = open_page(layer="fire2.squeeze_relu", unit=3, made="true", steps=32)
    said = next(m.value for m in app.markdown if m.value.startswith("Mean activation"))
    assert "times the noise's" in said
    checked(app.number_input(key="seed").set_value(4).run())
    assert next(m.value for m in app.markdown if m.value.startswith("Mean activation")) != said
    checked(app.select_slider(key="steps").set_value(64).run())
    checked(app.toggle(key="made").set_value(False).run())
    assert "Starts from noise" in texts(app)


def test_wrong_address_and_digit_networks():
    app = open_page(layer="nothing", unit=99999, back="nothing")
    assert "maps of this layer by mean" in texts(app)
    app = open_page(model="digits_cnn")
    assert "rank 1 of 10 maps" in texts(app)
    assert "Each patch is" in texts(app)
    app = open_page(model="digits_linear")
    assert "has no layer of this kind" in texts(app)


def test_job_runs_once_reports_and_starts_again_after_an_error():
    import threading
    import time

    from vizcore.ui.jobs import Job

    job, ran = Job(), []

    def work(report):
        ran.append(1)
        report(0.5)
        time.sleep(0.1)
        if len(ran) == 1:
            raise ValueError("not this time")
        return 7

    threads = [threading.Thread(target=job.start, args=(work, True)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert job.wait(5) and len(ran) == 1 and job.share == 0.5
    with pytest.raises(ValueError, match="not this time"):
        job.result()
    job.start(work, True)
    assert job.wait(5) and job.result() == 7
    job.start(work, True)
    assert len(ran) == 2


def test_job_that_nobody_waits_for_is_given_up():
    import time

    from vizcore.ui import jobs

    job = jobs.Job()

    def work(report):
        for _ in range(100):
            time.sleep(0.01)
            report(0.1)

    job.start(work, False, patience=0.05)
    time.sleep(0.3)
    assert job.wait(1)
    with pytest.raises(jobs.Abandoned):
        job.result()


@pytest.mark.parametrize("page", ["unit", "small_outputs"])
def test_program_that_is_shown_runs(page, monkeypatch):
    monkeypatch.chdir(page_visits.ROOT)
    chosen = {"model": "mini_vgg", "layer": "block2.relu1", "unit": 5, "row": 3, "column": 4, "inputs": 1}
    app = page_visits.open_page(page, **chosen)
    program = next(block.value for block in app.code if "result =" in block.value)
    found = {}
    exec(program, found)
    if page == "unit":
        assert len(found["result"]) == 9 and found["result"][0].size == (8, 8)
        return
    from vizcore.inspection import effective_field

    expected = effective_field.effective_field(found["net"], found["x"], "block2.relu1", (3, 4))
    assert found["result"].numpy() == pytest.approx(expected)
