"""Every spec of configs/ renders: all of its programs, and its figure.

At one step, on small pictures, a unit of each program, and without compiling, so that all of them take no longer
than a few in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from fvcli.run import RunFolder
from fvcli.spec.yaml_text import parse_yaml
from tests.running import fvcli

CONFIGS = Path(__file__).parents[1] / "configs"
SPECS = sorted(CONFIGS.rglob("*.yaml"))
SMALL = {"size_px": 64, "save_px": 96, "steps": 2, "views": 2, "save_at": [0, 1, 2], "batch_size": None}
SMALL_DREAM = {"count": 2, "tile_px": 64}
SMALL_FILM = {"every": 1, "frames": 3}


def changes(data: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield what --set has to say so that a spec is small: wherever it says something of sizes."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        here = (*path, str(key))
        if key in SMALL:
            yield f"{'.'.join(here)}={SMALL[key] if SMALL[key] is not None else 'null'}"
        elif key == "octaves" and isinstance(value, dict):
            yield from (f"{'.'.join(here)}.{name}={number}" for name, number in SMALL_DREAM.items())
        elif key == "animation" and isinstance(value, dict):
            yield from (f"{'.'.join(here)}.{name}={number}" for name, number in SMALL_FILM.items())
        elif key not in {"model", "parameterization", "transforms"} and isinstance(value, dict | list):
            yield from changes(value, here)


def small(spec: Path) -> list[str]:
    """Return the words that make a spec small."""
    data = parse_yaml(spec.read_text()).data
    said = [*changes(data), "render.size_px=64", "render.steps=2"]
    if data["model"] == "inceptionv1":
        said.append("model.weights=random")
    return [word for change in dict.fromkeys(said) for word in ("--set", change)]


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Compute without compiling: a step or two are not worth it."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_there_are_configs() -> None:
    folders = {path.parent.name for path in SPECS}
    assert {"distill", "lucid", "families", "parameterizations", "pictures"} <= folders


@pytest.mark.parametrize("spec", SPECS, ids=[str(path.relative_to(CONFIGS)) for path in SPECS])
@pytest.mark.usefixtures("eagerly")
def test_config_renders(spec: Path, tmp_path: Path) -> None:
    words = small(spec)
    run = tmp_path / "run"
    planned = fvcli("render", spec, "-o", run, *words, "--shard", "1000000/1000000")
    assert planned.exit_code == 0, planned.stderr
    plan = RunFolder.read(run).plan
    first = {unit.program: unit.path for unit in reversed(plan.units)}
    for path in sorted(set(first.values())):
        result = fvcli("render", spec, "-o", run, *words, "--only", path)
        assert result.exit_code == 0, result.stderr
    if plan.output["figure"] is not None:
        assert (run / "figure.png").exists()
