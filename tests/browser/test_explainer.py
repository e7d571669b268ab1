"""The CNN explainer in the browser: its sums are torch's, it works by keys, asks nothing, and keeps its address."""

import itertools
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from tests.browser import student
from tests.browser.conftest import ROOT, WAIT, start_server
from vizcore import models
from vizcore.images import gallery
from vizcore.inspection import explainer

pytestmark = pytest.mark.browser

DIGIT, TARGET = 12, 3
CLOSE = 1e-5

# Through all layers and some of their units and places by the keys of the keyboard; what stands there after each.
WALK = """(root, [moves, units]) => {
  const [stage, place] = [root.querySelector('.stage'), root.querySelector('.to .place')]
  const press = (node, key) => node.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))
  const found = []
  const note = () => found.push({...root.dataset, shown: root.querySelector('.result b').textContent,
    parts: [...root.querySelectorAll('.parts button')].map(chip => Number(chip.dataset.value)),
    live: root.querySelector('.live').textContent})
  for (const way of ['forward', 'backprop', 'deconvnet', 'guided']) {
    root.querySelector(`[data-value=${way === 'forward' ? 'forward' : 'backward'}]`).click()
    if (way !== 'forward') root.querySelector(`.rules [data-value=${way}]`).click()
    press(stage, 'Home')
    for (let layer = 0; layer < 20; layer++) {
      for (let unit = 0; unit < units; unit++) {
        press(place, 'Home')
        note()
        for (const key of moves) { press(place, key); note() }
        press(stage, 'ArrowDown')
        press(stage, 'ArrowDown')
      }
      press(stage, 'ArrowRight')
    }
  }
  return found
}"""
MOVES = [*["ArrowDown", "ArrowRight"] * 4, "End", "ArrowLeft", "ArrowUp", "ArrowUp"]


def compared(found: list[dict], taken: explainer.Explained) -> set[tuple[str, str]]:
    """Compare every step with torch's numbers; the kinds of steps that were seen, each with its way."""
    stages, kinds = {stage.name: stage for stage in taken.stages}, set()
    for step in found:
        name, unit, row, column, _ = step["state"].rsplit(":", 4)
        if name == "softmax":
            real = float(taken.probabilities[int(unit)])
        else:
            stage = stages[name]
            values = stage.values if step["way"] == "forward" else stage.gradients[step["way"]]
            real = float(
                values.reshape(len(values), *(stage.values.shape[1:] or (1, 1)))[int(unit), int(row), int(column)]
            )
        assert float(step["network"]) == pytest.approx(real, abs=1e-7 * max(1, abs(real)))
        assert abs(float(step["sum"]) - real) < CLOSE * max(1, abs(real)), step
        kinds.add((step["kind"], step["way"]))
    return kinds


@pytest.fixture(scope="module")
def taken() -> explainer.Explained:
    x = torch.from_numpy(gallery.digits()[2][DIGIT] / 255).float()[None, None]
    return explainer.explain(models.load("digits_cnn"), x, TARGET)


def explained(visit, path: str = "", **options):
    """The page with a digit and a class, and the figure's element."""
    window = visit(f"cnn_explainer?digit={DIGIT}&logit={TARGET}{path}", **options)
    figure = window.page.locator(".explainer")
    expect(figure.locator(".result b")).not_to_be_empty(timeout=WAIT)
    return window, figure


@pytest.mark.slow
def test_every_sum_is_torchs(visit, taken):
    _, figure = explained(visit)
    found = figure.evaluate(WALK, [MOVES, 4])
    assert len(found) > 2000
    kinds = compared(found, taken)
    forward = {"pixel", "sum", "relu", "max", "flatten", "softmax"}
    assert {kind for kind, way in kinds if way == "forward"} == forward
    for rule in explainer.RULES:
        backward = {"sum", "rules", "switches", "unflatten", "seed", "softmax"}
        assert {kind for kind, way in kinds if way == rule} == backward


@pytest.mark.slow
def test_every_sum_of_a_students_network_is_torchs(visit):
    process, address = start_server(script=str(ROOT / "tests" / "browser" / "student.py"))
    try:
        window = visit("", address=address)
        figure = window.page.locator(".explainer")
        expect(figure.locator(".result b")).not_to_be_empty(timeout=WAIT)
        kinds = compared(figure.evaluate(WALK, [MOVES, 7]), student.taken())
        assert {kind for kind, _ in kinds} >= {"average", "shares", "max", "switches", "rules", "relu", "sum"}
        more = figure.get_by_role("button", name="Next maps of 3")
        shown = {more.inner_text()}
        more.click()
        shown.add(more.inner_text())
        assert shown == {"0–11 of 14", "12–13 of 14"}
        window.page.goto("about:blank")  # before its server goes
    finally:
        process.terminate()
        process.wait(10)


