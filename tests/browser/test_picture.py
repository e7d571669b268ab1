"""Choosing a picture or a digit as a visitor does, on a projector and on a phone."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PROJECTOR = {"viewport": {"width": 1280, "height": 720}}
PHONE = {"viewport": {"width": 390, "height": 844}}
OPEN = ".st-key-open_pictures button:visible"

# What the element with the focus is called, through the roots of components.
FOCUSED = """() => {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
  return (at.title || at.getAttribute('aria-label') || at.textContent || '').trim()
}"""


def focused(window, text: str) -> None:
    """Wait until this has the focus."""
    window.page.wait_for_function(f"text => ({FOCUSED})().includes(text)", arg=text, timeout=30_000)


def stroke(window, key: str, *, across: bool = False) -> None:
    """Draw a straight line on a pad, in its middle."""
    pad = window.page.locator(f".st-key-{key} canvas")
    pad.scroll_into_view_if_needed()
    window.page.wait_for_timeout(300)
    box = pad.bounding_box()
    x, y, side = box["x"], box["y"], box["width"]
    start, end = ((0.2, 0.5), (0.8, 0.5)) if across else ((0.5, 0.2), (0.5, 0.8))
    window.page.mouse.move(x + start[0] * side, y + start[1] * side)
    window.page.mouse.down()
    window.page.mouse.move(x + end[0] * side, y + end[1] * side, steps=8)
    window.page.mouse.up()
    window.settle()


def press(window, key: str, title: str) -> None:
    """Press a key that leads to this picture; once more where the page did not listen yet."""
    window.page.keyboard.press(key)
    try:
        expect(window.page.locator(OPEN)).to_contain_text(title, timeout=15_000)
    except AssertionError:
        window.page.keyboard.press(key)
        expect(window.page.locator(OPEN)).to_contain_text(title, timeout=15_000)
    window.settle()


def test_the_dialog_shows_many_large_thumbnails_on_a_projector(visit):
    window = visit("references", **PROJECTOR)
    window.page.locator(OPEN).click()
    grid = window.page.locator(".st-key-pictures .grid")
    expect(grid).to_be_visible()
    window.page.wait_for_timeout(800)  # it moves in
    whole = grid.evaluate(
        """grid => {
          const [frame, page] = [grid.getBoundingClientRect(), window.innerHeight]
          const inside = box => box.top >= Math.max(0, frame.top) && box.bottom <= Math.min(page, frame.bottom)
          return [...grid.querySelectorAll('button')].map(button => [
            button.getBoundingClientRect(), button.querySelector('.face').getBoundingClientRect()
          ]).filter(([all, face]) => inside(all) && face.width >= 110 && face.height >= 110).length
        }"""
    )
    assert whole >= 12


def test_a_picture_is_chosen_by_keyboard_alone(visit):
    window = visit("references?image=koala", **PROJECTOR)
    window.page.locator(OPEN).focus()
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("dialog")).to_be_visible()
    focused(window, "Koala")
    for key, title in (("ArrowRight", "German shepherd"), ("End", "Pont du Gard"), ("Home", "Giant panda")):
        window.page.keyboard.press(key)
        focused(window, title)
    window.page.keyboard.type("kingf")  # goes into the search field; neither a shortcut nor a rerun
    expect(window.page.locator(".st-key-pictures [role=radio]:visible")).to_have_count(1)
    window.page.keyboard.press("ArrowDown")
    focused(window, "Common kingfisher")
    window.page.keyboard.press("Enter")
    expect(window.page.get_by_role("dialog")).to_have_count(0)
    window.settle()
    assert "image=kingfisher" in window.page.url
    focused(window, "Common kingfisher")  # the button that opened the dialog
    window.page.keyboard.press("Enter")
    focused(window, "Common kingfisher")
    window.page.get_by_role("dialog").get_by_role("button", name="Birds").click()
    expect(window.page.locator(".st-key-pictures [role=radio]:visible")).to_have_count(10)
    window.page.keyboard.press("Escape")
    expect(window.page.get_by_role("dialog")).to_have_count(0)
    focused(window, "Common kingfisher")


def test_next_and_previous_by_key(visit):
    window = visit("references", **PROJECTOR)
    titles = ["Jaguars", "Dog, bicycle and car", "Jaguars", "Giant panda", "Pont du Gard"]
    for key, title in zip("nnppp", titles, strict=True):
        press(window, key, title)


def test_a_file_over_the_limit_says_so_and_the_sentence_goes_with_the_next_picture(visit, tmp_path):
    window = visit("references", **PROJECTOR)
    window.page.locator(".st-key-own_panel summary").first.click()
    upload = window.page.locator(".st-key-upload input[type=file]").first
    large = tmp_path / "large.png"
    large.write_bytes(b"\x89PNG" + bytes(21_000_000))
    upload.set_input_files(large)
    said = window.page.locator(".st-key-own_panel [data-testid=stAlert]")
    expect(said).to_contain_text("larger than 20 MB. Save a smaller copy", timeout=30_000)
    expect(window.page.locator(OPEN)).to_contain_text("Giant panda")
    window.page.locator("h1").first.click()
    press(window, "n", "Jaguars")
    expect(said).to_have_count(0)


def test_a_part_of_the_picture_is_chosen_and_stands_in_the_address(visit):
    window = visit("references?image=koala", **PROJECTOR)
    before = window.sidebar_picture()
    window.page.locator(".st-key-crop [role=slider], .st-key-crop input[type=range]").first.press("Home")
    moved = window.wait_for_change(window.sidebar_picture, before)
    window.settle()
    assert "crop=0" in window.page.url
    window.page.locator(".st-key-fit label").first.click()
    window.wait_for_change(window.sidebar_picture, moved)
    window.settle()
    assert "fit=true" in window.page.url
    assert visit(window.page.url).sidebar_picture().rsplit("/", 1)[-1] == window.sidebar_picture().rsplit("/", 1)[-1]


def test_a_digit_from_the_sheet_and_a_drawn_one(visit):
    window = visit("references?model=digits_cnn&digit=17", **PROJECTOR)
    button = window.page.locator(OPEN)
    expect(button).to_contain_text("Test digit 17, a “8”")
    button.click()
    focused(window, "Digit 17")
    window.page.keyboard.press("ArrowRight")
    focused(window, "Digit 31")
    window.page.keyboard.press("Enter")
    expect(button).to_contain_text("Test digit 31, a “8”")
    window.settle()
    assert "digit=31" in window.page.url
    window.page.locator(".st-key-draw_panel summary").click()
    stroke(window, "sidebar_pad")
    expect(button).to_contain_text("Your drawing")
    expect(window.page.locator(".st-key-bars li").first).to_contain_text("1")
    stroke(window, "sidebar_pad", across=True)  # on the same pad: a cross
    window.page.locator(".st-key-sidebar_pad button").click()
    expect(button).to_contain_text("Test digit 31")


@pytest.mark.parametrize("size", [PROJECTOR, PHONE])
def test_a_drawn_digit_is_the_one_selected_and_compared_with_its_class(visit, size):
    window = visit("weights?node=7", **size)
    pad = window.page.locator(".st-key-pad .pad")
    ring = window.page.locator(".st-key-digit_tiles .ring").first
    expect(ring).to_be_visible()
    assert "chosen" not in pad.get_attribute("class")
    stroke(window, "pad")
    expect(window.page.get_by_text("takes your drawing for a “1”").first).to_be_visible()
    assert "chosen" in pad.get_attribute("class")
    expect(ring).to_be_hidden()
    assert "node=1" in window.page.url
    frame, width = window.page.locator(".st-key-pad canvas").bounding_box(), size["viewport"]["width"]
    assert frame["x"] >= 0 and frame["x"] + frame["width"] <= width
    main = window.page.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    tiles = window.page.locator(".st-key-digit_tiles canvas")
    tiles.scroll_into_view_if_needed()
    tiles.click(position={"x": 10, "y": 10})
    window.settle()
    expect(ring).to_be_visible()
    assert "chosen" not in pad.get_attribute("class")
