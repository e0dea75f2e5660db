"""The one error that every part of fvcli raises for things a user can mend, and how it names them."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
from collections.abc import Iterator, Sequence

CONTINUED = "    "  # begins a line of a message that goes on with the line above


class FvcliError(Exception):
    """Say what is wrong and where; the hint says what would be right."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class UsageError(FvcliError):
    """A mistake in the command or its input, found before anything was written (exit code 2)."""


class Mistakes:
    """Collects what is wrong, so that all of it is said at once."""

    def __init__(self) -> None:
        self._found: list[FvcliError] = []

    def add(self, error: FvcliError) -> None:
        """Note what is wrong."""
        self._found.append(error)

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Keep an error instead of letting it end what goes on."""
        try:
            yield
        except FvcliError as error:
            self.add(error)

    def refuse(self) -> None:
        """Raise UsageError of all that was noted, a line each; do nothing if that is nothing."""
        if len(self._found) == 1:
            raise UsageError(self._found[0].message, self._found[0].hint)
        if self._found:
            raise UsageError("\n".join(map(str, self._found)))


@contextlib.contextmanager
def before_any_work() -> Iterator[None]:
    """Turn every error into a UsageError: what is read here is input, and nothing is written yet.

    The same file may raise a plain FvcliError where work has begun; there it was fine before.
    """
    try:
        yield
    except UsageError:
        raise
    except FvcliError as error:
        raise UsageError(error.message, error.hint) from error


class StoppedError(BaseException):
    """A signal asked the command to stop (exit code 75).

    No Exception, like KeyboardInterrupt: nothing that goes on after an error may go on after this.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")


def command(*words: object) -> str:
    """Write a command as a shell takes it, to be copied."""
    return shlex.join(["fvcli", *map(str, words)])


def size_in_words(sides: Sequence[int], unit: str = "") -> str:
    """Write height and width, and channels if they are given: 224 x 224 px, 667 x 1001 px (height x width).

    Everything else writes width first, so a size that is not square says which side is which.
    """
    text = " x ".join(map(str, sides)) + unit
    names = " x ".join(("height", "width", "channels")[: len(sides)])
    return text if len({*sides[:2]}) < 2 else f"{text} ({names})"


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write a number and its noun, which has an s unless many is given: 1 picture, 2 pictures."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def some_of(names: Sequence[str], more: str, most: int = 3) -> str:
    """Write the first of some names, and how many there are besides: a, b, c and 2 more units."""
    left = f" and {counted(len(names) - most, f'more {more}')}" if len(names) > most else ""
    return ", ".join(names[:most]) + left


def some_lines(lines: Sequence[str], more: str, most: int) -> list[str]:
    """Return the first lines of many, and one that counts the others: and 2 more units."""
    return [
        *lines[:most],
        *([f"and {counted(len(lines) - most, f'more {more}')}"] if len(lines) > most else []),
    ]


def os_error_said(error: OSError) -> str:
    """Say what a system refused, about which file, and what helps where that is known."""
    if "temporary directory" in str(error):  # of Python's tempfile
        return "there is no folder for temporary files: set TMPDIR to a folder that can be written"
    if isinstance(error, FileNotFoundError) and error.filename is None and _is_nowhere():
        return "the working directory is gone: change to one that is there, and run the same command"
    about = f"{error.filename}: " if error.filename is not None else ""
    reason = error.strerror or str(error) or type(error).__name__
    hints = {errno.ENOSPC: "free some", errno.EDQUOT: "free some", errno.EMFILE: "raise it with ulimit -n"}
    hint = f": {hints[error.errno]}" if error.errno in hints else ""
    return f"{about}{reason}{hint}"


def _is_nowhere() -> bool:
    """Tell whether the working directory was removed."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False
