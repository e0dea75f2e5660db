"""A site with keys alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.helpers.atlas_runs import EARLY, LAYER
from tests.helpers.browser import resize
from tests.helpers.report_in_browser import find, press, until
from tests.helpers.site_in_browser import CHAPTER, UNIT, focused, now_at, open_page, path_of


def test_the_tiles_are_one_stop_and_arrows_move_among_them(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, CHAPTER)
    stops = "return [...document.querySelectorAll('#tiles a')].filter((one) => one.tabIndex === 0).length"
    assert chrome.execute_script(stops) == 1
    chrome.execute_script("document.getElementById('map-button').focus()")
    press(chrome, Keys.TAB)
    assert focused(chrome) == "u-0"
    across = chrome.execute_script(
        "return getComputedStyle(document.getElementById('tiles')).gridTemplateColumns.split(' ').length"
    )
    assert across == 10
    for key, at in (
        (Keys.ARROW_RIGHT, 1),
        (Keys.ARROW_DOWN, 11),
        (Keys.END, 19),
        (Keys.ARROW_RIGHT, 20),
        (Keys.ARROW_LEFT, 19),
        (Keys.HOME, 10),
        (Keys.ARROW_UP, 0),
        (Keys.ARROW_UP, 0),
        (Keys.ARROW_LEFT, 0),
    ):
        press(chrome, key)
        assert focused(chrome) == f"u-{at}", key
    for key, at in ((Keys.END, 79), (Keys.HOME, 0)):
        ActionChains(chrome).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()
        assert focused(chrome) == f"u-{at}"
    assert chrome.execute_script(stops) == 1
    press(chrome, Keys.TAB)
    assert not focused(chrome).startswith("u-")


def test_space_looks_and_escape_comes_back_and_enter_opens(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, CHAPTER, "#u-2")
    find(chrome, "#u-2 a").send_keys(" ")
    look = find(chrome, "#look")
    until(chrome, look.is_displayed)
    assert find(chrome, "#look p").text.startswith(f"{LAYER} 2")
    until(chrome, lambda: find(chrome, "#look img").get_property("naturalWidth") == 64)
    press(chrome, Keys.ESCAPE)
    until(chrome, lambda: not look.is_displayed())
    assert focused(chrome) == "u-2"
    find(chrome, "#u-6 a").send_keys(" ")  # there is nothing to look at
    assert not look.is_displayed()
    press(chrome, Keys.ENTER)
    now_at(chrome, site, f"u/{LAYER}/6.html")


def test_letters_search_show_the_map_and_the_keys_until_they_are_switched_off(
    chrome: Chrome, site: Path
) -> None:
    page = f"l/{EARLY}/index.html"
    open_page(chrome, site, page)
    press(chrome, "/")
    assert focused(chrome) == "search"
    press(chrome, "m?")  # a text now
    assert find(chrome, "#search").get_property("value") == "m?"
    open_page(chrome, site, page)
    press(chrome, "m")
    until(chrome, find(chrome, "#map").is_displayed)
    press(chrome, "m")
    until(chrome, lambda: not find(chrome, "#map").is_displayed())
    press(chrome, "+")
    until(chrome, lambda: "size=168" in chrome.current_url)
    press(chrome, "?")
    until(chrome, find(chrome, "#keys").is_displayed)
    assert "quick look" in find(chrome, "#keys").text
    find(chrome, "#letters").click()
    press(chrome, Keys.ESCAPE)
    open_page(chrome, site, page)
    press(chrome, "m?/")
    assert not find(chrome, "#map").is_displayed()
    assert not find(chrome, "#keys").is_displayed()
    assert focused(chrome) == "BODY"
    find(chrome, "#help").click()
    find(chrome, "#letters").click()
    press(chrome, Keys.ESCAPE, "m")
    until(chrome, find(chrome, "#map").is_displayed)


def test_keys_on_the_page_of_a_unit(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, f"u/{LAYER}/10.html")
    press(chrome, Keys.ARROW_RIGHT)
    now_at(chrome, site, f"u/{LAYER}/11.html")
    press(chrome, Keys.ARROW_LEFT)
    now_at(chrome, site, f"u/{LAYER}/10.html")
    press(chrome, "r")
    until(chrome, lambda: path_of(chrome, site) != f"u/{LAYER}/10.html")
    assert path_of(chrome, site).startswith(f"u/{LAYER}/")
    open_page(chrome, site, f"u/{LAYER}/10.html")
    press(chrome, "s")
    until(chrome, lambda: find(chrome, "#copy").text == "Copied")
    press(chrome, "u")
    now_at(chrome, site, CHAPTER)


@pytest.mark.parametrize("width", [390, 1280])
def test_no_key_is_broken_into_two_lines(chrome: Chrome, site: Path, width: int) -> None:
    resize(chrome, width, 900)
    for name, count in ((CHAPTER, 15), (UNIT, 7)):
        open_page(chrome, site, name)
        press(chrome, "?")
        until(chrome, find(chrome, "#keys").is_displayed)
        keys = chrome.find_elements(By.CSS_SELECTOR, "#keys kbd")
        assert len(keys) == count
        assert {one.rect["height"] for one in keys} == {22}
        right = max(one.rect["x"] + one.rect["width"] for one in keys)
        said = chrome.find_elements(By.CSS_SELECTOR, "#keys-list div > span:last-child")
        assert all(one.rect["x"] > right for one in said)
