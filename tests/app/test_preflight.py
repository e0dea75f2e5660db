"""What a machine lacks is said by the command that renders, and not by the one that plans."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from fvcli.app import preflight
from fvcli.app.plan_spec import plan_of_spec
from fvcli.app.preflight import check_machine
from fvcli.engines import ENGINES
from fvcli.errors import UsageError
from fvcli.media import encode_movie
from fvcli.media.film_format import written_format
from fvcli.spec.output import Output
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec

SPEC = """\
model: efficientnet-lite0
jobs:
  - {name: still, layer: stem_bn, channels: 0}
  - {name: small, layer: stem_bn, channels: 0, animation: {format: webp}}
  - {name: film, layer: stem_bn, channels: 0, animation: {every: 4}}
"""


def note(format_: str) -> str:
    why = "mp4 needs imageio-ffmpeg (pip install 'fvcli[video]')"
    return f"Note: jobs.film: on this machine films are written as {format_}, because {why}\n"


def test_without_ffmpeg_films_take_another_format_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "local", PaintingEngine)
    spec, run = write_spec(tmp_path, SPEC), tmp_path / "run"
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "imageio_ffmpeg", None)
        assert "films are" not in fvcli("plan", spec).stderr
        assert note("webp") in fvcli("render", spec, "-o", run).stderr
        assert "films are" not in fvcli("render", spec, "-o", run).stderr  # nothing is left to be written
        again = fvcli("render", spec, "-o", run, "--again", "--only", "still")
        assert (again.exit_code, "films are" in again.stderr) == (0, False)
        jpegs = ("--set", "output.also=webp", "--only", "film", "--set", "jobs.small.animation=null")
        assert note("gif") in fvcli("render", spec, "-o", tmp_path / "copied", *jpegs).stderr
    assert "films are" not in fvcli("render", spec, "-o", run, "--again").stderr


def test_a_film_that_took_another_format_is_told_where_ffmpeg_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "local", PaintingEngine)
    spec, run = write_spec(tmp_path, SPEC), tmp_path / "run"
    fvcli("render", spec, "-o", run)
    sidecar = run / "units/film/channel-0000.json"
    told = json.loads(sidecar.read_text())
    film = {"name": "webp", "bytes": 4}
    sidecar.with_suffix(".webp").write_bytes(b"film")
    sidecar.write_text(json.dumps(told | {"extras": [*told["extras"], film]}))
    said = (
        f"Note: 1 film in {run} is webp, because ffmpeg was missing at that time; "
        "add --again to render it anew as mp4\n"
    )
    assert said in fvcli("render", spec, "-o", run).stderr
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "imageio_ffmpeg", None)
        assert "film" not in fvcli("render", spec, "-o", run).stderr
    sidecar.write_text(json.dumps(told | {"extras": [*told["extras"], film | {"quality": 90}]}))  # a copy
    assert "film" not in fvcli("render", spec, "-o", run).stderr


def test_formats_of_films(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [written_format(asked, Output()) for asked in ("mp4", "gif", "webp")] == ["mp4", "gif", "webp"]
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert [written_format(asked, Output()) for asked in ("mp4", "gif", "webp")] == ["webp", "gif", "webp"]
    assert written_format("mp4", Output(also=("webp",))) == "gif"
    assert written_format("mp4", Output(also=("jpeg",))) == "webp"


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


LARGE = """\
model: efficientnet-lite0
render: {steps: 2}
jobs:
  - {name: small, layer: stem_bn, channels: 0, size_px: 64}
  - {name: deep, layer: head_bn, channels: 0, recipe: maco, steps: 2, size_px: 512}
"""


def test_what_does_not_fit_the_memory_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "local", PaintingEngine)
    monkeypatch.setattr(preflight, "free_bytes", lambda: 2_000_000_000)
    spec, run = write_spec(tmp_path, LARGE), tmp_path / "run"
    assert fvcli("plan", spec).exit_code == 0
    refused = fvcli("render", spec, "-o", run)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: jobs.deep: rendering one picture at a time would take about 4.")
    assert refused.stderr.endswith(
        " GB of memory, and this machine has 2.00 GB free: lower its size_px, views or diversity, "
        "take a layer nearer to the input, or free memory\n"
    )
    assert not run.exists()
    assert fvcli("prepare", spec, "-o", tmp_path / "elsewhere").exit_code == 0  # another machine renders it
    assert fvcli("render", spec, "-o", run, "--only", "small").exit_code == 0
    monkeypatch.setattr(preflight, "free_bytes", lambda: 20_000_000_000)
    assert fvcli("render", spec, "-o", run).exit_code == 0  # maco on a deep layer, without memory_gb
    monkeypatch.setattr(preflight, "free_bytes", lambda: 2_000_000_000)
    assert fvcli("render", spec, "-o", run).exit_code == 0  # all is finished
    assert fvcli("render", spec, "-o", run, "--again").exit_code == 2


def test_each_worker_needs_memory_and_a_gpu_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "local", PaintingEngine)
    monkeypatch.setattr(preflight, "free_bytes", lambda: 800_000_000)
    spec = write_spec(tmp_path, LARGE)
    small = ("render", spec, "--only", "small", "--workers", "2")
    assert fvcli(*small, "-o", tmp_path / "one").exit_code == 0  # one batch, so one worker starts
    several = (*small, "--set", "jobs.small.channels=0-15", "-o", tmp_path / "two")
    refused = fvcli(*several)
    assert refused.exit_code == 2
    assert "jobs.small: 2 workers with one picture at a time would take about 1." in refused.stderr
    assert "this machine has 0.80 GB free" in refused.stderr
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert fvcli(*several).exit_code == 0


def test_a_film_cannot_be_read_without_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its dream is made of it, so another format for what is written does not help."""
    frames = [np.full((64, 64, 3), 60 * i, np.uint8) for i in range(3)]
    (tmp_path / "film.mp4").write_bytes(encode_movie(frames, "mp4", 10))
    job = "{name: dreamt, layer: stem_bn, objective: layer, recipe: deepdream, pictures: film.mp4}"
    spec = write_spec(tmp_path, f"model: efficientnet-lite0\njobs: [{job}]\n")
    plan = plan_of_spec(str(spec), []).plan
    assert check_machine(plan, plan.units) == []
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UsageError, match=r"^jobs\.dreamt: video needs imageio-ffmpeg"):
        check_machine(plan, plan.units)
    assert check_machine(plan, []) == []
