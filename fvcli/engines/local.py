"""The local engine: this process renders the batches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from fvcli.engines.base import EngineOptions, Event
from fvcli.engines.quiet import quiet_start
from fvcli.run import RunFolder


class LocalEngine:
    """Render here."""

    name = "local"

    def run(self, run: RunFolder, batches: Sequence[int], options: EngineOptions) -> Iterator[Event]:
        """Render the batches in order and say how it goes."""
        with quiet_start():
            from fvcli.worker import BatchStarted, StepsDone, Worker  # brings TensorFlow

            worker = Worker(run, options.allow_code)
        with contextlib.closing(worker.render(batches, options.only)) as progress:
            for said in progress:
                if isinstance(said, BatchStarted):
                    yield Event(said.batch, "started", worker.device)
                elif isinstance(said, StepsDone):
                    yield Event(said.batch, "progress", worker.device, units=said.units)
                else:
                    yield Event(
                        said.batch,
                        "done",
                        worker.device,
                        units=sum(said.counts.values()),
                        seconds=said.seconds,
                        counts=said.counts,
                        remarks=said.remarks,
                    )
