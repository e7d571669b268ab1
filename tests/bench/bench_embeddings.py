"""How fast the map of pictures is in the browser, with software rendering, and how long its maps take.

    python tests/bench/bench_embeddings.py [ADDRESS]

Prints: the time until the default view stands on a warm server; frames a second while the pointer hovers and while a
map of three axes turns, with 1,000 and 5,000 points; for 1,000 digits and a seed nobody has asked for, the time until
the points are seen to move and until the map is done. Without an address it starts a server of its own.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from browser.conftest import ARGUMENTS, start_server
from playwright.sync_api import Page, sync_playwright

CLOUD = ".st-key-cloud"
FRAMES = """async ({ seconds, kind }) => {
  const host = [...document.querySelectorAll('.st-key-cloud *')].find((one) => one.shadowRoot?.querySelector('.stage'))
  const stage = host.shadowRoot.querySelector('.stage')
  const box = stage.getBoundingClientRect()
  const event = (name, x, y) => stage.dispatchEvent(new PointerEvent(name, { clientX: x, clientY: y, button: 0,
    pointerId: 1, bubbles: true }))
  stage.setPointerCapture = () => {}
  const at = (share) => [
    box.x + box.width * (0.5 + 0.3 * Math.cos(share)), box.y + box.height * (0.5 + 0.3 * Math.sin(share))]
  if (kind === 'turn') event('pointerdown', ...at(0))
  const times = []
  let script = 0
  const began = performance.now()
  await new Promise((done) => {
    const step = (now) => {
      times.push(now)
      const start = performance.now()
      event('pointermove', ...at((now - began) / 300))
      script += performance.now() - start
      if (now - began < 1000 * seconds) requestAnimationFrame(step)
      else done()
    }
    requestAnimationFrame(step)
  })
  if (kind === 'turn') event('pointerup', ...at(0))
  return { fps: (1000 * (times.length - 1)) / (times.at(-1) - times[0]), script: script / times.length }
}"""


def cloud(page: Page, address: str, seconds: float = 300) -> float:
    """Seconds until the map stands."""
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(f"{CLOUD} .cloud[data-draws]", timeout=1000 * seconds)
    return time.perf_counter() - start


def settled(page: Page, seconds: float = 300) -> None:
    page.wait_for_selector(f"{CLOUD} .progress", state="hidden", timeout=1000 * seconds)
    page.wait_for_timeout(1500)


def main() -> None:
    process, address = (None, sys.argv[1]) if len(sys.argv) > 1 else start_server()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        for name, query in (("photographs", ""), ("digits", "?model=digits_cnn")):
            cloud(page, f"{address}/embeddings{query}")
            times = [cloud(page, f"{address}/embeddings{query}") for _ in range(3)]
            print(f"default view, {name}: {statistics.median(times):.2f} s until the map stands, warm server")
        for count in (1000, 5000):
            for kind, axes in (("hover", 2), ("turn", 3)):
                for points in ("pictures", "dots"):
                    query = f"model=digits_cnn&how_many_digits={count}&projection=PCA&axes={axes}&points_as={points}"
                    cloud(page, f"{address}/embeddings?{query}")
                    settled(page)
                    found = page.evaluate(FRAMES, {"seconds": 4, "kind": kind})
                    print(f"{kind}, {count} {points}: {found['fps']:.0f} frames/s, {found['script']:.1f} ms a move")
        seed = int(time.time()) % 9999
        start = time.perf_counter()
        page.goto(f"{address}/embeddings?model=digits_cnn&seed={seed}")
        page.wait_for_selector(f"{CLOUD} .cloud[data-draws]", timeout=300_000)
        moving = time.perf_counter() - start
        page.wait_for_function(
            "() => { const host = [...document.querySelectorAll('.st-key-cloud *')].find((one) => one.shadowRoot);"
            " return host.shadowRoot.querySelector('.facts').children.length === 3 }",
            timeout=300_000,
        )
        done = time.perf_counter() - start
        print(f"t-SNE of 1,000 digits: seen moving after {moving:.1f} s, done after {done:.1f} s")
        browser.close()
    if process:
        process.terminate()


if __name__ == "__main__":
    main()
