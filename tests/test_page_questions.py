"""The page of questions and answers."""

import re

import pytest
import torch
from page_visits import ROOT, bars, captions, checked, choose_layer, html, open_page, texts, through_the_table

from vizcore import methods, models
from vizcore.content.questions import questions
from vizcore.figures import tables
from vizcore.images import gallery
from vizcore.inspection import cam_steps, relu_step

PAGE = "questions"
QUESTIONS = questions()


pytestmark = pytest.mark.usefixtures("few_pictures")


def ends(app):
    """The right end of every colour bar."""
    return [float(bar["ticks"][2]) for bar in bars(app)]


def totals(app):
    """The gradients of the small network's two inputs, from the sums written out."""
    return [float(line.value.strip("$\n").split("= ")[-1]) for line in app.latex[:2]]


@pytest.mark.parametrize("number", range(1, 7))
def test_each_question_by_its_link(number):
    app = checked(open_page(PAGE, q=number), calm=True)
    said, topic = texts(app), QUESTIONS[number - 1]
    assert app.header[0].value == topic.question and topic.check[0] in said
    assert [other.question for other in QUESTIONS if other.question in said] == [topic.question]
    assert app.selectbox(key="q").value == str(number)
    assert any(caption.value.startswith("What this page ran") for caption in app.caption)


def test_each_part_of_a_question_alone():
    for number, parts in {1: ("By hand", "In a network"), 2: ("A row of numbers", "On your picture")}.items():
        drawn, written = (open_page(PAGE, q=number, part=part, model="mini_vgg") for part in reversed(parts))
        assert captions(drawn) and not captions(written)
    first = open_page(PAGE, q=2, part="By hand", model="mini_vgg")  # a part of another question: its own first one
    assert "backprop sends on" in texts(first) and not captions(first)


def test_answers_are_short():
    assert len(QUESTIONS) == 6
    for topic in QUESTIONS:
        assert len(re.findall(r"[.?!](?:\s|$)", topic.answer)) <= 4, topic.short
        assert topic.pages and (topic.sources or topic.short == "Newest methods")
        assert len(topic.notice) == len(topic.misleads) == 2


def test_through_the_table_and_from_question_to_question():
    app = through_the_table(PAGE)
    assert app.title[0].value.endswith("Questions and answers")
    assert app.header[0].value == QUESTIONS[0].question
    for number in ("4", "2"):
        app = checked(app.selectbox(key="q").set_value(number).run())
        assert app.header[0].value == QUESTIONS[int(number) - 1].question


def test_bad_link_falls_back():
    app = open_page(PAGE, q=9, behind="nothing", x1=99, layer="nothing", middle="nothing")
    assert app.header[0].value == QUESTIONS[0].question
    assert totals(app) == [-3, 9]
    assert open_page(PAGE, q=6, since=1800, run="nothing").header[0].value == QUESTIONS[5].question


def test_small_network_follows_its_controls():
    app = open_page(PAGE, q=1)
    app = checked(app.slider(key="x2").set_value(2.5).run())
    assert totals(app) == [3, 6]
    app = checked(app.slider(key="weight").set_value(3.0).run())  # opens the ReLU again: 3 - 2.5 > 0
    assert totals(app) == [-6, 9]
    app = checked(app.slider(key="x1").set_value(0.5).run())
    assert totals(app) == [3, 6]
    app = checked(app.segmented_control(key="behind").set_value("m2").run())
    assert totals(app) == [1, 2]
    assert "m_2" in app.latex[0].value


def test_two_pieces_agree_and_follow_layer_and_middle():
    app = open_page(PAGE, q=1, model="efficientnet_lite0")
    assert "same numbers" in texts(app) and "115 × 115 pixels" in " ".join(captions(app))
    first = ends(app)
    app = checked(app.selectbox(key="middle").select("stem.relu").run())
    assert "gradient at stem.relu" in captions(app)[1] and ends(app)[0] != first[0] and ends(app)[1] == first[1]
    app = checked(choose_layer(app, "head.relu"))
    assert "strongest neuron of head.norm" in texts(app) and "the whole picture" in captions(app)[0]


def test_row_of_numbers_follows_the_sliders():
    app = open_page(PAGE, q=2, model="efficientnet_lite0")
    assert "backprop sends on 6, 3 of them negative; deconvnet 5; guided 3" in texts(app)
    app = checked(app.slider(key="add_f").set_value(-4).run())  # only f = 5 stays above zero
    assert "backprop sends on 1, 1 of them negative; deconvnet 5; guided 0" in texts(app)
    app = checked(app.slider(key="add_r").set_value(2).run())  # 1 arrives there now
    assert "backprop sends on 1, 0 of them negative; deconvnet 7; guided 1" in texts(app)
    assert "does not depend on the image" in app.info[0].value


def test_row_is_what_the_rules_send_on():
    step = relu_step.through_relu(torch.tensor([[-1.0, 2, 3]]), torch.tensor([[4.0, -5, 6]]))
    rows = [re.findall(r">(−?\d+)</td>", row) for row in tables.relu_row(step).split("</tr>")[:-1]]
    assert rows[1] == ["0", "2", "3"] and rows[3] == ["0", "−5", "6"]
    assert rows[4] == ["4", "0", "6"] and rows[5] == ["0", "0", "6"]


