"""One browser for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.helpers.browser import browser, untroubled


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Chrome]:
    with browser() as one:
        yield one


@pytest.fixture
def chrome(shared_browser: Chrome) -> Iterator[Chrome]:
    with untroubled(shared_browser) as one:
        yield one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")
