"""Render in this process."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from fvcli.engines.base import EngineOptions, Event
from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.errors import counted
from fvcli.run import RunFolder
from fvcli.run.work.rounds import Round


def is_tensorflow_in_use() -> bool:
    """Tell whether the program that calls has imported TensorFlow, and fvcli has not set it up."""
    return "tensorflow" in sys.modules and "fvcli.worker.device" not in sys.modules


def render_here(run: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]:
    """Be a worker of a run until nothing of a round is left, and say how it goes."""
    with importing_tensorflow():
        from fvcli.worker import (  # brings TensorFlow
            BatchDone,
            BatchStarted,
            Compiling,
            StepsDone,
            Worker,
            WorkerOptions,
        )

        asked = WorkerOptions(
            options.allow_code,
            options.mixed,
            options.threads,
            options.tries,
            options.lease_s,
            options.timeout_s,
        )
        worker = Worker(run, asked)
    has_said_waiting = False
    with contextlib.closing(worker.work(round_)) as progress:
        for said in progress:
            remarks: tuple[str, ...] = ()
            if isinstance(said, BatchStarted):
                has_said_waiting = False
                yield Event(said.batch, "started", worker.device)
            elif isinstance(said, Compiling):
                yield Event(-1, "compiling", worker.device, detail=said.what)
            elif isinstance(said, StepsDone):
                yield Event(said.batch, "progress", worker.device, units=said.units)
            elif isinstance(said, BatchDone):
                yield Event(
                    said.batch,
                    "done",
                    worker.device,
                    units=sum(said.counts.values()),
                    seconds=said.seconds,
                    counts=said.counts,
                    remarks=said.remarks,
                )
            else:
                if said.batches and not has_said_waiting:
                    has_said_waiting = True
                    others = counted(len(said.batches), "batch", "batches")
                    remarks = (f"waiting for {others} that other workers are at, or have to try",)
                yield Event(-1, "waiting", worker.device, remarks=remarks)
