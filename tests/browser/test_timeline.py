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
    expect(page.locator(".tip")).to_contain_text("Multiplies the attention matrices")
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
    expect(page.locator(".tip")).to_contain_text("HiResCAM")
    page.keyboard.press("Enter")
    expect(page.get_by_text("HiResCAM alone")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 1000, 500])
def test_no_labels_overlap_and_the_page_does_not_scroll_sideways(visit, width):
    page = visit("timeline?model=mini_vgg", viewport={"width": width, "height": 900}).page
    expect(page.locator(".work").first).to_be_attached()
    assert page.locator(".work").evaluate_all(OVERLAPS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    scroll = page.locator(".scroll").evaluate("(box) => box.scrollWidth - box.clientWidth")
    assert scroll == 0 if width == 1440 else scroll >= 0


def test_a_link_to_a_late_work_shows_it_on_a_narrow_screen(visit):
    page = visit("timeline?model=mini_vgg&work=legrad", viewport={"width": 500, "height": 900}).page
    box = page.locator(".work.chosen").bounding_box()
    assert box["x"] > 118 and box["x"] + box["width"] < 500
