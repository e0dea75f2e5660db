"""Make a folder the run of a plan, whatever finished pictures it holds.

The steps are in an order in which a kill between any two of them, and within them, loses no picture and
leaves a run that goes on with the same command.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fvcli.errors import FvcliError, UsageError, command, some_of
from fvcli.media.copies import SUFFIX
from fvcli.models import ModelFacts
from fvcli.plan import Plan, Source, Unit
from fvcli.run.atomic import write_atomic
from fvcli.run.extras import copy_name
from fvcli.run.foreign import refuse_foreign
from fvcli.run.growing.growth import Asked, Growth, compare
from fvcli.run.growing.known_plans import KnownPlan, known_plans
from fvcli.run.growing.moves import install, stage, told_anew
from fvcli.run.growing.pictures_at_once import as_begun
from fvcli.run.growing.refusals import loss_lines, refuse_losses
from fvcli.run.growing.set_aside import remove_units, set_aside
from fvcli.run.layout import FIGURE, GRIDS, INDEX, MODEL, PLAN, SOURCES, SPEC, UNFINISHED, UNITS, read_text
from fvcli.run.model_file import facts_as_json
from fvcli.run.objects import is_object, read_bytes
from fvcli.run.plan_files import write_plan
from fvcli.run.sidecar import Sidecar
from fvcli.run.work.attempts import forget_attempts
from fvcli.run.work.notes import at_work


def refuse_to_begin(folder: Path, plan: Plan, spec_text: str) -> None:
    """Raise UsageError if a plan could not be begun in a folder that is there; nothing is changed."""
    refuse_foreign(folder, spec_text)
    Preparation(folder, plan, spec_text).look()


@dataclass(frozen=True)
class Preparation:
    """What a folder is to become.

    copies: Where the plan's sources are copied from; None for where they are.
    """

    folder: Path
    plan: Plan
    spec_text: str
    facts: ModelFacts | None = None
    asked: Asked = Asked()  # noqa: RUF009  # frozen
    shard: str | None = None
    copies: Path | None = None

    def look(self) -> Growth:
        """Return what becomes of the folder's pictures.

        Raises:
            UsageError: The plan that is there cannot be read, or finished pictures would go.
        """
        known, growth = self._compared()
        refuse_losses(
            self.folder,
            growth,
            known,
            self.plan,
            self.spec_text,
            force=self.asked.force,
            shard=self.shard,
        )
        return growth

    def foresee(self) -> tuple[Growth, list[str]]:
        """Return what would become of the folder's pictures, and why some would be lost.

        Raises:
            UsageError: The plan that is there cannot be read.
        """
        known, growth = self._compared()
        lines = loss_lines(growth.at_stake, known, self.plan, self.spec_text) if growth.at_stake else []
        return growth, lines

    def as_begun(self, growth: Growth) -> tuple[Preparation, Growth]:
        """Return both with what a run that goes on keeps as it was begun; see ``pictures_at_once``."""
        plan, remark = as_begun(self.folder, growth.old, self.plan)
        return replace(self, plan=plan), replace(growth, remark=remark)

    def _compared(self) -> tuple[Sequence[KnownPlan], Growth]:
        known = known_plans(self.folder)
        self._refuse_unreadable(known)
        return known, compare(self.folder, known, self.plan, self.asked)

    def _refuse_unreadable(self, known: Sequence[KnownPlan]) -> None:
        is_read = bool(known) and known[0].is_present
        if (self.folder / PLAN).exists() and not is_read and not self.asked.force:
            message = f"{self.folder / PLAN}: not a readable plan, or of a newer fvcli"
            raise UsageError(message, "give another folder, or --force to keep only its pictures")

    def refuse_company(self, growth: Growth) -> None:
        """Raise UsageError if the plan or pictures would change while others are at work in the folder."""
        moves = bool(growth.out_of_the_way or growth.moves)
        if moves and is_object(self.folder):
            message = f"{self.folder}: finished pictures would have to be moved, which is done on disk only"
            raise UsageError(
                message, f"bring the run home first: {command('merge', self.folder, '-o', 'DIR')}"
            )
        if not (growth.changes_plan or moves):
            return
        company = at_work(self.folder)
        if company:
            who = some_of(
                [f"process {note.process['pid']} on {note.process['host']}" for note in company], "other"
            )
            message = f"{self.folder} is being rendered ({who}), and this spec plans other pictures"
            wait = f"wait for it ({command('status', self.folder, '--watch')})"
            raise UsageError(message, f"{wait}, or give another folder")

    def apply(self, growth: Growth) -> Path | None:
        """Do it; return the folder that pictures were moved to, if any were."""
        if not growth.is_new:
            self._copy_sources()  # they may be missing
        was_killed = (self.folder / UNFINISHED).exists()
        if not growth.changes_nothing:
            write_atomic(self.folder / UNFINISHED, b"")
        place = self._set_aside(growth)
        if growth.moves:
            stage(self.folder, growth.moves)
        if growth.changes_plan:
            forget_attempts(self.folder)
        if growth.changes_sheets:
            self._remove_sheets()
        remove_units((*growth.out_of_the_way, *growth.superseded))
        self._tell_anew(growth, None if was_killed else growth.old)  # before the plan that is there goes
        self._write_plan()
        install(self.folder, self.plan)
        self._copy_sources()
        (self.folder / UNFINISHED).unlink(missing_ok=True)
        return place

    def _set_aside(self, growth: Growth) -> Path | None:
        """Keep the old plan also where pictures of it stay, so that a later render knows what they are."""
        stay = self.asked.force and growth.changes_plan and bool(growth.lost)
        if not growth.out_of_the_way and not stay:
            return None
        return set_aside(self.folder, growth.out_of_the_way)

    def _remove_sheets(self) -> None:
        """Remove what looks otherwise now; it is drawn again from the pictures."""
        figures = [FIGURE, *(copy_name(FIGURE, suffix) for suffix in SUFFIX.values())]
        sheets = [
            file for ending in ("png", *SUFFIX.values()) for file in (self.folder / GRIDS).glob(f"*.{ending}")
        ]
        for file in (*sheets, *(self.folder / name for name in (*figures, INDEX))):
            file.unlink(missing_ok=True)

    def _write_plan(self) -> None:
        self._write(SPEC, self.spec_text)
        write_plan(self.folder, self.plan)  # from here on the folder is this run's
        if self.facts is not None:
            self._write(MODEL, facts_as_json(self.facts))

    def _write(self, name: str, text: str) -> None:
        if read_text(self.folder / name) != text or not (self.folder / name).exists():
            write_atomic(self.folder / name, text.encode())

    def _tell_anew(self, growth: Growth, old: Plan | None) -> None:
        """Let the sidecars of kept pictures say what the plan calls them.

        Those that an old plan called the same are not read.
        """
        if not growth.kept:
            return
        before = {unit.stem: _called(unit) for unit in old.units} if old else {}
        for unit in self.plan.units:
            picture = growth.kept.get(unit.stem)
            if picture is None or before.get(unit.stem) == _called(unit):
                continue
            sidecar = picture.sidecar
            if isinstance(sidecar, Sidecar):
                told = told_anew(sidecar, unit)
                if told != sidecar and told.to_json() != sidecar.to_json():
                    write_atomic(self.folder / UNITS / f"{unit.stem}.json", told.to_json().encode())

    def _copy_sources(self) -> None:
        for source in self.plan.sources:
            target = self.folder / SOURCES / source.file
            if not target.exists():
                write_atomic(target, self._checked(source))

    def _checked(self, source: Source) -> bytes:
        """Return the bytes of a source, if they are those that were planned with."""
        origin = Path(source.path) if self.copies is None else self.copies / source.file
        try:
            content = read_bytes(origin)
        except OSError as error:
            hint = "put the file back where the spec has it"
            raise FvcliError(f"{origin}: {error.strerror}", hint) from error
        if hashlib.sha256(content).hexdigest() != source.sha256:
            raise FvcliError(f"{origin} was changed since the plan was made", "render the spec anew")
        return content


def _called(unit: Unit) -> tuple[object, ...]:
    """Return what a plan says of a unit that its sidecar says, too."""
    return unit.key, unit.label, unit.unit, unit.objective, unit.layer
