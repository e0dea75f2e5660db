"""A site in every width, light and dark, in print, in another page, and without scripts."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.helpers.atlas_runs import EARLY, LAYER
from tests.helpers.browser import pixels_of, prefer, resize
from tests.helpers.report_in_browser import find, until
from tests.helpers.site_in_browser import CHAPTER, KINDS, OVERVIEW, UNIT, open_page, path_of

TOO_WIDE = """
const seen = [...document.querySelectorAll("body *:not(.pic *, .wide *, .skip, .hidden, .hidden *)")];
const outside = seen.filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
return [document.documentElement.scrollWidth > innerWidth, outside.map((one) => one.outerHTML)]"""
NOT_LOADED = """
const seen = [...document.images].filter((one) => one.getBoundingClientRect().width);
return seen.filter((one) => !one.complete || !one.naturalWidth).map((one) => one.src)"""


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_nothing_is_wider_than_the_screen(chrome: Chrome, site: Path, width: int) -> None:
    resize(chrome, width, 844 if width < 400 else 900)
    for name in (*KINDS, f"u/{LAYER}/6.html", "l/job-ways/index.html"):
        open_page(chrome, site, name)
        assert chrome.execute_script(TOO_WIDE) == [False, []], name
    open_page(chrome, site, CHAPTER)
    lefts = [find(chrome, f"#u-{i}").rect["x"] for i in range(24)]
    a_row = next((i for i in range(1, 24) if lefts[i] <= lefts[i - 1]), 24)
    last = find(chrome, f"#u-{a_row - 1} .pic").rect
    assert a_row == {390: 3, 1280: 10, 2560: 20}[width]
    assert last["x"] + last["width"] <= width - 16 + 1


def test_small_controls_are_large_enough_for_fingers(chrome: Chrome, site: Path) -> None:
    resize(chrome, 390, 844)
    for name in KINDS:
        open_page(chrome, site, name)
        controls = chrome.find_elements(By.CSS_SELECTOR, "main .tools *, header button, .near a")
        for one in controls:
            if one.tag_name in {"button", "select", "input", "a"} and one.is_displayed():
                assert one.rect["height"] >= 44, (name, one.get_attribute("outerHTML"))


def brightness(chrome: Chrome) -> float:
    return float(np.median(pixels_of(find(chrome, "header"))))


def test_pages_are_dark_or_light_as_the_system_and_as_the_button_says(chrome: Chrome, site: Path) -> None:
    for scheme, low, high in (("light", 240, 256), ("dark", 0, 40)):
        prefer(chrome, prefers_color_scheme=scheme)
        for name in KINDS:
            open_page(chrome, site, name)
            assert low <= brightness(chrome) < high, name
    find(chrome, "#theme").click()  # of the last page, which is dark
    until(chrome, lambda: brightness(chrome) > 240)
    for name in KINDS:
        open_page(chrome, site, name)
        assert brightness(chrome) > 240, name
    assert find(chrome, "#theme").text == "Dark"


def test_without_scripts_all_pages_are_reached_and_no_control_is_shown(chrome: Chrome, site: Path) -> None:
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    chrome.get((site / OVERVIEW).as_uri())
    links = {one.get_dom_attribute("href") for one in chrome.find_elements(By.CSS_SELECTOR, "main a")}
    assert {f"l/{folder}/index.html" for folder in (EARLY, LAYER, "logits", "job-ways")} <= links
    assert not find(chrome, "#search").is_displayed()
    find(chrome, f"#layers h3 a[href='{CHAPTER}']").click()
    assert len(chrome.find_elements(By.CSS_SELECTOR, "#tiles a")) == 80
    for selector in ("#search", "#sort", "#theme", "#map-button", "#help", "#clear", "#map"):
        assert not find(chrome, selector).is_displayed(), selector
    find(chrome, "#u-0 a").click()
    assert path_of(chrome, site) == UNIT
    assert not find(chrome, "#copy").is_displayed()
    assert find(chrome, "#spec").text.startswith("version: 1")
    find(chrome, "a[rel=next]").click()
    assert path_of(chrome, site) == f"u/{LAYER}/1.html"


def test_in_another_page_the_frame_is_left_out(chrome: Chrome, site: Path) -> None:
    for name in KINDS:
        open_page(chrome, site, name, "?embed")
        assert not find(chrome, "header").is_displayed(), name
        assert not find(chrome, "footer").is_displayed(), name
        assert find(chrome, "main").is_displayed()


def test_pages_are_printed_without_controls(chrome: Chrome, site: Path) -> None:
    for name in KINDS:
        open_page(chrome, site, name)
        printed = chrome.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"]
        content = base64.b64decode(printed)
        assert content.startswith(b"%PDF")
        assert len(content) > 20_000, name
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        for selector in ("header", "#search", "#sort", "#copy", "dialog"):
            found = chrome.find_elements(By.CSS_SELECTOR, selector)
            assert not any(one.is_displayed() for one in found), (name, selector)
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_pictures_are_there_and_photos_can_be_darkened(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, UNIT)
    resize(chrome, 1280, 6000)
    until(chrome, lambda: chrome.execute_script(NOT_LOADED) == [])
    assert len(chrome.find_elements(By.CSS_SELECTOR, "#fig-5 > .cells li")) == 20
    assert len(chrome.find_elements(By.CSS_SELECTOR, "#fig-5 .group")) == 11
    photo = find(chrome, "#fig-5 .photo")
    before = pixels_of(photo).mean()
    find(chrome, "#where").click()
    until(chrome, lambda: pixels_of(photo).mean() < 0.6 * before)
