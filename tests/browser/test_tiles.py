"""The tile picker and the drawing canvas: what only a browser can tell."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_click_and_keyboard_choose_a_map(visit):
    window = visit("output_maps?layer=fire9&sort=index")
    page = window.page
    page.wait_for_selector(".st-key-maps canvas[data-tiles='512']")
    frame = page.locator(".st-key-maps canvas").bounding_box()
    page.mouse.move(frame["x"] + 30, frame["y"] + 8)
    expect(page.locator(".st-key-maps .label")).to_contain_text("unit 1: mean")
    page.mouse.click(frame["x"] + 30, frame["y"] + 8)
    page.wait_for_url("**unit=1")
    window.settle()
    expect(page.locator(".st-key-unit input")).to_have_value("1")
    page.locator(".st-key-maps .box").focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**unit=3")
    assert page.locator(".st-key-maps .option").get_attribute("aria-setsize") == "512"


def test_sheet_fits_a_narrow_window(visit):
    page = visit("output_maps?layer=fire9", viewport={"width": 500, "height": 900}).page
    page.wait_for_selector(".st-key-maps canvas[data-tiles='512']")
    frame = page.locator(".st-key-maps canvas").bounding_box()
    assert frame["x"] >= 0 and frame["x"] + frame["width"] <= 500


def test_a_drawn_one_is_read_and_cleared(visit):
    window = visit("weights")
    page = window.page
    canvas = page.locator(".st-key-pad canvas")
    canvas.scroll_into_view_if_needed()
    frame = canvas.bounding_box()
    page.mouse.move(frame["x"] + 100, frame["y"] + 30)
    page.mouse.down()
    page.mouse.move(frame["x"] + 98, frame["y"] + 165, steps=8)
    page.mouse.up()
    expect(page.get_by_text("Your drawing, sized")).to_be_visible()
    expect(page.locator("[data-testid=stMain] ol.viz-bars [aria-current] span")).to_have_text("1")
    page.locator(".st-key-pad").get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Your drawing, sized")).to_have_count(0)
    window.settle()
