"""Every spec of configs/ renders: all that it asks of the renderer, and its figure.

At one step, on small pictures, one unit of programs that differ only in their layer, and without compiling,
so that all of them take no longer than a few in full.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fvcli.atlas import write_figure
from fvcli.media import read_frames
from fvcli.media.movie_writer import encode_movie
from fvcli.models import load
from fvcli.plan import Program
from fvcli.run import RunFolder
from fvcli.spec.recipes import RECIPES
from fvcli.spec.yaml_text import parse_yaml
from fvcli.worker import Worker, render_batches
from tests.helpers.running import fvcli

CONFIGS = Path(__file__).parents[2] / "configs"
SPECS = sorted(CONFIGS.rglob("*.yaml"))
SMALL = {"size_px": 64, "save_px": 96, "steps": 1, "views": 2, "save_at": [0, 1], "batch_size": None}
LOADED = functools.cache(load)
GENERATOR = "<generator>"  # stands for a model of the user's own
FILM = "../films/approach.mp4"
NOTHING = "1000000/1000000"  # a slice without batches: the run is begun, and nothing is rendered
OF_ONE_SIZE = {"recorded.yaml"}  # arrays for one size of picture
SMALL_DREAM = {"count": 2, "tile_px": 64}
SMALL_FILM, SMALL_MORPH = ("every", 1), ("frames", 3)
ALL, FEW = {"every": 1}, {"every": 96}  # channels of each layer


def changes(data: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield what --set has to say so that a spec is small: wherever it says something of sizes."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        here = (*path, str(key))
        if key == "path" and data.get("kind") == "generator":
            yield f"{'.'.join(here)}={GENERATOR}"
        elif value == FILM:
            yield f"{'.'.join(here)}={FILM}"
        elif value == ALL:
            yield f"{'.'.join(here)}={json.dumps(FEW)}"
        elif key == "recipe" and RECIPES[value].octaves:
            yield f"{'.'.join((*path, 'octaves'))}={json.dumps(short_octaves(value))}"
        elif key in SMALL:
            yield f"{'.'.join(here)}={SMALL[key] if SMALL[key] is not None else 'null'}"
        elif key == "octaves" and isinstance(value, dict):
            yield from (f"{'.'.join(here)}.{name}={number}" for name, number in SMALL_DREAM.items())
        elif key == "animation" and isinstance(value, dict):
            name, number = SMALL_MORPH if value.get("of") == "interpolation" else SMALL_FILM
            yield f"{'.'.join(here)}.{name}={number}"
        elif key not in {"model", "transforms"} and isinstance(value, dict | list):
            yield from changes(value, here)


def short_octaves(recipe: str) -> dict[str, Any]:
    """Return the octaves of a recipe with one step each; they have their own steps."""
    octaves = json.loads(RECIPES[recipe].octaves.model_dump_json(exclude_defaults=True))
    return (
        octaves | {"each": [octave | {"steps": 1} for octave in octaves["each"]]}
        if "each" in octaves
        else octaves
    )


def small(spec: Path, files: dict[str, Path]) -> list[str]:
    """Return the words that make a spec small, with other files in the place of large ones."""
    data = parse_yaml(spec.read_text()).data
    asked = list(changes(data))
    for name, path in files.items():
        asked = [change.replace(name, str(path)) for change in asked]
    has_steps = "steepest:" not in spec.read_text()
    said = [*asked, "render.size_px=64", *(["render.steps=1"] if has_steps else [])]
    if spec.name in OF_ONE_SIZE:
        said = [word for word in said if "size_px" not in word]
    if data["model"] == "inceptionv1":
        said.append("model.weights=random")
    return [word for change in dict.fromkeys(said) for word in ("--set", change)]


def without_layers(program: Program) -> str:
    """Return what is compiled for a program, whatever its layers are called."""
    names = list(program.layers)

    def numbered(part: Any) -> Any:
        return replace(part, layer=str(names.index(part.layer)))

    terms, couplings = (tuple(map(numbered, parts)) for parts in (program.terms, program.couplings))
    same = replace(program, terms=terms, couplings=couplings, window=None)
    return repr((same.compilation, program.window is None, program.settings))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What scripts/learned-prior makes of three photos in two steps, and the beginning of the film."""
    script = SourceFileLoader("learned_prior", str(CONFIGS.parent / "scripts" / "learned-prior"))
    module = module_from_spec(spec_from_loader(script.name, script))
    script.exec_module(module)
    module.BATCH = 2
    folder = tmp_path_factory.mktemp("files")
    module.train(CONFIGS / "photos", minutes=1, steps=2).save(folder / "generator.keras")
    frames = itertools.islice(read_frames(CONFIGS / "films" / "approach.mp4"), 3)
    (folder / "film.mp4").write_bytes(encode_movie(list(frames), "mp4", 12))
    return {GENERATOR: folder / "generator.keras", FILM: folder / "film.mp4"}


@pytest.fixture
def eagerly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compute without compiling, which a step or two are not worth, and load each network once."""
    monkeypatch.setattr(render_batches, "load", LOADED)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_there_are_configs() -> None:
    folders = {path.parent.name for path in SPECS}
    assert {"atlas", "distill", "lucid", "families", "parameterizations", "pictures"} <= folders


def test_the_gallery_shows_what_runs_here() -> None:
    docs = CONFIGS.parent / "docs"
    shown = re.findall(r"\(\.\./configs/(.*?)\)\n\n!\[.*?\]\((.*?)\)", (docs / "gallery.md").read_text())
    is_figure = "model: efficientnet-lite0", "\n  figure:"
    wanted = [path for path in SPECS if all(word in path.read_text() for word in is_figure)]
    assert sorted(name for name, _ in shown) == sorted(str(path.relative_to(CONFIGS)) for path in wanted)
    for _, picture in shown:
        assert (docs / picture).stat().st_size < 500_000, picture


@pytest.mark.parametrize("spec", SPECS, ids=[str(path.relative_to(CONFIGS)) for path in SPECS])
@pytest.mark.usefixtures("eagerly")
def test_config_renders(spec: Path, tmp_path: Path, files: dict[str, Path]) -> None:
    begun = fvcli("render", spec, "-o", tmp_path / "run", *small(spec, files), "--shard", NOTHING)
    assert begun.exit_code == 0, begun.stderr
    run = RunFolder.read(tmp_path / "run")
    programs = [without_layers(program) for program in run.plan.programs]
    first = {programs[unit.program]: unit for unit in reversed(run.plan.units)}
    wanted = frozenset(unit.path for unit in first.values())
    for _ in Worker(run).render(range(len(run.plan.batches)), wanted):
        pass
    for unit in first.values():
        sidecar = run.sidecar(unit)
        assert sidecar is not None
        assert sidecar.status in {"done", "dead"}, (unit.path, sidecar.error)
    figure = write_figure(run)
    assert (figure is not None) == (run.plan.output.figure is not None)


def test_recorded_activations_are_what_their_readme_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").symlink_to(CONFIGS / "photos")
    (tmp_path / "recorded").mkdir()
    monkeypatch.chdir(tmp_path / "recorded")
    written = re.search(r"```python\n(.*?)```", (CONFIGS / "recorded" / "README.md").read_text(), re.DOTALL)
    assert written is not None
    exec(written[1], {})
    for name in ("chelsea", "coffee", "rocket", "means"):
        kept, new = np.load(CONFIGS / "recorded" / f"{name}.npy"), np.load(f"{name}.npy")
        np.testing.assert_allclose(new, kept, rtol=2e-3, atol=2e-2)
