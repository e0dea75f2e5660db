"""The local engine: this process renders, or several that it starts and watches."""

from __future__ import annotations

from collections.abc import Iterator

from fvcli.engines.base import EngineOptions, Event
from fvcli.engines.gpus import gpus_here, workers_for
from fvcli.engines.in_process import is_tensorflow_in_use, render_here
from fvcli.engines.supervise import supervise
from fvcli.run import RunFolder
from fvcli.run.work.rounds import Round


class LocalEngine:
    """Render on this machine: in this process where that is enough, else in a process for each GPU.

    With a number of workers they are always processes of their own, so that a picture that kills its process
    does not kill this one. The only worker is a process of its own, too, where the program that calls has
    used TensorFlow: threads and number formats decide the last digits of pictures, and cannot be set then.
    """

    name = "local"

    def run(self, run: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]:
        """Render the batches of a round and say how it goes."""
        workers = options.workers
        if workers is None:
            workers = workers_for(len(gpus_here()), options.gpus_per_worker)
            if workers == 1 and not is_tensorflow_in_use():
                return render_here(run, round_, options)
        return supervise(run, round_, options, min(workers, len(round_.batches)))
