"""Where ``fvcli calibrate`` keeps what it measured, and how ``fvcli plan`` finds it again.

speed.json   {"version": 1, "hosts": {host name: {device: Speed}}}, the latest of a host last
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fvcli.app.facts_cache import cache_folder
from fvcli.errors import UsageError
from fvcli.plan.cost import Speed
from fvcli.run.atomic import write_atomic
from fvcli.spec.base import Strictly

Devices = Annotated[dict[str, Speed], Field(min_length=1)]


class _Table(Strictly):
    version: Literal[1] = 1
    hosts: dict[str, Devices] = Field(default_factory=dict)


def speed_path() -> Path | None:
    """Return the place of the table, or None for a user without a home."""
    folder = cache_folder()
    return folder / "speed.json" if folder is not None else None


def writable_speed_path() -> Path:
    """Return the place of the table, and make its folder.

    Raises:
        UsageError: There is none, or it cannot be written, which is to be known before a minute is spent.
    """
    path, hint = speed_path(), "set XDG_CACHE_HOME to a folder that can be written"
    if path is None:
        raise UsageError("this user has no home folder to keep what is measured in", hint)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path.parent} cannot be made: {error.strerror}", hint) from error
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path.parent} cannot be written", hint)
    return path


def read_speed(path: Path | None, host: str) -> Speed | None:
    """Return what was measured last on a machine, or None if nothing was or the file cannot be read."""
    devices = list(_read(path).hosts.get(host, {}).values()) if path is not None else []
    return devices[-1] if devices else None


def write_speed(path: Path, speed: Speed) -> None:
    """Add what was measured on a device to the file, or replace what was there for it."""
    hosts = dict(_read(path).hosts)
    before = {name: old for name, old in hosts.get(speed.host, {}).items() if name != speed.device}
    hosts[speed.host] = {**before, speed.device: speed}
    write_atomic(path, (_Table(hosts=hosts).model_dump_json(indent=1) + "\n").encode())


def _read(path: Path) -> _Table:
    """Return the table in a file, or an empty one: what is damaged is measured again."""
    try:
        return _Table.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return _Table()
