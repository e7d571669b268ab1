"""The map of pictures: pointing, keys, search, lasso, file, layers; what only a browser can tell."""

import csv

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ADDRESS = "embeddings?model=digits_cnn&digit=5"
CLOUD = ".st-key-cloud"
STEPS = 30_000
COUNT_MESSAGES = """() => {
  window.sent = 0
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (...all) {
    window.sent++
    return send.apply(this, all)
  }
}"""


@pytest.fixture
def window(visit):
    window = visit(ADDRESS, viewport={"width": 1280, "height": 800})
    window.page.wait_for_selector(f"{CLOUD} .cloud[data-draws]", timeout=60_000)
    expect(window.page.locator(f"{CLOUD} .found")).to_have_text("1000 pictures", timeout=STEPS)
    return window


def draws(page) -> int:
    return int(page.locator(f"{CLOUD} .cloud").get_attribute("data-draws"))


def test_pointing_tells_the_truth_and_keys_do_too(window):
    page = window.page
    stage = page.locator(f"{CLOUD} .stage").bounding_box()
    card = page.locator(f"{CLOUD} .card ul")
    expect(card).to_contain_text("Point at a picture")
    found = False
    for across in range(20, 80, 5):
        page.mouse.move(stage["x"] + stage["width"] * across / 100, stage["y"] + stage["height"] / 2)
        page.wait_for_timeout(60)
        found = found or "of its 10 nearest here are false" in card.inner_text()
    assert found
    page.mouse.move(5, 5)
    page.locator(f"{CLOUD} .stage").focus()
    page.keyboard.press("ArrowRight")
    said = page.locator(f"{CLOUD} .said")
    expect(said).to_contain_text("trustworthiness")
    first = said.inner_text()
    page.keyboard.press("ArrowRight")
    expect(said).not_to_have_text(first)
    page.keyboard.press("Enter")
    expect(page.locator(f"{CLOUD} .found")).to_have_text("1 of 1000")
    page.keyboard.press("Escape")
    expect(page.locator(f"{CLOUD} .found")).to_have_text("1000 pictures")


def test_search_lasso_and_file(window):
    page = window.page
    page.locator(f"{CLOUD} .search").fill("a “7”")
    expect(page.locator(f"{CLOUD} .found")).not_to_have_text("1000 pictures")
    with page.expect_download() as started:
        page.locator(f"{CLOUD} .csv").click()
    with open(started.value.path(), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows and all(row["label"] == "7" for row in rows) and rows[0]["layer"] == "relu2_2"
    assert all(0 <= float(row["trustworthiness"]) <= 1 and float(row["x"]) is not None for row in rows)
    page.locator(f"{CLOUD} .clear").click()
    page.locator(f"{CLOUD} .mode[data-mode=lasso]").click()
    stage = page.locator(f"{CLOUD} .stage").bounding_box()
    left, top = stage["x"] + 4, stage["y"] + 4
    right, bottom = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] - 4
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()
    expect(page.locator(f"{CLOUD} .found")).to_contain_text(" of 1000")
    chosen = int(page.locator(f"{CLOUD} .found").inner_text().split()[0])
    assert 50 < chosen < 950


def test_the_slider_moves_the_points_without_a_request(window):
    page = window.page
    page.evaluate(COUNT_MESSAGES)
    before = draws(page)
    facts = page.locator(f"{CLOUD} .facts").inner_text()
    slider = page.locator(f"{CLOUD} .slider")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(f"{CLOUD} .named")).to_have_text("input, not relu2_2")
    page.wait_for_timeout(1500)
    assert draws(page) > before + 1 and page.locator(f"{CLOUD} .facts").inner_text() != facts
    assert page.evaluate("() => window.sent") == 0
    page.locator(f"{CLOUD} .use").click()
    page.wait_for_url("**layer=input**")
    window.settle()
    expect(page.locator(f"{CLOUD} .named")).to_have_text("input")


def test_zoom_whole_and_a_label_alone(window):
    page = window.page
    before = draws(page)
    page.locator(f"{CLOUD} .zoom").first.click()
    page.wait_for_timeout(200)
    assert draws(page) > before
    page.locator(f"{CLOUD} .legend button").first.click()
    expect(page.locator(f"{CLOUD} .found")).to_contain_text(" of 1000")
    expect(page.locator(f"{CLOUD} .legend button[aria-pressed=true]")).to_have_count(1)


def test_a_new_map_is_seen_moving_and_can_be_stopped(visit):
    window = visit("embeddings?model=digits_cnn&how_many_digits=2000&seed=41")
    page = window.page
    expect(page.locator(f"{CLOUD} .progress")).to_be_visible(timeout=60_000)
    page.wait_for_selector(f"{CLOUD} .cloud[data-draws]", timeout=60_000)
    page.locator(f"{CLOUD} .stop").click()
    expect(page.get_by_role("button", name="Start again")).to_be_visible(timeout=STEPS)
    expect(page.locator(f"{CLOUD} .progress")).to_be_hidden()


def test_on_a_phone_nothing_is_cut(visit):
    window = visit(ADDRESS, viewport={"width": 390, "height": 844})
    window.page.wait_for_selector(f"{CLOUD} .cloud[data-draws]", timeout=60_000)
    box = window.page.locator(f"{CLOUD} .stage").bounding_box()
    assert box["x"] >= 0 and box["width"] > 250 and box["x"] + box["width"] <= 390
    main = window.page.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
