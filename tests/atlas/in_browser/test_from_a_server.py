"""A site from a server, and what its policy keeps out."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver import Chrome

from tests.helpers.atlas_runs import LAYER
from tests.helpers.browser import complaints, pixels_of, requests_elsewhere
from tests.helpers.report_in_browser import find, until
from tests.helpers.site_in_browser import CHAPTER, KINDS, OVERVIEW, data_of, shown

SOME_LOADED = "return [...document.images].some((one) => one.complete && one.naturalWidth)"
INJECTED = """
const one = document.createElement("script");
one.textContent = "window.ran = 1";
document.body.append(one)"""


def test_from_a_server_everything_works_as_well(chrome: Chrome, site: Path, address: str) -> None:
    for name in KINDS:
        chrome.get(f"{address}/{name}")
        until(chrome, lambda: chrome.execute_script(SOME_LOADED))
    chrome.get(f"{address}/{CHAPTER}#sort=score")
    until(chrome, lambda: shown(chrome)[:1] != [0])
    find(chrome, "#map-button").click()
    until(chrome, lambda: pixels_of(find(chrome, "#map canvas")).std() > 20)
    key = data_of(site, LAYER)["pictures"][12]
    chrome.get(f"{address}/k/{key}.html")
    until(chrome, lambda: chrome.current_url == f"{address}/u/{LAYER}/12.html#fig-1")


def test_the_policy_lets_nothing_in(chrome: Chrome, site: Path, address: str) -> None:
    chrome.get(f"{address}/{OVERVIEW}")
    complaints(chrome)
    chrome.execute_script(INJECTED)
    chrome.execute_script("new Image().src = 'http://example.invalid/a.png'")
    assert chrome.execute_script("return window.ran") is None
    said = complaints(chrome)
    assert len(said) == 2
    assert all("Content Security Policy" in one for one in said)
    assert requests_elsewhere(chrome)[-1] == "http://example.invalid/a.png"  # which was not sent
