"""Workers that paint instead of rendering, as processes of their own; some units kill them. No TensorFlow.

`python -m tests.helpers.painters work RUN ...` is `fvcli work RUN ...` with a painter in it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fvcli.app.work_on_run
from fvcli.cli import main
from fvcli.engines import EngineOptions, Event
from fvcli.errors import FvcliError
from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.sidecar import Record
from fvcli.run.work.journal import Journal
from fvcli.run.work.notes import WORKER, now_utc
from fvcli.run.work.queue import Claim, WorkQueue
from fvcli.run.work.rounds import Round, read_round
from tests.helpers.painting import paint

HOW = "FVCLI_TEST_PAINTER"  # how a painter that is started as a command behaves, as JSON
FORKS = multiprocessing.get_context("forkserver")  # processes that start in no time
FORKS.set_forkserver_preload(["tests.helpers.painters"])


@dataclass(frozen=True)
class Painter:
    """How a worker paints.

    deadly: What units do to the process, by job/unit; see ``die``.
    failing: Units that fail.
    pause_s: Before each unit.
    """

    deadly: Mapping[str, str] = field(default_factory=dict)
    failing: Sequence[str] = ()
    pause_s: float = 0.0

    def render(self, run: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]:
        """Paint what a round lacks, as ``render_here`` renders it."""
        assert run.presence is not None
        run.presence.say(role=WORKER, device="easel")
        journal = Journal(run.path, run.presence.id, round_)
        queue = WorkQueue(run, round_, run.presence.id, options.tries, options.lease_s)
        queue.settled = lambda batch: journal.add(batch, 0.0, ())
        while not queue.is_over:
            claim = queue.take()
            if claim is None:
                yield Event(-1, "waiting")
                time.sleep(0.02)
                continue
            run.presence.say(at=(_at(claim),))
            try:
                yield Event(claim.batch, "started", "easel")
                records = [self._paint(run, unit, claim) for unit in claim.units]
            except BaseException:
                queue.give_back(claim)
                raise
            journal.add(claim.batch, 0.0, records, is_part=claim.is_part)
            queue.done(claim)
            counts = dict(Counter(record.status for record in records))
            run.presence.say(failed=run.presence.note.failed + counts.get("failed", 0))
            yield Event(claim.batch, "done", "easel", units=len(records), counts=counts)

    def _paint(self, run: RunFolder, unit: Unit, claim: Claim) -> Record:
        time.sleep(self.pause_s)
        if not claim.failed:
            die(self.deadly.get(unit.path, ""))
        fails = claim.failed or unit.path in self.failing
        return paint_once(run, unit, "failed" if fails else "done")


def paint_once(run: RunFolder, unit: Unit, status: str = "done") -> Record:
    """Paint a unit in a colour of its key, unless it is there."""
    return paint(run, unit, int(unit.key[:2], 16), status, anew=False)


def _at(claim: Claim) -> dict[str, object]:
    unit = claim.units[0]
    about = {"job": unit.job, "layer": unit.layer, "units": len(claim.units), "since": now_utc()}
    return {"batch": claim.batch, "attempt": claim.attempt.number, "group": unit.program, **about}


def die(how: str) -> None:
    """Do what a deadly unit does: signal N, exit N, hang, error, or, without dying, say noise."""
    word, _, number = how.partition(" ")
    if word == "signal":
        os.kill(os.getpid(), int(number))
        time.sleep(60)
    elif word == "exit":
        os._exit(int(number))
    elif word == "hang":
        time.sleep(600)
    elif word == "error":
        raise FvcliError("no space left", "free some")
    elif word == "noise":
        os.write(1, b"\xff\xfe a library says this\n[1]\n{}\n")


def work(run: Path, round_name: str, painter: Painter, options: EngineOptions) -> None:
    """Be a worker that paints."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with RunFolder.join(run, options.lease_s) as joined:
        for _ in painter.render(joined, read_round(run, round_name), options):
            pass


def start_painter(
    run: Path, round_: Round, painter: Painter, options: EngineOptions
) -> multiprocessing.process.BaseProcess:
    process = FORKS.Process(target=work, args=(run, round_.name, painter, options))
    process.start()
    return process


if __name__ == "__main__":
    fvcli.app.work_on_run.render_here = Painter(**json.loads(os.environ.get(HOW, "{}"))).render
    sys.argv[0] = "fvcli"
    main(prog_name="fvcli")
