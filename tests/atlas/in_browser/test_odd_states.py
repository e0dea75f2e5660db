"""Odd addresses, and what is typed and clicked twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.helpers.atlas_runs import EARLY
from tests.helpers.report_in_browser import find, press, until
from tests.helpers.site_in_browser import CHAPTER, UNIT, now_shown, open_page, shown, write


def test_a_search_keeps_what_is_being_typed_and_the_skip_link_keeps_the_search(
    chrome: Chrome, site: Path
) -> None:
    open_page(chrome, site, CHAPTER)
    write(chrome, "#search", "wheels ")
    now_shown(chrome, [0])
    until(chrome, lambda: "q=wheels" in chrome.current_url)
    chrome.execute_async_script("setTimeout(arguments[0], 300)")
    assert find(chrome, "#search").get_attribute("value") == "wheels "
    chrome.execute_script("document.querySelector('a.skip').click()")
    chrome.execute_async_script("setTimeout(arguments[0], 300)")
    assert chrome.current_url.endswith("#tiles")
    assert shown(chrome) == [0]


@pytest.mark.parametrize("state", ["#u-%", "#map=1", "#sort=nothing&size=9", "#q=%E0%A4%A"])
def test_an_odd_address_shows_all_units_and_keys_work(chrome: Chrome, site: Path, state: str) -> None:
    open_page(
        chrome, site, f"l/{EARLY}/index.html" if state != "#map=1" else "l/block2_expand_bn/index.html", state
    )
    until(chrome, lambda: len(shown(chrome)) > 0 or "q=" in state)
    assert not find(chrome, "#map").is_displayed()
    press(chrome, "?")
    assert find(chrome, "#keys-list div")
    assert find(chrome, "#keys").get_attribute("open") is not None


def test_a_copied_link_and_spec_are_said_and_buttons_keep_their_words(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, UNIT)
    for selector, words in (("#copy", "Copy the spec"), ("#copy-link", "Copy the link")):
        button = find(chrome, selector)
        button.click()
        until(chrome, lambda: find(chrome, "#said").get_property("textContent") == "Copied")
        button.click()
        until(chrome, lambda button=button, words=words: button.text == words)  # type: ignore[misc]
        assert find(chrome, "#said").get_property("textContent") == ""
