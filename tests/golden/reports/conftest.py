"""A page that is written and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fvcli.golden.reports.html import write_html
from fvcli.golden.results import Comparison
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
