"""Time in the browser: from a control change to the new picture, and from the start to a usable first page.

Usage: python tests/bench/bench_browser.py
"""

import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from browser import conftest

from vizcore.images import gallery

ARM = "addEventListener('mousedown', () => { window.pressed = performance.now(); }, {once: true, capture: true})"
WAIT = """([old]) => new Promise(done => {
    const look = () => {
        const img = document.querySelector('[data-testid=stMain] .viz-figure img');
        if (img && img.src !== old && img.complete) done(performance.now() - window.pressed);
        else requestAnimationFrame(look);
    };
    look();
})"""


def click_to_picture(window, option: str) -> float:
    """Seconds from pressing the mouse on an option of the class box to the new first picture."""
    page = window.page
    box = page.locator(".st-key-class input").first
    box.click()
    box.fill(option)
    item = page.get_by_role("option", name=option).first
    item.wait_for()
    old = page.locator("[data-testid=stMain] .viz-figure img").first.evaluate("img => img.src")
    page.evaluate(ARM)
    item.click()
    seconds = page.evaluate(WAIT, [old]) / 1000
    window.settle()
    return seconds


def main() -> None:
    """Print the medians."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=conftest.ARGUMENTS)
        start = time.perf_counter()
        process, address = conftest.start_server()
        try:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            window = conftest.Visitor(context.new_page(), address)
            window.page.goto(f"{address}/grad_cam")
            window.page.locator("[data-testid=stMain] .viz-figure img").first.wait_for(timeout=60_000)
            print(f"streamlit run to the first picture: {time.perf_counter() - start:.1f} s")
            window.settle()
            names = [gallery.imagenet_categories()[i] for i in range(400, 420)]
            for label in ("uncached", "cached"):
                times = [click_to_picture(window, name) for name in names]
                print(
                    f"{label}: median {1000 * statistics.median(times):.0f} ms, "
                    f"slowest {1000 * max(times):.0f} ms, {len(times)} changes of the class"
                )
        finally:
            process.terminate()
            browser.close()


if __name__ == "__main__":
    main()
