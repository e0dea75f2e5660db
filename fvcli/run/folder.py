"""The files of a run.

    RUN/ spec.yaml  plan.json  run.json  units/<job>/<unit>.png + .json  grids/<job>.png  logs/  attempts/

plan.json makes a folder a run; a unit's .json makes the unit finished. Nothing else has to be trusted.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fvcli.errors import UsageError
from fvcli.plan import Plan, Unit
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
        except FileNotFoundError as error:
            raise UsageError(f"{path}: there is no run here", "give a folder that fvcli rendered") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path / PLAN}: not a readable plan ({error})") from error

    @classmethod
    @contextlib.contextmanager
    def begin(
        cls, path: Path, plan: Plan, spec_text: str, *, force: bool = False, shard: str | None = None
    ) -> Iterator[RunFolder]:
        """Make the folder of a plan, or go on with the one that is there, and hold its lock.

        Raises:
            UsageError: The folder holds something else, another plan without force, or is in use.
        """
        _refuse_foreign(path, plan, force)
        with contextlib.ExitStack() as stack:
            try:
                path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(lock.hold(path, shard))
            except OSError as error:
                raise UsageError(
                    f"{path} cannot be written: {error.strerror}", "give another folder"
                ) from error
            _refuse_foreign(path, plan, force)  # again: it may have been made since
            run = cls(path, plan)
            run._prepare(spec_text, force, alone=shard is None)
            yield run

    def _prepare(self, spec_text: str, force: bool, *, alone: bool) -> None:
        if alone:
            remove_temporaries(self.path)
        if force:
            for sidecar in (self.path / "units").rglob("*.json"):
                sidecar.unlink()
            self._write(SPEC, spec_text)
            self._write(PLAN, self.plan.to_json())  # from here on the folder is the new run's
            for name in ("units", "grids", "attempts"):
                shutil.rmtree(self.path / name, ignore_errors=True)
        elif not (self.path / PLAN).exists():
            self._write(SPEC, spec_text)
            self._write(PLAN, self.plan.to_json())

    def _write(self, name: str, text: str) -> None:
        write_atomic(self.path / name, text.encode())

    # ---- places

    def png(self, unit: Unit) -> Path:
        return self.path / "units" / f"{unit.path}.png"

    def json(self, unit: Unit) -> Path:
        return self.path / "units" / f"{unit.path}.json"

    def grid(self, job: str) -> Path:
        return self.path / "grids" / f"{job}.png"

    @property
    def log(self) -> Path:
        return self.path / "logs" / "render.log"

    # ---- units

    def sidecar(self, unit: Unit) -> Sidecar | None:
        """Return what is known of a unit, or None if it was not rendered, or as something else."""
        sidecar = read_sidecar(self.json(unit))
        if sidecar is None or sidecar.key != unit.key:
            return None
        if sidecar.status in FINISHED and not self.png(unit).is_file():
            return None
        return sidecar

    def is_finished(self, unit: Unit) -> bool:
        sidecar = self.sidecar(unit)
        return sidecar is not None and sidecar.status in FINISHED

    def commit(self, unit: Unit, sidecar: Sidecar, png: bytes | None) -> None:
        """Write a unit's picture, if it has one, and then its sidecar, which makes it count."""
        if png is not None:
            self.json(unit).unlink(missing_ok=True)  # never a sidecar of another picture
            write_atomic(self.png(unit), png)
        write_atomic(self.json(unit), sidecar.to_json().encode())

    # ---- facts about the run

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Write run.json: versions, device and command of the latest process."""
        self._write(RUN_FACTS, json.dumps(facts, indent=1) + "\n")

    def attempts(self) -> dict[int, list[Path]]:
        """Return the attempt files of every batch that was begun, oldest first."""
        found: dict[int, list[tuple[int, Path]]] = {}
        for path in (self.path / "attempts").glob("[0-9]*.*.json"):
            batch, number = path.name.split(".")[:2]
            found.setdefault(int(batch), []).append((int(number), path))
        return {batch: [path for _, path in sorted(numbered)] for batch, numbered in found.items()}

    def begin_attempt(self, batch: int) -> int:
        """Note that this process starts on a batch; return how many times the batch was begun."""
        number = len(self.attempts().get(batch, ())) + 1
        facts = {"batch": batch, "host": socket.gethostname(), "pid": os.getpid(), "outcome": None}
        self._write(f"attempts/{batch}.{number}.json", json.dumps(facts) + "\n")
        return number

    def end_attempt(self, batch: int, number: int, outcome: str) -> None:
        """Note how an attempt ended: done or stopped. A killed one never does, and so is lost."""
        path = f"attempts/{batch}.{number}.json"
        facts = json.loads((self.path / path).read_text())
        self._write(path, json.dumps({**facts, "outcome": outcome}) + "\n")


def _refuse_foreign(path: Path, plan: Plan, force: bool) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file", "give a folder")
    if (path / PLAN).exists():
        if not force and _text(path / PLAN) != plan.to_json():
            change = _first_change(_text(path / PLAN), plan.to_json())
            raise UsageError(
                f"{path} holds the run of another spec ({change})",
                "give another folder, or --force to replace what is there",
            )
        return
    known = {SPEC}
    if path.is_dir() and any(p.name not in known and not p.name.startswith(".") for p in path.iterdir()):
        raise UsageError(f"{path} is not empty and holds no run", "give a new or an empty folder")


def _text(path: Path) -> str:
    return path.read_text(errors="replace")


def _first_change(old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    was = next((line[1:].strip() for line in changed if line[0] == "-"), "nothing")
    now = next((line[1:].strip() for line in changed if line[0] == "+"), "nothing")
    return f"first change: {was.rstrip(',')} -> {now.rstrip(',')}"
