"""Figures on a projector: sizes, captions and bars line up, nothing flickers, and full screen keeps all of them."""

import pytest
from playwright.sync_api import Locator, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PROJECTOR = {"width": 1280, "height": 720}
MEASURE = """figure => [...figure.querySelectorAll('.row')].map(row => {
    const box = node => node.getBoundingClientRect().toJSON()
    return [...row.querySelectorAll('.group')].map(group => ({
        pictures: [...group.querySelectorAll('img')].map(box),
        captions: [...group.querySelectorAll('figcaption')].map(box),
        bars: [...group.querySelectorAll('.viz-scale')].map(box),
    }))
})"""


def measured(figure: Locator) -> list[list[dict]]:
    """Rows of groups: the boxes of their pictures, captions and bars."""
    figure.locator("img").first.wait_for()
    return figure.evaluate(MEASURE)


def same(values, within: float = 0.6) -> bool:
    return max(values) - min(values) <= within


def check(rows: list[list[dict]]) -> None:
    """Pictures of one size, captions of one height at one place, every bar under its own pictures."""
    for groups in rows:
        pictures, captions = ([box for group in groups for box in group[kind]] for kind in ("pictures", "captions"))
        for side in ("width", "height", "top"):
            assert same([box[side] for box in pictures]) and (side == "width" or same([box[side] for box in captions]))
        assert min(box["top"] for box in captions) >= max(box["bottom"] for box in pictures)
        for group in groups:
            for bar in group["bars"]:
                assert abs(bar["left"] - group["pictures"][0]["left"]) < 1
                assert bar["right"] <= group["pictures"][-1]["right"] + 1
                assert bar["top"] >= max(box["bottom"] for box in captions)


@pytest.mark.parametrize("stem", ["grad_cam", "guided_grad_cam", "weights"])
def test_rows_line_up(visit, stem):
    window = visit(f"{stem}?image=dog_bicycle_car&part=All", viewport=PROJECTOR)
    window.page.locator(".viz-figure img").nth(3).wait_for()
    window.settle()
    figures = window.page.locator(".viz-figure")
    for number in range(figures.count()):
        check(measured(figures.nth(number)))
    assert figures.count() >= 3


def test_the_main_figure_fits_a_projector(visit):
    window = visit("grad_cam", viewport=PROJECTOR)
    ((group,),) = measured(window.page.locator(".viz-figure").first)
    assert len(group["pictures"]) == 2 and len(group["bars"]) == 1
    assert 200 <= group["pictures"][0]["height"] <= 390
    assert group["bars"][0]["bottom"] - group["pictures"][0]["top"] <= 480


def test_step_three_has_a_bar_for_the_signs_and_one_for_the_rest(visit):
    window = visit("grad_cam?part=Step+3", viewport=PROJECTOR)
    (row,) = measured(window.page.locator(".viz-figure").filter(has_text="Sum of all α × map"))
    assert [(len(group["pictures"]), len(group["bars"])) for group in row] == [(1, 1), (3, 1)]


def test_full_screen_keeps_captions_bars_and_neighbours(visit):
    window = visit("guided_grad_cam", viewport=PROJECTOR)
    page, figure = window.page, window.page.locator(".viz-figure").first
    before = measured(figure)
    figure.get_by_role("button", name="Full screen").focus()
    page.keyboard.press("Enter")
    expect(figure.get_by_role("button", name="Leave full screen")).to_be_attached()
    page.wait_for_timeout(300)
    after = measured(figure)
    check(after)
    (groups,) = after
    assert [len(group["bars"]) for group in groups] == [1, 1, 1]
    assert groups[0]["pictures"][0]["width"] > 1.3 * before[0][0]["pictures"][0]["width"]
    for group in groups:
        assert all(box["right"] <= 1280 and box["bottom"] <= 720 for kind in group.values() for box in kind)
    page.evaluate("document.exitFullscreen()")
    expect(figure.get_by_role("button", name="Full screen", exact=True)).to_be_attached()
    page.wait_for_timeout(300)
    assert same([measured(figure)[0][0]["pictures"][0]["width"], before[0][0]["pictures"][0]["width"]])


def test_a_new_picture_takes_the_place_of_the_old_one(visit):
    window = visit("grad_cam", viewport=PROJECTOR)
    image = window.page.locator(".viz-figure img").first
    window.page.wait_for_timeout(1000)  # a first visit is drawn in several runs of the browser
    image.evaluate("node => { node.dataset.mark = 'kept' }")
    name, source = image.get_attribute("data-name"), image.get_attribute("src")
    window.choose("class", "mountain bike")
    window.wait_for_change(window.figure, name)
    assert image.get_attribute("data-mark") == "kept" and image.get_attribute("src") != source
    assert image.evaluate("node => node.decode().then(() => node.naturalWidth)") == 512


@pytest.mark.parametrize("width", [500, 340])
def test_panels_wrap_in_a_narrow_window(visit, width):
    page = visit("guided_grad_cam", viewport={"width": width, "height": 900}).page
    (groups,) = measured(page.locator(".viz-figure").first)
    boxes = [box for group in groups for box in group["pictures"]]
    assert same([boxes[0]["top"], boxes[1]["top"]]) and boxes[2]["top"] > boxes[1]["bottom"]
    assert all(box["width"] >= 140 and box["right"] <= width for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
