"""In a browser, where fragments run alone: after each change of a control the address shows a new visitor the same."""

import random

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MAIN = "[data-testid=stMain]"
SHOWN = """(main) => {
  const text = (node) => (node.innerText || '').trim()
  const held = [...main.querySelectorAll('[class*="st-key-"] input')]
  const on = [...main.querySelectorAll('[data-testid=stButtonGroup] [aria-checked=true]')]
  const pictures = [...main.querySelectorAll('.viz-figure img')]
  return [
    held.map((one) => one.getAttribute('aria-valuetext') || (one.type === 'checkbox' ? one.checked : one.value)),
    on.map(text),
    pictures.map((one) => one.dataset.name),
  ]
}"""
# The walks: page, and what is done there, a control and a key or a choice of it.
CHANGES = {
    "saliency": ["SmoothGrad", "opacity", "clip", "probability", "fill", "Gradient", "opacity", "share"],
    "guided_grad_cam": ["linked", "next", "gain", "linked", "zoom", "next", "linked"],
    "grad_cam": ["cells", "opacity", "next", "linked", "rank", "opacity", "smooth", "linked"],
}


def change(window, what: str, draw: random.Random) -> None:
    """Change one control, as a visitor would."""
    page = window.page
    if what in ("Gradient", "SmoothGrad"):
        window.choose("variant", what)
    elif what == "next":
        page.locator(".st-key-next_picture button:visible").click()
    elif page.locator(f".st-key-{what} input[type=range]").count():
        page.locator(f".st-key-{what} input[type=range]").first.press(draw.choice(["ArrowLeft", "ArrowRight"]))
    elif page.locator(f".st-key-{what} input[type=checkbox]").count():
        page.locator(f".st-key-{what} label").first.click()
    elif page.locator(f".st-key-{what} [role=radio][aria-checked=false]").count():
        page.locator(f".st-key-{what} [role=radio][aria-checked=false]").first.click()
    else:
        page.locator("[data-testid=stMain]").get_by_role("radio", name=what, exact=True).first.click()


@pytest.mark.parametrize("stem", CHANGES)
def test_after_each_change_a_new_visitor_sees_the_same(visit, stem):
    draw, window = random.Random(stem), visit(f"{stem}?model=mini_vgg&image=jaguar&part=All")
    history = window.page.evaluate("history.length")
    for turn, what in enumerate(CHANGES[stem]):
        change(window, what, draw)
        window.settle()
        if turn % 3 == 1 or turn == len(CHANGES[stem]) - 1:
            window.page.wait_for_timeout(500)  # the address is written when the run is over
            other, wanted = visit(window.page.url), window.page.locator(MAIN).evaluate(SHOWN)
            for _ in range(100):
                if (found := other.page.locator(MAIN).evaluate(SHOWN)) == wanted:
                    break
                other.page.wait_for_timeout(100)
            assert found == wanted, (what, window.page.url)
            assert other.page.url == window.page.url
    assert window.page.evaluate("history.length") == history  # a control adds nothing to Back
