"""Bring the examples of runs together in another run: finished ones whole, else what is worked out of them.

one source is finished, or several are alike --> all its files, the head last
several that differ                          --> none of them, and a remark
none                                         --> the parts of all, which are finished later

A target that has begun examples goes on with them: only what is of the same pictures and units counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fvcli.run.atomic import TEMPORARY, write_atomic
from fvcli.run.examples import layout
from fvcli.run.examples.head import ExamplesHead
from fvcli.run.examples.origin import Origin
from fvcli.run.examples.parts import Parts, copy_parts, forget_examples, refuse_other_parts
from fvcli.run.examples.reader import read_examples
from fvcli.run.listing import files_below
from fvcli.run.objects import read_bytes

FILES = (f"{layout.LAYERS}/", f"{layout.SHEETS}/", layout.PICTURES, layout.SKIPPED)  # of finished examples
ONLY = "merge only the runs whose examples you want, into the same folder"


@dataclass(frozen=True)
class ChosenExamples:
    """What becomes of the examples of runs that are joined.

    finished: The run whose finished examples are taken; None if none are.
    parts: The runs whose parts are taken.
    remarks: Which examples are left, and why.
    """

    finished: Path | None
    parts: tuple[Path, ...]
    remarks: tuple[str, ...] = ()


def choose_examples(sources: Sequence[Path], target: Path) -> ChosenExamples:
    """Decide which examples a run gets that is joined from others; nothing is written.

    Raises:
        UsageError: Nothing is finished, and parts are of different things.
        FvcliError: A head is damaged, or a newer fvcli wrote it.
    """
    others = [source for source in dict.fromkeys(sources) if source != target]
    heads = {run: found.head for run in (target, *others) if (found := read_examples(run)) is not None}
    if not heads:
        refuse_other_parts(others, target)
        return ChosenExamples(None, tuple(others))
    begun = {
        run: origin for run in others if run not in heads and (origin := Parts(run).origin()) is not None
    }
    if target in heads:
        return _beside(target, heads, begun, taken=None)
    wanted = Parts(target).origin()
    if wanted is not None:
        return _for_begun(target, wanted, heads, begun)
    if _all_alike(heads):
        first = next(iter(heads))
        return _beside(first, heads, begun, taken=first)
    return ChosenExamples(None, (), _of_which_none_is_taken(heads, begun))


def _for_begun(
    target: Path, wanted: Origin, heads: Mapping[Path, ExamplesHead], begun: Mapping[Path, Origin]
) -> ChosenExamples:
    """Choose what a target goes on with that has begun examples.

    Args:
        target: The run that is joined.
        wanted: What its parts are of.
        heads: The sources with finished examples.
        begun: The other sources with parts, and what these are of.
    """
    origins = {**{run: head.origin for run, head in heads.items()}, **begun}
    remarks = tuple(
        _left(run, target, origin, wanted, "has begun others", _elsewhere(run))
        for run, origin in origins.items()
        if origin != wanted
    )
    same = {run: head for run, head in heads.items() if head.origin == wanted}
    if same and _all_alike(same):
        return ChosenExamples(next(iter(same)), (), remarks)
    parts = tuple(run for run, origin in begun.items() if origin == wanted)
    return ChosenExamples(None, parts, (*remarks, *(_of_which_none_is_taken(same, {}) if same else ())))


def _of_which_none_is_taken(
    heads: Mapping[Path, ExamplesHead], begun: Mapping[Path, Origin]
) -> tuple[str, ...]:
    """Say that finished examples are left because they differ, and with them what others have begun."""
    first, *later = heads
    finished = (
        _left(run, first, heads[run].origin, heads[first].origin, "has others, and only one can be taken")
        for run in later
        if not _are_alike(heads[first], heads[run])
    )
    alike = [str(run) for run in heads if _are_alike(heads[first], heads[run])]
    parts = (
        f"the examples that {run} has begun were left, because the finished ones differ" for run in begun
    )
    return (*finished, *parts, f"so those of {' and '.join(alike)} were left, too: {ONLY}")


def _beside(
    chosen: Path, heads: Mapping[Path, ExamplesHead], begun: Mapping[Path, Origin], taken: Path | None
) -> ChosenExamples:
    """Return that one run's finished examples count, and what of the others is left beside them."""
    of_chosen = heads[chosen]
    others = {run: head.origin for run, head in heads.items() if not _are_alike(of_chosen, head)}
    others |= {run: origin for run, origin in begun.items() if origin != of_chosen.origin}
    remarks = (
        _left(run, chosen, origin, of_chosen.origin, "has finished ones", _elsewhere(run))
        for run, origin in others.items()
    )
    return ChosenExamples(taken, (), tuple(remarks))


def _all_alike(heads: Mapping[Path, ExamplesHead]) -> bool:
    first, *later = heads.values()
    return all(_are_alike(first, head) for head in later)


def _are_alike(one: ExamplesHead, other: ExamplesHead) -> bool:
    """Tell whether two are of the same pictures, of which as many could be read, whatever their folder."""
    return replace(one, images="") == replace(other, images="")


def _elsewhere(run: Path) -> str:
    return f"to have them, merge {run} into another folder"


def _left(run: Path, than: Path, origin: Origin | None, other: Origin | None, why: str, how: str = "") -> str:
    if origin is None or other is None:
        differs = "it is not known in what they differ"
    else:
        differs = f"they differ in {origin.differences(other) or 'which files could be read'}"
    said = f"the examples of {run} were left, because {than} {why}; {differs}"
    return f"{said}; {how}" if how else said


def take_examples(chosen: ChosenExamples, target: Path) -> None:
    """Write what was chosen into a run; a kill leaves nothing there that is read as finished.

    Raises:
        FvcliError: A file cannot be read, or the disk is full.
    """
    if chosen.finished is None:
        copy_parts(chosen.parts, target)
        return
    source = layout.examples_folder(chosen.finished)
    forget_examples(target)  # parts that are begun, and what a kill left of an earlier copy
    for name in sorted(files_below(source)):
        if name.startswith(FILES) and TEMPORARY not in name:
            durable = not name.startswith(f"{layout.SHEETS}/")
            content = read_bytes(source / name)
            write_atomic(layout.examples_folder(target) / name, content, durable=durable)
    write_atomic(layout.examples_folder(target) / layout.HEAD, read_bytes(source / layout.HEAD))
