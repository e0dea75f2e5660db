"""The files of a run.

    RUN/ spec.yaml  plan.json  model.json  run.json  units/<job>/<unit>.png + .json  grids/<job>.png
         figure.png  sources/  logs/  rounds/  attempts/  workers/  fingerprints/  replaced-1/
         unfinished-films/

Jobs of thousands of units have numbered folders, units/<job>/0003/<unit>.png, and large plans have their
units in parts, plan/; see ``unit_folders`` and ``plan_files``.
plan.json makes a folder a run; a unit's .json makes the unit finished. Nothing else has to be trusted.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError, UsageError, command
from fvcli.models import ModelFacts
from fvcli.plan import Plan, Source, Unit
from fvcli.run import lock
from fvcli.run.atomic import create_exclusive, make_folder, remove_temporaries, write_atomic
from fvcli.run.finished import Finished, finished_at, wrong_sizes
from fvcli.run.foreign import refuse_foreign
from fvcli.run.growing import Asked, Growth, Preparation
from fvcli.run.layout import FIGURE, GRIDS, INDEX, LOGS, PLAN, RUN_FACTS, SOURCES, SPEC, UNITS
from fvcli.run.listing import NO_TIME
from fvcli.run.log import Log
from fvcli.run.model_file import read_facts
from fvcli.run.objects import is_object, read_bytes, refuse_unconditional
from fvcli.run.plan_files import read_plan
from fvcli.run.sidecar import EQUAL, OTHER, NewerSidecar, Record, Sidecar, read_sidecar
from fvcli.run.unfinished_films import forget_strange_frames
from fvcli.run.work.notes import LEASE_S, Presence


class RunFolder:
    """A run on disk.

    Args:
        path: The folder; ``read`` opens one, ``begin`` makes or continues one.
        plan: Its plan.
        growth: What became of the pictures that the folder held when it was begun.
        replaced: Where finished pictures were moved then, if any were.
        presence: The note by which others know that this process is at work here, if it is.
    """

    def __init__(
        self,
        path: Path,
        plan: Plan,
        growth: Growth | None = None,
        replaced: Path | None = None,
        presence: Presence | None = None,
    ) -> None:
        self.path = path
        self.plan = plan
        self.growth = growth
        self.replaced = replaced
        self.presence = presence
        self._written = _signature(path)
        self._logs: dict[str, Log] = {}
        self._fetched: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def read(cls, path: Path) -> RunFolder:
        """Return the run in a folder.

        Raises:
            UsageError: There is no run, or its plan cannot be understood.
            FvcliError: Its disk or its object store does not answer.
        """
        try:
            return cls(path, read_plan(path))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UsageError(f"{path}: there is no run here", "give a folder that fvcli rendered") from error
        except OSError as error:
            hint = "check the address and your credentials" if is_object(path) else None
            raise FvcliError(f"{path / PLAN} cannot be read: {error.strerror or error}", hint) from error
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable_plan(path, error) from error

    @classmethod
    @contextlib.contextmanager
    def join(cls, path: Path, lease_s: float = LEASE_S, **more: Any) -> Iterator[RunFolder]:
        """Be present in a run that is there, so that nobody begins another plan in its folder.

        Args:
            path: The folder.
            lease_s: For how long others wait for a sign of life.
            more: Of the note; see ``run.work.notes``.

        Raises:
            UsageError: There is no run, or its plan cannot be read.
        """
        cls.read(path)  # before anything is written
        with contextlib.ExitStack() as stack:
            with _said(path), lock.hold_while_preparing(path):
                presence = stack.enter_context(Presence(path, lease_s, **more).kept())
                run = cls.read(path)
            run.presence = presence
            stack.callback(run.flush_logs)
            yield run

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
        lease_s: float = LEASE_S,
    ) -> Iterator[RunFolder]:
        """Make the folder of a plan, or go on with the one that is there, and be present in it.

        Args:
            path: The folder.
            plan: What is to be rendered.
            spec_text: What the plan was made from.
            facts: Of its model.
            asked: Which units are rendered, and what may be done to finished ones.
            shard: Which slice of the plan is rendered.
            copies: Where the plan's sources are copied from; by default from where they are.
            lease_s: For how long others wait for a sign of life.

        Raises:
            UsageError: The folder holds something else, finished pictures would go, or others are at work on
                another plan.
            FvcliError: A source cannot be read any more.
        """
        preparation = Preparation(path, plan, spec_text, facts, asked or Asked(), shard, copies)
        if is_object(path):
            refuse_unconditional(path)
        refuse_foreign(path, spec_text)
        if path.is_dir():
            preparation.look()  # before anything is touched
        with contextlib.ExitStack() as stack:
            with _said(path):
                make_folder(path)
                preparing = stack.enter_context(contextlib.ExitStack())
                preparing.enter_context(lock.hold_while_preparing(path))  # several may get here together
            refuse_foreign(path, spec_text)  # again: it may have been made since
            preparation, growth = preparation.as_begun(preparation.look())
            preparation.refuse_company(growth)
            presence = stack.enter_context(Presence(path, lease_s).kept())
            remove_temporaries(path)
            replaced = preparation.apply(growth)
            preparing.close()
            run = cls(path, preparation.plan, growth, replaced, presence)
            forget_strange_frames(path, run.plan, run.is_finished)
            stack.callback(run.flush_logs)
            yield run

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
        """Return the run's copy of a source; of an object store a copy of that on this machine."""
        place = self.sources / source.file
        if not is_object(place):
            return place
        if self._fetched is None:
            self._fetched = tempfile.TemporaryDirectory(prefix="fvcli-")
        copy = Path(self._fetched.name, source.file)
        if not copy.exists():
            write_atomic(copy, read_bytes(place))
        return copy

    @property
    def figure(self) -> Path:
        return self.path / FIGURE

    @property
    def index(self) -> Path:
        return self.path / INDEX

    def grid(self, job: str, page: int = 1) -> Path:
        return self.path / GRIDS / (f"{job}.png" if page == 1 else f"{job}-{page}.png")

    def refuse_another_plan(self) -> None:
        """Raise FvcliError if another plan was begun in the folder since this one was read.

        One that has the same units in the same batches, such as with another title, is no other.
        """
        now = _signature(self.path)
        if now == self._written:
            return
        if not self._still_has_its_units():
            message = f"{self.path}: another spec was begun in this folder meanwhile"
            raise FvcliError(message, "what is rendered is kept; give each spec a folder of its own")
        self._written = now

    def _still_has_its_units(self) -> bool:
        try:
            there = read_plan(self.path)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return there.sum == self.plan.sum and there.contents_digest == self.plan.contents_digest

    # ---- units

    def sidecar(self, unit: Unit) -> Sidecar | None:
        """Return what is known of a unit, or None if it was not rendered, or as something else.

        A finished unit counts only with its picture and what belongs to it, of the sizes that were written.
        """
        return self._known(unit, read_sidecar(self.json(unit)))

    def _known(self, unit: Unit, sidecar: Sidecar | NewerSidecar | None) -> Sidecar | None:
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

    def is_settled(self, unit: Unit) -> bool:
        """Tell whether no worker need try a unit: it is finished, failed, or of a newer fvcli."""
        found = read_sidecar(self.json(unit))
        return isinstance(found, NewerSidecar) or self._known(unit, found) is not None

    def forget_failure(self, unit: Unit) -> bool:
        """Remove what says that a unit failed, so that it is tried again; tell whether it had failed."""
        sidecar = self.sidecar(unit) if self.json(unit).exists() else None
        if sidecar is None or sidecar.is_finished:
            return False
        self.json(unit).unlink(missing_ok=True)
        return True

    def commit(
        self, unit: Unit, sidecar: Sidecar, png: bytes | None, extras: Mapping[str, bytes] | None = None
    ) -> Record:
        """Write a unit's picture, if it has one, what belongs to it, and then its sidecar: now it counts.

        What another worker has finished meanwhile stays as it is.

        Returns:
            What a journal keeps of the unit.

        Raises:
            FvcliError: A finished picture of another key is there; ``begin`` says so before anything is
                rendered.
        """
        is_told = self.json(unit).exists()  # looked at first: one that comes later is of the same picture
        there = finished_at(self.units, unit.stem)
        if there is not None:
            return self._as_it_is(unit, sidecar, there)
        files = {**(extras or {}), "png": png} if png is not None else {}
        if files and is_told:
            self.json(unit).unlink(missing_ok=True)  # never a sidecar of another picture
        for name, content in files.items():
            write_atomic(self.extra(unit, name), content)
        text = sidecar.to_json().encode()
        if not self._write_sidecar(unit, text, finished=sidecar.is_finished):
            meanwhile = finished_at(self.units, unit.stem)
            assert meanwhile is not None  # or it would have been written
            return self._as_it_is(unit, sidecar, meanwhile)
        sizes = {name: len(content) for name, content in files.items()}
        sizes["json"] = len(text)
        written = self._written_at(unit)
        return Record(unit.stem, unit.key, sidecar.status, sizes, written, remarks=tuple(sidecar.remarks))

    def _write_sidecar(self, unit: Unit, text: bytes, *, finished: bool) -> bool:
        """Write a sidecar; tell whether it is there now, or one of a picture that another worker finished.

        In an object store two workers cannot both write it. On disk the later one writes the same again, but
        never that a unit failed over the picture of another worker.
        """
        place = self.json(unit)
        if finished and not is_object(self.path):
            write_atomic(place, text)
            return True
        if create_exclusive(place, text):
            return True
        if finished_at(self.units, unit.stem) is not None:
            return False
        write_atomic(place, text)  # over one of a unit that failed
        return True

    def _as_it_is(self, unit: Unit, sidecar: Sidecar, there: Finished) -> Record:
        """Return the record of a picture that is there already."""
        if there.key != unit.key:
            message = f"{self.png(unit)} was rendered with another spec meanwhile"
            raise FvcliError(message, "it is kept; give another folder")
        found = there.sidecar
        assert isinstance(found, Sidecar)  # others have no key
        again = OTHER if sidecar.is_finished and sidecar.pixel_sha256 != found.pixel_sha256 else EQUAL
        sizes = {file.name[len(unit.name) + 1 :]: file.stat().st_size for file in there.files}
        written, remarks = self._written_at(unit), tuple(found.remarks)
        return Record(unit.stem, unit.key, found.status, sizes, written, again, remarks)

    def _written_at(self, unit: Unit) -> int:
        return NO_TIME if is_object(self.path) else self.json(unit).stat().st_mtime_ns

    # ---- facts about the run

    def facts(self) -> ModelFacts | None:
        """Return what is known of the run's model, or None where an older fvcli did not write it."""
        return read_facts(self.path)

    def write_facts(self, facts: Mapping[str, Any], *, replace: bool = False) -> None:
        """Write run.json: versions, device and command of the process that began the run.

        One that is there stays, unless it is to be replaced.
        """
        content = (json.dumps(facts, indent=1) + "\n").encode()
        if replace:
            write_atomic(self.path / RUN_FACTS, content)
        else:
            create_exclusive(self.path / RUN_FACTS, content)

    def log(self, text: str, name: str = "render") -> None:
        """Add a line to a log: logs/render.log, or that of a worker.

        In an object store, where two commands cannot write one log, each has its own: render-ID.log.
        """
        if is_object(self.path) and self.presence is not None and name != self.presence.id:
            name = f"{name}-{self.presence.id}"
        self._logs.setdefault(name, Log(self.path / LOGS / f"{name}.log")).add(text)

    def flush_logs(self) -> None:
        """Write what is not written yet of the logs."""
        for log in self._logs.values():
            log.flush()


def _signature(path: Path) -> tuple[int, int] | None:
    """Return what changes when a plan is written."""
    try:
        found = (path / PLAN).stat()
    except OSError:
        return None
    return int(found.st_mtime * 1e9), found.st_size


def _unreadable_plan(path: Path, error: Exception) -> UsageError:
    """Say that a plan cannot be read, and how the run gets it back: the spec makes it anew."""
    again = command("render", path / SPEC, "-o", path, "--force")
    hint = f"if it was cut short, {again} writes it anew and keeps the pictures"
    return UsageError(f"{path / PLAN}: not a readable plan ({error})", hint)


@contextlib.contextmanager
def _said(path: Path) -> Iterator[None]:
    """Say of a folder that it cannot be written."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "give another folder") from error
