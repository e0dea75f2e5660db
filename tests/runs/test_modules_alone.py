"""Every module can be imported alone; it takes seconds, and so it is not among the quick tests."""

from __future__ import annotations

import subprocess
import sys

from tests.test_imports import modules, needs_tensorflow

# Each package is imported alone, and from there each of its modules, as if nothing else had been: to import
# one imports its package first, so that a process for each would do the same, in minutes.
IMPORT_ALONE = """
import importlib, itertools, sys
def ours():
    return {{name: module for name, module in sys.modules.items() if name.split(".")[0] == "fvcli"}}
def forget(but):
    for name in ours().keys() - but:
        del sys.modules[name]
for package, modules in itertools.groupby({modules!r}, lambda name: name.rpartition(".")[0]):
    forget(but=set())
    importlib.import_module(package)
    imported = set(ours())
    for module in modules:
        importlib.import_module(module)
        forget(but=imported)
assert "tensorflow" not in sys.modules
"""


def test_every_light_module_can_be_imported_alone() -> None:
    light = [module for module in modules() if not needs_tensorflow(module) and module != "fvcli.__main__"]
    program = IMPORT_ALONE.format(modules=sorted(light, key=lambda module: module.rpartition(".")))
    subprocess.run([sys.executable, "-c", program], check=True)
