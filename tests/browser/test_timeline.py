"""The timeline in a browser: pointing, clicking, the keyboard, and labels that do not overlap."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OVERLAPS = """(works) => {
  const boxes = works.map((work) => [work.dataset.key, work.getBoundingClientRect()])
  return boxes.flatMap(([a, one], i) => boxes.slice(i + 1).filter(([, other]) =>
    one.left < other.right - 1 && other.left < one.right - 1 && one.top < other.bottom - 1 && other.top < one.bottom - 1
  ).map(([b]) => `${a} ${b}`))
}"""


def test_point_click_and_keyboard(visit):
    window = visit("timeline?model=mini_vgg&image=jaguar")
    page = window.page
    rollout = page.locator('.work[data-key="rollout"]')
    rollout.hover()
    expect(page.locator(".holder > .tip")).to_contain_text("Multiplies the attention matrices")
    rollout.click()
    expect(page.get_by_text("Quantifying Attention Flow in Transformers")).to_be_visible()
    expect(page).to_have_url(re.compile("work=rollout"))
    expect(page.get_by_text("LayerCAM alone")).to_be_visible()  # what does not run here leaves the panel as it was
    page.locator('.work[data-key="eigen_cam"]').click()
    expect(page.get_by_text("Eigen-CAM alone")).to_be_visible()
    expect(page).to_have_url(re.compile("method=eigen_cam"))
    expect(page).not_to_have_url(re.compile("work="))
    window.settle()
    page.locator(".work.chosen").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".holder > .tip")).to_contain_text("HiResCAM")
    page.keyboard.press("Enter")
    expect(page.get_by_text("HiResCAM alone")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 1280, 1000, 500])
def test_no_labels_overlap_and_the_page_does_not_scroll_sideways(visit, width):
    page = visit("timeline?model=mini_vgg&family=all", viewport={"width": width, "height": 900}).page
    expect(page.locator(".work").first).to_be_attached()
    assert page.locator(".work").evaluate_all(OVERLAPS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    scroll = page.locator(".scroll").evaluate("(box) => box.scrollWidth - box.clientWidth")
    assert (scroll == 0) == (width >= 1280) == page.locator(".more").is_hidden()


def test_all_years_and_all_tests_are_seen_on_a_projector(visit):
    page = visit("timeline?model=mini_vgg&part=Tests", viewport={"width": 1280, "height": 720}).page
    last = page.locator(".year").last
    expect(last).to_have_text("2025")
    right = page.locator(".scroll").evaluate("(box) => box.getBoundingClientRect().right")
    rights = page.locator(".work").evaluate_all("(works) => works.map((work) => work.getBoundingClientRect().right)")
    assert last.bounding_box()["x"] > 0 and max(rights) <= right + 1
    table = page.locator(".verdicts")
    assert table.evaluate("(box) => box.scrollWidth - box.clientWidth") == 0


def test_where_it_scrolls_the_newest_years_are_in_view_and_a_line_says_so(visit):
    page = visit("timeline?model=mini_vgg&part=Tests", viewport={"width": 390, "height": 800}).page
    scroll = page.locator(".scroll")
    frame = scroll.bounding_box()
    newest = page.locator(".year", has_text="2025").bounding_box()
    assert frame["x"] + 92 < newest["x"] < frame["x"] + frame["width"] - 8
    expect(page.locator(".more")).to_be_visible()
    expect(page.locator(".frame")).to_have_class(re.compile("before"))
    scroll.evaluate("(box) => box.scrollTo(0, 0)")
    expect(page.locator(".frame")).not_to_have_class(re.compile("before"))
    expect(page.locator(".frame")).to_have_class(re.compile("after"))
    table = page.locator(".verdicts")
    name = table.locator("tbody th").first
    before = name.bounding_box()["x"]
    table.evaluate("(box) => box.scrollTo(200, 0)")
    assert table.evaluate("(box) => box.scrollLeft") > 50 and name.bounding_box()["x"] == before


def test_a_link_to_a_late_work_shows_it_on_a_narrow_screen(visit):
    page = visit("timeline?model=mini_vgg&work=legrad", viewport={"width": 500, "height": 900}).page
    box = page.locator(".work.chosen").bounding_box()
    assert box["x"] > 92 and box["x"] + box["width"] < 500
