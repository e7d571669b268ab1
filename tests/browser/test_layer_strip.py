"""The strip of layers: mouse, keyboard, keys from anywhere, the list of names; what it shows is what was chosen."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SIZES = """(cells) => cells.map((cell) => [cell.getBoundingClientRect().width, cell.firstChild.offsetHeight])"""


def strip_of(page):
    return page.locator(".st-key-strip_layer").first


def chosen(page):
    return strip_of(page).locator("[role=radio][aria-checked=true]")


def test_every_way_to_choose_a_layer(visit):
    window = visit("grad_cam", viewport={"width": 1280, "height": 720})
    page, strip = window.page, strip_of(window.page)
    expect(chosen(page)).to_have_attribute("data-layer", "fire9")
    expect(strip.locator("select")).to_have_value("fire9: 512 maps of 13 × 13")
    before = window.figure()
    strip.locator("[data-layer=fire5]").hover()
    expect(strip.locator(".tip")).to_have_text("fire5: 256 maps of 27 × 27")
    strip.locator("[data-layer=fire5]").click()
    page.wait_for_url("**layer=fire5**")
    window.wait_for_change(window.figure, before)
    page.keyboard.press("ArrowRight")
    expect(chosen(page)).to_be_focused()
    page.wait_for_url("**layer=fire6**")
    page.keyboard.press("Home")
    page.wait_for_url(re.compile("layer=(?!fire)"))
    first = chosen(page).get_attribute("data-layer")
    page.keyboard.press("ArrowLeft")  # there is none before it
    expect(chosen(page)).to_have_attribute("data-layer", first)
    page.keyboard.press("End")
    page.wait_for_url(lambda url: f"layer={first}" not in url)
    strip.get_by_role("button", name="Previous layer").click()
    strip.get_by_role("button", name="Previous layer").click()
    window.settle()
    page.locator("h1").first.click()
    page.keyboard.press(".")
    page.keyboard.press(",")
    page.keyboard.press(",")
    window.settle()
    strip.locator("select").select_option("fire4: 256 maps of 27 × 27")
    page.wait_for_url("**layer=fire4**")
    window.settle()
    expect(chosen(page)).to_have_attribute("data-layer", "fire4")


def test_quick_steps_end_where_they_lead(visit):
    window = visit("grad_cam?layer=fire2")
    expect(chosen(window.page)).to_have_attribute("data-layer", "fire2")
    names = strip_of(window.page).locator("[role=radio]").evaluate_all("(cells) => cells.map((c) => c.dataset.layer)")
    aim = names[names.index("fire2") + 4]
    for _ in range(4):
        window.page.keyboard.press(".")
    window.page.wait_for_url(f"**layer={aim}**")
    window.settle()
    expect(chosen(window.page)).to_have_attribute("data-layer", aim)


def test_a_comma_in_a_field_is_a_comma(visit):
    window = visit("grad_cam?layer=fire4")
    window.page.locator(".st-key-class input").first.click()
    window.page.keyboard.type(",.,")
    window.page.wait_for_timeout(400)
    expect(chosen(window.page)).to_have_attribute("data-layer", "fire4")


@pytest.mark.parametrize("model", ["squeezenet1_1", "efficientnet_lite0"])
@pytest.mark.parametrize("stem", ["output_maps", "unit", "small_outputs", "neuron_gradient"])
def test_one_row_with_cells_wide_enough(visit, stem, model):
    page = visit(f"{stem}?model={model}", viewport={"width": 1280, "height": 720}).page
    expect(chosen(page)).to_be_visible()
    cells = strip_of(page).locator("[role=radio]")
    sizes = cells.evaluate_all(SIZES)
    assert len(sizes) > 8 and min(width for width, _ in sizes) >= 6
    assert sizes[0][1] > sizes[-1][1]  # deeper maps are smaller
    holder, main = strip_of(page).bounding_box(), page.get_by_test_id("stMainBlockContainer").bounding_box()
    assert holder["height"] <= 48 and holder["width"] > main["width"] - 170
    box, window = chosen(page).bounding_box(), strip_of(page).locator(".window").bounding_box()
    assert window["x"] <= box["x"] and box["x"] + box["width"] <= window["x"] + window["width"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
