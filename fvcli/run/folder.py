"""The files of a run.

    RUN/ spec.yaml  plan.json  run.json  units/<job>/<unit>.png + .json  grids/<job>.png  figure.png
         sources/  logs/  attempts/

plan.json makes a folder a run; a unit's .json makes the unit finished. Nothing else has to be trusted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError, UsageError
from fvcli.plan import Plan, Source, Unit
from fvcli.run import lock
from fvcli.run.atomic import remove_temporaries, write_atomic
from fvcli.run.sidecar import FINISHED, Sidecar, read_sidecar

PLAN, SPEC, RUN_FACTS = "plan.json", "spec.yaml", "run.json"


class RunFolder:
    """A run on disk.

    Args:
        path: The folder; ``read`` opens one, ``begin`` makes or continues one.
        plan: Its plan.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path = path
        self.plan = plan

    @classmethod
    def read(cls, path: Path) -> RunFolder:
        """Return the run in a folder.

        Raises:
            UsageError: There is no run, or its plan cannot be read.
        """
        try:
            return cls(path, Plan.from_json((path / PLAN).read_text()))
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
        *,
        force: bool = False,
        shard: str | None = None,
        copies: Path | None = None,
    ) -> Iterator[RunFolder]:
        """Make the folder of a plan, or go on with the one that is there, and hold its lock.

        Args:
            path: The folder.
            plan: What is to be rendered.
            spec_text: What the plan was made from.
            force: Replace another plan.
            shard: Which slice of the plan is rendered, to share the lock with other slices.
            copies: Where the plan's sources are copied from; by default from where they are.

        Raises:
            UsageError: The folder holds something else, another plan without force, or is in use.
            FvcliError: A source cannot be read any more.
        """
        plan_text = plan.to_json()
        _refuse_foreign(path, plan_text, spec_text, force)
        with contextlib.ExitStack() as stack:
            try:
                path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(lock.hold(path, shard))
            except OSError as error:
                raise UsageError(
                    f"{path} cannot be written: {error.strerror}", "give another folder"
                ) from error
            run = cls(path, plan)
            with lock.hold_while_preparing(path):  # shards may get here together
                _refuse_foreign(path, plan_text, spec_text, force)  # again: it may have been made since
                run._prepare(plan_text, spec_text, alone=shard is None)
                run._copy_sources(copies)
            yield run

    def _prepare(self, plan_text: str, spec_text: str, *, alone: bool) -> None:
        if alone:
            remove_temporaries(self.path)
        present = _text(self.path / PLAN) if (self.path / PLAN).exists() else None
        if present == plan_text:
            return
        self._write(SPEC, spec_text)
        self._write(PLAN, plan_text)  # from here on the folder is this run's
        if present is not None and not _same_pictures(present, plan_text):
            self._drop_what_is_not_planned()

    def _copy_sources(self, copies: Path | None) -> None:
        for source in self.plan.sources:
            origin = Path(source.path) if copies is None else copies / source.file
            if not self.source_path(source).exists():
                write_atomic(self.source_path(source), _checked(origin, source.sha256))

    def _drop_what_is_not_planned(self) -> None:
        """Remove what another plan left; units that this plan has, too, are kept."""
        kept: set[Path] = set()
        for unit in self.plan.units:
            sidecar = self.sidecar(unit)
            if sidecar:
                kept |= {self.png(unit), self.json(unit)}
                kept |= {self.extra(unit, extra["name"]) for extra in sidecar.extras}
        for path in (self.path / "units").rglob("*"):
            if path.is_file() and path not in kept:
                path.unlink()
        for name in ("grids", "attempts"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        self.figure.unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        write_atomic(self.path / name, text.encode())

    # ---- places

    def png(self, unit: Unit) -> Path:
        return self.path / "units" / f"{unit.path}.png"

    def json(self, unit: Unit) -> Path:
        return self.path / "units" / f"{unit.path}.json"

    def extra(self, unit: Unit, name: str) -> Path:
        """Return where something beside a unit's picture is, such as its picture after some steps."""
        return self.path / "units" / f"{unit.path}.{name}"

    @property
    def sources(self) -> Path:
        return self.path / "sources"

    def source_path(self, source: Source) -> Path:
        """Return the run's copy of a source."""
        return self.sources / source.file

    @property
    def figure(self) -> Path:
        return self.path / "figure.png"

    def grid(self, job: str, page: int = 1) -> Path:
        return self.path / "grids" / (f"{job}.png" if page == 1 else f"{job}-{page}.png")

    # ---- units

    def sidecar(self, unit: Unit) -> Sidecar | None:
        """Return what is known of a unit, or None if it was not rendered, or as something else.

        A finished unit counts only with its picture and what belongs to it, of the sizes that were written.
        """
        sidecar = read_sidecar(self.json(unit))
        if sidecar is None or sidecar.key != unit.key:
            return None
        if sidecar.status not in FINISHED:
            return sidecar
        sizes = {self.png(unit): sidecar.png_bytes}
        sizes |= {self.extra(unit, extra["name"]): extra["bytes"] for extra in sidecar.extras}
        return sidecar if all(_size(path) == size for path, size in sizes.items()) else None

    def is_finished(self, unit: Unit) -> bool:
        sidecar = self.sidecar(unit)
        return sidecar is not None and sidecar.status in FINISHED

    def commit(
        self, unit: Unit, sidecar: Sidecar, png: bytes | None, extras: Mapping[str, bytes] | None = None
    ) -> None:
        """Write a unit's picture, if it has one, what belongs to it, and then its sidecar: now it counts."""
        if png is not None:
            self.json(unit).unlink(missing_ok=True)  # never a sidecar of another picture
            for name, content in (extras or {}).items():
                write_atomic(self.extra(unit, name), content)
            write_atomic(self.png(unit), png)
        write_atomic(self.json(unit), sidecar.to_json().encode())

    # ---- facts about the run

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Write run.json: versions, device and command of the latest process."""
        self._write(RUN_FACTS, json.dumps(facts, indent=1) + "\n")

    def log(self, text: str) -> None:
        """Add a line to logs/render.log."""
        path = self.path / "logs" / "render.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(time.strftime("%Y-%m-%d %H:%M:%S ") + text + "\n")
        except OSError as error:
            raise FvcliError(f"{path} cannot be written: {error.strerror}") from error

    def attempts(self) -> dict[int, list[Path]]:
        """Return the attempt files of every batch that was begun, oldest first."""
        found: dict[int, list[tuple[int, Path]]] = {}
        for path in (self.path / "attempts").glob("[0-9]*.*.json"):
            batch, number = path.name.split(".")[:2]
            found.setdefault(int(batch), []).append((int(number), path))
        return {batch: [path for _, path in sorted(numbered)] for batch, numbered in found.items()}

    def begin_attempt(self, batch: int) -> int:
        """Note that this process starts on a batch; return how many times the batch was begun."""
        number = 1
        while self._attempt(batch, number).exists():
            number += 1
        facts = {"batch": batch, "host": socket.gethostname(), "pid": os.getpid(), "outcome": None}
        write_atomic(self._attempt(batch, number), (json.dumps(facts) + "\n").encode())
        return number

    def end_attempt(self, batch: int, number: int, outcome: str) -> None:
        """Note how an attempt ended: done or stopped. A killed one never does, and so is lost."""
        path = self._attempt(batch, number)
        facts = json.loads(path.read_text())
        write_atomic(path, (json.dumps({**facts, "outcome": outcome}) + "\n").encode())

    def _attempt(self, batch: int, number: int) -> Path:
        return self.path / "attempts" / f"{batch}.{number}.json"


def _checked(origin: Path, sha256: str) -> bytes:
    """Return the bytes of a source, if they are those that were planned with."""
    try:
        content = origin.read_bytes()
    except OSError as error:
        raise FvcliError(f"{origin}: {error.strerror}", "put the file back where the spec has it") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FvcliError(f"{origin} was changed since the plan was made", "render the spec anew")
    return content


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _refuse_foreign(path: Path, plan_text: str, spec_text: str, force: bool) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file", "give a folder")
    if (path / PLAN).exists():
        old = _text(path / PLAN)
        if not force and not _same_pictures(old, plan_text):
            raise UsageError(
                f"{path} holds the run of another spec ({_first_change(old, plan_text)})",
                "give another folder, or --force to replace what is there",
            )
        return
    if path.is_dir() and any(not _is_ours(place, spec_text) for place in path.iterdir()):
        raise UsageError(f"{path} is not empty and holds no run", "give a new or an empty folder")


def _is_ours(place: Path, spec_text: str) -> bool:
    """Tell whether a file is what a process that was killed at the very start leaves."""
    if place.name == SPEC:
        return _text(place) == spec_text
    return place.name.startswith((lock.LOCK_NAME, f".{SPEC}.", f".{PLAN}."))


def _text(path: Path) -> str:
    return path.read_text(errors="replace")


def _same_pictures(old: str, new: str) -> bool:
    """Tell whether two plans differ at most in what is drawn beside the pictures."""
    if old == new:
        return True
    try:
        plans = [json.loads(text) for text in (old, new)]
        return bool({**plans[0], "output": None} == {**plans[1], "output": None})
    except (ValueError, TypeError):
        return False


def _first_change(old: str, new: str) -> str:
    pairs = zip(old.splitlines(), new.splitlines(), strict=False)
    was, now = next(((a, b) for a, b in pairs if a != b), ("fewer units", "more units"))
    return f"first change: {was.strip().rstrip(',')} -> {now.strip().rstrip(',')}"
