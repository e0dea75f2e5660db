"""The logs of a run: what commands and workers say of it."""

from __future__ import annotations

import time
from pathlib import Path

from fvcli.errors import FvcliError
from fvcli.run.objects import is_object, put

PUT_S = 10.0  # between two writings of a log in an object store, where nothing can be appended


class Log:
    """One log.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = ""
        self._put = 0.0

    def add(self, text: str) -> None:
        """Add a line.

        Raises:
            FvcliError: It cannot be written.
        """
        line = time.strftime("%Y-%m-%d %H:%M:%S ") + text + "\n"
        if is_object(self._path):
            self._kept += line
            if time.monotonic() - self._put >= PUT_S:
                self.flush()
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(line)
        except OSError as error:
            raise FvcliError(f"{self._path} cannot be written: {error.strerror}") from error

    def flush(self) -> None:
        """Write what is not written yet."""
        if self._kept:
            put(self._path, self._kept.encode())
            self._put = time.monotonic()
