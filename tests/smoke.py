"""Open a running dashboard in a headless browser and require a page without an error.

Usage: python tests/smoke.py http://localhost:8501
"""

import shutil
import sys
import time
import urllib.error
import urllib.request

from playwright.sync_api import sync_playwright

READY = "[data-testid=stApp][data-test-script-state=notRunning]"


def wait_for_health(address: str, seconds: float = 60) -> float:
    """Seconds until the server answers; TimeoutError when it does not."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return time.monotonic() - start
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.25)
    raise TimeoutError(f"{address} did not answer within {seconds:g} s")


def page_text(address: str) -> str:
    """What the first page shows once its script has run; RuntimeError when it shows an error or nothing."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            page = browser.new_page()
            failures: list[str] = []
            page.on("pageerror", lambda error: failures.append(str(error)))
            page.goto(address)
            page.wait_for_selector(READY, timeout=90_000)
            page.wait_for_selector("[data-testid=stMain] h1", timeout=30_000)
            failures += page.locator("[data-testid=stException]").all_inner_texts()
            text = page.locator("[data-testid=stMain]").inner_text().strip()
        finally:
            browser.close()
    if failures:
        raise RuntimeError("the page shows an error:\n" + "\n".join(failures))
    if len(text) < 100:
        raise RuntimeError(f"the page is nearly empty: {text!r}")
    return text


def main(address: str) -> None:
    print(f"the server answers after {wait_for_health(address):.1f} s")
    start = time.monotonic()
    text = page_text(address)
    seconds = time.monotonic() - start
    print(f"the page stands after {seconds:.1f} s: {len(text)} characters, {text.splitlines()[0]!r}")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
