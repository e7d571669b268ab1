"""Page 18, alone and through the table: every family, every method, the links, the panel's numbers."""

import numpy as np
import pytest
from page_visits import captions, checked, html, open_page, pictures, texts, through_the_table

from vizcore import methods, models
from vizcore.content import papers
from vizcore.content.papers import FAMILIES, WORKS
from vizcore.evaluation import compare

SMALL = {"model": "mini_vgg", "image": "jaguar"}  # the quickest network
FAST = [name for name, method in methods.METHODS.items() if not method.slow]
QUICK = {
    "smooth_grad": {"run_smooth_grad_samples": 4},
    "integrated_gradients": {"run_integrated_gradients_steps": 8, "run_integrated_gradients_tolerance": 0.0},
    "occlusion": {"run_occlusion_patch": 0.5, "run_occlusion_stride": 1.0},
    "rise": {"run_rise_samples": 64},
}


def links(app) -> list[str]:
    return [element.proto.page for element in app.get("page_link")]


def test_alone_and_through_the_table():
    alone, through = open_page("timeline"), through_the_table("timeline")
    assert (
        captions(alone)[:3]
        == captions(through)[:3]
        == ["LayerCAM, “giant panda”", "LayerCAM alone", "Grad-CAM, on its own scale"]
    )
    assert "18" in through.title[0].value
    for sentence, _ in papers.SUMMARY:
        assert sentence in texts(alone)
    assert "LayerCAM: Exploring Hierarchical" in texts(alone) and "It runs below" in texts(alone)
    source = html(alone)
    assert all(test in source for test in papers.QUESTIONS.values())
    assert source.count("✗ no") == sum(not v for results in papers.VERDICTS.values() for v in results.values())
    assert all(work.name in source for work in WORKS if work.family == "user study")


def test_links_lead_to_pages_of_the_table():
    from dashboard import PAGES

    app = open_page("timeline", **SMALL)
    stems = {page.stem for section in PAGES.values() for page in section if page.file.exists()}
    wanted = {stem for _, some in papers.SUMMARY for stem in some} & stems
    assert wanted <= set(links(app)) <= stems
    assert {"saliency", "guided_backprop", "grad_cam", "guided_grad_cam"} <= wanted


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family(family):
    words = FAMILIES[family]
    app = checked(open_page("timeline", family=words, **SMALL), calm=True)
    assert app.selectbox(key="family").value == words
    assert f"The list: {words}" in texts(app)
    source = html(app)
    for work in WORKS:
        if family != "user study" and work.family not in ("user study", family):
            assert work.idea not in source
    assert all(work.url in source for work in WORKS if work.family == family)


def test_all_is_the_default_and_a_bad_family_falls_back():
    for app in (open_page("timeline", **SMALL), open_page("timeline", family="magic", **SMALL)):
        source = html(app)
        assert all(work.title and work.venue in source for work in WORKS)
        assert f"All {len(WORKS)} works" in " ".join(box.label for box in app.expander)


@pytest.mark.parametrize("method", methods.names())
def test_each_method_runs(method):
    entry = methods.METHODS[method]
    app = checked(open_page("timeline", method=method, **SMALL, **QUICK.get(method, {})))
    if app.warning:
        assert method == "cam" and "average" in app.warning[0].value
        return
    shown = captions(app)
    assert shown[0].startswith(entry.title)
    assert ("Grad-CAM, on its own scale" in shown) == (method != "grad_cam")
    text, work = texts(app), papers.of_method(method)
    assert f"{entry.title}: {entry.paper}" in text
    assert (work.failure if work else "A control") in text
    assert "It took " in text and (method in ("edges", "random") or " pass" in text)
    assert app.selectbox(key="work").value == (work.key if work else "sanity_checks")


def test_the_numbers_are_the_computed_ones():
    from vizcore.images import gallery

    app = open_page("timeline", **SMALL, method="hires_cam", layer="block4.relu2")
    net = models.load("mini_vgg")
    x = net.preprocess(gallery.open_image(gallery.find("gallery", "jaguar")))
    with_class = int(net(x).argmax())
    pair = [methods.run(name, net, x, with_class, layer="block4.relu2").values for name in ("hires_cam", "grad_cam")]
    alike = compare.in_words(compare.likeness(*pair, net.input_size))
    assert f"with Grad-CAM: {alike}." in texts(app)
    assert "1 forward pass and 1 backward pass." in texts(app)


def test_slow_method_says_what_it_costs():
    from vizcore.images import gallery
    from vizcore.inspection.activations import feature_maps

    app = checked(open_page("timeline", **SMALL, method="score_cam", layer="block5.relu2"), calm=True)
    net = models.load("mini_vgg")
    x = net.preprocess(gallery.open_image(gallery.find("gallery", "jaguar")))
    varied = int((np.ptp(feature_maps(net, x, "block5.relu2").reshape(256, -1), axis=1) > 0).sum())
    assert f"{varied + 2} forward passes." in texts(app)


def test_choosing_a_method_and_a_work():
    app = open_page("timeline", **SMALL)
    app = checked(app.selectbox(key="method").select("xgrad_cam").run(), calm=True)
    assert captions(app)[0].startswith("XGrad-CAM") and "Axiom-based" in texts(app)
    app = checked(app.selectbox(key="work").select("lrp").run(), calm=True)
    assert "On Pixel-Wise Explanations" in texts(app) and "It does not run here" in texts(app)
    assert captions(app)[0].startswith("XGrad-CAM")
    app = checked(app.selectbox(key="work").select("eigen_cam").run(), calm=True)
    assert "first principal direction" in texts(app) and captions(app)[0].startswith("XGrad-CAM")
    app = checked(app.button(key="run_work").click().run(), calm=True)
    assert captions(app)[0].startswith("Eigen-CAM") and "It runs below" in texts(app)
    assert "same for every class" in texts(app)


def test_panel_controls():
    app = open_page("timeline", **SMALL, method="saliency")
    assert captions(app)[2] == "Grad-CAM, on its own scale"
    app = checked(app.toggle(key="beside").set_value(False).run(), calm=True)
    assert len([caption for caption in captions(app) if "Grad-CAM" in caption]) == 0
    first = pictures(app)
    found = (*app.get("button_group"), *app.get("segmented_control"))
    reduction = next(element for element in found if element.key == "run_saliency_reduction")
    app = checked(reduction.set_value("max").run(), calm=True)
    assert pictures(app) != first


def test_bad_links_fall_back():
    app = checked(open_page("timeline", **SMALL, method="magic", work="nothing", layer="no.layer"), calm=True)
    assert captions(app)[0].startswith("LayerCAM")


def test_grey_network():
    app = checked(open_page("timeline", model="digits_cnn", method="input_x_gradient"), calm=True)
    assert captions(app)[0].startswith("Input x gradient")


def test_network_without_maps():
    app = checked(open_page("timeline", model="digits_linear"), calm=True)
    assert captions(app)[0].startswith("Saliency map") and "Grad-CAM, on its own scale" not in captions(app)
    app = checked(open_page("timeline", model="digits_linear", method="layer_cam"))
    assert "no convolutional map" in app.warning[0].value
    assert "Does it help people?" in texts(app)
