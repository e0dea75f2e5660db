"""Several mistakes at once: each is named once, at its place, and nothing that only follows from it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fvcli.app.find_named_files import find_files
from fvcli.models import ModelFacts
from fvcli.plan import make_plan
from fvcli.spec import Document, SpecError, validate
from fvcli.spec.mistakes.problems import KeyPath, dotted
from fvcli.spec.model import Model
from fvcli.spec.schema import Job, Render, Spec, Variant

Data = dict[str, Any]
WHOLE: Data = {
    "version": 1,
    "model": {
        "name": "efficientnet-lite0",
        "weights": "imagenet",
        "sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    },
    "render": {
        "recipe": "lucid",
        "size_px": [96, 64],
        "steps": 40,
        "seed": 3,
        "parameterization": {"kind": "fourier", "std": 0.02, "decorrelate": True, "shared": {"ends_px": [8]}},
        "transforms": [
            "flip",
            {"kind": "pad", "px": 4},
            {"kind": "affine", "scales": [0.9, 1.1], "degrees": 3},
        ],
        "optimizer": {"kind": "adam", "learning_rate": 0.05, "beta1": 0.9},
        "penalties": ["blur", {"kind": "l1", "weight": 0.01, "constant": 0.5}],
        "views": 2,
        "start": "noise",
        "attention": False,
        "save_at": [0, 4, 16],
        "redirect_steps": 7,
        "early_stop": 0.1,
        "canvas": "whole",
        "precision": "float32",
        "batch_size": 4,
        "memory_gb": 4.0,
        "animation": {"format": "gif", "of": "ascent", "fps": 12, "every": 4},
    },
    "jobs": [
        {
            "name": "channels",
            "title": "Channels",
            "layer": ["block4_expand_bn", "block6_expand_bn"],
            "objective": {"kind": "neuron", "row": 1, "column": 2},
            "sign": "negative",
            "channels": [3, "5-6", 17],
            "diversity": {"count": 2, "weight": 0.5, "layer": "block6_expand"},
        },
        {
            "name": "classes",
            "objective": "class_logit",
            "classes": ["tabby", 207, "school bus"],
            "parameterization": {"kind": "pixel", "std": 0.1},
            "regularizers": [{"kind": "decay", "rate": 0.1}, "gaussian_blur"],
            "variants": [
                {"name": "short", "steps": 20, "optimizer": {"kind": "gradient", "momentum": 0.5}},
                {"name": "long", "size_px": 64, "save_at": [2]},
            ],
            "only": ["class_logit-0207-short", "class_logit-0281-long"],
        },
        {
            "name": "directions",
            "layer": "block4_expand_bn",
            "objective": {"kind": "direction", "cossim_power": 2.0},
            "vectors": [{"random": "0-1"}, {"channels": [3, 17], "weights": [1.0, -1.0]}, {"file": "v.npy"}],
            "parameterization": {"kind": "cppn", "layers": 4, "activation": "relu"},
            "save_px": [192, 128],
        },
        {
            "name": "sums",
            "layer": "block4_expand_bn",
            "parameterization": "pixel",
            "objective": {
                "kind": "sum",
                "terms": [
                    {"kind": "channel", "weight": 2.0},
                    {"kind": "channel", "layer": "stem_bn", "channel": [3, 4]},
                    {"kind": "class_logit", "class": "tabby"},
                    {"kind": "local_group", "vector": {"channels": [1, 2]}, "row": 0, "column": 1, "rows": 2},
                ],
            },
            "channels": {"every": 48},
        },
        {
            "name": "between",
            "parameterization": "pixel",
            "objective": {
                "kind": "interpolate",
                "count": 3,
                "from": {"kind": "channel", "layer": "block4_expand_bn", "channel": 3},
                "to": {"kind": "channel", "layer": "block6_expand_bn", "channel": 4},
                "alignment": {"layers": ["block2_add"], "weight": 0.2},
            },
        },
        {
            "name": "dreams",
            "layer": "block4_expand_bn",
            "objective": "layer",
            "recipe": "deepdream",
            "parameterization": "pixel",
            "start": "picture",
            "pictures": ["p.png"],
            "octaves": {"count": 2, "scale": 1.3, "rates": [0.01, 0.005], "tile_px": 96},
        },
        {
            "name": "caricatures",
            "layer": "block4_expand_bn",
            "parameterization": "pixel",
            "objective": {"kind": "caricature", "power": 1.0},
            "pictures": "p.png",
            "seeds": ["0-1", 7],
            "sign": "both",
        },
        {"name": "gradients", "layer": "stem_bn", "channels": 3, "steepest": "l2", "pictures": "p.png"},
        {
            "name": "photos",
            "layer": "block4_expand_bn",
            "channels": 5,
            "parameterization": "pixel",
            "references": {"photos": "photos", "count": 2, "focus": 0.25, "layers": ["block2_add"]},
        },
    ],
    "output": {
        "grid": {"columns": 4, "labels": False},
        "figure": {
            "title": "Whole",
            "columns": ["a", "b"],
            "wrap": 4,
            "rows": [{"title": "Row", "units": ["directions/*"], "show": "picture"}, {"units": "sums"}],
        },
    },
}


def places(data: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield where something stands below the top."""
    if path:
        yield path
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        yield from places(value, (*path, key))


