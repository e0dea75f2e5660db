"""What a machine lacks is said by the command that renders, and not by the one that plans."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from fvcli.engines import ENGINES
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, pictures, write_spec

SPEC = """\
model: efficientnet-lite0
jobs:
  - {name: still, layer: stem_bn, channels: 0}
  - {name: small, layer: stem_bn, channels: 0, animation: {format: webp}}
  - {name: film, layer: stem_bn, channels: 0, animation: {every: 4}}
"""


def test_a_film_needs_ffmpeg_where_it_is_rendered_and_not_where_it_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    spec = write_spec(tmp_path, SPEC)
    assert fvcli("plan", spec).exit_code == 0
    refused = fvcli("render", spec, "-o", tmp_path / "run")
    assert refused.exit_code == 2
    assert refused.stderr == ("Error: jobs.film: video needs imageio-ffmpeg: pip install 'fvcli[video]'\n")
    assert not (tmp_path / "run").exists()


def test_finished_films_need_no_ffmpeg_unless_they_are_rendered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "local", PaintingEngine)
    spec, run = write_spec(tmp_path, SPEC), tmp_path / "run"
    assert fvcli("render", spec, "-o", run).exit_code == 0
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert fvcli("render", spec, "-o", run).exit_code == 0
    refused = fvcli("render", spec, "-o", run, "--again")
    assert refused.exit_code == 2
    assert refused.stderr == ("Error: jobs.film: video needs imageio-ffmpeg: pip install 'fvcli[video]'\n")
    assert not (run / "replaced-1").exists()
    assert len(pictures(run)) == 6
    assert fvcli("render", spec, "-o", run, "--again", "--only", "still").exit_code == 0


def test_a_film_needs_a_temporary_folder_before_it_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "nowhere")])
    refused = fvcli("render", write_spec(tmp_path, SPEC), "-o", tmp_path / "run")
    assert refused.exit_code == 2
    reason = "there is no folder for temporary files: set TMPDIR to a folder that can be written"
    assert refused.stderr == f"Error: jobs.film: {reason}\n"
    assert not (tmp_path / "run").exists()