def test_the_sum_is_written_out(visit, taken):
    _, figure = explained(visit, "&focus=conv1_2:3:10:12:4")
    stage, before = taken.stages[3], taken.stages[2]
    products = before.values[4, 10:13, 12:15] * stage.weight[3, 4]
    cells = figure.locator(".grid td b").all_inner_texts()
    assert [float(cell.replace("−", "-")) for cell in cells] == pytest.approx(products.ravel(), rel=6e-3, abs=1e-3)
    partial = (before.values[:, 10:13, 12:15] * stage.weight[3]).sum((1, 2))
    chips = [float(chip.get_attribute("data-value")) for chip in figure.locator(".parts button").all()]
    assert chips == pytest.approx(partial, abs=CLOSE)
    said = figure.locator(".result b").inner_text()
    assert said.startswith("90 products from 10 maps: ") and "(bias)" in said
    total = re.search(r"= (\S+)\.$", said)[1].replace("−", "-")
    assert float(total) == pytest.approx(stage.values[3, 10, 12], rel=6e-3)


def test_all_of_it_by_keyboard(visit):
    window, figure = explained(visit, "&focus=conv1_1:2:5:6:0")
    page = window.page

    def state() -> str:
        return figure.get_attribute("data-state")

    figure.get_by_role("button", name="Forward", exact=True).focus()
    for _ in range(5):  # Backward, three moves, the graph
        page.keyboard.press("Tab")
    focused = "e => e.getRootNode().activeElement.className"
    assert figure.evaluate(focused) == "stage"
    live = figure.locator(".live").inner_text()
    page.keyboard.press("ArrowRight")
    assert state() == "relu1_1:2:5:6:-1"
    assert figure.locator(".live").inner_text() != live and "relu1_1, map 2" in figure.locator(".live").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert figure.evaluate(focused) == "place"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert state() == "relu1_1:3:6:7:-1"
    page.keyboard.press(".")  # on to a number it leads to
    assert state().startswith("conv1_2:")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    assert figure.evaluate(focused) == "stage"
    page.keyboard.press(",")
    assert state().startswith("relu1_1:")
    page.keyboard.press("End")
    assert state().startswith("softmax:3:")
    page.keyboard.press("Home")
    assert state().startswith("input:0:")


def test_the_way_back_leads_from_the_logit_to_a_pixel(visit, taken):
    window, figure = explained(visit, f"&focus=linear:{TARGET}:0:0:-1&way=backprop")
    names = [stage.name for stage in taken.stages]
    figure.locator(".stage").focus()
    for name in reversed(names[:-1]):
        window.page.keyboard.press(",")
        at, unit, row, column, _ = figure.get_attribute("data-state").rsplit(":", 4)
        assert at == name
        gradient = taken.stages[names.index(name)].gradients["backprop"]
        value = gradient.reshape(len(gradient), *(gradient.shape[1:] or (1, 1)))[int(unit), int(row), int(column)]
        assert float(figure.get_attribute("data-sum")) == pytest.approx(float(value), abs=CLOSE)
    assert float(figure.get_attribute("data-sum")) != 0
    assert "flipped kernel" in figure.locator(".what").inner_text()


def test_a_link_shows_the_same_and_a_run_of_the_page_keeps_it(visit):
    window, figure = explained(visit)
    page = window.page
    figure.get_by_role("button", name="Backward").click()
    figure.get_by_role("button", name="Guided").click()
    figure.locator(".stage").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("focus=.*way=guided"))
    page.wait_for_timeout(400)
    state = figure.get_attribute("data-state")
    assert f"focus={state}" in page.url
    _, other = explained(visit, f"&{page.url.split('?')[1]}")
    assert other.get_attribute("data-state") == state and other.get_attribute("data-way") == "guided"
    assert other.get_attribute("data-sum") == figure.get_attribute("data-sum")
    window.choose("logit", "7")
    page.wait_for_url(re.compile("logit=7"))
    expect(figure.locator(".title")).to_contain_text("logit of 7", timeout=WAIT)
    assert figure.get_attribute("data-state") == state
    assert "focus=" in page.url and "way=guided" in page.url


def test_hovering_and_stepping_ask_nothing(visit):
    window, figure = explained(visit)
    page = window.page
    sent: list[str] = []
    icon = page.locator("link[rel*=icon]").first.evaluate("link => link.href")  # Chromium asks for it at a new address
    page.on("request", lambda request: request.url != icon and sent.append(request.url))
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append("frame")))
    window.open(f"cnn_explainer?digit={DIGIT}")
    expect(figure.locator(".result b")).not_to_be_empty(timeout=WAIT)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500)
    assert "frame" in sent
    sent.clear()
    box = figure.locator(".stage").bounding_box()
    for share in range(1, 20):
        page.mouse.move(box["x"] + box["width"] * share / 20, box["y"] + box["height"] * 0.4)
    assert figure.get_attribute("data-hovered")
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    expect(figure.locator(".tip")).to_be_visible()
    page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    figure.get_by_role("button", name="Backward").click()
    for rule in ("Deconvnet", "Guided", "Backprop"):
        figure.get_by_role("button", name=rule).click()
    figure.locator(".stage").focus()
    for key in ["ArrowRight", "ArrowDown", "Enter", "ArrowDown", ",", ".", " ", " "]:
        page.keyboard.press(key)
    target = figure.locator(".to canvas").bounding_box()
    page.mouse.move(target["x"] + 20, target["y"] + 30)
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] + 70, steps=5)
    page.mouse.up()
    page.wait_for_timeout(600)
    assert sent == []


