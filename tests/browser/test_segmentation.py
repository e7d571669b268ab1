"""The strip of composites on the segmentation page: a click shows how the result came about, in the address too."""


def test_a_click_on_a_composite_shows_it(visit):
    from vizcore import segmentation_bench as bench

    kept = bench.stored()
    worst, _ = kept.extremes("grad_cam", 8)
    window = visit("segmentation?source=Grad-CAM")
    strip = window.page.locator(".st-key-strip canvas[data-tiles='16']")
    strip.wait_for()
    for place, position in ((60, worst[0]), (200, worst[1])):
        strip.scroll_into_view_if_needed()
        strip.click(position={"x": place, "y": 180})
        recipe, score = kept.recipes[position], kept.rows["grad_cam"][position].cut
        window.page.wait_for_url(f"**cutout={recipe.cutout}&ground={recipe.background}**size={recipe.size}**")
        window.page.get_by_text(f"GrabCut from these seeds: IoU {score:.2f}").wait_for()
