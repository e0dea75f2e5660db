"""Be a worker of a run: claim batches and render them until nothing is left."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Generator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from fvcli.app.preflight import films_in_another_format, needs_more_than_python
from fvcli.app.render_log import RenderLog
from fvcli.app.render_run import Observer
from fvcli.engines import EngineOptions, Event
from fvcli.engines.in_process import render_here
from fvcli.engines.supervise import supervise
from fvcli.errors import UsageError, command
from fvcli.plan.head import is_large
from fvcli.run import RunFolder, run_status
from fvcli.run.look import count_finished
from fvcli.run.sidecar import FAILED
from fvcli.run.work.journal import rounds_left
from fvcli.run.work.notes import COMMAND, WORKER, read_notes
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
    typed: The words of the command that somebody typed, if another process started this one.
    """

    engine_options: EngineOptions = EngineOptions()  # noqa: RUF009  # frozen
    in_process: bool = False
    round_name: str | None = None
    name: str | None = None
    typed: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkOutcome:
    """What a worker has done.

    counts: Units by status.
    stopped: Whether it was stopped before all was done.
    failed_earlier: Where nothing was left to do, how many units of the run failed.
    is_complete: Whether nothing is left of what was asked for.
    done, planned: Finished units of the whole run, and all of them; None of a large run, where counting them
        would take each worker long.
    """

    counts: Mapping[str, int]
    stopped: bool
    failed_earlier: int = 0
    is_complete: bool = False
    done: int | None = None
    planned: int | None = None

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
    facts = {"id": options.name, "role": role, "job": _job(os.environ), "argv": options.typed}
    with RunFolder.join(path, how.lease_s, **{k: v for k, v in facts.items() if v}) as run:
        assert run.presence is not None  # it was joined
        _refuse_nothing(run, options.round_name)
        counts: Counter[str] = Counter()
        handled: set[str] = set()
        left: list[Round] = []
        while not observer.wants_stop():
            left = list(rounds_left(run.path, run.plan.sum))
            round_ = _next_round(left, options.round_name, handled)
            if round_ is None:
                break
            handled.add(round_.name)
            counts += _work_on(run, round_, options, observer)
        if not handled:  # whoever listens hears of the end all the same
            observer.started(run, {})
            observer.ended()
        stopped = observer.wants_stop()
        if stopped:  # told when all is given back: what an ended worker still holds counts as a death
            run.presence.say(ended="stopped")
        failed_earlier = 0 if handled else _count_failed(run)
        return WorkOutcome(counts, stopped, failed_earlier, not stopped and not left, *_count_done(run))


def _count_done(run: RunFolder) -> tuple[int, int] | tuple[None, None]:
    """Count the finished units of a run that is not large, and all of them."""
    if is_large(run.plan):
        return None, None
    return count_finished(run), len(run.plan.units)


def _count_failed(run: RunFolder) -> int:
    """Count the units that failed; files are looked at only where a worker tells of a failure."""
    if not any(note.failed for note in read_notes(run.path)):
        return 0
    return run_status(run).counts[FAILED]


def _work_on(run: RunFolder, round_: Round, options: WorkOptions, observer: Observer) -> Counter[str]:
    """Render what is left of a round; return the units by status."""
    assert run.presence is not None  # it was joined
    missing = round_.missing_in(run.plan)
    log = RenderLog(run, missing, run.presence.id)
    counts: Counter[str] = Counter()
    if needs_more_than_python(run.plan):
        units = (unit for batch in missing for unit in run.plan.units_of(batch))
        for remark in films_in_another_format(run.plan, units):
            observer.said(f"Note: {remark}")
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
                counts.update(event.counts)
    finally:
        observer.ended()
    return counts


def _events(run: RunFolder, round_: Round, options: WorkOptions) -> Generator[Event]:
    if options.in_process:
        yield from render_here(run, round_, options.engine_options)
    else:
        yield from supervise(run, round_, options.engine_options, 1)


def _next_round(left: Sequence[Round], name: str | None, handled: Set[str]) -> Round | None:
    """Return the newest round that has something left, of those that were not worked on."""
    return next((one for one in left if one.name not in handled and name in {None, one.name}), None)


def _refuse_nothing(run: RunFolder, name: str | None) -> None:
    """Raise UsageError if nothing was asked of the run, or of another plan only."""
    found = latest_round(run.path) if name is None else read_round(run.path, name)
    if found is None or found.plan != run.plan.sum:
        raise UsageError(
            f"{run.path}: nothing was asked of this run", command("prepare", "SPEC", "-o", run.path)
        )


def _job(environment: Mapping[str, str]) -> str:
    named = next((environment[name] for name in JOB_NAMES if environment.get(name)), "")
    task = environment.get("SLURM_ARRAY_TASK_ID")
    return f"{named}_{task}" if named and task else named
