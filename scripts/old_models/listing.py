"""Say what the recipes write, without running them."""

from __future__ import annotations

import ast
from pathlib import Path

from old_models.environments import RECIPES, VERSIONS

HEADING = """# Models as old versions of Keras and TensorFlow wrote them

Written by `scripts/old-models`. `X.ref.npz` beside a model X has an input `x` as the network takes it, and
the outputs `y0`, `y1`... that the version which wrote X computed. Inputs beside the picture are zeros.

| file | what it stands for |
|---|---|
"""


def kinds_of(recipe: str) -> list[tuple[str, str]]:
    """Return the name of each file that a recipe writes, and what it stands for."""
    functions = ast.parse((RECIPES / recipe).read_text()).body
    calls = (call for one in functions if isinstance(one, ast.FunctionDef) for call in one.decorator_list)
    return [
        (call.args[0].value, call.args[1].value)  # type: ignore[attr-defined]
        for call in calls
        if isinstance(call, ast.Call) and call.func.id in {"kind", "written"}  # type: ignore[attr-defined]
    ]


def write_readme(folder: Path) -> None:
    """List the models that are in a folder."""
    known = [row for version in VERSIONS.values() for row in kinds_of(version.recipe)]
    rows = [f"| {name} | {about} |\n" for name, about in known if (folder / name).exists()]
    if rows:
        (folder / "README.md").write_text(HEADING + "".join(rows))
