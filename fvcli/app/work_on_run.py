"""Be a worker of a run: claim batches and render them until nothing is left."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fvcli.app.render_log import RenderLog
from fvcli.app.render_run import Observer
from fvcli.engines import EngineOptions, Event
from fvcli.engines.in_process import render_here
from fvcli.engines.supervise import supervise
from fvcli.errors import UsageError
from fvcli.run import RunFolder
from fvcli.run.sidecar import FAILED
from fvcli.run.work.journal import batches_done
from fvcli.run.work.notes import COMMAND, WORKER
from fvcli.run.work.rounds import Round, latest_round, read_round

# What engines call the work that this process is a part of.
JOB_NAMES = ("SLURM_ARRAY_JOB_ID", "SLURM_JOB_ID", "RAY_JOB_ID", "JOB_NAME", "PBS_JOBID", "AWS_BATCH_JOB_ID")


@dataclass(frozen=True)
class WorkOptions:
    """How a worker works.

    engine_options: As for a render; ``workers`` is not heeded.
    in_process: Whether this process renders, instead of one that it watches.
    round_name: Which round it works on; None for the latest.
    name: Id of the worker; None for a new one.
    """

    engine_options: EngineOptions = EngineOptions()  # noqa: RUF009  # frozen
    in_process: bool = False
    round_name: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class WorkOutcome:
    """What a worker has done: units by status, and whether it was stopped before all was."""

    counts: Mapping[str, int]
    stopped: bool

    @property
    def failed(self) -> int:
        return self.counts.get(FAILED, 0)


def work_on_run(path: Path, options: WorkOptions, observer: Observer | None = None) -> WorkOutcome:
    """Render batches of a run that nobody has claimed until none is left.

    Args:
        path: The run's folder.
        options: How.
        observer: Is told how it goes.

    Raises:
        UsageError: There is no run, nothing was asked of it, or this machine may not join.
    """
    observer = observer or Observer()
    how = options.engine_options
    role = WORKER if options.in_process else COMMAND
    facts = {"id": options.name, "role": role, "job": _job(os.environ), "argv": tuple(sys.argv)}
    with RunFolder.join(path, how.lease_s, **{k: v for k, v in facts.items() if v}) as run:
        round_ = _round(run, options.round_name)
        missing = round_.missing_in(run.plan)
        assert run.presence is not None  # it was joined
        log = RenderLog(run, missing, run.presence.id)
        counts: dict[str, int] = {}
        observer.started(run, missing)
        try:
            events = _events(run, round_, options)
            with contextlib.closing(events):
                for event in events:
                    if observer.wants_stop():
                        break
                    observer.saw(event)
                    for line in log.lines(event):
                        observer.said(line)
                    for status, count in event.counts.items():
                        counts[status] = counts.get(status, 0) + count
        finally:
            observer.ended()
        stopped = observer.wants_stop()
        if stopped:  # told when all is given back: what an ended worker still holds counts as a death
            run.presence.say(ended="stopped")
        return WorkOutcome(counts, stopped)


def _events(run: RunFolder, round_: Round, options: WorkOptions) -> Generator[Event]:
    if batches_done(run.path, round_).issuperset(round_.batches):
        return
    if options.in_process:
        yield from render_here(run, round_, options.engine_options)
    else:
        yield from supervise(run, round_, options.engine_options, 1)


def _round(run: RunFolder, name: str | None) -> Round:
    """Return a round of the run's plan.

    Raises:
        UsageError: Nothing was asked of the run, or of another plan.
    """
    found = latest_round(run.path) if name is None else read_round(run.path, name)
    if found is None or found.plan != run.plan.sum:
        raise UsageError(f"{run.path}: nothing was asked of this run", f"fvcli prepare SPEC -o {run.path}")
    return found


def _job(environment: Mapping[str, str]) -> str:
    named = next((environment[name] for name in JOB_NAMES if environment.get(name)), "")
    task = environment.get("SLURM_ARRAY_TASK_ID")
    return f"{named}_{task}" if named and task else named
