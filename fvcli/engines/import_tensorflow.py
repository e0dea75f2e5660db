"""Import TensorFlow, and Keras with it as backend, without the remarks that they make while they load."""

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
def importing_tensorflow() -> Iterator[None]:
    """Hold back standard error of this whole process, C++ included, for the time of an import.

    TensorFlow writes some remarks before it heeds the level. If the import fails, what was held back is
    shown. With TF_CPP_MIN_LOG_LEVEL=0 nothing is held back.

    Environment variables are set for the rest of the process: KERAS_BACKEND, because a user's keras.json may
    name another library, the level where none is set, and KERAS_HOME for a user without a home.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if os.path.expanduser("~") == "~":  # there is no home; Keras would make a folder of that name
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
