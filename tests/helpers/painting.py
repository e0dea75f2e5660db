"""An engine that paints units in one colour instead of rendering them: whole runs at once, no TensorFlow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fvcli.app.plan_spec import PlannedSpec, plan_of_spec
from fvcli.engines import EngineOptions, Event
from fvcli.media import encode_picture, pixel_sha256
from fvcli.plan import Unit, standalone_spec, title_of
from fvcli.run import RunFolder, Sidecar
from fvcli.run.sidecar import Record
from fvcli.run.work.attempts import Attempt, attempts_of, make_attempt
from fvcli.run.work.journal import Journal
from fvcli.run.work.queue import WorkQueue
from fvcli.run.work.rounds import Round
from tests.helpers.running import write_spec

SIZE_PX = 8


@cache
def small_plan() -> PlannedSpec:
    """Return the small spec's plan: seven units in batches of 2, 2, 1 and 2."""
    with TemporaryDirectory() as folder:
        return plan_of_spec(str(write_spec(Path(folder))), [])


def begun_run(path: Path) -> RunFolder:
    """Begin a run of the small spec."""
    planned = small_plan()
    with RunFolder.begin(path, planned.plan, planned.text, planned.facts) as run:
        return run


def paint(
    run: RunFolder,
    unit: Unit,
    value: int = 0,
    status: str = "done",
    extras: Sequence[str] = (),
    *,
    pixels: np.ndarray | None = None,
    canvas: Mapping[str, int] | None = None,
    saved: float = 1.0,
    trace: Sequence[float] = (),
    fingerprint: str = "",
    anew: bool = True,
) -> Record:
    """Commit a picture of one colour, or of given pixels, as a worker would.

    anew: Whether a picture that is there goes first.
    """
    if pixels is None:
        pixels = np.full((SIZE_PX, SIZE_PX, 3), value, np.uint8)
    failed = status == "failed"
    program = run.plan.programs[unit.program]
    facts = {"key": unit.key, "spec": standalone_spec(run.plan, unit)}
    transparent = program.settings.is_transparent and pixels.shape[-1] == 4
    png = encode_picture(pixels, title_of(unit, program), facts, transparent)
    sidecar = Sidecar.of(
        unit,
        program,
        steps=program.settings.steps,
        canvas=canvas,
        score=None if failed else {"start": 0.0, "end": 1.0, "saved": saved},
        pixel_sha256=None if failed else pixel_sha256(pixels),
        png_bytes=None if failed else len(png),
        seconds=1.0,
        cpu_seconds=1.0,
        batch={"number": 0, "size": 2, "planned_size": 2},
        attempt=1,
        device="cpu",
        status=status,
        error={"failed": "it broke", "dead": "it never fired"}.get(status),
        trace=trace,
        fingerprint=fingerprint,
        extras=[] if failed else [{"name": name, "bytes": len(png)} for name in extras],
    )
    if anew and run.is_finished(unit):
        run.json(unit).unlink()
    return run.commit(unit, sidecar, None if failed else png, dict.fromkeys(extras, png))


class PaintingEngine:
    """Paints each missing unit in a colour of its key.

    statuses: What becomes of units, by job/unit; the others are done.
    painted: The paths of the units that it has painted, of all runs.
    """

    name = "painting"

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.painted: list[str] = []

    def run(self, run: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]:
        assert run.presence is not None
        queue = WorkQueue(run, round_, run.presence.id, options.tries, options.lease_s)
        journal = Journal(run.path, run.presence.id, round_)
        while (claim := queue.take()) is not None:
            records = []
            for unit in claim.units:
                status = self.statuses.get(unit.path, "done")
                records.append(paint(run, unit, int(unit.key[:2], 16), status, ["step-0001.png"]))
                self.painted.append(unit.path)
            journal.add(claim.batch, 0.0, records)
            queue.done(claim)
            counts = dict(Counter(record.status for record in records))
            yield Event(claim.batch, "done", "easel", units=len(records), counts=counts)


def claimed(run: RunFolder, batch: int, worker: str = "nobody") -> Attempt:
    """Claim a batch as a worker would that is killed at once."""
    attempt = Attempt(batch, len(attempts_of(run.path, batch)) + 1, worker)
    assert make_attempt(run.path, attempt)
    return attempt
