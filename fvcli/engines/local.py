"""The local engine: this process renders one batch after the other."""

from __future__ import annotations

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
            from fvcli.worker import StepsDone, Worker  # brings TensorFlow

            worker = Worker(run)
        for number in batches:
            yield Event(number, "started", worker.device)
            for progress in worker.render_batch(number, options.only):
                if isinstance(progress, StepsDone):
                    share = progress.step / progress.steps
                    yield Event(number, "progress", worker.device, progress.units, share)
                else:
                    yield Event(
                        number,
                        "done",
                        worker.device,
                        units=sum(progress.counts.values()),
                        share=1.0,
                        seconds=progress.seconds,
                        counts=progress.counts,
                        remarks=progress.remarks,
                    )