def test_three_depths_of_a_network_with_relus_and_max_pools_whatever_the_model():
    app = open_page(PAGE, q=3, model="digits_linear")
    assert [h.value for h in app.subheader] == [
        "Early: sees 15 × 15 pixels",
        "Middle: sees 63 × 63 pixels",
        "Late: sees 207 × 207 pixels",
    ]
    mini = open_page(PAGE, q=3, model="mini_vgg")
    assert [h.value for h in mini.subheader][::2] == ["Early: sees 8 × 8 pixels", "Late: sees 134 × 134 pixels"]
    units = [c.value for c in app.caption if c.value.startswith("Unit")]
    said = next(m.value for m in app.markdown if "Whose drawing" in m.value)
    assert "fire2" in units[0] and "fire9" in units[2] and "SqueezeNet" in said
    app = checked(app.segmented_control(key="rank").set_value("2").run())
    others = [c.value for c in app.caption if c.value.startswith("Unit")]
    assert all(one != other for one, other in zip(units, others, strict=True))
    drawings = next(m.value for m in app.markdown if "Whose drawing" in m.value)
    app = checked(app.segmented_control(key="back").set_value("Gradient").run())
    assert next(m.value for m in app.markdown if "Whose drawing" in m.value) != drawings


def test_maps_added_one_by_one():
    net = models.load("mini_vgg")
    x = net.preprocess(gallery.open_image(gallery.find("gallery", "jaguar")))
    steps = cam_steps.unroll(net, x, 388)
    app = open_page(PAGE, q=4, model="mini_vgg", image="jaguar", **{"class": 388})
    assert "All added." in texts(app)
    for count in (1, 16):
        app = checked(app.select_slider(key="added").set_value(str(count)).run())
        some = steps.contributions[steps.strongest(count)].sum(0)
        expected = torch.corrcoef(torch.stack([some.flatten(), steps.before_relu.flatten()]))[0, 1]
        assert f"{count} added: correlation {float(expected):.2f}" in texts(app)
        assert ends(app)[1] == pytest.approx(float(some.abs().max()), rel=0.01)
    checked(app.slider(key="opacity").set_value(0.2).run())


def test_two_classes_and_the_demo():
    app = open_page(PAGE, q=5)
    assert captions(app)[0].endswith("giant panda")
    app = checked(app.button(key="demo").click().run())
    assert captions(app)[:2] == [f"Guided, {n}" for n in ("malamute", "bicycle-built-for-two")]
    linked = bars(app)
    app = checked(app.toggle(key="linked").set_value(False).run())
    assert len(bars(app)) == 2 * len(linked) and not [b for b in app.button if b.key == "demo"]
    alike = [float(found) for found in re.findall(r"two classes: \*\*(-?[\d.]+)\*\*", texts(app))]
    assert alike[0] > 0.8 > 0.2 > alike[1]
    checked(app.selectbox(key="versus").select("388").run())


def test_table_and_methods():
    app = open_page(PAGE, q=6)
    years = [int(year) for year in re.findall(r">(20\d\d)</td>", html(app))]
    assert years == sorted(years, reverse=True) and min(years) == 2021
    assert captions(app)[-1].startswith("Grad-CAM (2017)")
    app = checked(app.segmented_control(key="since").set_value("2013").run())
    assert min(int(year) for year in re.findall(r">(20\d\d)</td>", html(app))) == 2013
    app = checked(app.pills(key="run").set_value(["HiResCAM"]).run())
    net = models.load("squeezenet1_1")
    x = net.preprocess(gallery.open_image(gallery.find("gallery", "giant_panda")))
    expected = methods.run("hires_cam", net, x, 388, layer="fire9").values.max()
    (caption,) = [c for c in captions(app) if c.startswith("HiResCAM")]
    assert float(caption.split()[-1]) == pytest.approx(float(expected), rel=0.01)
    app = checked(app.pills(key="run").set_value([]).run())
    assert "Choose a method above" in texts(app)


@pytest.mark.parametrize("model", ["mini_vgg", "digits_cnn"])
@pytest.mark.parametrize("number", [1, 2, 4, 5, 6])
def test_other_models(model, number):
    app = checked(open_page(PAGE, q=number, model=model), calm=True)
    assert not [info for info in app.info if "no feature maps" in info.value]
    assert len(captions(app)) >= 3


@pytest.mark.parametrize("number", [1, 4, 5, 6])
def test_network_without_maps_gets_a_sentence(number):
    app = open_page(PAGE, q=number, model="digits_linear")
    said = " ".join(box.value for box in (*app.warning, *app.info))
    assert "choose Digits: Tiny VGG or SqueezeNet 1.1" in said and len(app.warning) + len(app.info) == 1
    assert QUESTIONS[number - 1].check[0] in texts(app)


@pytest.mark.parametrize("number", [2, 4, 5, 6])
def test_program_that_is_shown_runs(number, monkeypatch):
    monkeypatch.chdir(ROOT)
    app = open_page(PAGE, q=number, model="mini_vgg", image="jaguar")
    (program,) = [block.value for block in app.code if block.value.startswith("import torch")]
    found = {}
    exec(program, found)
    assert "result" in found
