"""A process that writes sheets, because threads of Python stop each other.

    SheetProcess --a Sheet, pickled-->                          serve
                 <--units that are damaged, or what is wrong--

It ends when the process that started it does, however that ended.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import suppress

from fvcli.atlas.site.sheets import Sheet, write_sheet
from fvcli.errors import FvcliError
from fvcli.python_module import python_module

Answer = tuple[list[str], tuple[str, str | None] | None]  # units, and message and hint of an error


class SheetProcess:
    """Writes sheets in a process of its own, one after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            python_module(__name__),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the process that started it
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def write(self, sheet: Sheet) -> list[str]:
        """Do what ``write_sheet`` does.

        Raises:
            FvcliError: The disk is full, the site cannot be written, or the process died.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump(sheet, self._process.stdin)
            self._process.stdin.flush()
            answer: Answer = pickle.load(self._process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:  # or it was closed before
            self.close()
            message = (
                f"a process that writes the pictures of the site died (exit code {self._process.returncode})"
            )
            hint = "run the same command again; layers that are finished are kept"
            raise FvcliError(message, hint) from error
        damaged, wrong = answer
        if wrong is not None:
            raise FvcliError(*wrong)
        return damaged

    def close(self) -> None:
        """Let the process end, and wait for that."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # it is dead
                    pipe.close()
        self._process.wait()


def serve() -> None:
    """Write the sheets that standard input asks for and answer on standard output, until nobody asks."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    with suppress(EOFError, BrokenPipeError):
        while True:
            sheet: Sheet = pickle.load(sys.stdin.buffer)
            answer: Answer
            try:
                answer = write_sheet(sheet), None
            except FvcliError as error:
                answer = [], (error.message, error.hint)
            pickle.dump(answer, answers)
            answers.flush()


if __name__ == "__main__":
    serve()
