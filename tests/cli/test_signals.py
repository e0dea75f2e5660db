"""A signal while a command runs: what is said, with which exit code, and what is kept."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from fvcli.app import render_run
from fvcli.cli.exit_and_signals import Stop
from fvcli.engines import ENGINES, EngineOptions, Event
from fvcli.errors import FvcliError, StoppedError, UsageError
from fvcli.run import RunFolder
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, pictures, write_spec


class Signalled(PaintingEngine):
    """Hears signals after its first batch."""

    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self._numbers = numbers

    def run(self, run: RunFolder, batches: Sequence[int], options: EngineOptions) -> Iterator[Event]:
        for event in super().run(run, batches, options):
            yield event
            for number in self._numbers:
                signal.raise_signal(number)
            self._numbers = ()


def argv(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> list[str]:
    monkeypatch.setattr(sys, "argv", ["fvcli", *map(str, words)])
    return [str(word) for word in words]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_units_are_rendered_leaves_them_in_order(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "local", lambda: Signalled(number))
    spec, run = write_spec(tmp_path), tmp_path / "a run"
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    stopped = fvcli(*argv(monkeypatch, "render", spec, "-o", run, "--again"))
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
    assert stopped.exit_code == 75
    assert stopped.stdout == ""
    loading, first, error = stopped.stderr.splitlines()
    assert loading == "loading efficientnet-lite0"
    assert first.startswith("batch 1/4 edges: 2 done in ")
    assert error == (f"Stopped by {number.name}: 4 of 7 units done; to go on: fvcli render {spec} -o '{run}'")
    assert len(pictures(run)) == 8  # of each unit the picture and a step
    assert not (run / "grids").exists()


def test_the_second_signal_is_raised_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "local", lambda: Signalled(signal.SIGTERM, signal.SIGINT))
    spec, run = write_spec(tmp_path), tmp_path / "run"
    stopped = fvcli(*argv(monkeypatch, "render", spec, "-o", run))
    assert stopped.exit_code == 75
    assert stopped.stderr.splitlines()[2:] == [f"Stopped by SIGINT; to go on: fvcli render {spec} -o {run}"]


def raise_signal(*_: Any) -> list[Path]:
    signal.raise_signal(signal.SIGTERM)
    return []


@pytest.mark.parametrize("place", ["draw_missing_sheets", "choose_units"])
def test_a_signal_before_or_after_the_rendering_is_raised_at_once(
    place: str, tmp_path: Path, easel: PaintingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_run, place, raise_signal)
    spec, run = write_spec(tmp_path), tmp_path / "run"
    stopped = fvcli(*argv(monkeypatch, "render", spec, "-o", run))
    assert stopped.exit_code == 75
    assert stopped.stderr.splitlines()[-1] == f"Stopped by SIGTERM; to go on: fvcli render {spec} -o {run}"
    assert len(easel.painted) == (7 if place == "draw_missing_sheets" else 0)


def test_a_stop_that_is_patient_remembers_the_first_signal_and_raises_the_second_ctrl_c() -> None:
    stop = Stop()
    assert (stop.patient, stop.heard) == (False, None)
    stop.patient = True
    stop.hear(signal.SIGTERM, None)
    assert stop.heard == signal.SIGTERM
    with pytest.raises(StoppedError, match="Stopped by SIGINT"):
        stop.hear(signal.SIGINT, None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_signals_that_systems_send_twice_break_nothing_that_the_first_began(number: signal.Signals) -> None:
    patient, impatient = Stop(), Stop()
    patient.patient = True
    patient.hear(number, None)
    with pytest.raises(StoppedError, match=f"Stopped by {number.name}; to go on"):
        impatient.hear(number, None)
    for stop in (patient, impatient):
        stop.hear(number, None)
        assert stop.heard == number


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("wrong", "do it"), 2, ["Error: wrong: do it"]),
        (UsageError("one\ntwo"), 2, ["Error: one", "Error: two"]),
        (FvcliError("broken"), 1, ["Error: broken"]),
        (StoppedError("stopped", "go on"), 75, ["stopped; go on"]),
        (ValueError("a\nb"), 1, ["Error: ValueError: a (a bug in fvcli; --debug shows where)"]),
        (KeyError("a"), 1, ["Error: KeyError: 'a' (a bug in fvcli; --debug shows where)"]),
    ],
)
def test_every_error_is_a_line_and_an_exit_code(
    error: Exception, code: int, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("fvcli.app.read_status.read_status", fail)
    result = fvcli("status", "run")
    assert (result.exit_code, result.stdout, result.stderr.splitlines()) == (code, "", said)


def test_clicks_own_errors_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    result = fvcli("status")
    assert result.exit_code == 2
    assert "Error: Missing argument 'RUN'." in result.stderr
    monkeypatch.setattr("fvcli.app.read_status.read_status", _abort)
    assert fvcli("status", "run").stderr == "Aborted!\n"


def _abort(*_: Any) -> None:
    raise click.Abort
