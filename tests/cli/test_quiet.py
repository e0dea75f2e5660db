"""With --quiet nothing but errors and results is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.cli import main
from fvcli.cli.exit_and_signals import Stop
from fvcli.cli.progress import Progress, QuietProgress, progress
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec


def test_a_render_prints_its_results_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, easel: PaintingEngine
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = write_spec(tmp_path)
    loud = fvcli("render", spec)
    quiet = fvcli("render", spec, "-o", "other", "--quiet")
    assert "Note: no -o is given" in loud.stderr
    assert "batch 1/" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout.replace("runs/spec", "other")
    words = fvcli("render", "efficientnet-lite0", "stem_bn:0", "--set", "render.size_px=64", "-q")
    assert (words.exit_code, words.stderr) == (0, "")


def test_errors_are_printed(tmp_path: Path) -> None:
    failed = fvcli("render", write_spec(tmp_path, "model: nothing\n"), "--quiet")
    assert failed.exit_code == 2
    assert failed.stderr.startswith("Error: ")


def test_prepare_merge_and_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, easel: PaintingEngine
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = write_spec(tmp_path)
    assert fvcli("prepare", spec, "-q").stderr == ""
    assert fvcli("render", spec, "-q").exit_code == 0
    merged = fvcli("merge", "runs/spec", "-o", "whole", "-q")
    assert merged.stdout.splitlines()[-1].startswith("whole: ")
    assert [fvcli("grid", "whole", "-q").stderr, fvcli("plan", spec, "-q").stderr, merged.stderr] == [
        "",
        "",
        "",
    ]


@pytest.mark.parametrize("quiet", [False, True])
def test_a_quiet_stop_is_patient_as_well(quiet: bool) -> None:
    context = main.make_context("fvcli", ["plan", "x"])
    context.meta["fvcli.quiet"] = quiet
    stop = Stop()
    with context:
        shown = progress(stop)
    assert type(shown) is (QuietProgress if quiet else Progress)
    if quiet:
        shown.started(None, {0: 1})  # type: ignore[arg-type]  # it looks at no run
        assert stop.patient
        assert not shown.wants_stop()
        stop.heard = 15
        assert shown.wants_stop()
        shown.ended()
        assert not stop.patient
