"""Give the memory of a program that was dropped back to the system."""

from __future__ import annotations

import ctypes
import gc


def give_back_memory() -> None:
    """Free what is no longer used, and give it back.

    Graphs of TensorFlow hold each other in cycles, which Python would look for some programs later. What is
    freed then stays with the C library, in a heap for each of its threads, unless it is told to return it.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, other C libraries need it less
    if trim is not None:
        trim(0)
