"""The CNN explainer in the browser: script time of a hover and of a step, and from a digit to its new maps.

Usage: python tests/bench/bench_explainer.py
"""

import os
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from browser import conftest

# The handlers work while the event is sent, so that the time around it is their script time.
HOVER = """root => {
  const [stage, maps] = [root.querySelector('.stage'), root.querySelector('.maps')]
  const frame = maps.getBoundingClientRect()
  const times = []
  for (let i = 0; i < 300; i++) {
    const [x, y] = [(i * 37.7) % frame.width, 40 + ((i * 17.3) % (frame.height - 60))]
    const at = {clientX: frame.x + x, clientY: frame.y + y}
    const start = performance.now()
    stage.dispatchEvent(new PointerEvent('pointermove', {...at, bubbles: true}))
    times.push(performance.now() - start)
  }
  stage.dispatchEvent(new PointerEvent('pointerleave'))
  return times
}"""
STEP = """(root, [way, layer]) => {
  const [stage, place] = [root.querySelector('.stage'), root.querySelector('.to .place')]
  const press = (node, key) => node.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))
  root.querySelector(`[data-value=${way}]`).click()
  press(stage, 'Home')
  for (let i = 0; i < layer; i++) press(stage, 'ArrowRight')
  press(place, 'Home')
  const times = []
  for (let i = 0; i < 100; i++) {
    const start = performance.now()
    press(place, ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowLeft'][i % 5])
    times.push(performance.now() - start)
  }
  return times
}"""
LAYER = """root => {
  const stage = root.querySelector('.stage')
  const times = []
  for (const way of ['forward', 'backward', 'forward', 'backward']) {
    const start = performance.now()
    root.querySelector(`[data-value=${way}]`).click()
    times.push(performance.now() - start)
  }
  return times
}"""


def told(what: str, times: list[float]) -> None:
    """Print the median, the 95th percentile and the slowest, in milliseconds."""
    ordered = sorted(times)
    tail = ordered[int(0.95 * (len(ordered) - 1))]
    print(
        f"{what}: median {statistics.median(times):.1f}, 95 % {tail:.1f}, slowest {ordered[-1]:.1f} ms ({len(times)})"
    )


def drawn(figure) -> str:
    """A name of what is drawn."""
    return figure.locator(".maps").evaluate("c => { const d = c.toDataURL(); return d.length + d.slice(-3000) }")


def main() -> None:
    """Print the times."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=conftest.ARGUMENTS)
        process, address = conftest.start_server()
        try:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            window = conftest.Visitor(context.new_page(), address).open("cnn_explainer")
            figure = window.page.locator(".explainer")
            figure.locator(".result b").wait_for()
            window.page.wait_for_timeout(1500)
            print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            told("hover over the maps", figure.evaluate(HOVER))
            for way, layer, name in (
                ("forward", 3, "the kernel of conv1_2, 90 products"),
                ("forward", 5, "the window of pool1"),
                ("backward", 2, "the flipped kernel, 90 products"),
                ("backward", 1, "the three rules"),
            ):
                told(f"step, {way}, {name}", figure.evaluate(STEP, [way, layer]))
            told("forward to backward, all maps drawn", figure.evaluate(LAYER))
            field = window.page.locator(".st-key-digit input").first
            times = []
            for digit in range(20, 32):
                before = drawn(figure)
                start = time.perf_counter()
                field.fill(str(digit))
                field.press("Enter")
                window.wait_for_change(lambda: drawn(figure), before)
                times.append(1000 * (time.perf_counter() - start))
            told("a new digit to its maps", times)
        finally:
            process.terminate()
            browser.close()


if __name__ == "__main__":
    main()
