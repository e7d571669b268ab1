"""The graph of the page on gradients: zoomed, clicked, and used by keyboard."""

from playwright.sync_api import expect


def test_click_zoom_and_keys_choose_a_layer(visit):
    window = visit("gradients?model=mini_vgg&cut=true")
    page = window.page
    flow = page.locator(".flow")
    svg = flow.locator("svg")
    expect(svg).to_have_attribute("data-nodes", "17")
    flow.locator("[data-layer='block2.relu1']").click()
    window.settle()
    page.wait_for_url("**layer=block2.relu1**")
    expect(flow.locator("g.chosen")).to_have_attribute("data-layer", "block2.relu1")
    expect(page.locator(".st-key-layer input")).to_have_value("block2.relu1: 64 × 56 × 56")
    assert flow.locator("g.off").count() > 5
    before = float(svg.get_attribute("data-zoom"))
    flow.get_by_role("button", name="Zoom in").click()
    assert float(svg.get_attribute("data-zoom")) > 1.3 * before
    box = svg.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_timeout(200)
    zoomed = float(svg.get_attribute("data-zoom"))
    assert zoomed > 1.6 * before
    view = svg.get_attribute("viewBox")
    page.mouse.move(box["x"] + 300, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 60, steps=4)
    page.mouse.up()
    assert svg.get_attribute("viewBox") != view
    window.settle()
    assert "layer=block2.relu1" in page.url  # a drag is no click
    flow.get_by_role("button", name="Show the whole graph").click()
    flow.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    window.settle()
    page.wait_for_url("**layer=block2.pool**")
    expect(flow.locator("g.chosen")).to_have_attribute("data-layer", "block2.pool")


def test_a_click_in_the_picture_chooses_the_pixel(visit):
    window = visit("gradients?model=digits_cnn")
    picture = window.page.locator(".st-key-pixel_gradient .picture, .st-key-pixel_photo .picture").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    window.page.mouse.click(box["x"] + box["width"] * 10.5 / 28, box["y"] + box["height"] * 3.5 / 28)
    window.settle()
    window.page.wait_for_url("**row=3**")
    assert "column=10" in window.page.url
