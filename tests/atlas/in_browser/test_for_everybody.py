"""What axe-core finds of what people cannot read or reach."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.helpers.atlas_runs import LAYER
from tests.helpers.browser import prefer
from tests.helpers.report_in_browser import find, press, until
from tests.helpers.site_in_browser import CHAPTER, KINDS, OVERVIEW, UNIT, open_page

AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"], preload: false}).then((found) => done(found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => [one.id, one.help, one.nodes.slice(0, 3).map((node) => [node.html.slice(0, 200),
        (node.any[0] || node.all[0] || node.none[0] || {}).message])])))"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, which finds what people cannot read or reach."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.fail(
            "axe-core is needed: pip install --no-deps axe-playwright-python (scripts/setup-venv test)"
        )
    return (Path(found.origin).parent / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chrome: Chrome, site: Path, axe: str, scheme: str) -> None:
    prefer(chrome, prefers_color_scheme=scheme)
    states = {CHAPTER: "#sort=2afc&q=1-3", OVERVIEW: "#q=block4"}
    for name in (*KINDS, f"u/{LAYER}/6.html", f"u/{LAYER}/20.html", "l/job-ways/index.html"):
        open_page(chrome, site, name, states.get(name, ""))
        if name == UNIT:
            find(chrome, "#fig-5 summary").click()
            find(chrome, ".trust summary").click()
        chrome.execute_script(axe)
        assert chrome.execute_async_script(AXE) == [], name
    open_page(chrome, site, CHAPTER, "#map=1")
    until(chrome, find(chrome, "#map canvas").is_displayed)
    press(chrome, "?")
    chrome.execute_script(axe)
    assert chrome.execute_async_script(AXE) == []
