"""Rendering from Python: typed arguments in, an outcome out, an observer in between; no command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fvcli.app.merge_shards import merge_shards
from fvcli.app.plan_spec import PlannedSpec, plan_of_spec
from fvcli.app.read_status import read_status
from fvcli.app.render_run import Observer, RenderOptions, render_run
from fvcli.engines import ENGINES, EngineOptions, Event
from fvcli.errors import FvcliError, UsageError
from fvcli.run import RunFolder
from fvcli.run.work.rounds import Round
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import write_spec


class Listener(Observer):
    """Writes down what it hears; wants to stop after some batches."""

    def __init__(self, batches: int = 99) -> None:
        self.heard: list[str] = []
        self._batches = batches

    def said(self, text: str) -> None:
        self.heard.append(f"said {text.split(' in ', maxsplit=1)[0]}")

    def started(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        self.heard.append(f"started {dict(missing)}")

    def saw(self, event: Event) -> None:
        self.heard.append(f"saw {event.batch} {event.state}")
        self._batches -= 1

    def ended(self) -> None:
        self.heard.append("ended")

    def wants_stop(self) -> bool:
        return self._batches <= 0


@pytest.fixture
def planned(tmp_path: Path, easel: PaintingEngine) -> PlannedSpec:
    return plan_of_spec(str(write_spec(tmp_path)), [])


def test_a_whole_run(planned: PlannedSpec, tmp_path: Path, easel: PaintingEngine) -> None:
    easel.statuses = {"edges/channel-0001": "failed", "edges/channel-0002": "dead"}
    outcome = render_run(planned, tmp_path / "run")
    assert outcome.run == tmp_path / "run"
    assert outcome.counts == {"done": 5, "failed": 1, "dead": 1}
    assert outcome.failed == (("edges/channel-0001", "it broke"),)
    names = ("grids/edges.png", "grids/textures.png", "index.html")
    assert outcome.sheets == tuple(tmp_path / "run" / name for name in names)
    assert (outcome.stopped, outcome.done, outcome.planned) == (False, 6, 7)


def test_the_observer_hears_everything_in_order(planned: PlannedSpec, tmp_path: Path) -> None:
    listener = Listener()
    render_run(planned, tmp_path / "run", RenderOptions(only=["textures", "edges/*4"]), listener)
    assert listener.heard == [
        "started {2: 1, 3: 2}",
        *("saw 2 done", "said batch 1/2 edges: 1 done", "saw 3 done", "said batch 2/2 textures: 2 done"),
        "ended",
    ]
    again = Listener()
    outcome = render_run(planned, tmp_path / "run", RenderOptions(only=["textures"]), again)
    assert (again.heard, outcome.counts) == ([], {"done": 2})


def test_what_is_rendered_before_a_stop_is_kept(planned: PlannedSpec, tmp_path: Path) -> None:
    listener = Listener(batches=2)
    outcome = render_run(planned, tmp_path / "run", None, listener)
    assert (outcome.stopped, outcome.done, outcome.planned, outcome.sheets) == (True, 5, 7, ())
    assert listener.heard[-1] == "ended"
    assert outcome.counts == {"done": 5, "missing": 2}


def test_a_stop_after_the_last_batch_leaves_the_sheets_undrawn(planned: PlannedSpec, tmp_path: Path) -> None:
    outcome = render_run(planned, tmp_path / "run", None, Listener(batches=4))
    assert (outcome.stopped, outcome.done, outcome.sheets) == (True, 7, ())
    assert not (tmp_path / "run/grids").exists()


class Careful(PaintingEngine):
    """Writes down what it was told, and whether it was closed."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.told: list[tuple[dict[int, int], EngineOptions]] = []
        self.is_closed = False
        self._error = error

    def run(self, run: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]:
        self.told.append((round_.missing_in(run.plan), options))
        try:
            for event in super().run(run, round_, options):
                yield event
                if self._error:
                    raise self._error
        finally:
            self.is_closed = True


