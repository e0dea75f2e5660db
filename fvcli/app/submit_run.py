"""Start the workers of a prepared run with Slurm and return at once."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvcli.app.plan_spec import PlannedSpec
from fvcli.app.prepare_run import prepare_run
from fvcli.app.render_run import Observer
from fvcli.engines import slurm
from fvcli.engines.slurm import SlurmJob, SlurmPlan
from fvcli.errors import FvcliError, UsageError, command, counted
from fvcli.plan.without_cycles import without_cycles
from fvcli.run import RunFolder
from fvcli.run.atomic import write_atomic
from fvcli.run.growing import refuse_to_begin
from fvcli.run.layout import PLAN, SPEC, read_text
from fvcli.run.look import look_at
from fvcli.run.sidecar import FINISHED

JOBS, VERSION = "slurm.json", 1  # RUN/submit/slurm.json: the jobs that were started


@dataclass(frozen=True)
class SubmitOptions:
    """How workers are started.

    workers: At most so many.
    missing: Whether workers of earlier jobs may still be there; they count.
    sbatch_args, finish_args: Options of sbatch for the workers, and for the finishing job.
    work_args: Options of ``fvcli work``.
    """

    workers: int
    missing: bool = False
    sbatch_args: tuple[str, ...] = ()
    finish_args: tuple[str, ...] = ()
    work_args: tuple[str, ...] = ()


@dataclass(frozen=True)
class Submitted:
    """What was started.

    job: The array of workers; None if no more workers are needed.
    finish: The job that draws the contact sheets, if it was started.
    workers: How many were started.
    live: How many of earlier jobs wait or run.
    batches: How many batches lack pictures.
    remarks: What should be known, in sentences.
    """

    job: SlurmJob | None
    workers: int
    live: int
    batches: int
    finish: SlurmJob | None = None
    remarks: tuple[str, ...] = ()


def submit_run(
    planned: PlannedSpec | None,
    output: Path,
    options: SubmitOptions,
    observer: Observer | None = None,
) -> Submitted:
    """Prepare a run, start workers for the batches that lack pictures, and a job that draws the sheets.

    Slurm is called at most four times, however many batches there are.

    Args:
        planned: What to render; None to finish the run as it is.
        output: The run folder.
        options: How workers are started.
        observer: Is told what became of pictures that were there.

    Raises:
        UsageError: Workers of an earlier job are there, or with ``missing``, the run is of another spec.
        FvcliError: Slurm is not there or refuses; the run stays prepared.
    """
    check_args(options)
    live = live_workers(output, options.missing)  # before anything changes below them
    planned = _to_render(planned, output, options)
    longest = slurm.max_array_size()  # before anything is written, because Slurm may not be there
    prepared = prepare_run(planned, output, None, observer)
    wanted = min(options.workers, prepared.batches) - live
    if wanted <= 0:
        return Submitted(None, 0, live, prepared.batches)
    return _start(output, options, min(wanted, longest), wanted, live, prepared.batches)


def _to_render(planned: PlannedSpec | None, output: Path, options: SubmitOptions) -> PlannedSpec:
    """Return the plan to prepare: the one that is given, or that of the run.

    Raises:
        UsageError: There is no run, or one of another plan is to be finished.
    """
    if planned is None:
        return plan_of_run(output)
    if options.missing and (output / PLAN).exists() and RunFolder.read(output).plan.sum != planned.plan.sum:
        message = f"{output} is of another spec, so what it lacks is not what this one lacks"
        raise UsageError(message, "give --missing without a SPEC, or the SPEC without --missing")
    return planned


def plan_of_run(path: Path) -> PlannedSpec:
    """Return what a run was planned as.

    Raises:
        UsageError: There is no run, or one of an fvcli that did not write down its model.
    """
    run = RunFolder.read(path)
    facts = run.facts()
    if facts is None:
        raise UsageError(f"{path}: an older fvcli made this run", "give its SPEC as well")
    return PlannedSpec(run.plan, read_text(path / SPEC), facts)


def live_workers(path: Path, may_be: bool) -> int:
    """Count the workers of earlier jobs of a run that wait or run.

    Raises:
        UsageError: There are some, and there may be none.
        FvcliError: Slurm does not say.
    """
    earlier = _earlier_jobs(path)
    live = slurm.count_live(earlier) if earlier else 0
    if live and not may_be:
        numbers = " ".join(str(job.number) for job in earlier)
        message = f"{counted(live, 'worker')} of this run still wait or run in Slurm"
        raise UsageError(message, f"add --missing to count them, or end them: scancel {numbers}")
    return live


def count_missing(run: RunFolder) -> int:
    """Return how many batches of a run lack pictures."""
    with without_cycles():
        look = look_at(run)
        is_finished = [look.state(place) in FINISHED for place in run.plan.places()]
    return sum(not all(is_finished[i] for i in batch) for batch in run.plan.batches)


def _start(
    path: Path, options: SubmitOptions, workers: int, wanted: int, live: int, batches: int
) -> Submitted:
    remarks = [f"an array may have {workers} tasks here (MaxArraySize)"] if workers < wanted else []
    plan = slurm_plan(path, workers, options)
    for folder in (slurm.SUBMIT, slurm.LOGS):
        (path / folder).mkdir(exist_ok=True)
    for name, text in scripts(plan).items():
        write_atomic(plan.script(name), text.encode())
    job = slurm.submit(plan.script(slurm.WORKERS))
    _note(path, job, workers)
    finish = None
    try:
        finish = slurm.submit(plan.script(slurm.FINISH), after=job)
    except FvcliError as error:
        remarks.append(
            f"the job that draws the contact sheets was not started ({error}): {command('grid', path)}"
        )
    return Submitted(job, workers, live, batches, finish, tuple(remarks))


def slurm_plan(path: Path, workers: int, options: SubmitOptions) -> SlurmPlan:
    """Return what the scripts of a run are made of; they call the Python that runs now."""
    return SlurmPlan(
        path.absolute(), workers, sys.executable, options.sbatch_args, options.finish_args, options.work_args
    )


def scripts(plan: SlurmPlan) -> dict[str, str]:
    """Return the text of each script, by its name."""
    return {slurm.WORKERS: slurm.worker_script(plan), slurm.FINISH: slurm.finish_script(plan)}


def slurm_dry_run(planned: PlannedSpec | None, path: Path, options: SubmitOptions) -> str:
    """Return what would be written and called; Slurm is not asked, and nothing is written."""
    check_args(options)
    planned = _to_render(planned, path, options)
    if path.is_dir():
        refuse_to_begin(path, planned.plan, planned.text)
    batches = count_missing(RunFolder(path, planned.plan))
    if not batches:
        return f"{path}: nothing is missing"
    made = slurm_plan(path, min(options.workers, batches), options)
    parts = [f"==> {made.script(name)}\n{text}" for name, text in scripts(made).items()]
    workers, finish = (shlex.quote(str(made.script(name))) for name in (slurm.WORKERS, slurm.FINISH))
    calls = (
        "scontrol show config",  # how long an array may be
        f"sbatch --parsable {workers}",
        f"sbatch --parsable --dependency=afterany:JOB {finish}",
    )
    return "\n".join((*parts, "==> calls", *calls))


def check_args(options: SubmitOptions) -> None:
    """Refuse options of sbatch that cannot stand after #SBATCH, or that fvcli decides.

    Raises:
        UsageError: With what to write instead.
    """
    for line in (*options.sbatch_args, *options.finish_args):
        if not line.startswith("-") or "\n" in line:
            hint = (
                "write an option with its value, such as --sbatch-arg=--gres=gpu:1 or --sbatch-arg='-p gpu'"
            )
            raise UsageError(f"{line!r} is not an option of sbatch", hint)
        if line.partition("=")[0].split()[0] in ("--array", "-a"):
            raise UsageError(f"{line}: fvcli numbers the array itself", "give --workers N")


# ---- the jobs that were started


def _earlier_jobs(path: Path) -> list[SlurmJob]:
    return [SlurmJob(int(one["number"]), one.get("cluster")) for one in _noted(path)["jobs"]]


def _noted(path: Path) -> dict[str, Any]:
    file = path / slurm.SUBMIT / JOBS
    try:
        found = json.loads(file.read_text())
        assert isinstance(found["jobs"], list)
        return dict(found)
    except FileNotFoundError:
        return {"version": VERSION, "jobs": []}
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise UsageError(
            f"{file} cannot be read ({error})", "delete it if none of its jobs is left"
        ) from error


def _note(path: Path, job: SlurmJob, workers: int) -> None:
    noted = _noted(path)
    entry = {
        "number": job.number,
        "cluster": job.cluster,
        "workers": workers,
        "submitted": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    jobs: Sequence[Any] = [*noted["jobs"], entry]
    text = json.dumps({"version": VERSION, "jobs": jobs}, indent=1) + "\n"
    write_atomic(path / slurm.SUBMIT / JOBS, text.encode())
