"""A painted run and its site, made once for the tests that only read them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fvcli.run import RunFolder
from tests.helpers.atlas_runs import Page, all_pages, painted, site_of, whole_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with everything: figures of all kinds, photos, weights, labels, units that lack."""
    return whole_run(tmp_path_factory.mktemp("atlas"))


@pytest.fixture(scope="session")
def site(run: RunFolder) -> Path:
    """The site of the run."""
    return site_of(run)


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, Page]:
    """Every page of the site."""
    return all_pages(site)


SMALL = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 24}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-5}
  - {name: more, layer: block1_expand_bn, channels: 0-2}
  - {name: ways, layer: stem_bn, objective: direction, vectors: [{random: 0-4}]}
"""


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with its site, to be copied."""
    folder = tmp_path_factory.mktemp("small")
    site_of(painted(folder, SMALL, {"edges/channel-0005": "missing"}))
    return folder


@pytest.fixture
def small(small_runs: Path, tmp_path: Path) -> RunFolder:
    """A small run of one's own, whose last edge is missing, with its site."""
    shutil.copytree(small_runs, tmp_path / "own")
    return RunFolder.read(tmp_path / "own/run")