def test_the_chosen_engine_is_told_what_to_render(
    planned: PlannedSpec, tmp_path: Path, easel: PaintingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Careful()
    monkeypatch.setitem(ENGINES, "other", lambda: other)
    how = EngineOptions(workers=3, allow_code=True)
    render_run(planned, tmp_path / "run", RenderOptions("other", how, only=["edges/*[34]"]))
    render_run(planned, tmp_path / "run", RenderOptions("other"))
    assert other.told == [({1: 1, 2: 1}, how), ({0: 2, 1: 1, 3: 2}, EngineOptions())]
    assert easel.painted == []


def test_an_engine_is_closed_before_an_observer_hears_the_end(
    planned: PlannedSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Careful()
    monkeypatch.setitem(ENGINES, "local", lambda: engine)

    class Late(Listener):
        def ended(self) -> None:
            self.heard.append(f"closed: {engine.is_closed}")

    listener = Late(batches=1)
    assert render_run(planned, tmp_path / "run", None, listener).stopped
    assert listener.heard[-1] == "closed: True"
    assert len(engine.painted) == 4  # the batch after the wish was painted before it could be heard


def test_an_observer_hears_the_end_of_a_render_that_broke(
    planned: PlannedSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "local", lambda: Careful(FvcliError("the disk is full")))
    listener = Listener()
    with pytest.raises(FvcliError, match="the disk is full"):
        render_run(planned, tmp_path / "run", None, listener)
    assert listener.heard[-1] == "ended"
    assert read_status(tmp_path / "run").counts["done"] == 2


def test_a_run_has_its_spec_and_what_is_known_of_its_model(planned: PlannedSpec, tmp_path: Path) -> None:
    render_run(planned, tmp_path / "run", RenderOptions(only=["textures"]))
    assert RunFolder.read(tmp_path / "run").facts() == planned.facts
    assert (tmp_path / "run/spec.yaml").read_text() == planned.text


def test_slices_and_whole_runs_may_be_rendered_together(
    planned: PlannedSpec, tmp_path: Path, easel: PaintingEngine
) -> None:
    run = tmp_path / "run"
    render_run(planned, run, RenderOptions(shard=(1, 4)))
    with RunFolder.join(run):
        assert render_run(planned, run, RenderOptions(shard=(3, 4))).counts == {"done": 1}
        assert render_run(planned, run).counts == {"done": 7}
    assert sorted(easel.painted) == sorted(unit.path for unit in planned.plan.units)


def test_what_is_done_and_planned_is_of_the_whole_run(planned: PlannedSpec, tmp_path: Path) -> None:
    """Whatever was asked for: five of seven pictures, then two of them and one that is missing."""
    render_run(planned, tmp_path / "run", RenderOptions(only=["edges"]))
    outcome = render_run(planned, tmp_path / "run", RenderOptions(only=["*17", "edges/*3", "edges/*4"]))
    assert (outcome.counts, outcome.done, outcome.planned) == ({"done": 3}, 6, 7)


def test_mistakes_are_raised_and_nothing_is_written(planned: PlannedSpec, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--only cats: no unit matches"):
        render_run(planned, tmp_path / "run", RenderOptions(only=["cats"]))
    assert not (tmp_path / "run").exists()


def test_shards_are_merged_and_checked(planned: PlannedSpec, tmp_path: Path) -> None:
    shards = [tmp_path / f"shard{i}" for i in (1, 2)]
    for i, shard in enumerate(shards, 1):
        outcome = render_run(planned, shard, RenderOptions(shard=(i, 2)))
        assert outcome.sheets == ()
    merged = merge_shards(shards, tmp_path / "run")
    assert {state: count for state, count in merged.counts.items() if count} == {"done": 7}
    looked = []
    status = read_status(tmp_path / "run", lambda count, total: looked.append((count, total)))
    assert looked == [(i, 7) for i in range(1, 8)]
    assert status.counts == merged.counts


def test_no_use_case_needs_the_command_line() -> None:
    program = """
import sys
import fvcli.app.calibrate_machine, fvcli.app.draw_sheets, fvcli.app.merge_shards
import fvcli.app.read_status, fvcli.app.render_run
assert "click" not in sys.modules
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
