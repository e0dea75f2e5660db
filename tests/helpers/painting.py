"""An engine that paints units in one colour instead of rendering them: whole runs at once, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fvcli.engines import EngineOptions, Event
from fvcli.media import encode_picture, pixel_sha256
from fvcli.plan import Unit, standalone_spec, title_of
from fvcli.run import RunFolder, Sidecar

SIZE_PX = 8


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
) -> None:
    """Commit a picture of one colour, or of given pixels, as a worker would."""
    if pixels is None:
        pixels = np.full((SIZE_PX, SIZE_PX, 3), value, np.uint8)
    failed = status == "failed"
    program = run.plan.programs[unit.program]
    facts = {"key": unit.key, "spec": standalone_spec(run.plan, unit)}
    transparent = program.settings.is_transparent and pixels.shape[-1] == 4
    png = encode_picture(pixels, title_of(unit, program), facts, transparent)
    sidecar = Sidecar(
        key=unit.key,
        job=unit.job,
        model=program.model,
        layer=unit.layer,
        objective=unit.objective,
        unit=unit.unit,
        label=unit.label,
        sign=unit.sign,
        recipe=program.recipe,
        seed=program.settings.seed,
        steps=program.settings.steps,
        planned_steps=program.settings.steps,
        canvas=canvas,
        score=None if failed else {"start": 0.0, "end": 1.0, "saved": saved},
        pixel_sha256=None if failed else pixel_sha256(pixels),
        png_bytes=None if failed else len(png),
        weights_sha256=program.weights_sha256,
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
    run.commit(unit, sidecar, None if failed else png, dict.fromkeys(extras, png))


class PaintingEngine:
    """Paints each missing unit in a colour of its key.

    statuses: What becomes of units, by job/unit; the others are done.
    painted: The paths of the units that it has painted, of all runs.
    """

    name = "painting"

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.painted: list[str] = []

    def run(self, run: RunFolder, batches: Sequence[int], options: EngineOptions) -> Iterator[Event]:
        for batch in batches:
            number = run.begin_attempt(batch)
            missing = [unit for unit in run.plan.units_of(batch, options.only) if not run.is_finished(unit)]
            for unit in missing:
                status = self.statuses.get(unit.path, "done")
                paint(run, unit, int(unit.key[:2], 16), status, ["step-0001.png"])
                self.painted.append(unit.path)
            run.end_attempt(batch, number, "done")
            yield Event(batch, "done", "easel", units=len(missing), counts={"done": len(missing)})
