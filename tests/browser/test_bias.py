"""The bias page in the browser: the main figure follows the controls, a game is played, a mistake is clicked."""

import pytest

pytestmark = pytest.mark.browser


def test_another_bias_changes_the_figure_and_the_address(visit):
    window = visit("bias?lab_tie=0.5")
    before = window.figure()
    window.page.get_by_role("radio", name="Corner tag").first.click()
    window.settle()
    window.wait_for_change(window.figure, before)
    assert "lab_bias=Corner" in window.page.url and "lab_tie=0.5" in window.page.url


def test_a_game_is_played_to_its_end(visit):
    window = visit("bias?part=Blind+game")
    reveal = window.page.locator(".st-key-reveal input")
    assert reveal.is_disabled()
    for letter, guess in zip("abcd", ("Background", "Corner", "Blur", "No bias"), strict=True):
        window.choose(f"guess_{letter}", guess)
    window.page.locator(".st-key-reveal label").click()
    window.page.get_by_text("of 4", exact=False).first.wait_for()
    window.page.get_by_text("Right, blur swapped").wait_for()
    assert "reveal=true" in window.page.url


def test_a_click_on_a_mistake_shows_it(visit):
    window = visit("bias?part=Wrong+predictions")
    sheet = window.page.locator(".st-key-lab_mistakes canvas")
    sheet.wait_for()
    sheet.scroll_into_view_if_needed()
    sheet.click(position={"x": 160, "y": 50})
    window.page.wait_for_url(lambda url: "mistake=" in url)


def test_on_a_phone_nothing_is_cut(visit):
    window = visit("bias?part=Strength", viewport={"width": 390, "height": 844})
    window.page.locator("[data-testid=stMain] .viz-figure").first.wait_for()
    assert window.page.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth <= main.clientWidth")
