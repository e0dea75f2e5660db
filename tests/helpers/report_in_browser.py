"""What tests do with report.html in a browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

OUTSIDE = """
const box = document.querySelector("#viewer-pair").getBoundingClientRect();
return [...document.querySelectorAll("#viewer-pair figure")]
    .map((one) => one.getBoundingClientRect())
    .filter((one) => one.width && (one.top < box.top - 1 || one.bottom > box.bottom + 1
        || one.left < box.left - 1 || one.right > box.right + 1))
    .map((one) => [one.left, one.top, one.right, one.bottom])"""


def open_page(chrome: Chrome, page: Path, state: str = "") -> Chrome:
    chrome.get("about:blank")  # another state alone does not load the page again
    chrome.get(page.as_uri() + (f"#{state}" if state else ""))
    return chrome


def find(chrome: Chrome, selector: str) -> WebElement:
    return chrome.find_element(By.CSS_SELECTOR, selector)


def texts(chrome: Chrome, selector: str) -> list[str]:
    return [" ".join(found.text.split()) for found in chrome.find_elements(By.CSS_SELECTOR, selector)]


def names(chrome: Chrome) -> list[str]:
    links = chrome.find_elements(By.CSS_SELECTOR, "article h3 a")
    return [link.get_property("textContent") for link in links]


def state_of(chrome: Chrome) -> str:
    return chrome.execute_script("return location.hash")


def press(chrome: Chrome, *keys: str) -> None:
    ActionChains(chrome).send_keys(*keys).perform()


def focused(chrome: Chrome) -> str:
    return chrome.execute_script("return document.activeElement.unit?.path || document.activeElement.id")


def until(chrome: Chrome, holds: Callable[[], object]) -> None:
    WebDriverWait(chrome, 10, poll_frequency=0.05).until(lambda _: holds())


def outside_the_viewer(chrome: Chrome) -> list[list[float]]:
    """Return where large pictures stand that are not wholly in their place: left, top, right, bottom."""
    return chrome.execute_script(OUTSIDE)


def wait_for_pictures(chrome: Chrome) -> None:
    loaded = "return [...document.querySelectorAll('.frame img')].every((image) => image.complete)"
    until(chrome, lambda: chrome.execute_script(loaded))


def colour(pixels: np.ndarray) -> Sequence[int]:
    """Return the one colour that pixels have, but for a line at their border."""
    inner = pixels[4:-4, 4:-4].reshape(-1, 3)
    assert (inner == inner[0]).all()
    return tuple(int(part) for part in inner[0])
