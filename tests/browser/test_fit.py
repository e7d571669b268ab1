"""Every page's main figure, with its colour bar, is whole on a projector; and no page is long."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PROJECTOR = {"viewport": {"width": 1280, "height": 720}}
ZOOMED = {"viewport": {"width": 853, "height": 480}}  # the same at 150 %
LONGEST = 2600  # page pixels from top to bottom, at a width of 1440

# The last thing of each page's main figure: what it is drawn in, or the bar below that.
ENDS = {
    "overview": ".viz-figure",
    "weights": ".viz-figure",
    "output_maps": ".viz-scale",
    "small_outputs": ".viz-figure",
    "cnn_explainer": ".st-key-explainer_figure",
    "embeddings": ".st-key-cloud",
    "unit": ".viz-figure",
    "caveats": ".viz-figure",
    "gradients": ".st-key-controls",
    "saliency": ".viz-figure",
    "segmentation": ".viz-figure",
    "neuron_gradient": ".viz-scale",
    "guided_backprop": ".viz-figure",
    "layer_by_layer": ".st-key-contact_rows",
    "bias": ".viz-figure",
    "grad_cam": ".viz-figure",
    "guided_grad_cam": ".viz-figure",
    "timeline": ".st-key-timeline",
    "questions": ".st-key-graph",
    "questions?q=2": ".viz-grid",
    "questions?q=4": ".viz-figure",
    "questions?q=5": ".viz-figure",
    "questions?q=6": ".viz-figure",
    "robustness": ".viz-figure",
}

# Where the lowest of these ends, in pixels from the top of the window.
LOWEST = """selector => Math.max(...[...document.querySelectorAll(`[data-testid=stMain] ${selector}`)]
  .slice(0, selector === '.viz-figure' ? 4 : 1).filter(found => found.getBoundingClientRect().top < innerHeight)
  .map(found => found.getBoundingClientRect().bottom))"""


def height(window) -> int:
    return window.page.locator("[data-testid=stMain]").evaluate("main => main.scrollHeight")


@pytest.mark.parametrize("stem", ENDS)
def test_main_figure_is_whole_on_a_projector_and_the_page_is_short(visit, stem):
    window = visit(stem, **PROJECTOR)
    figure = window.page.locator(f"[data-testid=stMain] {ENDS[stem]}").first
    figure.wait_for()
    window.page.wait_for_timeout(600)  # the pictures are decoded, and the figure has taken its size
    assert window.page.evaluate(LOWEST, ENDS[stem]) <= 720
    window.page.set_viewport_size({"width": 1440, "height": 900})
    tabs = window.page.locator("[data-testid=stMain] [role=tab]")
    for number in range(max(1, tabs.count() - 1)):  # the last one shows all
        if tabs.count():
            tabs.nth(number).click()
            window.settle()
            window.page.wait_for_timeout(300)
        assert height(window) < LONGEST, tabs.nth(number).inner_text() if tabs.count() else stem


@pytest.mark.parametrize("stem", ["grad_cam", "unit", "saliency"])
def test_enlarged_the_figure_is_still_the_first_thing_seen(visit, stem):
    window = visit(stem, **ZOOMED)
    figure = window.page.locator("[data-testid=stMain] .viz-figure img").first
    figure.wait_for()
    window.page.wait_for_timeout(400)
    box = figure.bounding_box()
    assert box["y"] + 0.7 * box["height"] <= 480


@pytest.mark.parametrize("stem", ["grad_cam", "saliency"])
def test_on_a_phone_the_figure_is_as_wide_as_the_page(visit, stem):
    window = visit(stem, viewport={"width": 390, "height": 844})
    figure = window.page.locator("[data-testid=stMain] .viz-figure").first
    figure.wait_for()
    assert figure.bounding_box()["width"] > 340
    assert window.page.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth <= main.clientWidth")
