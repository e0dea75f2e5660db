"""What becomes of a run's finished pictures when a plan is begun in its folder. Nothing is written here.

kept   the plan has the unit at the same place, with the same key
moves  the plan has a unit of the same key elsewhere, such as in a job that was renamed
lost   the plan has another picture at its place, or none; never removed, at most moved out of the way
again  asked to be rendered anew
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from fvcli.plan import Plan, Unit
from fvcli.plan.head import is_large
from fvcli.run.finished import Finished, all_finished, finished_of
from fvcli.run.growing.known_plans import KnownPlan
from fvcli.run.layout import REPLACED, STAGING, UNFINISHED, UNITS


@dataclass(frozen=True)
class Asked:
    """What was asked of a run beside its plan.

    only: Paths of the units to render, or None for all.
    again: Paths of the units to render anew though they are finished.
    force: Whether finished pictures may be moved out of the way.
    """

    only: frozenset[str] | None = None
    again: frozenset[str] = frozenset()
    force: bool = False

    def wants(self, path: str) -> bool:
        return self.only is None or path in self.only


@dataclass(frozen=True)
class Growth:
    """See above; kept is by place below the folder of units.

    old: The plan that the folder had; None where it held no run.
    changes_plan: Whether units or batches are others than the run had.
    changes_sheets: Whether sheets and figure look otherwise, such as with another title.
    at_stake: What would be lost now; nothing may be done to it without force.
    out_of_the_way: Finished pictures that leave their place: with force those that are at stake, and those
        to be rendered again.
    superseded: Where pictures stand that the plan has elsewhere.
    new: How many units the run's plan had not.
    pending: How many it had, and that are not finished.

    Of a plan that is the same and has nothing to settle, pictures are not looked at and nothing is counted.
    """

    old: Plan | None
    changes_plan: bool
    changes_sheets: bool
    kept: Mapping[str, Finished] = field(default_factory=dict)
    moves: tuple[tuple[Finished, Unit], ...] = ()
    lost: tuple[Finished, ...] = ()
    at_stake: tuple[Finished, ...] = ()
    out_of_the_way: tuple[Finished, ...] = ()
    superseded: tuple[Finished, ...] = ()
    new: int = 0
    pending: int = 0

    @property
    def changes_nothing(self) -> bool:
        """Whether the folder is as it is to be, but for what may be missing."""
        changes = self.is_new or self.changes_plan or self.changes_sheets or self.is_worth_saying
        return not changes and not self.kept

    @property
    def is_new(self) -> bool:
        return self.old is None

    @property
    def is_worth_saying(self) -> bool:
        return self.changes_plan or bool(self.moves or self.out_of_the_way)

    def said(self, place: Path | None) -> str:
        """Say what became of the pictures: 64 kept, 2 new; place is where others were moved."""
        counts = {
            "kept": len(self.kept) + len(self.moves),
            "new": self.new,
            "still to render": self.pending,
            f"moved to {place}": len(self.out_of_the_way),
        }
        said = [f"{count} {what}" for what, count in counts.items() if count or what in {"kept", "new"}]
        renamed = sum(picture.path != unit.path for picture, unit in self.moves)
        if renamed:
            said[0] += f" ({renamed} under another name)"
        return ", ".join(said)


def same_pictures(one: Plan, other: Plan) -> bool:
    """Tell whether two plans have the same units, by place and key, in the same batches."""
    return one.pictures_digest == other.pictures_digest and one.batches == other.batches


def _same_sheets(one: Plan, other: Plan) -> bool:
    """Tell whether sheets of two plans with the same pictures look alike."""
    titles = ([(job.name, job.title, job.heading) for job in plan.jobs] for plan in (one, other))
    if one.output != other.output or next(titles) != next(titles):
        return False
    pairs = zip(one.units, other.units, strict=True)
    return one.contents_digest == other.contents_digest or all(a.label == b.label for a, b in pairs)


def compare(folder: Path, known: Sequence[KnownPlan], plan: Plan, asked: Asked) -> Growth:
    """Look at every finished picture in a folder and say what becomes of it.

    Args:
        folder: The run's folder; it need not be there.
        known: The plans that it had, the present one first.
        plan: What is to be rendered there.
        asked: How.
    """
    old = known[0].plan if known and known[0].is_present else None
    changes = old is not None and not same_pictures(old, plan)
    changes_sheets = old is not None and (changes or not _same_sheets(old, plan))
    if old is not None and not changes and not asked.again and _is_settled(folder, old, plan):
        return Growth(old=old, changes_plan=False, changes_sheets=changes_sheets)
    found = _Found(folder, known, plan, asked)
    lost = found.lost()
    counted = {(unit.path, unit.key) for unit in old.units} if old is not None and changes and lost else set()
    at_stake = [one for one in lost if asked.wants(one.path) or (one.path, one.key) in counted]
    going = [one for one in lost if asked.force and asked.wants(one.path)]
    had = {unit.key for unit in old.units} if old else set()
    rest = [u.key for u in plan.units if u.stem not in found.kept and u.key not in found.provided]
    return Growth(
        old=old,
        changes_plan=changes,
        changes_sheets=changes_sheets,
        kept=found.kept,
        moves=tuple(found.moves),
        lost=tuple(lost),
        at_stake=tuple(at_stake),
        out_of_the_way=(*going, *found.again()),
        superseded=tuple(found.superseded()),
        new=sum(key not in had for key in rest),
        pending=sum(key in had for key in rest),
    )


def _is_settled(folder: Path, old: Plan, plan: Plan) -> bool:
    """Tell whether a folder with the pictures of a plan needs none of them to be looked at.

    So it is where they are called what the plan calls them, nothing was ever moved out of the way, and no
    process was killed when it made the folder what it is. Then only what somebody laid into the folder by
    hand could be another picture. Of a large plan it is found when it would be overwritten, and refused.
    """
    if (
        not is_large(plan)
        or (folder / UNFINISHED).exists()
        or staging_folders(folder)
        or any(folder.glob(f"{REPLACED}*"))
    ):
        return False
    return old.contents_digest == plan.contents_digest and old.jobs == plan.jobs


class _Found:
    """The finished pictures of a folder, seen from a plan."""

    def __init__(self, folder: Path, known: Sequence[KnownPlan], plan: Plan, asked: Asked) -> None:
        self._asked = asked
        self._here = finished_of(folder)
        self._staged = [one for place in staging_folders(folder) for one in all_finished(place).values()]
        self._units = {unit.stem: unit for unit in plan.units} if self._here or self._staged else {}
        self._known = self._rendered_with(known)
        self._again = {unit.key for unit in self._units.values() if unit.path in asked.again}
        self.kept = {stem: self._here[stem] for stem, unit in self._units.items() if self._stays(unit)}
        self.moves = self._find_moves()
        self.provided = self._provided(self.moves)

    def _rendered_with(self, known: Sequence[KnownPlan]) -> set[tuple[str, str]]:
        """Return path and key of what plans have of the pictures that are here."""
        here = {one.path for one in self._here.values()}
        if not here:
            return set()
        return {(unit.path, unit.key) for one in known for unit in one.plan.units if unit.path in here}

    def _stays(self, unit: Unit) -> bool:
        there = self._here.get(unit.stem)
        return there is not None and there.key == unit.key and unit.path not in self._asked.again

    def _find_moves(self) -> list[tuple[Finished, Unit]]:
        by_key = {one.key: one for one in (*self._here.values(), *self._staged)}
        moves = [
            (by_key[unit.key], unit)
            for stem, unit in self._units.items()
            if unit.key in by_key and stem not in self.kept and unit.path not in self._asked.again
        ]
        while True:
            leaving = self._again | self._provided(moves)
            free = [move for move in moves if not self._is_blocked(move[1], leaving)]
            if len(free) == len(moves):
                return moves
            moves = free  # what stays after all may be in the way of others

    def _is_blocked(self, unit: Unit, leaving: Set[str]) -> bool:
        """Tell whether a picture that stays is at a unit's place; leaving has the keys of the others."""
        there = self._here.get(unit.stem)
        return there is not None and there.key not in leaving and not self._asked.wants(unit.path)

    def _provided(self, moves: Sequence[tuple[Finished, Unit]]) -> set[str]:
        """Return the keys of the plan that need no rendering."""
        return {self._units[stem].key for stem in self.kept} | {unit.key for _, unit in moves}

    def lost(self) -> list[Finished]:
        """Return the pictures of this plan's places, or of an earlier plan, that this plan has not."""
        of_others = [one for one in self._here.values() if self._is_ours(one)] + self._staged
        return [one for one in of_others if one.key not in self.provided and one.key not in self._again]

    def again(self) -> list[Finished]:
        candidates = [one for one in self._here.values() if self._is_ours(one)] + self._staged
        return [one for one in candidates if one.key in self._again and one.stem not in self.kept]

    def superseded(self) -> list[Finished]:
        """Return copies that stand where the plan has another picture, or none any more."""
        movable = [one for one in self._here.values() if one.stem not in self.kept and self._is_ours(one)]
        return [one for one in movable if one.key in self.provided]

    def _is_ours(self, one: Finished) -> bool:
        """Tell it from what somebody else laid into the folder."""
        return one.stem in self._units or (one.path, one.key) in self._known


def staging_folders(folder: Path) -> list[Path]:
    """Return the units folders of moves that were not finished."""
    return sorted(place / UNITS for place in folder.glob(f"{STAGING}*"))
