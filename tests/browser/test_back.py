"""Back and Forward in the browser: a page comes back as it was left."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def settings(window) -> set[str]:
    return set(window.page.url.partition("?")[2].split("&"))


def test_back_returns_to_the_settings_of_the_page(visit):
    """Both pages have a layer, an opacity and a second class: the names that Streamlit would drop."""
    window = visit("grad_cam?image=dog_bicycle_car&layer=fire4&opacity=0.8&versus=671&drawn=cells&part=Two+classes")
    left, before = settings(window), window.figure().rsplit("/", 1)[-1]
    window.page.locator("[data-testid=stMain]").get_by_role("link", name="17 Guided Grad-CAM").first.click()
    window.page.wait_for_url("**/guided_grad_cam*")
    window.settle()
    window.page.go_back()
    window.page.wait_for_url(lambda url: "/grad_cam?" in url and set(url.partition("?")[2].split("&")) == left)
    window.settle()
    assert window.page.locator(".st-key-strip_layer [aria-checked=true]").get_attribute("data-layer") == "fire4"
    assert window.figure().rsplit("/", 1)[-1] == before
    window.page.go_forward()
    window.page.wait_for_url("**/guided_grad_cam*")
    window.settle()
    assert not any(setting.startswith("layer=") for setting in settings(window))
