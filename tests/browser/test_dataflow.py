"""The graph of the page on gradients: legible, zoomed, scrolled, clicked, and used by keyboard."""

import re

import pytest
from playwright.sync_api import expect


def test_click_zoom_and_keys_choose_a_layer(visit):
    window = visit("gradients?model=mini_vgg&cut=true")
    page = window.page
    flow = page.locator(".flow")
    svg, stage = flow.locator("svg"), flow.locator(".stage")
    expect(svg).to_have_attribute("data-nodes", "17")
    flow.locator("[data-layer='block2.relu1']").click()
    window.settle()
    page.wait_for_url("**layer=block2.relu1**")
    expect(flow.locator("g.chosen")).to_have_attribute("data-layer", "block2.relu1")
    expect(page.locator(".st-key-strip_layer select")).to_have_value("block2.relu1: 64 maps of 56 × 56")
    assert flow.locator("g.off").count() > 5
    before = float(svg.get_attribute("data-zoom"))
    flow.get_by_role("button", name="Zoom in").click()
    assert float(svg.get_attribute("data-zoom")) > 1.3 * before
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_timeout(200)
    zoomed = float(svg.get_attribute("data-zoom"))
    assert zoomed > 1.6 * before
    at = "(stage) => [stage.scrollLeft, stage.scrollTop]"
    view = stage.evaluate(at)
    page.mouse.move(box["x"] + 300, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 60, steps=4)
    page.mouse.up()
    assert stage.evaluate(at)[0] == pytest.approx(view[0] + 60, abs=2)
    window.settle()
    assert "layer=block2.relu1" in page.url  # a drag is no click
    flow.get_by_role("button", name="Whole graph").click()
    expect(flow.get_by_text("Scroll or drag")).to_be_hidden()
    stage.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    window.settle()
    page.wait_for_url("**layer=block2.pool**")
    expect(flow.locator("g.chosen")).to_have_attribute("data-layer", "block2.pool")


LETTERS = """(texts) => texts.map((text) => [
  parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a, text.getBoundingClientRect().width,
  text.parentElement.querySelector("rect, circle").getBoundingClientRect().width])"""


@pytest.mark.parametrize("model", ["squeezenet1_1", "efficientnet_lite0", "mini_vgg"])
def test_the_blocks_are_legible_and_whole_on_a_projector_or_say_that_they_scroll(visit, model):
    page = visit(f"gradients?model={model}", viewport={"width": 1280, "height": 720}).page
    expect(page.locator(".flow svg")).to_have_attribute("data-nodes", re.compile(r"\d+"), timeout=30_000)
    letters = page.locator(".flow text").evaluate_all(LETTERS)
    assert len(letters) > 20
    assert min(size for size, _, _ in letters) >= 12
    assert all(width <= box for _, width, box in letters)
    stage = page.locator(".stage").evaluate("(box) => [box.offsetHeight, box.scrollHeight, box.clientHeight]")
    assert stage[0] <= 720 - 330
    whole = model != "efficientnet_lite0"  # its seventeen blocks scroll
    assert (stage[1] == stage[2]) is whole
    assert page.locator(".flow").get_by_text("Scroll or drag").is_visible() is not whole


def test_what_does_not_fit_scrolls_and_says_so(visit):
    address = "gradients?model=efficientnet_lite0&detail=all+layers&layer=stage6.block2.project.conv"
    page = visit(address, viewport={"width": 1280, "height": 720}).page
    stage = page.locator(".stage")
    expect(page.locator(".flow svg")).to_have_attribute("data-nodes", re.compile(r"\d+"), timeout=30_000)
    assert stage.evaluate("(box) => box.scrollHeight > 2 * box.clientHeight && box.scrollWidth === box.clientWidth")
    assert min(size for size, _, _ in page.locator(".flow text").evaluate_all(LETTERS)) >= 12
    expect(page.locator(".flow").get_by_text("Scroll or drag")).to_be_visible()
    box, frame = page.locator(".flow g.chosen").bounding_box(), stage.bounding_box()
    assert frame["y"] <= box["y"] and box["y"] + box["height"] <= frame["y"] + frame["height"]


def test_a_click_in_the_picture_chooses_the_pixel(visit):
    window = visit("gradients?model=digits_cnn&part=At+the+picture")
    picture = window.page.locator(".st-key-pixel_gradient .picture, .st-key-pixel_photo .picture").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    window.page.mouse.click(box["x"] + box["width"] * 10.5 / 28, box["y"] + box["height"] * 3.5 / 28)
    window.settle()
    window.page.wait_for_url("**row=3**")
    assert "column=10" in window.page.url
