"""Output maps: building and encoding the sprite, and in the browser from a layer change to the new sheet.

Usage: python tests/bench/bench_output_maps.py
"""

import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from browser import conftest

from vizcore import models
from vizcore.figures import render, sprites
from vizcore.images import gallery
from vizcore.inspection import activations

DRAWN = """(old) => new Promise(done => {
    const find = (node) => {
        for (const one of node.querySelectorAll('*')) {
            if (one.tagName === 'CANVAS' && one.dataset.drawn) return one;
            const inner = one.shadowRoot && find(one.shadowRoot);
            if (inner) return inner;
        }
    };
    const look = () => {
        const canvas = find(document.querySelector('.st-key-maps') || document.body);
        if (canvas && canvas.dataset.drawn !== old) done(canvas.dataset.drawn);
        else requestAnimationFrame(look);
    };
    look();
})"""


def server_side() -> None:
    """Milliseconds and kilobytes of one sheet, for an early and for the deepest layer of Lite0."""
    import torch

    torch.set_num_threads(1)
    net = models.load()
    x = net.preprocess(gallery.open_image(gallery.find("gallery", "jaguar")))
    for layer in ("stage2.block1.expand.relu", "head.relu"):
        maps = activations.feature_maps(net, x, layer)
        start = time.perf_counter()
        for _ in range(5):
            activations.feature_maps(net, x, layer)
        forward = (time.perf_counter() - start) / 5
        start = time.perf_counter()
        for _ in range(5):
            sprite, _ = sprites.map_atlas(maps, shared=True)
        build = (time.perf_counter() - start) / 5
        start = time.perf_counter()
        for _ in range(5):
            data = render.encode(sprite, "png")
        encode = (time.perf_counter() - start) / 5
        print(
            f"{layer}: {maps.shape}, forward {1000 * forward:.0f} ms, sheet {1000 * build:.0f} ms, "
            f"PNG {1000 * encode:.0f} ms, {len(data) / 1000:.0f} kB"
        )


def main() -> None:
    """Print the medians."""
    server_side()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=conftest.ARGUMENTS)
        process, address = conftest.start_server()
        try:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            window = conftest.Visitor(context.new_page(), address)
            window.open("output_maps")
            name = window.page.evaluate(DRAWN, None)
            window.page.locator(".st-key-strip_layer [aria-checked=true]").focus()
            for label, key in (("uncached", "ArrowRight"), ("cached", "ArrowLeft")):
                times = []
                for _ in range(24):
                    start = time.perf_counter()
                    window.page.keyboard.press(key)
                    name = window.page.evaluate(DRAWN, name)
                    times.append(time.perf_counter() - start)
                    window.settle()
                print(
                    f"{label}: median {1000 * statistics.median(times):.0f} ms, "
                    f"slowest {1000 * max(times):.0f} ms, {len(times)} changes of the layer"
                )
            start = time.perf_counter()
            window.page.locator(".st-key-strip_layer [aria-checked=true]").focus()
            window.page.keyboard.press("End")
            window.page.wait_for_selector(".st-key-maps canvas[data-tiles='1280']")
            print(f"uncached, 1280 maps: {1000 * (time.perf_counter() - start):.0f} ms")
        finally:
            process.terminate()
            browser.close()


if __name__ == "__main__":
    main()
