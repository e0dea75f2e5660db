"""What tests of a site in a browser share: opening its pages, and reading what they show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from tests.helpers.atlas_runs import LAYER
from tests.helpers.report_in_browser import find, until

OVERVIEW, CHAPTER, UNIT = "index.html", f"l/{LAYER}/index.html", f"u/{LAYER}/0.html"
KINDS = (OVERVIEW, CHAPTER, UNIT)
SHOWN = "return [...document.querySelectorAll('#tiles li:not([hidden])')].map((one) => one.dataset.n)"


def open_page(chrome: Chrome, site: Path, name: str, state: str = "") -> None:
    chrome.get("about:blank")  # another state alone does not load the page again
    chrome.get((site / name).as_uri() + state)


def shown(chrome: Chrome) -> list[int]:
    return [int(number) for number in chrome.execute_script(SHOWN)]


def now_shown(chrome: Chrome, numbers: list[int]) -> None:
    until(chrome, lambda: shown(chrome) == numbers)


def path_of(chrome: Chrome, site: Path) -> str:
    return chrome.current_url.removeprefix(f"{site.as_uri()}/")


def now_at(chrome: Chrome, site: Path, name: str) -> None:
    until(chrome, lambda: path_of(chrome, site).partition("#")[0] == name)
    until(chrome, lambda: chrome.execute_script("return document.readyState") == "complete")


def focused(chrome: Chrome) -> str:
    script = "const one = document.activeElement; return one.id || one.closest('li')?.id || one.tagName"
    return chrome.execute_script(script)


def data_of(site: Path, folder: str) -> dict[str, Any]:
    text = (site / f"d/{folder}-1.js").read_text()
    return json.loads(text[text.index("(") + 1 : text.rindex(")")])


def write(chrome: Chrome, selector: str, text: str) -> None:
    box = find(chrome, selector)
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(text or Keys.BACKSPACE)
