"""One browser for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.helpers.browser import browser, complaints, prefer, requests_elsewhere, resize


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Chrome]:
    with browser() as one:
        yield one


@pytest.fixture
def chrome(shared_browser: Chrome) -> Iterator[Chrome]:
    """A browser as it starts; after the test nothing may be in its console or have left the page."""
    resize(shared_browser, 1280, 900)
    prefer(shared_browser)
    yield shared_browser
    assert complaints(shared_browser) == []
    assert requests_elsewhere(shared_browser) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")
