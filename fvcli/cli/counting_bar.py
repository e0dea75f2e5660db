"""A bar on a terminal that counts what a command looks at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def counting_bar(what: str, wanted: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show how many were looked at.

    Args:
        what: One of them, such as "unit".
        wanted: Whether it is shown at all.

    Yields:
        What is told how many were looked at, and of how many.
    """
    with tqdm(disable=not (wanted and sys.stderr.isatty()), unit=what, leave=False) as bar:

        def looked(count: int, total: int) -> None:
            bar.total = total
            bar.update(count - bar.n)

        yield looked
