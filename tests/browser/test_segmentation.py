"""The strip of composites on the segmentation page: a click shows how the result came about, in the address too."""


def test_a_click_on_a_composite_shows_it(visit):
    from vizcore.evaluation import segmentation_bench
    from vizcore.images import composites

    window = visit("segmentation?source=Grad-CAM&part=Best+and+worst")
    for ground in composites.GROUNDS:
        if ground == "photo":
            window.page.get_by_role("radio", name="Photographs").click()
            window.page.get_by_text("Grad-CAM, on photographs: the 8 best").wait_for()
        kept = segmentation_bench.stored(ground)
        _, best = kept.extremes("grad_cam", 8)
        strip = window.page.locator(".st-key-strip canvas[data-tiles='16']")
        strip.wait_for()
        for place, position in ((60, best[0]), (200, best[1])):
            strip.scroll_into_view_if_needed()
            strip.click(position={"x": place, "y": 60})
            recipe, score = kept.recipes[position], kept.rows["grad_cam"][position].cut
            wanted = {f"cutout={recipe.cutout}", f"ground={recipe.background}", f"across={recipe.across}"}
            window.page.wait_for_url(lambda url, wanted=wanted: wanted <= set(url.partition("?")[2].split("&")))
            window.page.get_by_text(f"GrabCut from these: IoU {score:.2f}").wait_for()
