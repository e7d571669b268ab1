"""The dashboard as a visitor uses it, in headless Chromium."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from dashboard import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STEMS = [page.stem for section in PAGES.values() for page in section if page.file.exists()]


def test_start_and_switch_pages(visit):
    window = visit()
    expect(window.page.locator("[data-testid=stMain] h1").first).to_contain_text("Overview")
    window.page.locator("[data-testid=stMain]").get_by_role("link", name="Grad-CAM").first.click()
    window.page.wait_for_url("**/grad_cam*")
    window.settle()
    expect(window.page.locator("[data-testid=stMain] h1").first).to_contain_text("Grad-CAM")


@pytest.mark.parametrize("stem", STEMS)
def test_every_page_opens(visit, stem):
    window = visit(stem)
    title = next(page.title for section in PAGES.values() for page in section if page.stem == stem)
    expect(window.page.locator("[data-testid=stMain] h1").first).to_contain_text(title)
    if stem == "references":  # a list of works
        expect(window.page.get_by_role("link", name="Grad-CAM: Visual Explanations").first).to_be_visible()
        return
    pictures = window.page.locator(
        "[data-testid=stMain] :is(.viz-figure img, canvas, .picture img, .flow svg, .graph svg)"
    )
    expect(pictures.filter(visible=True).first).to_be_visible(timeout=60_000)


def test_choosing_a_picture_changes_everything(visit):
    window = visit("grad_cam")
    figure, side = window.figure(), window.sidebar_picture()
    window.choose_picture("Jaguar")
    window.wait_for_change(window.sidebar_picture, side)
    window.wait_for_change(window.figure, figure)
    expect(window.page.locator(".st-key-bars").first).to_contain_text("jaguar")
    window.page.wait_for_url("**image=jaguar*")


def test_choosing_a_class_changes_the_map(visit):
    window = visit("grad_cam?image=dog_bicycle_car")
    before = window.figure()
    window.choose("class", "mountain bike")
    window.wait_for_change(window.figure, before)
    window.page.wait_for_url("**class=671*")


def test_a_link_shows_the_same_in_a_second_window(visit):
    first = visit("grad_cam?image=dog_bicycle_car")
    before = first.figure()
    first.choose("class", "mountain bike")
    picture = first.wait_for_change(first.figure, before)
    second = visit(first.page.url)
    expect(second.page.locator(".st-key-class input").first).to_have_value("mountain bike", timeout=30_000)
    assert second.figure() == picture
    assert second.page.url == first.page.url


def test_choosing_a_layer_changes_the_map(visit):
    window = visit("grad_cam")
    before = window.figure()
    window.page.locator(".st-key-strip_layer [aria-checked=true]").press("ArrowLeft")
    window.wait_for_change(window.figure, before)
    window.settle()
    window.page.wait_for_url("**layer=fire8*")


def test_layer_from_the_link(visit):
    deep = visit("grad_cam?layer=fire4")
    last = visit("grad_cam")
    assert "layer=fire4" in deep.page.url
    assert deep.figure() != last.figure()


def test_unknown_values_in_a_link_fall_back(visit):
    window = visit("grad_cam?image=nonsense&class=99999&layer=nowhere&model=gpt")
    expect(window.page.locator("[data-testid=stMain] h1").first).to_contain_text("Grad-CAM")
    wrong = ("nonsense", "99999", "nowhere", "gpt")
    window.page.wait_for_url(lambda url: not any(word in url for word in wrong))


def test_uploads(visit):
    window = visit("grad_cam")
    before = window.sidebar_picture()
    window.page.locator(".st-key-own_panel summary").first.click()
    upload = window.page.locator(".st-key-upload input[type=file]").first
    upload.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\nno picture"})
    expect(window.page.locator("[data-testid=stSidebar] [data-testid=stAlert]").first).to_contain_text(
        "The picture before it is still shown", timeout=30_000
    )
    assert window.sidebar_picture() == before
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    upload.set_input_files({"name": "gradient.png", "mimeType": "image/png", "buffer": file.getvalue()})
    window.wait_for_change(window.sidebar_picture, before)
    expect(window.page.locator("[data-testid=stSidebar] [data-testid=stAlert]")).to_have_count(0, timeout=30_000)


def test_deep_link_first_on_a_fresh_server(fresh_server, visit):
    window = visit("grad_cam?image=koala", address=fresh_server)
    expect(window.page.locator("[data-testid=stMain] h1").first).to_contain_text("Grad-CAM")
    expect(window.page.locator(".st-key-bars").first).to_contain_text("koala")
    window.page.locator("[data-testid=stMain]").get_by_role("link", name="Guided Grad-CAM").first.click()
    window.page.wait_for_url("**/guided_grad_cam*")
    window.settle()
    window.page.wait_for_url("**image=koala*")


def test_a_network_that_is_not_here(visit):
    window = visit("grad_cam?model=resnet18")
    expect(window.page.locator("[data-testid=stSidebar]").first).to_contain_text("is not on this computer")
    expect(window.page.locator(".st-key-download").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_window(visit, scheme):
    window = visit("grad_cam", viewport={"width": 500, "height": 900}, color_scheme=scheme)
    width = window.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 500, "the page scrolls sideways"
    expect(window.page.locator(".viz-now").first).to_be_visible()
