"""Functions that TensorFlow compiles, of which nothing is left once they are dropped.

TensorFlow enters the gradient of every call of a ``tf.custom_gradient`` in one table of the process, and
takes none out. Its own swish has such a gradient, too. An entry holds the graph that the call was in. The
weights of the network are constants of that graph, so each program that was compiled kept up to 200 MB.

    function --traced--> graph      entries that were made meanwhile are taken out again:
                                    only a gradient that is worked out while tracing reads them
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

try:  # there is no public way to it
    from tensorflow.python.framework.ops import gradient_registry

    _entries: dict[str, Any] = gradient_registry._registry
except (ImportError, AttributeError):  # of another TensorFlow: programs then keep their memory, as they did
    _entries = {}

CUSTOM = "CustomGradient-"  # what TensorFlow calls them, with a number behind it
_tracing = threading.RLock()  # so that what is entered meanwhile is of this thread


def compiled(function: Callable[..., Any]) -> Any:
    """Return a function that is compiled once for each shape of its arguments.

    No gradient may be taken of the compiled function itself, only inside it.

    Args:
        function: Of tensors, in plain TensorFlow.
    """

    def traced(*arguments: Any) -> Any:
        with _without_entries():
            return function(*arguments)

    return tf.function(traced, autograph=False)


@contextmanager
def _without_entries() -> Iterator[None]:
    with _tracing:
        before = frozenset(_entries)
        try:
            yield
        finally:
            for name in [name for name in _entries if name not in before]:
                if name.startswith(CUSTOM):
                    del _entries[name]
