"""What finished pictures lack that is made only while they are rendered: curves, arrays, films as mp4."""

from __future__ import annotations

from collections import Counter

from fvcli.errors import counted
from fvcli.media.film_format import written_format
from fvcli.plan import Program, Unit
from fvcli.run import RunFolder, Sidecar
from fvcli.run.extras import kept_while_rendering
from fvcli.run.finished import Finished, finished_of
from fvcli.run.sidecar import can_be_made_again

INSTEAD_OF_MP4 = ("webp", "gif")  # what a film is that was written where ffmpeg was missing


def said_of_lacking_files(run: RunFolder) -> list[str]:
    """Return sentences about what finished pictures of a run lack that its spec asks for."""
    output, programs = run.plan.output, run.plan.programs
    has_films = any(map(_may_have_film, programs))
    if not (output.curve or output.array or has_films):
        return []
    found, without = finished_of(run.path), 0
    films = Counter[str]()
    can_write_mp4 = has_films and written_format("mp4", output) == "mp4"
    for unit in run.plan.units:
        picture = found.get(unit.stem)
        if picture is None or picture.key != unit.key:
            continue
        kept = kept_while_rendering(output, programs[unit.program])
        without += not {*kept} <= {*picture.extra_names}
        if can_write_mp4 and _may_have_film(programs[unit.program]):
            films.update(_film_instead(run, unit, picture))
    return [*_said_of_curves(without, run), *_said_of_films(films, run)]


def _may_have_film(program: Program) -> bool:
    settings = program.settings
    return settings.animation is not None or settings.method == "dream"


def _film_instead(run: RunFolder, unit: Unit, picture: Finished) -> list[str]:
    """Return the format of a unit's film, if it should be mp4 and is another."""
    sidecar = picture.sidecar
    if not run.plan.writes_mp4(unit) or not isinstance(sidecar, Sidecar):
        return []
    files = [str(extra["name"]) for extra in sidecar.extras if not can_be_made_again(extra)]
    return [name for name in INSTEAD_OF_MP4 if name in files]


def _said_of_curves(without: int, run: RunFolder) -> list[str]:
    if not without:
        return []
    pictures = counted(without, "finished picture")
    return [
        f"{pictures} in {run.path} lack the curve or array that output asks for, which are kept only while a "
        "picture is rendered; add --again to render them anew"
    ]


def _said_of_films(films: Counter[str], run: RunFolder) -> list[str]:
    return [
        f"{counted(count, 'film')} in {run.path} {'is' if count == 1 else 'are'} {format_}, because ffmpeg "
        f"was missing at that time; add --again to render {'it' if count == 1 else 'them'} anew as mp4"
        for format_, count in films.items()
    ]
