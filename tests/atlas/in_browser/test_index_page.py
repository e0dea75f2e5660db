"""The page of a run in a real browser: from a file, on a phone and a desktop, light and dark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from selenium.webdriver.support.ui import WebDriverWait

from fvcli.app.draw_sheets import draw_sheets
from tests.atlas.test_index_page import painted
from tests.helpers.browser import browser, complaints, pixels_of, prefer, requests_elsewhere, resize

LOADED = "return [...document.images].map(image => image.complete && image.naturalWidth > 0)"
TOO_WIDE = "return document.documentElement.scrollWidth > window.innerWidth"
NO_LABELS = "return [...document.images].filter(image => !image.alt).length"


def test_a_page_shows_all_pictures_in_every_width_and_light(tmp_path: Path) -> None:
    page = draw_sheets(painted(tmp_path)).paths[-1]
    with browser() as chrome:
        resize(chrome, 360, 20_000)  # so high that pictures far below are loaded, too
        chrome.get(page.absolute().as_uri())
        WebDriverWait(chrome, 30).until(lambda one: all(one.execute_script(LOADED)))
        assert len(chrome.execute_script(LOADED)) == 8  # the figure and seven units
        assert chrome.execute_script(NO_LABELS) == 0
        for width in (320, 360, 800, 1920):
            resize(chrome, width, 900)
            assert not chrome.execute_script(TOO_WIDE), width
        brightness = []
        for scheme in ("light", "dark"):
            prefer(chrome, prefers_color_scheme=scheme)
            body = chrome.find_element("tag name", "header")
            brightness.append(np.median(pixels_of(body)))
        assert brightness[0] > 240
        assert brightness[1] < 40
        chrome.find_element("css selector", "nav a:last-child").click()
        assert chrome.current_url.endswith("#job-2")
        assert complaints(chrome) == []
        assert requests_elsewhere(chrome) == []
