"""A run is made, and what it lacks is written down; nothing is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fvcli.app import render_run as render_module
from fvcli.app.plan_spec import PlannedSpec, plan_of_spec
from fvcli.app.prepare_run import PreparedRun, prepare_run
from fvcli.app.render_run import RenderOptions, render_run
from fvcli.errors import UsageError
from fvcli.run import RunFolder, run_status
from fvcli.run.work.attempts import end_attempt, latest_attempts
from fvcli.run.work.rounds import Round, latest_round
from tests.helpers.painting import PaintingEngine, claimed, small_plan
from tests.helpers.running import at_work_elsewhere, pictures, sidecars, write_spec


@pytest.fixture
def planned(easel: PaintingEngine) -> PlannedSpec:
    return small_plan()


def test_a_run_is_made_and_nothing_is_rendered(
    planned: PlannedSpec, tmp_path: Path, easel: PaintingEngine
) -> None:
    path = tmp_path / "run"
    assert prepare_run(planned, path) == PreparedRun(path, "0001", 4, 7)
    run = RunFolder.read(path)
    assert run.facts() == planned.facts
    assert run_status(run).counts["pending"] == 7
    asked = latest_round(path)
    assert asked is not None
    assert (asked.plan, asked.batches, asked.wanted) == (planned.plan.sum, (0, 1, 2, 3), {})
    assert easel.painted == []
    assert list((path / "workers").iterdir()) == []  # nobody is there any more


def test_what_is_finished_is_not_asked_for(planned: PlannedSpec, tmp_path: Path) -> None:
    path = tmp_path / "run"
    render_run(planned, path, RenderOptions(only=["edges/channel-000[02]", "textures"]))
    assert prepare_run(planned, path) == PreparedRun(path, "0002", 3, 3)
    asked = latest_round(path)
    assert asked is not None
    assert (asked.batches, asked.wanted) == ((0, 1, 2), {0: (1,), 1: (1,)})


def test_patterns_and_slices_are_heeded(planned: PlannedSpec, tmp_path: Path) -> None:
    made = prepare_run(planned, tmp_path / "a", RenderOptions(only=["*17"]))
    assert (made.batches, made.units) == (1, 1)
    made = prepare_run(planned, tmp_path / "b", RenderOptions(shard=(1, 3)))
    assert (made.batches, made.units) == (2, 4)


def test_nothing_is_asked_for_if_nothing_is_missing(planned: PlannedSpec, tmp_path: Path) -> None:
    path = tmp_path / "run"
    render_run(planned, path)
    before = pictures(path)
    assert prepare_run(planned, path) == PreparedRun(path, "", 0, 0)
    assert latest_round(path) is not None  # that of the render
    assert pictures(path) == before


def test_what_failed_is_asked_for_and_its_attempts_are_forgotten(
    planned: PlannedSpec, tmp_path: Path, easel: PaintingEngine
) -> None:
    """So that a unit that killed processes has all its tries again. What else died keeps its record."""
    path = tmp_path / "run"
    easel.statuses = {"edges/channel-0002": "failed"}
    render_run(planned, path, RenderOptions(only=["edges/channel-000[023]"]))
    end_attempt(path, claimed(RunFolder.read(path), 0), "died")
    assert latest_attempts(path) == {0: 2, 1: 1}
    assert prepare_run(planned, path).units == 5
    assert "edges/channel-0002.json" not in sidecars(path)
    assert latest_attempts(path) == {0: 2}


def test_no_worker_of_a_round_sees_what_failed_before_it(
    planned: PlannedSpec, tmp_path: Path, easel: PaintingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    easel.statuses = {"edges/channel-0002": "failed"}
    render_run(planned, path)
    real = render_module.begin_round

    def begin(*words: Any) -> Round:
        assert "edges/channel-0002.json" not in sidecars(path)
        return real(*words)

    monkeypatch.setattr(render_module, "begin_round", begin)
    assert prepare_run(planned, path).units == 1


def test_others_at_work_do_not_mind(planned: PlannedSpec, tmp_path: Path) -> None:
    """Unless another spec is to be begun."""
    path = tmp_path / "run"
    prepare_run(planned, path)
    with at_work_elsewhere(path):
        assert prepare_run(planned, path).round_name == "0002"
        other = plan_of_spec(str(write_spec(tmp_path)), ["render.seed=1"])
        with pytest.raises(
            UsageError, match=r"is being rendered .*, and this spec plans other pictures: wait"
        ):
            prepare_run(other, path)
    assert prepare_run(other, path).units == 7
    assert latest_attempts(path) == {}
