"""A page that is written and read, and one browser for all tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from fvcli.golden.reports.html import write_html
from fvcli.golden.results import Comparison
from tests.helpers.browser import browser, complaints, prefer, requests_elsewhere, resize
from tests.helpers.comparisons import write_picture
from tests.helpers.report_page import Page


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Page]:
    """Write a page into tmp_path/report and read it."""

    def write(found: Comparison, **options: int) -> Page:
        return Page(write_html(found, tmp_path / "report", **options))

    return write


@pytest.fixture
def red(tmp_path: Path) -> str:
    return write_picture(tmp_path / "golden/red.png", (200, 30, 30))


@pytest.fixture
def blue(tmp_path: Path) -> str:
    return write_picture(tmp_path / "run/blue.png", (30, 30, 200))


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
