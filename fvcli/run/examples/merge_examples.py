"""Bring the examples of runs together in another run: finished ones whole, else what is worked out of them.

one source is finished, or several are alike --> all its files, the head last
several that differ                          --> none of them, and a remark
none                                         --> the parts of all, which are finished later
"""

from __future__ import annotations

from collections.abc import Sequence
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
HOW = "merge the run whose examples you want into the same folder, alone"


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
    others = [source for source in sources if source != target]
    heads = {run: found.head for run in (target, *others) if (found := read_examples(run)) is not None}
    if not heads:
        refuse_other_parts(others, target)
        return ChosenExamples(None, tuple(others))
    if target in heads:
        return _beside(target, heads, others, taken=None)
    begun = Parts(target).origin()
    if begun is not None:
        wrong = [run for run, head in heads.items() if head.origin != begun]
        if wrong:
            remarks = [_left(run, target, heads[run].origin, begun, "has begun others") for run in wrong]
            return ChosenExamples(None, (), tuple(remarks))
    first = next(iter(heads))
    if any(not _are_alike(heads[first], head) for head in heads.values()):
        remarks = [
            _left(run, first, head.origin, heads[first].origin, "has others, and only one can be taken")
            for run, head in heads.items()
            if not _are_alike(heads[first], head)
        ]
        return ChosenExamples(None, (), (*remarks, f"so those of {first} were left, too: {HOW}"))
    return _beside(first, heads, others, taken=first)


def _beside(
    chosen: Path, heads: dict[Path, ExamplesHead], others: Sequence[Path], taken: Path | None
) -> ChosenExamples:
    """Return that one run's finished examples count, and what of the others is left beside them."""
    remarks = [
        _left(run, chosen, head.origin, heads[chosen].origin, "has finished ones")
        for run, head in heads.items()
        if not _are_alike(heads[chosen], head)
    ]
    for run in others:
        origin = None if run in heads else Parts(run).origin()
        if origin is not None and origin != heads[chosen].origin:
            remarks.append(_left(run, chosen, origin, heads[chosen].origin, "has finished ones"))
    return ChosenExamples(taken, (), tuple(remarks))


def _are_alike(one: ExamplesHead, other: ExamplesHead) -> bool:
    """Tell whether two are of the same pictures, of which as many could be read, whatever their folder."""
    return replace(one, images="") == replace(other, images="")


def _left(run: Path, than: Path, origin: Origin | None, other: Origin | None, why: str) -> str:
    differs = "" if origin is None or other is None else origin.differences(other)
    return (
        f"the examples of {run} were left, because {than} {why};"
        f" they differ in {differs or 'which files could be read'}"
    )


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
