"""How fvcli starts a module in another Python."""

from __future__ import annotations

import sys


def python_module(name: str) -> list[str]:
    """Return the command that runs a module as ``python -m`` does, to which its arguments are added.

    It finds the modules that this process finds. ``python -m`` itself would look for them in the working
    directory first, where a file of the user called random.py would stand for Python's own.
    """
    run = "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
    return [sys.executable, "-c", f"import runpy, sys; sys.path[:] = {sys.path!r}; {run}", name]
