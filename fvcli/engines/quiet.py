"""Import TensorFlow and Keras without the remarks that their C++ side makes while it loads."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
KERAS_WITHOUT_HOME = "/tmp/.keras"  # as Keras itself has it
ALL = "0"  # the level at which a user asks for every remark


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back standard error of this whole process, C++ included, for the time of an import.

    TensorFlow writes some remarks before it heeds the level. If the import fails, what was held back is
    shown. With TF_CPP_MIN_LOG_LEVEL=0 nothing is held back. Keras computes with TensorFlow from here on, also
    where a user's keras.json or KERAS_BACKEND names another library.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if (
        os.path.expanduser("~") == "~"
    ):  # a user without a home, for whom TensorFlow makes a folder of that name
        os.environ.setdefault("KERAS_HOME", KERAS_WITHOUT_HOME)
    if "tensorflow" in sys.modules or os.environ.get(LEVEL) == ALL:
        yield
        return
    os.environ.setdefault(LEVEL, "2")  # errors only, from here on
    with contextlib.ExitStack() as stack:
        try:
            kept = os.dup(2)
        except OSError:  # standard error is closed, so there is nothing to hold back
            yield
            return
        stack.callback(os.close, kept)
        held_back = stack.enter_context(_nowhere_else())
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except ImportError:
            held_back.seek(0)
            os.write(kept, held_back.read())
            raise
        finally:
            os.dup2(kept, 2)


def _nowhere_else() -> IO[bytes]:
    """Return a file that is gone when it is closed; where there is no room for one, what leads nowhere."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "w+b")
