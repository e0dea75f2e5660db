"""A real browser without a window, and what it logged."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

OPTIONS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")
LOCAL = ("file:", "data:", "blob:", "about:")
HOW_TO_GET_IT = "Chromium and its driver are needed: sudo apt-get install chromium-driver"


@contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[webdriver.Chrome]:
    """Start a browser; a test fails where there is none."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.fail(HOW_TO_GET_IT)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in (*OPTIONS, f"--window-size={width},{height}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


@contextmanager
def untroubled(chrome: webdriver.Chrome, own: str = "file:") -> Iterator[webdriver.Chrome]:
    """Let a test have a browser as it starts; afterwards nothing may be in its console or have left the page.

    Args:
        chrome: A browser that was used before.
        own: How addresses begin that are not elsewhere.
    """
    resize(chrome, 1280, 900)
    prefer(chrome)
    yield chrome
    said = complaints(chrome)
    assert said == [], said  # pytest says what differs only in files of tests
    elsewhere = [url for url in requests_elsewhere(chrome) if not url.startswith(own)]
    assert elsewhere == [], elsewhere


def complaints(chrome: webdriver.Chrome) -> list[str]:
    """Return what was written to the console since the last call: errors, and what a policy forbade."""
    return [entry["message"] for entry in chrome.get_log("browser")]


def requests_elsewhere(chrome: webdriver.Chrome) -> list[str]:
    """Return the addresses that the page asked for since the last call and that are not on this disk."""
    messages = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    asked = [params["request"]["url"] for params in sent]
    return [url for url in asked if not url.startswith(LOCAL)]


def resize(chrome: webdriver.Chrome, width: int, height: int) -> None:
    """Give the page a size, as a phone or a large screen has it."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def prefer(chrome: webdriver.Chrome, **features: str) -> None:
    """Set what the user prefers, such as prefers_color_scheme="dark"; all others are reset."""
    named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})


def pixels_of(element: WebElement) -> np.ndarray:
    """Return what is seen of an element as uint8 [h, w, 3]."""
    return np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"))
