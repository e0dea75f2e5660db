"""What another plan does to pictures that are finished, in the words of the spec.

jobs.c3.steps: 64 -> 32: 62 pictures would go
jobs.dogs: no longer in the spec: 4 pictures would go
jobs.c3.channels: 12 pictures are no longer asked for
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fvcli.errors import counted
from fvcli.plan.data import Unit
from fvcli.plan.picture_facts import Difference, Facts, differences, picture_facts
from fvcli.plan.plan import Plan
from fvcli.plan.written_keys import WrittenKeys, written_keys

ANOTHER_ALGORITHM = "rendered by another version of fvcli's algorithm"
ENUMERATING = (  # keys of a job that say which pictures it has
    *("channels", "classes", "vectors", "pictures", "layer", "objective", "sign"),
    *("diversity", "variants", "seeds", "only"),
)
MANY_JOBS = 3  # more are not all named


@dataclass(frozen=True)
class Gone:
    """A finished picture that a plan changes or no longer has.

    facts: What decided it, as far as is known; see ``picture_facts``.
    asked: What its job asked for when it was rendered, if that is known.
    remark: Why it cannot be told how it differs, if it cannot.
    """

    job: str
    path: str
    facts: Facts = field(default_factory=dict)
    asked: Mapping[str, object] | None = None
    remark: str | None = None


@dataclass(frozen=True)
class SpecTexts:
    """The texts that the old and the new plan were made from."""

    old: str = ""
    new: str = ""


def change_lines(
    gone: Sequence[Gone],
    old: Plan | None,
    new: Plan,
    texts: SpecTexts | None = None,
    *,
    compared: bool = False,
) -> list[str]:
    """Return a line for everything that makes pictures go, with how many.

    Args:
        gone: The finished pictures.
        old: The plan that the run had, where it had one.
        new: The plan that it is to have.
        texts: Of their specs.
        compared: Whether the plans are only compared, and no picture goes.
    """
    units = {unit.path: unit for unit in new.units}
    changed = [picture for picture in gone if picture.path in units]
    dropped = [picture for picture in gone if picture.path not in units]
    writing = _Writing(old, new, texts or SpecTexts())
    return [
        *_lines_of_changed(changed, new, units, writing, compared),
        *_lines_of_dropped(dropped, new, compared),
    ]


# ---- pictures that would be others


def _lines_of_changed(
    gone: Iterable[Gone], new: Plan, units: Mapping[str, Unit], writing: _Writing, compared: bool
) -> Iterator[str]:
    counts: dict[Difference | str, Counter[str]] = {}
    for picture in gone:
        for found in _why(picture, picture_facts(new, units[picture.path]), writing):
            counts.setdefault(found, Counter())[picture.job] += 1
    for found, jobs in counts.items():
        said = writing.said(found, list(jobs))
        yield said if compared else f"{said}: {counted(jobs.total(), 'picture')} would go"


def _why(picture: Gone, now: Facts, writing: _Writing) -> Sequence[Difference | str]:
    if picture.remark is not None:
        return [picture.remark]
    found = list(differences(picture.facts, now))
    if any(difference.key == "model" for difference in found):
        found = [difference for difference in found if not difference.key.startswith("model.")]
    return writing.causes(found, picture.job) or [ANOTHER_ALGORITHM]


class _Writing:
    """Knows where the old and the new spec write a key."""

    def __init__(self, old: Plan | None, new: Plan, texts: SpecTexts) -> None:
        self._keys: tuple[WrittenKeys, ...] = (written_keys(texts.old), written_keys(texts.new))
        names = {job.name for job in new.jobs}
        self._shared = [job.name for job in old.jobs if job.name in names] if old else []
        self._concerned = _concerned(old, new) if old else {}

    def causes(self, found: Sequence[Difference], job: str) -> Sequence[Difference]:
        """Leave out what only follows from what is written, such as the steps of another recipe."""
        known = frozenset().union(*(keys.render | keys.of_job(job) for keys in self._keys))
        written = [one for one in found if _top(one.key) in known or one.key.startswith("model")]
        return written or found

    def said(self, found: Difference | str, jobs: Sequence[str]) -> str:
        if isinstance(found, str):
            return f"{_listed([f'jobs.{job}' for job in jobs])}: {found}"
        return f"{self._where(found, jobs)}: {found.was} -> {found.now}"

    def _where(self, found: Difference, jobs: Sequence[str]) -> str:
        top = _top(found.key)
        if top == "model":
            return found.key
        concerned = self._concerned.get(found.key, frozenset()) | frozenset(jobs)
        is_own = any(top in keys.of_job(job) for keys in self._keys for job in concerned)
        in_render = any(top in keys.render for keys in self._keys)
        if in_render and not is_own and concerned >= frozenset(self._shared):
            return f"render.{found.key}"
        return _listed([f"jobs.{job}.{found.key}" for job in jobs])


def _concerned(old: Plan, new: Plan) -> dict[str, frozenset[str]]:
    """Return for each key that differs between two plans the jobs that it concerns, finished or not.

    Units of equal programs differ alike, so one of them is enough.
    """
    before = {unit.path: unit for unit in old.units}
    pairs: dict[tuple[str, int, int], tuple[Unit, Unit]] = {}
    for unit in new.units:
        was = before.get(unit.path)
        if was is not None and was.key != unit.key:
            pairs.setdefault((unit.job, was.program, unit.program), (was, unit))
    found: dict[str, set[str]] = {}
    for (job, *_), (was, now) in pairs.items():
        for difference in differences(picture_facts(old, was), picture_facts(new, now)):
            found.setdefault(difference.key, set()).add(job)
    return {key: frozenset(jobs) for key, jobs in found.items()}


def _top(key: str) -> str:
    return key.partition(".")[0].partition("[")[0]


def _listed(places: Sequence[str]) -> str:
    if len(places) <= MANY_JOBS:
        return ", ".join(places)
    return f"{', '.join(places[: MANY_JOBS - 1])} and {len(places) - MANY_JOBS + 1} more jobs"


# ---- pictures that are asked for no longer


def _lines_of_dropped(gone: Iterable[Gone], new: Plan, compared: bool) -> Iterator[str]:
    asked = {job.name: job.asked for job in new.jobs}
    counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for picture in gone:
        now = asked.get(picture.job)
        keys = () if now is None or picture.asked is None else _changed_keys(picture.asked, now)
        counts[picture.job, keys] += 1
    for (job, keys), count in counts.items():
        pictures = counted(count, "picture")
        if job not in asked:
            yield f"jobs.{job}: " + (
                "not in the spec" if compared else f"no longer in the spec: {pictures} would go"
            )
        else:
            are = f"{pictures} {'is' if count == 1 else 'are'}"
            places = [f"jobs.{job}.{key}" for key in keys] or [f"jobs.{job}"]
            yield f"{_listed(places)}: {are} {'not there' if compared else 'no longer asked for'}"


def _changed_keys(was: Mapping[str, object], now: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(key for key in ENUMERATING if was.get(key) != now.get(key))
