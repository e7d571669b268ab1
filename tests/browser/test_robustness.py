"""The page on robustness: a point of a curve opens its pictures, a picture and a corruption are chosen by a click."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SMALL = "model=mini_vgg&image=jaguar"


def test_a_point_opens_the_pictures_behind_it_and_one_of_them_is_shown_above(visit):
    from vizcore import models
    from vizcore.evaluation import robustness

    window = visit(f"robustness?{SMALL}&part=Accuracy&corruption=contrast")
    page = window.page
    kept = robustness.stored("squeezenet1_1")
    cases = robustness.cases(models.load("squeezenet1_1"))
    chart = page.locator(".st-key-severity_chart .js-plotly-plot")
    chart.wait_for()
    chart.scroll_into_view_if_needed()
    page.wait_for_timeout(600)
    point = chart.locator(".scatterlayer .trace").first.locator(".points path").nth(5)
    box = point.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**point_severity=5**")
    window.settle()
    right = robustness.right(cases, kept.spoiled["contrast"][4])
    expect(page.get_by_text(f"{sum(right)} of {len(cases)}").first).to_be_visible()
    lost = [
        case
        for case, was, now in zip(cases, robustness.right(cases, kept.clean), right, strict=True)
        if was and not now
    ]
    sheet = page.locator(f".st-key-behind_sheet canvas[data-tiles='{len(lost)}']")
    sheet.wait_for()
    sheet.scroll_into_view_if_needed()
    sheet.click(position={"x": 15, "y": 15})
    page.wait_for_url(lambda url: "&severity=5" in url and "mini_vgg" not in url)
    expect(page.locator(".st-key-open_pictures button:visible").first).to_contain_text(lost[0].title)


def test_one_of_nineteen_is_chosen_by_mouse_and_keyboard(visit):
    window = visit(f"robustness?{SMALL}")
    page = window.page
    sheet = page.locator(".st-key-nineteen canvas[data-tiles='19']")
    sheet.wait_for()
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    page.mouse.click(box["x"] + 20 + box["width"] / 2, box["y"] + 20)
    page.wait_for_url("**corruption=**")
    window.settle()
    before = page.url
    page.locator(".st-key-nineteen .box").focus()
    for key in ("Home", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(lambda url: url != before)


def test_the_slider_of_epsilon_answers_and_a_map_is_attacked(visit):
    window = visit(f"robustness?{SMALL}&part=Prediction+attacked")
    page = window.page
    figure = page.locator(".st-key-attack_figure img")
    expect(figure).to_have_count(5)
    before = figure.nth(2).get_attribute("data-name")
    page.locator(".st-key-epsilon [role=slider], .st-key-epsilon input[type=range]").first.press("ArrowRight")
    window.wait_for_change(lambda: figure.nth(2).get_attribute("data-name"), before)
    page.wait_for_url("**epsilon=2**")
    page.get_by_role("tab", name="Explanation attacked").click()
    window.settle()
    page.get_by_text("Attack this map").click()
    expect(page.locator(".st-key-moved_figure img")).to_have_count(6, timeout=60_000)
    page.wait_for_url("**attack_map=true**")


def test_a_phone_sees_it_without_scrolling_sideways(visit):
    page = visit(f"robustness?{SMALL}&part=All", viewport={"width": 390, "height": 844}).page
    page.wait_for_timeout(600)
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
