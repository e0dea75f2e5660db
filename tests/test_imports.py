"""The architecture, held: imports run downward only, and every module can be imported alone."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import fvcli

ROOT = Path(fvcli.__file__).parent
# Which rooms each room may import from; errors is open to all. Imports inside functions count, too.
MAY_IMPORT = {
    "errors": set(),
    "models": set(),
    "optvis": set(),
    "spec": set(),
    "media": set(),
    "plan": {"spec", "models", "media"},
    "run": {"plan", "models", "media"},
    "worker": {"run", "plan", "models", "optvis", "media"},
    "engines": {"run", "worker"},
    "atlas": {"run", "plan", "media"},
    "app": {"spec", "plan", "engines", "atlas", "run", "models", "worker", "media"},
    "cli": {"app", "spec", "plan", "engines", "atlas", "run", "models", "worker", "media"},
    "__main__": {"cli"},
}
NEEDS_TENSORFLOW = ("fvcli.optvis", "fvcli.worker", "fvcli.models.loaded")


def needs_tensorflow(module: str) -> bool:
    return module.startswith(NEEDS_TENSORFLOW)


def modules() -> list[str]:
    return [name for _, name, _ in pkgutil.walk_packages([str(ROOT)], "fvcli.")]


def imports_of(module: str) -> set[str]:
    path = ROOT.parent / Path(*module.split("."))
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("module", modules())
def test_imports_run_downward(module: str) -> None:
    room = module.split(".")[1]
    ours = {name.split(".")[1] for name in imports_of(module) if name.startswith("fvcli.")}
    may = MAY_IMPORT[room] | ({"optvis"} if module.startswith("fvcli.models.loaded") else set())
    assert ours - {room, "errors"} <= may


@pytest.mark.parametrize("module", modules())
def test_tensorflow_is_imported_only_where_tensors_are(module: str) -> None:
    heavy = {name.split(".")[0] for name in imports_of(module)} & {"tensorflow", "keras"}
    allowed = needs_tensorflow(module)
    assert allowed or not heavy


def test_every_light_module_can_be_imported_alone() -> None:
    """One process a module would take minutes; forgetting fvcli between imports is as strict."""
    light = [m for m in modules() if not needs_tensorflow(m)]
    light.remove("fvcli.__main__")
    program = f"""
import importlib, sys
for module in {light!r}:
    for name in [n for n in sys.modules if n.split(".")[0] == "fvcli"]:
        del sys.modules[name]
    importlib.import_module(module)
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
