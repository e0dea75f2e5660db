"""Standard input, output and error of a command, whatever the one who started it has made of them.

closed           leads nowhere. Else the next file that is opened would take its number, and what a library
                 prints would land in that file.
error            never ends a command: a full disk below a log must not cost a render.
output           a reader that has gone away, such as head, does not end a command, so that its exit code says
                 what it came to. A full disk is an error, because results would be lost.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import TextIO, cast

from fvcli.errors import FvcliError

INPUT, OUTPUT, ERROR = 0, 1, 2


class _Forgiving(io.FileIO):
    """Drops what cannot be written."""

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return len(memoryview(data))  # type: ignore[arg-type]


class _Results(io.FileIO):
    """Drops what nobody reads, and says once that something cannot be written."""

    is_told = False

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            if error.errno != errno.EPIPE and not self.is_told:
                self.is_told = True  # what is still kept is written again when the stream is closed
                reason = error.strerror or str(error)
                hint = "free some space, or let standard output lead elsewhere"
                raise FvcliError(
                    f"the results cannot be written to standard output: {reason}", hint
                ) from error
            return len(memoryview(data))  # type: ignore[arg-type]


def forgiving_writer(number: int, like: TextIO | None) -> TextIO:
    """Return a stream of text into an open file, which drops what cannot be written.

    Args:
        number: Of the file; it is not closed with the stream.
        like: The stream whose encoding it has.
    """
    return _writer(_Forgiving(number, "w", closefd=False), like, "backslashreplace")


@contextlib.contextmanager
def sound_streams() -> Iterator[None]:
    """Let standard streams be as this module says; streams that are not this process's own are left alone."""
    if not _is_own(sys.stdout, sys.__stdout__) or not _is_own(sys.stderr, sys.__stderr__):
        yield  # a test, or a program that calls a command, has put others in their place
        return
    _open_what_is_closed()
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = sys.stdin or open(INPUT, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _writer(_Results(OUTPUT, "w", closefd=False), sys.stdout, "strict")
    sys.stderr = forgiving_writer(ERROR, sys.stderr)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(FvcliError):  # it was said when it was written
                stream.flush()
        sys.stdin, sys.stdout, sys.stderr = before


def is_read() -> bool:
    """Tell whether anybody may still read standard output; a pipe whose reader has ended is not read."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # it is no file
        return True
    asked = select.poll()
    asked.register(number, 0)
    return not any(found & select.POLLERR for _, found in asked.poll(0))


def _is_own(stream: TextIO | None, original: TextIO | None) -> bool:
    return stream is None or stream is original


def _open_what_is_closed() -> None:
    for number in (INPUT, OUTPUT, ERROR):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            os.set_inheritable(opened, True)  # processes that this one starts have it, too


def _writer(file: io.FileIO, before: TextIO | None, errors: str) -> TextIO:
    """Return a stream of text into a file, encoded as the one before."""
    encoding = before.encoding if before is not None else "utf-8"
    handling = before.errors if before is not None else errors
    buffered = io.BufferedWriter(cast(io.RawIOBase, file))
    return io.TextIOWrapper(buffered, encoding=encoding, errors=handling, line_buffering=True)
