"""Runs in object stores: s3://bucket/run, gs://bucket/run and other addresses that fsspec knows.

An object appears whole or not at all, so what is written needs no second name. What only one worker may make
is written on the condition that it is not there (HTTP ``If-None-Match: *``; S3 API reference, PutObject).
There are no folders, links or locks, and nothing can be appended.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, cast

from fvcli.errors import FvcliError, UsageError

ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
INSTALL = "pip install 'fvcli[cloud]'"


def is_address(text: str) -> bool:
    """Tell an address, such as s3://bucket/run, from a path."""
    return ADDRESS.match(text) is not None


def open_address(text: str) -> Path:
    """Return a place in an object store, which has the methods of a path.

    Raises:
        UsageError: What it takes to get there is not installed, or the address is wrong.
    """
    if text.startswith("file://"):
        return Path(text.removeprefix("file://"))
    if not text.rpartition("://")[2].strip("/"):
        raise UsageError(f"{text}: no place is named", "write it like s3://bucket/folder/run")
    for name in ("gcsfs", "asyncio"):  # they print tracebacks of what is an error here, too
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        from upath import UPath

        place = UPath(text.rstrip("/"), use_listings_cache=False)
        _ = place.fs
    except ImportError as error:
        raise UsageError(f"{text}: {error}", f"install it: {INSTALL}") from error
    except (ValueError, OSError) as error:
        raise UsageError(f"{text}: {error}", "write it like s3://bucket/folder/run") from error
    return cast(Path, place)


def is_object(path: Path) -> bool:
    """Tell whether a place is in an object store."""
    return not isinstance(path, PurePath)


def read_bytes(path: Path) -> bytes:
    """Return what is in a file or an object, with one request.

    Raises:
        OSError: It is not there, or cannot be read.
    """
    if not is_object(path):
        return path.read_bytes()
    with _as_os_error():
        return cast(bytes, _fs(path).cat_file(_key(path)))


def refuse_silence(path: Path, error: OSError) -> None:
    """Raise FvcliError if an object store does not say whether something is there, as after a timeout."""
    if is_object(path) and not isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        raise FvcliError(f"{path} cannot be read: {error}", "run the same command again") from error


@contextlib.contextmanager
def on_disk(path: Path) -> Iterator[Path]:
    """Give a place on disk to what reads files only there; of an object that of a copy, while it is needed.

    Raises:
        OSError: It is not there, or cannot be read.
    """
    if not is_object(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="fvcli-") as folder:
        copy = Path(folder, path.name)
        copy.write_bytes(read_bytes(path))
        yield copy


def put(path: Path, content: bytes) -> None:
    """Write an object, whatever is there.

    Raises:
        FvcliError: It cannot be written.
    """
    try:
        with _as_os_error():
            _fs(path).pipe_file(_key(path), content)
    except OSError as error:
        raise FvcliError(f"{path} cannot be written: {error}") from error


def put_new(path: Path, content: bytes) -> bool:
    """Write an object that is not there; tell whether this process did, and no other.

    Raises:
        FvcliError: It cannot be written.
    """
    try:
        with _as_os_error():
            _fs(path).pipe_file(_key(path), content, mode="create")
    except FileExistsError:
        return False
    except OSError as error:
        raise FvcliError(f"{path} cannot be written: {error}") from error
    return True


def refuse_unconditional(run: Path) -> None:
    """Raise UsageError if a store overwrites what it was told not to: claims would be made twice."""
    probe = run / f".probe-{secrets.token_hex(8)}"
    try:
        put(probe, b"")
        heeds = not put_new(probe, b"")
        probe.unlink(missing_ok=True)
    except FvcliError as error:
        raise UsageError(f"{run}: {error}", "check the address and your credentials") from error
    if not heeds:
        message = f"{run}: this store does not heed If-None-Match, so workers could not claim their work"
        raise UsageError(message, "use one that does, or render shards and merge them")


def names_below(path: Path) -> Iterator[tuple[str, int]]:
    """Yield name below a prefix, and size in bytes, of every object there."""
    start = f"{_key(path)}/"
    try:
        with _as_os_error():
            found: dict[str, dict[str, Any]] = _fs(path).find(start, detail=True)
    except FileNotFoundError:
        return
    for name, facts in found.items():
        yield name.removeprefix(start), int(facts["size"])


def remove_below(path: Path) -> None:
    """Remove every object below a prefix."""
    names = [f"{_key(path)}/{name}" for name, _ in names_below(path)]
    if names:
        _fs(path).rm(names)


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    """Raise as OSError whatever a store's client raises: some of what they do is no OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def _fs(path: Path) -> Any:
    return cast(Any, path).fs


def _key(path: Path) -> str:
    return str(cast(Any, path).path).rstrip("/")
