"""The architecture, held: imports run downward only."""

from __future__ import annotations

import ast
import pkgutil
from functools import cache
from pathlib import Path

import fvcli

ROOT = Path(fvcli.__file__).parent
# Which rooms each room may import from; the lone modules are open to all. Imports inside functions
# count, too.
MAY_IMPORT = {
    "errors": set(),
    "python_module": set(),
    "typed_command": set(),
    "models": set(),
    "optvis": set(),
    "spec": set(),
    "media": {"spec"},
    "plan": {"spec", "models", "media"},
    "run": {"plan", "models", "media", "spec"},
    "trust": {"run", "models", "plan"},
    "worker": {"trust", "run", "plan", "models", "optvis", "media", "spec"},
    "engines": {"run", "worker"},
    "atlas": {"run", "plan", "models", "media", "spec"},
    "golden": {"run", "plan", "models", "media", "spec"},
    "app": {"golden", "trust", "spec", "plan", "engines", "atlas", "run", "models", "worker", "media"},
    "cli": {"app", "trust", "golden", "spec", "plan", "engines", "atlas", "run", "models", "worker", "media"},
    "__main__": {"cli"},
}
NEEDS_TENSORFLOW = ("fvcli.optvis", "fvcli.worker", "fvcli.models.loaded")


def needs_tensorflow(module: str) -> bool:
    return module.startswith(NEEDS_TENSORFLOW)


@cache
def modules() -> list[str]:
    return [name for _, name, _ in pkgutil.walk_packages([str(ROOT)], "fvcli.")]


@cache
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


def not_allowed(module: str) -> set[str]:
    """Return the rooms that a module imports from and may not."""
    room = module.split(".")[1]
    ours = {name.split(".")[1] for name in imports_of(module) if name.startswith("fvcli.")}
    may = MAY_IMPORT[room] | ({"optvis"} if module.startswith("fvcli.models.loaded") else set())
    return ours - {room, "errors", "python_module", "typed_command"} - may


def test_imports_run_downward() -> None:
    assert len(modules()) > 150
    assert {module: found for module in modules() if (found := not_allowed(module))} == {}


def test_tensorflow_is_imported_only_where_tensors_are() -> None:
    def is_heavy(module: str) -> bool:
        return not {"tensorflow", "keras"}.isdisjoint(name.split(".")[0] for name in imports_of(module))

    heavy = [module for module in modules() if is_heavy(module)]
    assert len(heavy) > 20
    assert [module for module in heavy if not needs_tensorflow(module)] == []