PLACES = [path for path in places(WHOLE) if len(path) > 1]
# What the schema allows, and the network does not: in place of what stands there.
MISFITS: dict[KeyPath, Any] = {
    ("jobs", 0, "layer", 1): "block6_expand_bm",
    ("jobs", 0, "channels", 2): 9999,
    ("jobs", 0, "diversity", "layer"): "block6_expland",
    ("jobs", 1, "classes", 2): "scool bus",
    ("jobs", 2, "layer"): "block4_expand_bm",
    ("jobs", 2, "vectors", 1, "channels", 1): 9999,
    ("jobs", 3, "objective", "terms", 1, "channel", 1): 9999,
    ("jobs", 3, "objective", "terms", 2, "class"): "tabbby",
    ("jobs", 4, "objective", "alignment", "layers", 0): "block2_ad",
    ("jobs", 4, "objective", "from", "layer"): "block4_expland_bn",
    ("jobs", 6, "pictures"): "nowhere.png",
    ("jobs", 7, "channels"): 9999,
    ("jobs", 8, "references", "photos"): "nowhere",
    ("jobs", 8, "references", "layers", 0): "block2_ad",
}


def value_at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def named_as(path: KeyPath) -> KeyPath:
    """Return the place at which a misfit is named, which may be the whole list that it stands in."""
    ends = {"vectors": 3, "channels": -1, "channel": -1, "layer": -1}
    return next((path[:end] for key, end in ends.items() if key in path[:-1]), path)


def break_at(data: Data, path: KeyPath, how: str) -> KeyPath:
    """Break what stands at a place; return the place that should be named."""
    holder, last = value_at(data, path[:-1]), path[-1]
    if how == "misfit":
        holder[last] = MISFITS[path]
        return named_as(path)
    elif how == "misspelt":
        holder[f"{last}zz"] = holder.pop(last)
        return (*path[:-1], f"{last}zz")
    else:
        holder[last] = 3.5 if isinstance(holder[last], dict) else {"surely": "wrong"}
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("spec")
    Image.new("RGB", (96, 96), (90, 120, 60)).save(place / "p.png")
    np.save(place / "v.npy", np.ones(240, np.float32))
    (place / "photos").mkdir()
    for i in range(2):
        Image.new("RGB", (96, 96), (90, 120, 60 + i)).save(place / f"photos/{i}.png")
    return place


