"""Run many commands in one hostile environment: ``python hostile.py ANSWER COMMANDS``.

Each command runs in a child of a process that has imported fvcli, so that it costs a tenth of its start.
The process itself was started with the standard streams, the user and the limits that are to be tried.
COMMANDS is a file of JSON, name -> words. ANSWER is the number of a pipe that gets the exit codes. On
standard error a line of MARK and the name comes before what a command says.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import pkgutil
import sys
import traceback
from importlib import import_module
from pathlib import Path

from fvcli.cli import main

MARK = "--- "
PYTHON_COULD_NOT_FLUSH = 120
WITHOUT_TENSORFLOW = ("app", "atlas", "golden", "media", "plan", "run", "spec")


def import_all() -> None:
    """Import what commands import when they run, once for all of them."""
    for room in WITHOUT_TENSORFLOW:
        package = import_module(f"fvcli.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)


def run_all(commands: dict[str, list[str]]) -> dict[str, int]:
    """Return the exit code of each command."""
    import_all()
    gc.disable()  # what is collected in a child would be copied first
    codes = {}
    for name, words in commands.items():
        with contextlib.suppress(OSError):  # standard error may be closed or full
            os.write(2, f"{MARK}{name}\n".encode())
        child = os.fork()
        if child == 0:
            run_one(words)
        _, status = os.waitpid(child, 0)
        codes[name] = os.waitstatus_to_exitcode(status)
    return codes


def run_one(words: list[str]) -> None:
    """Run a command and end as Python ends after it, without taking all modules apart."""
    code: object = 0
    try:
        main(words, prog_name="fvcli")
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            code = PYTHON_COULD_NOT_FLUSH
    os._exit(int(str(code or 0)))


if __name__ == "__main__":
    found = run_all(json.loads(Path(sys.argv[2]).read_text()))
    with open(int(sys.argv[1]), "w") as pipe:
        json.dump(found, pipe)
