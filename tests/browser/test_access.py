"""Every page for those who cannot see it or use no mouse: axe-core finds nothing, light and dark."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT

pytestmark = pytest.mark.browser

MODULES = Path(os.environ.get("NODE_PATH") or ROOT / "node_modules")
AXE = MODULES / "axe-core" / "axe.min.js"
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
# What Streamlit's own elements cause and no line of ours can change: (rule, part of the element's selector or HTML).
KNOWN = {("landmark-unique", 'aria-label="Scrollable table"')}
RUN = """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations.flatMap(
  ({id, nodes}) => nodes.map(({target, html}) => [id, `${target.flat().join(" ")} ${html.slice(0, 300)}`])))"""

needs_axe = pytest.mark.skipif(not AXE.exists(), reason=f"no axe-core in {MODULES}: run `npm install` first")


def findings(page) -> list[tuple[str, str]]:
    """Rule and element of each finding that is ours, once the page stands: while it fades, its letters are pale."""
    found: list[tuple[str, str]] = []
    for _ in range(4):
        found = [(rule, where) for rule, where in page.evaluate(RUN)]
        found = [(rule, where) for rule, where in found if not any(rule == r and part in where for r, part in KNOWN)]
        if not found:
            break
        page.wait_for_timeout(500)
    return found


@needs_axe
@pytest.mark.parametrize("stem", PAGES)
def test_no_findings(visit, stem):
    window = visit(f"{stem}?part=All", color_scheme="light", viewport={"width": 1280, "height": 720})
    page = window.page
    expect(page.locator("[role=listbox]:not([aria-label])")).to_have_count(0)  # components that still begin
    page.evaluate(AXE.read_text())
    ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    light = page.evaluate(ground)
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(light) => {ground} !== light", arg=light)
    window.settle()  # the page runs again in the other theme
    assert findings(page) == []


def test_a_chart_has_a_text_and_its_numbers(visit):
    window = visit("small_outputs?model=mini_vgg&part=All")
    page = window.page
    expect(page.get_by_role("figure", name="Cells along a map's side")).to_be_visible()
    page.locator(".st-key-depth_data").get_by_role("button").click()
    window.settle()
    table = page.get_by_test_id("stTable")
    expect(table.get_by_role("columnheader", name="cells along a map's side")).to_be_visible()
    assert table.get_by_role("row").count() > 5
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0].startswith("name,") and len(lines) == table.get_by_role("row").count()
