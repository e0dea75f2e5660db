"""Every module can be imported alone; it takes seconds, and so it is not among the quick tests."""

from __future__ import annotations

import subprocess
import sys

from tests.test_imports import MAY_IMPORT, modules, needs_tensorflow

# Each package is imported alone, and from there each of its modules, as if nothing else of its room had been:
# to import one imports its package first, so that a process for each would do the same, in minutes. Rooms
# that a room imports from stay imported: none of them imports it, as tests/test_imports.py holds.
IMPORT_ALONE = """
import importlib, itertools, sys
def forget(room, but=frozenset()):
    for name in [name for name in sys.modules if f"{{name}}.".startswith(f"fvcli.{{room}}.")]:
        if name not in but:
            del sys.modules[name]
def room_and_package(name):
    return name.split(".")[1], name.rpartition(".")[0]
for (room, package), modules in itertools.groupby({modules!r}, room_and_package):
    forget(room)
    importlib.import_module(package)
    imported = set(sys.modules)
    for module in modules:
        importlib.import_module(module)
        forget(room, but=imported)
assert "tensorflow" not in sys.modules
"""


def below(room: str) -> set[str]:
    """Return the rooms that a room imports from, by others as well."""
    return set().union(*({other} | below(other) for other in MAY_IMPORT[room]))


def test_every_light_module_can_be_imported_alone() -> None:
    light = [module for module in modules() if not needs_tensorflow(module) and module != "fvcli.__main__"]

    def order(module: str) -> tuple[int, str, str]:
        room = module.split(".")[1]
        return len(below(room)), room, module.rpartition(".")[0]

    program = IMPORT_ALONE.format(modules=sorted(light, key=order))
    subprocess.run([sys.executable, "-c", program], check=True)
