"""What this machine must have for a plan: looked at where the work is done, before it begins.

A plan is made on any machine, such as the login node of a cluster, and says nothing of the one that renders.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from fvcli.errors import FvcliError, UsageError, os_error_said
from fvcli.media.ffmpeg import ffmpeg
from fvcli.media.movie_reader import is_video
from fvcli.plan import Plan, Unit
from fvcli.plan.source_files import read_by


def check_machine(plan: Plan, units: Iterable[Unit]) -> None:
    """Refuse units that this machine cannot render.

    Args:
        plan: Their plan.
        units: Those that are still to be rendered.

    Raises:
        UsageError: They have videos to read or write, and no ffmpeg or no temporary folder is here; the
            message names the jobs.
    """
    jobs = dict.fromkeys(unit.job for unit in units if any(_videos(plan, unit)))
    if not jobs:
        return
    where = ", ".join(f"jobs.{job}" for job in jobs)
    try:
        ffmpeg("video")
        tempfile.gettempdir()  # in which ffmpeg writes
    except FvcliError as error:
        raise UsageError(f"{where}: {error.message}", error.hint) from error
    except OSError as error:
        raise UsageError(f"{where}: {os_error_said(error)}") from error


def needs_more_than_python(plan: Plan) -> bool:
    """Tell whether any unit may need what ``check_machine`` looks for; of a large plan that is quick."""
    films = (program.settings.animation for program in plan.programs)
    return any(film is not None and film.format == "mp4" for film in films) or any(
        is_video(Path(source.file)) for source in plan.sources
    )


def _videos(plan: Plan, unit: Unit) -> Iterator[bool]:
    """Yield True for each video that a unit reads or writes."""
    yield plan.writes_mp4(unit)
    yield from (is_video(Path(plan.source(sha256).file)) for sha256 in read_by(unit))
