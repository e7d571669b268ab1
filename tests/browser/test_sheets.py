"""Contact sheets and the map to pick a neuron from: what only a browser can tell."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_row_opens_its_sheet_and_a_unit_leads_to_its_page(visit):
    window = visit("layer_by_layer?image=jaguar&net=Miniature+VGG+%28this+gallery%29")
    page = window.page
    rows = page.locator(".sheet.rows .group")
    expect(rows).to_have_count(5, timeout=60_000)
    rows.nth(4).click()
    page.wait_for_url("**of_layer=block5**")
    window.settle()
    expect(rows.nth(4)).to_have_attribute("aria-pressed", "true")
    units = page.locator(".sheet.units .group")
    expect(units).to_have_count(6)
    units.nth(2).focus()
    page.keyboard.press("Enter")
    expect(units.nth(2)).to_have_attribute("aria-pressed", "true")
    unit = re.search(r"Unit (\d+)", units.nth(2).locator(".head").inner_text()).group(1)
    units.nth(2).locator("canvas").first.hover(position={"x": 20, "y": 20})
    expect(page.locator(".sheet.units .label")).to_be_visible()
    window.settle()
    page.locator(".st-key-open_it").get_by_role("link").click()
    page.wait_for_url(f"**/unit?**unit={unit}**")
    window.settle()
    expect(page.get_by_text(f"Unit {unit} of block5").first).to_be_visible()


def test_a_click_on_the_map_picks_the_neuron(visit):
    window = visit("neuron_gradient?image=jaguar&model=mini_vgg")
    page = window.page
    picture = page.locator(".st-key-map_cells .picture").first
    picture.scroll_into_view_if_needed()
    frame = picture.bounding_box()
    page.mouse.click(frame["x"] + 0.8 * frame["width"], frame["y"] + 0.3 * frame["height"])
    page.wait_for_url("**column=**")
    window.settle()
    row, column = (int(page.locator(f".st-key-{key} input").input_value()) for key in ("row", "column"))
    cells = int(re.search(r"0 to (\d+)", page.locator(".st-key-row label").inner_text()).group(1)) + 1
    assert (row, column) == (int(0.3 * cells), int(0.8 * cells))
    expect(page.get_by_text("100 %").first).to_be_visible()