def mistakes(data: Data, folder: Path, facts: ModelFacts) -> list[str]:
    """Return the places that are named, in words and without the file's name and line."""
    document = Document("spec", data, {})
    spec, positions = validate(document)
    if spec is not None and document.broken.knows_layers:
        files = find_files(document, spec, positions, folder)
        broken = replace(document.broken, anything=bool(document.problems))
        document.report(make_plan(spec, positions, facts, files, broken)[1])
    try:
        document.raise_problems()
    except SpecError as error:
        return [line.removeprefix("spec:1: ") for line in error.lines]
    return []


def names(line: str, path: KeyPath) -> bool:
    """Tell whether a line names a place, or one inside of it."""
    place, named = dotted(path), line.partition(": ")[0]
    return named == place or named.startswith((f"{place}.", f"{place}["))


def test_the_whole_spec_is_right(folder: Path, facts: ModelFacts) -> None:
    assert mistakes(WHOLE, folder, facts) == []


def test_every_key_is_used() -> None:
    """A key that is added to one of these models has to be added to the spec above."""
    used = {str(part) for path in PLACES for part in path}
    of_own_files = {"path", "factory", "size_px", "input", "fill", "logits", "labels", "value_range"}
    of_own_files |= {"mean", "std", "channel_order", "data_format", "signature"}
    for model in (Spec, Render, Job, Variant):
        assert set(model.model_fields) <= used | {*WHOLE}
    assert set(Model.model_fields) - of_own_files <= used


@pytest.mark.parametrize("path", PLACES, ids=dotted)
def test_one_mistake(path: KeyPath, folder: Path, facts: ModelFacts) -> None:
    data = copy.deepcopy(WHOLE)
    broken = break_at(data, path, "wrong")
    said = mistakes(data, folder, facts)
    assert len(said) == 1, said
    assert names(said[0], broken), said


@st.composite
def breaks(draw: st.DrawFn) -> list[tuple[KeyPath, str]]:
    """Choose two to five places, none inside of another, and how each is broken."""
    chosen: list[tuple[KeyPath, str]] = []
    for path in draw(st.lists(st.sampled_from(PLACES), min_size=2, max_size=5, unique=True)):
        hows = ["wrong"]
        hows += ["misspelt"] if isinstance(path[-1], str) and len(path[-1]) > 3 else []
        hows += ["misfit"] if path in MISFITS else []
        how = draw(st.sampled_from(hows))
        place = named_as(path) if path in MISFITS else path
        others = [named_as(other) if other in MISFITS else other for other, _ in chosen]
        if not any(place[: len(other)] == other or other[: len(place)] == place for other in others):
            chosen.append((path, how))
    return chosen


def is_open(path: KeyPath, how: str, others: list[tuple[KeyPath, str]]) -> bool:
    """Tell whether a mistake may be left for the next time: what it does not fit is not known."""
    if any(other[-1] in {"kind", "kindzz"} and other[:-1] == path[: len(other) - 1] for other, _ in others):
        return True
    job = path[:2]
    deciding = {"layer", "objective", "terms", "from", "to", "variants"}
    return how == "misfit" and any(
        other[0] == "model"
        or other == job
        or (other[:2] == job and not deciding.isdisjoint(str(part).removesuffix("zz") for part in other))
        for other, _ in others
    )


@given(breaks())
def test_several_mistakes(folder: Path, facts: ModelFacts, chosen: list[tuple[KeyPath, str]]) -> None:
    data = copy.deepcopy(WHOLE)
    ordered = sorted(chosen, key=lambda one: [str(part) for part in one[0]], reverse=True)
    broken = [(break_at(data, path, how), how) for path, how in ordered]
    said = mistakes(data, folder, facts)
    for path, how in broken:
        named = [line for line in said if names(line, path)]
        others = [other for other in broken if other[0] != path]
        assert len(named) == 1 or (not named and is_open(path, how, others)), (chosen, path, said)
    assert [line for line in said if not any(names(line, path) for path, _ in broken)] == [], chosen
