"""The page on caveats in a browser: the slider, what is computed ahead, the address, a phone."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SMALL = "model=mini_vgg&image=jaguar"
PHONE = {"viewport": {"width": 390, "height": 844}}


def names(window) -> list[str]:
    """Names of the pictures of the main figure."""
    return (
        window.page.locator("[data-testid=stMain] .viz-figure")
        .first.locator("img")
        .evaluate_all("images => images.map(image => image.dataset.name)")
    )


def test_the_slider_changes_the_methods_but_not_the_edges(visit):
    window = visit(f"caveats?{SMALL}&part=Why+user+studies")
    window.page.locator(".viz-figure img").nth(14).wait_for()
    before = names(window)
    slider = window.page.locator(".st-key-down_to [role=slider], .st-key-down_to input[type=range]").first
    slider.press("ArrowRight")
    window.page.wait_for_url("**down_to=**")
    window.settle()
    window.wait_for_change(lambda: str(names(window)), str(before))
    after = names(window)
    assert after[1] != before[1] and after[-2] == before[-2] and after[-1] != before[-1]
    captions = window.page.locator("[data-testid=stMain] .viz-figure").first.inner_text()
    assert re.search(r"Guided backprop: (> )?-?\d\.\d", captions) and "Edges: 1.00" in captions


def test_the_other_steps_arrive_and_their_progress_goes(visit):
    window = visit(f"caveats?{SMALL}&part=Why+user+studies&class=3")
    expect(window.page.locator(".st-key-ahead [data-testid=stProgress]")).to_have_count(0, timeout=120_000)
    window.settle()
    window.page.wait_for_timeout(1500)  # nothing polls any more
    expect(window.page.locator(".st-key-ahead [data-testid=stProgress]")).to_have_count(0)


def test_another_choice_while_it_computes_and_nobody_else_notices(visit):
    one, other = visit(f"caveats?{SMALL}&class=5"), visit(f"caveats?{SMALL}&part=Why+user+studies")
    one.page.locator(".st-key-random_in").get_by_text("One part").click()
    expect(one.page.get_by_text("Random only in")).to_be_visible(timeout=60_000)
    expect(other.page.locator(".viz-figure img").nth(14)).to_be_visible()


def test_which_row_is_the_unit(visit):
    window = visit(f"caveats?{SMALL}&part=Distributed+representations&units_are=Looked+at")
    expect(window.page.get_by_text("Which row looks more like a concept?")).to_be_visible(timeout=60_000)
    expect(window.page.get_by_text("a random direction:")).to_have_count(0)
    window.page.locator(".st-key-which_row label").first.click()
    expect(window.page.get_by_text(re.compile("[AB], a random direction:"))).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("part", ["Two tests", "Why user studies"])
def test_on_a_phone_nothing_is_wider_than_the_page(visit, part):
    window = visit(f"caveats?{SMALL}&part={part}", **PHONE)
    window.page.locator("[data-testid=stMain] .viz-figure img").first.wait_for()
    window.page.wait_for_timeout(500)
    main = window.page.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth + 1")
