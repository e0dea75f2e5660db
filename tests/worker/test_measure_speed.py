"""What a calibration reads off the sidecars of its run, which are written here with times that are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fvcli.errors import FvcliError
from fvcli.models import ModelFacts
from fvcli.plan.calibration_plan import calibration_plan
from fvcli.run import RunFolder
from fvcli.worker import measure_speed
from fvcli.worker.device import Device
from fvcli.worker.measure_speed import Calibration
from tests.helpers.painting import paint

LANES = 3
SECONDS = {"warm-up": [10.0, 20.0, 30.0], "timed": [1.0, 2.0, 3.0, 4.0, 50.0, 60.0]}


@pytest.fixture
def calibration(
    tmp_path: Path, facts: ModelFacts, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[Calibration, list[str]]]]:
    """Make a calibration whose worker writes sidecars, and a list of the jobs that it was given, in order."""
    plan = calibration_plan(facts, LANES, quick=True)
    rendered: list[str] = []
    with RunFolder.begin(tmp_path / "run", plan, "{}\n", facts) as run:

        def make(device: Device, statuses: dict[str, str] | None = None) -> tuple[Calibration, list[str]]:
            class Worker:
                def __init__(self, its: RunFolder) -> None:
                    assert its is run

                def render(self, numbers: list[int]) -> Iterator[None]:
                    for unit in (unit for n in numbers for unit in plan.units_of(n)):
                        paint(run, unit, status=(statuses or {}).get(unit.path, "done"))
                        place = int(unit.name[-4:]) if unit.name[-4:].isdigit() else 0
                        seconds = SECONDS[unit.job.split("-", 1)[1]][place]
                        told = json.loads(run.json(unit).read_text()) | {"seconds": seconds}
                        run.json(unit).write_text(json.dumps(told))
                        rendered.append(unit.path)
                    yield None

            monkeypatch.setattr(measure_speed, "Worker", Worker)
            monkeypatch.setattr(measure_speed, "set_up_device", lambda: device)
            return Calibration(run, facts), rendered

        yield make


def test_a_step_takes_the_median_of_the_timed_job_and_compiling_the_rest_of_the_warm_up(
    calibration, facts: ModelFacts
) -> None:
    """Six pictures of 32 steps at a median of 3.5 s; of the warm-up's 60 s, 3 x 24 steps are steps."""
    made, rendered = calibration(Device("cpu", False, LANES, whole_batches=False))
    told: list[str] = []
    speed = made.measure("here", 1.23456, told.append)
    assert (speed.host, speed.device, speed.model) == ("here", "cpu", "efficientnet-lite0")
    assert (speed.lanes, speed.whole_batches, speed.start_seconds) == (3, False, 1.235)
    assert [(p.size_px, p.changes_size) for p in speed.points] == [
        (2 * facts.min_size_px, False),
        (112, False),
        (112, False),
        (112, True),
    ]
    assert told == [f"{point.layer} at {point.size_px} px" for point in speed.points]
    assert {point.step_seconds for point in speed.points} == {round(3.5 * 6 / (6 * 32), 6)} == {0.109375}
    assert {point.compile_seconds for point in speed.points} == {60 - 3 * 24 * 0.109375} == {52.125}
    jobs = list(dict.fromkeys(path.split("/")[0] for path in rendered))
    assert jobs == [f"{i}-{name}" for i in range(4) for name in ("warm-up", "timed")]
    assert len(rendered) == len(set(rendered)) == 4 * (3 + 6)


def test_an_ascent_of_a_gpu_takes_time_for_its_empty_places(calibration) -> None:
    made, _ = calibration(Device("gpu: fake", True, 1, whole_batches=True))
    speed = made.measure("here", 0.0, lambda _: None)
    assert (speed.lanes, speed.whole_batches, speed.device) == (1, True, "gpu: fake")
    last = made._run.plan.programs[-1]
    places = last.gpu_pictures
    assert places >= 2 * last.batch_size > 6
    assert speed.points[-1].step_seconds == pytest.approx(3.5 * 6 / (places * 32), abs=1e-6)


def test_compiling_never_takes_less_than_no_time(calibration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECONDS, "warm-up", [1.0, 1.0, 1.0])
    made, _ = calibration(Device("cpu", False, LANES, whole_batches=False))
    assert {p.compile_seconds for p in made.measure("here", 0.0, lambda _: None).points} == {0.0}


def test_a_failure_is_told(calibration, facts: ModelFacts) -> None:
    made, rendered = calibration(
        Device("cpu", False, LANES, whole_batches=False), {"1-timed/channel-0002": "failed"}
    )
    with pytest.raises(FvcliError, match=r"^[a-z0-9_]+ cannot be measured: it broke$"):
        made.measure("here", 0.0, lambda _: None)
    assert not any(path.startswith("2-") for path in rendered)
