"""The files of a run.

    RUN/ spec.yaml  plan.json  model.json  run.json  units/<job>/<unit>.png + .json  grids/<job>.png
         figure.png  sources/  logs/  attempts/  replaced-1/

Jobs of thousands of units have numbered folders, units/<job>/0003/<unit>.png, and large plans have their
units in parts, plan/; see ``unit_folders`` and ``plan_files``.
plan.json makes a folder a run; a unit's .json makes the unit finished. Nothing else has to be trusted.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError, UsageError
from fvcli.models import ModelFacts
from fvcli.plan import Plan, Source, Unit
from fvcli.run import attempts, lock
from fvcli.run.atomic import remove_temporaries, write_atomic
from fvcli.run.finished import finished_at, wrong_sizes
from fvcli.run.foreign import refuse_foreign
from fvcli.run.growing import Asked, Growth, Preparation
from fvcli.run.layout import ATTEMPTS, FIGURE, GRIDS, LOG, PLAN, RUN_FACTS, SOURCES, UNITS
from fvcli.run.model_file import read_facts
from fvcli.run.plan_files import read_plan
from fvcli.run.sidecar import NewerSidecar, Sidecar, read_sidecar


class RunFolder:
    """A run on disk.

    Args:
        path: The folder; ``read`` opens one, ``begin`` makes or continues one.
        plan: Its plan.
        growth: What became of the pictures that the folder held when it was begun.
        replaced: Where finished pictures were moved then, if any were.
        remarks: What should be known about the folder, in sentences.
    """

    def __init__(
        self,
        path: Path,
        plan: Plan,
        growth: Growth | None = None,
        replaced: Path | None = None,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self.plan = plan
        self.growth = growth
        self.replaced = replaced
        self.remarks = remarks

    @classmethod
    def read(cls, path: Path) -> RunFolder:
        """Return the run in a folder.

        Raises:
            UsageError: There is no run, or its plan cannot be read.
        """
        try:
            return cls(path, read_plan(path))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UsageError(f"{path}: there is no run here", "give a folder that fvcli rendered") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path / PLAN}: not a readable plan ({error})") from error

    @classmethod
    @contextlib.contextmanager
    def begin(
        cls,
        path: Path,
        plan: Plan,
        spec_text: str,
        facts: ModelFacts | None = None,
        *,
        asked: Asked | None = None,
        shard: str | None = None,
        copies: Path | None = None,
    ) -> Iterator[RunFolder]:
        """Make the folder of a plan, or go on with the one that is there, and hold its lock.

        Args:
            path: The folder.
            plan: What is to be rendered.
            spec_text: What the plan was made from.
            facts: Of its model.
            asked: Which units are rendered, and what may be done to finished ones.
            shard: Which slice of the plan is rendered, to share the lock with other slices.
            copies: Where the plan's sources are copied from; by default from where they are.

        Raises:
            UsageError: The folder holds something else, finished pictures would go, or it is in use.
            FvcliError: A source cannot be read any more.
        """
        preparation = Preparation(path, plan, spec_text, facts, asked or Asked(), shard, copies)
        refuse_foreign(path, spec_text)
        if path.is_dir():
            preparation.look()  # before anything is touched
        with contextlib.ExitStack() as stack:
            with _said(path):
                path.mkdir(parents=True, exist_ok=True)
                preparing = stack.enter_context(contextlib.ExitStack())
                preparing.enter_context(lock.hold_while_preparing(path))  # shards may get here together
            refuse_foreign(path, spec_text)  # again: it may have been made since
            growth = preparation.look()
            if shard is not None:
                preparation.refuse_company(growth)
            with _said(path):
                has_locks = stack.enter_context(lock.hold(path, shard))
            if shard is None:
                remove_temporaries(path)
            replaced = preparation.apply(growth)
            preparing.close()
            yield cls(path, plan, growth, replaced, () if has_locks else (lock.NO_LOCKS.format(path),))

    # ---- places

    def png(self, unit: Unit) -> Path:
        return self.extra(unit, "png")

    def json(self, unit: Unit) -> Path:
        return self.extra(unit, "json")

    def extra(self, unit: Unit, name: str) -> Path:
        """Return where something beside a unit's picture is, such as its picture after some steps."""
        return self.units / f"{unit.stem}.{name}"

    @property
    def units(self) -> Path:
        return self.path / UNITS

    @property
    def sources(self) -> Path:
        return self.path / SOURCES

    def source_path(self, source: Source) -> Path:
        """Return the run's copy of a source."""
        return self.sources / source.file

    @property
    def figure(self) -> Path:
        return self.path / FIGURE

    def grid(self, job: str, page: int = 1) -> Path:
        return self.path / GRIDS / (f"{job}.png" if page == 1 else f"{job}-{page}.png")

    # ---- units

    def sidecar(self, unit: Unit) -> Sidecar | None:
        """Return what is known of a unit, or None if it was not rendered, or as something else.

        A finished unit counts only with its picture and what belongs to it, of the sizes that were written.
        """
        sidecar = read_sidecar(self.json(unit))
        if not isinstance(sidecar, Sidecar) or sidecar.key != unit.key:
            return None
        is_whole = not sidecar.is_finished or not wrong_sizes(self.units, unit.stem, sidecar)
        return sidecar if is_whole else None

    def newer_sidecar(self, unit: Unit) -> NewerSidecar | None:
        """Return what a newer fvcli wrote about a unit, if one did."""
        sidecar = read_sidecar(self.json(unit))
        return sidecar if isinstance(sidecar, NewerSidecar) else None

    def is_finished(self, unit: Unit) -> bool:
        sidecar = self.sidecar(unit)
        return sidecar is not None and sidecar.is_finished

    def commit(
        self, unit: Unit, sidecar: Sidecar, png: bytes | None, extras: Mapping[str, bytes] | None = None
    ) -> None:
        """Write a unit's picture, if it has one, what belongs to it, and then its sidecar: now it counts.

        Raises:
            FvcliError: A finished picture of another key is there; ``begin`` says so before anything is
                rendered.
        """
        self._refuse_to_overwrite(unit)
        if png is not None:
            self.json(unit).unlink(missing_ok=True)  # never a sidecar of another picture
            for name, content in (extras or {}).items():
                write_atomic(self.extra(unit, name), content)
            write_atomic(self.png(unit), png)
        write_atomic(self.json(unit), sidecar.to_json().encode())

    def _refuse_to_overwrite(self, unit: Unit) -> None:
        there = finished_at(self.units, unit.stem)
        if there is not None and there.key != unit.key:
            message = f"{self.png(unit)} was rendered with another spec meanwhile"
            raise FvcliError(message, "it is kept; give another folder")

    # ---- facts about the run

    def facts(self) -> ModelFacts | None:
        """Return what is known of the run's model, or None where an older fvcli did not write it."""
        return read_facts(self.path)

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Write run.json: versions, device and command of the latest process."""
        write_atomic(self.path / RUN_FACTS, (json.dumps(facts, indent=1) + "\n").encode())

    def log(self, text: str) -> None:
        """Add a line to logs/render.log."""
        path = self.path / LOG
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(time.strftime("%Y-%m-%d %H:%M:%S ") + text + "\n")
        except OSError as error:
            raise FvcliError(f"{path} cannot be written: {error.strerror}") from error

    def attempts(self) -> dict[int, list[Path]]:
        """Return the attempt files of every batch that was begun, oldest first."""
        return attempts.attempts_of(self.path / ATTEMPTS)

    def begin_attempt(self, batch: int) -> int:
        """Note that this process starts on a batch; return how many times the batch was begun."""
        return attempts.begin_attempt(self.path / ATTEMPTS, batch)

    def end_attempt(self, batch: int, number: int, outcome: str) -> None:
        """Note how an attempt ended: done or stopped. A killed one never does, and so is lost."""
        attempts.end_attempt(self.path / ATTEMPTS, batch, number, outcome)


@contextlib.contextmanager
def _said(path: Path) -> Iterator[None]:
    """Say of a folder that it cannot be written."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "give another folder") from error
