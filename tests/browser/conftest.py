"""A fresh server and a headless Chromium for the tests of this folder."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WAIT = 60_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(wait: float = 60, script: str = "dashboard.py") -> tuple[subprocess.Popen, str]:
    """`streamlit run dashboard.py`, or of another script, once it answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            script,
            "--server.headless",
            "true",
            "--server.port",
            str(port),
            "--server.fileWatcherType",
            "none",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        try:
            if urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).status == 200:
                return process, address
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise TimeoutError("the dashboard did not start")


@pytest.fixture(scope="session")
def server():
    process, address = start_server()
    yield address
    process.terminate()
    process.wait(10)


@pytest.fixture
def fresh_server():
    """A server that nobody has visited yet."""
    process, address = start_server()
    yield address
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield chromium
        chromium.close()


class Visitor:
    """One browser window, and what its console complained about."""

    def __init__(self, page: Page, address: str):
        self.page, self.address = page, address
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)
        page.on("request", self._watch)

    def _listen(self, line) -> None:
        # Opened at /page, Streamlit's own front end first looks for its server below that path, then at the root.
        probing = "/_stcore/" in line.location.get("url", "") and "404" in line.text
        if line.type == "error" and not probing:
            self.complaints.append(f"{line.text} {line.location.get('url', '')}")

    def _watch(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", self.address.replace("http", "ws", 1))):
            self.foreign.append(request.url)

    def open(self, path: str = "") -> "Visitor":
        self.page.goto(f"{self.address}/{path}" if not path.startswith("http") else path)
        return self.settle()

    def settle(self) -> "Visitor":
        """Wait until the script has run and the picture stands."""
        self.page.wait_for_timeout(150)
        expect(self.page.locator("[data-testid=stMain] h1").first).to_be_visible(timeout=WAIT)
        self.page.wait_for_selector(READY, timeout=WAIT)  # before the first run the page is not running either
        return self

    def choose(self, key: str, text: str) -> "Visitor":
        """Pick an option of a select box by typing it."""
        box = self.page.locator(f".st-key-{key} input").first
        box.click()
        box.fill(text)
        self.page.get_by_role("option").first.click()
        return self.settle()

    def choose_picture(self, text: str) -> "Visitor":
        """Open all pictures and pick the first that is found by typing this."""
        self.page.locator(".st-key-open_pictures button:visible").click()
        search = self.page.locator(".st-key-pictures input[type=search]")
        search.fill(text)
        search.press("Enter")
        expect(self.page.get_by_role("dialog")).to_have_count(0, timeout=WAIT)
        return self.settle()

    def figure(self) -> str:
        """Name of the first picture in the page's body: it changes when the picture does."""
        return self.page.locator("[data-testid=stMain] .viz-figure img").first.get_attribute("data-name")

    def sidebar_picture(self) -> str:
        return self.page.locator(".st-key-picture img").first.get_attribute("src")

    def wait_for_change(self, read, before: str) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if (now := read()) != before:
                return now
            self.page.wait_for_timeout(50)
        raise AssertionError("the picture did not change")


@pytest.fixture
def visit(browser, server):
    """Open windows; afterwards nothing may have failed in any of them, and nothing may have left the machine."""
    windows: list[Visitor] = []

    def open_window(path: str = "", address: str = server, **options) -> Visitor:
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        windows.append(Visitor(context.new_page(), address))
        return windows[-1].open(path)

    yield open_window
    for window in windows:
        shown = window.page.locator("[data-testid=stException]").all_inner_texts()
        window.page.context.close()
        assert not shown
        assert not window.complaints
        assert not window.foreign
