"""What this machine must have for a plan: looked at where the work is done, before it begins.

A plan is made on any machine, such as the login node of a cluster, and says nothing of the one that renders.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from fvcli.engines.gpus import gpus_here
from fvcli.errors import FvcliError, UsageError, os_error_said
from fvcli.media.ffmpeg import ffmpeg
from fvcli.media.film_format import written_format
from fvcli.media.movie_reader import is_video
from fvcli.models import ModelFacts
from fvcli.plan import Plan, Program, Unit
from fvcli.plan.memory import most_of
from fvcli.plan.source_files import read_by
from fvcli.plan.views import gigabytes
from fvcli.run.free_memory import free_bytes

MARGIN = 1.5  # an estimate is within this factor of what is taken: what might fit is not refused
LESS = "lower its size_px, views or diversity, take a layer nearer to the input, or free memory"


def check_machine(plan: Plan, units: Iterable[Unit]) -> list[str]:
    """Refuse units that this machine cannot render, and say which films it writes in another format.

    Args:
        plan: Their plan.
        units: Those that are still to be rendered.

    Raises:
        UsageError: They have videos to read, and no ffmpeg is here, or films to write, and no temporary
            folder; the message names the jobs.
    """
    units = [*units]
    reading = dict.fromkeys(f"jobs.{unit.job}" for unit in units if _reads_video(plan, unit))
    jobs = reading | dict.fromkeys(f"jobs.{unit.job}" for unit in units if plan.writes_mp4(unit))
    if not jobs:
        return []
    try:
        ffmpeg("video")
        tempfile.gettempdir()  # in which ffmpeg writes
    except FvcliError as error:
        if reading:
            raise UsageError(f"{', '.join(reading)}: {error.message}", error.hint) from error
    except OSError as error:
        raise UsageError(f"{', '.join(jobs)}: {os_error_said(error)}") from error
    return films_in_another_format(plan, units)


def films_in_another_format(plan: Plan, units: Iterable[Unit]) -> list[str]:
    """Return a sentence if films are written in another format than mp4, because ffmpeg is missing."""
    units = [unit for unit in units if plan.writes_mp4(unit)]
    jobs = dict.fromkeys(f"jobs.{unit.job}" for unit in units)
    if not jobs:
        return []
    try:
        ffmpeg("mp4")
    except FvcliError as error:
        instead = written_format("mp4", plan.output)
        why = f"because {error.message}" + (f" ({error.hint})" if error.hint else "")
        films = (plan.programs[unit.program].settings.animation for unit in units)
        loses = instead == "gif" and any(film and film.quality for film in films)
        lost = ", which heeds no quality," if loses else ","
        return [f"{', '.join(jobs)}: on this machine films are written as {instead}{lost} {why}"]
    return []


def check_memory(
    plan: Plan, facts: ModelFacts, unfinished: Callable[[], Iterable[Unit]], workers: int = 1
) -> None:
    """Refuse units of which this machine cannot render even one at a time, because its memory is too small.

    A machine with a GPU is not asked: there pictures are in the memory of the GPU.

    Args:
        plan: Their plan.
        facts: Of its model.
        unfinished: Returns those that are still to be rendered; called only if some do not fit.
        workers: How many processes render; of fewer batches fewer start.

    Raises:
        UsageError: With the job that needs most, what it needs and what there is.
    """
    free = free_bytes()
    if free is None or not plan.programs or gpus_here():
        return
    free = round(free * MARGIN)
    if _most(plan.programs, facts, workers) <= free:
        return
    units = [*unfinished()]
    paths = {unit.path for unit in units}
    batches = sum(any(unit.path in paths for unit in plan.units_of(i)) for i in range(len(plan.batches)))
    workers = min(workers, max(1, batches))
    jobs = {unit.program: unit.job for unit in units}
    needs = [(_most([plan.programs[number]], facts, workers), job) for number, job in jobs.items()]
    needed, job = max(needs, default=(0, ""))
    if needed > free:
        who = f"{workers} workers with" if workers > 1 else "rendering"
        what = f"{who} one picture at a time would take about {gigabytes(needed)} of memory"
        raise UsageError(
            f"jobs.{job}: {what}, and this machine has {gigabytes(round(free / MARGIN))} free", LESS
        )


def _most(programs: Iterable[Program], facts: ModelFacts, workers: int) -> int:
    return workers * most_of(programs, facts, at_once=1).total_bytes


def needs_more_than_python(plan: Plan) -> bool:
    """Tell whether any unit may need what ``check_machine`` looks for; of a large plan that is quick."""
    films = (program.settings.animation for program in plan.programs)
    return any(film is not None and film.format == "mp4" for film in films) or any(
        is_video(Path(source.file)) for source in plan.sources
    )


def _reads_video(plan: Plan, unit: Unit) -> bool:
    return any(is_video(Path(plan.source(sha256).file)) for sha256 in read_by(unit))
