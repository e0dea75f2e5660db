"""The site is built as scripts/docs builds it, and a wrong link ends the build."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.pages import ROOT

BUILD = re.search(
    r"^\.venv/bin/python (-m mkdocs build .*) \"\$@\"$", (ROOT / "scripts/docs").read_text(), re.MULTILINE
)


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    """A copy of the manual."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    return tmp_path


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    assert BUILD
    words = [sys.executable, *shlex.split(BUILD[1])]
    calm = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(words, cwd=folder, env=calm, capture_output=True, text=True, check=False)


def test_the_site_is_built_with_its_configs_and_loads_nothing_from_elsewhere(manual: Path) -> None:
    done = build(manual)
    assert done.returncode == 0, done.stderr
    site = manual / "build/site"
    assert (site / "configs/quickstart.yaml").read_bytes() == (ROOT / "configs/quickstart.yaml").read_bytes()
    pages = {path.name: path.read_text() for path in site.glob("*.html")}
    assert len(pages) > 20
    assert 'href="configs/distill/' in pages["gallery.html"]
    for name, text in pages.items():
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]+"', text), name


def test_wrong_links_end_the_build(manual: Path) -> None:
    page = manual / "docs/index.md"
    page.write_text(page.read_text() + "\n[a](nowhere.md) [b](glossary.md#nowhere)\n")
    done = build(manual)
    assert done.returncode == 1
    assert "nowhere.md" in done.stderr
    assert "#nowhere" in done.stderr