def test_a_drawing_changes_every_number_and_nothing_moves(visit):
    window, figure = explained(visit, "&focus=conv1_1:2:12:13:0")
    page = window.page
    before = figure.locator(".maps").evaluate("c => c.toDataURL()")
    box = page.locator(".st-key-explainer_pad canvas").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 62, box["y"] + 100, steps=6)
    page.mouse.up()
    expect(page.get_by_text("Your drawing in Digits: Tiny VGG")).to_be_visible(timeout=WAIT)
    assert figure.locator(".maps").evaluate("c => c.toDataURL()") != before
    assert figure.get_attribute("data-state") == "conv1_1:2:12:13:0"


def test_show_me_goes_there(visit):
    window, figure = explained(visit, "&part=Three+rules")
    window.page.locator(".st-key-show_closed button").click()
    expect(figure).to_have_attribute("data-kind", "rules", timeout=WAIT)
    assert figure.get_attribute("data-way") == "backprop"
    rows = figure.locator(".grid tr").all_inner_texts()
    assert ["stops" in row for row in rows[1:]] == [True, False, True]
    window.page.wait_for_url(re.compile("way=backprop"))


def test_on_a_phone_nothing_is_cut(visit):
    window, figure = explained(visit, "&focus=conv1_2:3:10:12:4", viewport={"width": 390, "height": 844})
    main = window.page.locator("[data-testid=stMain]")
    assert main.evaluate("m => m.scrollWidth - m.clientWidth") <= 0
    frame = figure.bounding_box()
    assert frame["x"] >= 0 and frame["x"] + frame["width"] <= 390
    for part in (".panel", ".grid table", ".to canvas", ".result"):
        box = figure.locator(part).bounding_box()
        assert box["x"] >= frame["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1, part


@pytest.mark.slow
def test_the_panel_needs_no_scrolling_on_a_projector(visit, taken):
    """Of every kind of step."""
    window, figure = explained(visit, viewport={"width": 1280, "height": 720})
    names = [stage.name for stage in taken.stages]
    for name, way in itertools.product([*names, "softmax"], ("forward", "guided")):
        window.open(f"cnn_explainer?digit={DIGIT}&logit={TARGET}&focus={name}:3:2:3:-1&way={way}")
        expect(figure.locator(".result b")).not_to_be_empty(timeout=WAIT)
        over = figure.locator(".panel").evaluate("p => p.scrollHeight - p.clientHeight")
        assert over <= 0, (name, way)


# The playground.


@pytest.mark.parametrize(
    "shape", [(7, 3, 0, 1, 1), (9, 3, 1, 2, 2), (12, 5, 2, 3, 1), (16, 4, 0, 4, 3), (5, 7, 1, 1, 1)]
)
def test_playground_gives_torchs_size(visit, shape):
    size, kernel, padding, stride, dilation = shape
    window = visit(f"cnn_explainer?grid={'.'.join(map(str, shape))}")
    box = window.page.locator(".playground")
    box.locator(".formula").wait_for()
    if size + 2 * padding < dilation * (kernel - 1) + 1:
        expect(box.locator(".formula")).to_contain_text("there is no output")
        assert box.get_attribute("data-output") == "0"
        return
    layer = torch.nn.Conv2d(1, 1, kernel, stride, padding, dilation)
    expected = layer(torch.zeros(1, 1, size, size)).shape[-1]
    expect(box).to_have_attribute("data-output", str(expected))
    expect(box.locator(".formula")).to_contain_text(f"= {expected}")


def test_playground_by_keyboard_and_address(visit):
    window = visit("cnn_explainer")
    page, box = window.page, window.page.locator(".playground")
    expect(box).to_have_attribute("data-output", "5", timeout=WAIT)
    box.get_by_label("Kernel", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(box).to_have_attribute("data-output", "4")
    page.wait_for_url(re.compile(r"grid=7\.4\.0\.1\.1"))
    box.locator(".place[tabindex]").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(box.locator(".said")).to_contain_text("Output row 1, column 1 reads 16 cells")
    assert np.isclose(float(box.locator("output").nth(1).inner_text()), 4)
