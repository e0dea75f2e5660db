"""Render in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fvcli.engines.base import EngineOptions, Event
from fvcli.engines.quiet import quiet_start
from fvcli.run import RunFolder
from fvcli.run.work.rounds import Round


def render_here(run: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]:
    """Be a worker of a run until nothing of a round is left, and say how it goes."""
    with quiet_start():
        from fvcli.worker import (  # brings TensorFlow
            BatchDone,
            BatchStarted,
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
    with contextlib.closing(worker.work(round_)) as progress:
        for said in progress:
            if isinstance(said, BatchStarted):
                yield Event(said.batch, "started", worker.device)
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
                yield Event(said.batches[0] if said.batches else -1, "waiting", worker.device)
