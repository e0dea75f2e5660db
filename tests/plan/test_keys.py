"""The key of every kind and option, pinned: a move of code changes none, and each option makes another key.

data/keys.json holds the keys. A case that is new is written into it, and a changed one needs a reason, such
as a raised ALGORITHM:

    python -m tests.plan.test_keys
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fvcli.media import ArrayFacts, NamedFiles, PictureFacts
from fvcli.models import ModelChoice, ModelFacts, describe
from fvcli.plan import Plan, make_plan
from fvcli.spec import json_schema
from fvcli.spec.schema import Spec

Data = dict[str, Any]

PINNED = Path(__file__).parents[1] / "data" / "keys.json"
PHOTO = PictureFacts("chelsea", "photos/chelsea.jpg", "aa" * 32, 300, 451)
FILES = NamedFiles(
    pictures={"chelsea.jpg": [PHOTO]},
    arrays={
        "vectors.npy": ArrayFacts("vectors", "vectors.npy", "bb" * 32, (2, 24)),
        "tensor.npy": ArrayFacts("tensor", "tensor.npy", "cc" * 32, (3, 2, 24)),
        "other.npy": ArrayFacts("other", "other.npy", "cd" * 32, (3, 2, 24)),
        "map.npy": ArrayFacts("map", "map.npy", "dd" * 32, (56, 56, 24)),
    },
    counts={"photos": 20, "others": 20},
    sums={"photos": "ee" * 32, "others": "ef" * 32, "prior.keras": "ff" * 32, "prior2.keras": "fe" * 32},
    places={name: name for name in ("photos", "others", "prior.keras", "prior2.keras")},
)

# Of each kind: what it cannot do without, beside the kind, and another value for each of its options.
# An option that is said to be "elsewhere" is in another case, because it needs more than itself.
ELSEWHERE = object()
ALPHA: Data = {"parameterization": {"kind": "fourier", "alpha": True}}
PIXELS: Data = {"parameterization": "pixel"}
CLASSES: Data = {"objective": "class_logit", "classes": [3], "channels": None, "layer": None}

OBJECTIVES: dict[str, tuple[Data, Data, Data]] = {  # objective, job, options
    "channel": ({}, {"channels": 3}, {"channel": ELSEWHERE, "weight": ELSEWHERE}),
    "neuron": ({}, {"channels": 3}, {"channel": ELSEWHERE, "weight": ELSEWHERE, ("row", "column"): (1, 2)}),
    "layer": ({}, {}, {"weight": 0.5}),
    "class_logit": ({}, {"layer": None, "classes": 5}, {"class": ELSEWHERE, "weight": ELSEWHERE}),
    "class_probability": ({}, {"layer": None, "classes": 5}, {"class": ELSEWHERE, "weight": ELSEWHERE}),
    "direction": (
        {},
        {"vectors": {"random": 0}},
        {"vector": ELSEWHERE, "weight": ELSEWHERE, "cossim_power": 2.0},
    ),
    "direction_neuron": (
        {},
        {"vectors": {"random": 0}},
        {"vector": ELSEWHERE, "weight": ELSEWHERE, "cossim_power": 2.0, ("row", "column"): (1, 2)},
    ),
    "tensor_direction": (
        {"tensor": "tensor.npy"},
        {},
        {"tensor": "other.npy", "cossim_power": 1.0, "weight": 2.0},
    ),
    "local_group": (
        {},
        {},
        {"vector": {"channels": [3]}, "rows": 3, "columns": 2, ("row", "column"): (1, 2), "weight": 2.0},
    ),
    "caricature": ({}, {"pictures": "chelsea.jpg"}, {"power": 2.0, "weight": 2.0}),
    "match": ({}, {"pictures": "chelsea.jpg"}, {"norm": "l1", "activations": ELSEWHERE, "weight": 2.0}),
    "style": ({}, {"pictures": "chelsea.jpg"}, {"weight": 2.0}),
    "sum": (
        {"terms": [{"kind": "channel", "channel": 1}, {"kind": "neuron", "channel": 2}]},
        {},
        {"weight": 2.0, "terms": ["layer", {"kind": "neuron", "channel": 2}]},
    ),
    "product": (
        {"terms": [{"kind": "channel", "channel": 1}, {"kind": "neuron", "channel": 2}]},
        {},
        {"weight": 2.0, "terms": ["layer", {"kind": "neuron", "channel": 2}]},
    ),
    "interpolate": (
        {"from": {"kind": "channel", "channel": 1}, "to": {"kind": "channel", "channel": 2}},
        {},
        {
            "from": {"kind": "channel", "channel": 4},
            "to": {"kind": "channel", "channel": 5},
            "count": 3,
            "alignment": {"layers": ["block2_add"]},
        },
    ),
}
PARAMETERIZATIONS: dict[str, tuple[Data, Data]] = {
    "fourier": (
        {},
        {
            **{"decorrelate": False, "std": 0.02, "decay_power": 1.5, "coarse_until": 0.5},
            **{"coarse_from": 0.05, "squash": "clip", "alpha": True, "shared": ELSEWHERE},
        },
    ),
    "pixel": ({}, {"decorrelate": False, "std": 0.02, "squash": "clip", "alpha": True, "shared": ELSEWHERE}),
    "laplacian": (
        {},
        {
            **{"decorrelate": False, "std": 0.02, "levels": 3, "squash": "clip", "alpha": True},
            "shared": ELSEWHERE,
        },
    ),
    "cppn": ({}, {"layers": 4, "width": 12, "activation": "relu"}),
    "deep_image_prior": (
        {},
        {
            **{"channels": [8, 16], "skip_channels": 2, "input_channels": 4, "input_std": 0.5},
            "decorrelate": False,
        },
    ),
    "maco": ({}, {"spectrum": "photos", "sha256": ELSEWHERE, "decay_power": 1.0}),
    "generator": (
        {"path": "prior.keras"},
        {"path": "prior2.keras", "sha256": ELSEWHERE, "value_range": [-1.0, 1.0], "std": 0.5, "bound": 2.0},
    ),
}
TRANSFORMS: dict[str, tuple[Data, Data]] = {
    "pad": ({"px": 4}, {"px": 5, "mode": "reflect", "value": 0.25}),
    "jitter": ({"px": 4}, {"px": 5}),
    "crop": ({"px": 4}, {"px": 5}),
    "scale": ({"factors": [0.9, 1.1]}, {"factors": [0.9]}),
    "rotate": ({"degrees": [-5.0, 5.0]}, {"degrees": [5.0]}),
    "affine": ({}, {"degrees": 5.0, "scales": [0.9, 1.1], "shift_px": 2.0, "crop_px": 4, "fill": 0.25}),
    "crops": ({}, {"sides": [0.6, 0.1], "spread": 0.1, "centre_std": 0.2, "size_px": 112}),
    "noise": ({}, {"std": 0.1, "uniform": 0.1}),
    "blur": ({}, {"sigmas_px": [0.5, 1.0]}),
    "flip": ({}, {}),
    "background": ({}, {"std": 0.25}),
}
OPTIMIZERS: dict[str, tuple[Data, Data]] = {
    "adam": (
        {},
        {
            **{"learning_rate": 0.1, "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-7},
            **{"second_moment": "band", "anneal_from": 0.5},
        },
    ),
    "lion": ({}, {"learning_rate": 0.1, "beta1": 0.8, "beta2": 0.8, "anneal_from": 0.5}),
    "gradient": (
        {},
        {
            **{"learning_rate": 0.1, "momentum": 0.5, "step": "sign", "desired_progress": 1.0},
            "anneal_from": 0.5,
        },
    ),
    "nadam": (
        {},
        {"learning_rate": 0.2, "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-8, "anneal_from": 0.5},
    ),
}
PENALTIES: dict[str, tuple[Data, Data]] = {
    "l1": ({}, {"weight": 0.5, "constant": 0.25}),
    "l2": ({}, {"weight": 0.5, "constant": 0.25}),
    "total_variation": ({}, {"weight": 0.5}),
    "blur": ({}, {"weight": 0.5}),
    "boundary": ({}, {"weight": 0.5, "width_px": 10, "constant": 0.25}),
    "alpha": ({}, {"weight": 0.5}),
    "blur_alpha": ({}, {"weight": 0.5}),
    "batch_norm": ({}, {"weight": 0.5}),
    "other_classes": ({}, {"weight": 0.25}),
}
REGULARIZERS: dict[str, tuple[Data, Data]] = {
    "decay": ({"rate": 0.1}, {"rate": 0.2}),
    "gaussian_blur": ({}, {"sigma_px": 1.0, "every": 2}),
    "clip_norm": ({"percentile": 10.0}, {"percentile": 20.0}),
    "clip_contribution": ({"percentile": 10.0}, {"percentile": 20.0}),
}
SHARED: Data = {"sides_px": [32, 8], "ends_px": [8]}
ALIGNMENT: Data = {"layers": ["block2_add"], "weight": 0.2, "decay_ratio": 2.0}
DIVERSITY: Data = {"count": 2, "weight": 2.0, "layer": "block4_expand_bn", "photos": ELSEWHERE}
OCTAVES: Data = {
    **{"count": 2, "scale": 1.5, "rates": [0.005, 0.002], "bands": 2, "tile_px": 128},
    **{"keep_detail": False, "warm_start": 0.25, "each": [{"scale": 1.0, "steps": 3}]},
}
OCTAVE: Data = {"scale": 0.5, "steps": 4, "rates": [0.005, 0.002], "bands": 2, "blurs_px": [1.0, 0.5]}
ANIMATION: Data = {
    "format": "gif",
    "of": ELSEWHERE,
    "fps": 10.0,
    "every": 4,
    "frames": ELSEWHERE,
    "size_px": 64,
}
ANIMATION |= {"quality": 50, "pace": ELSEWHERE}
REFERENCES: Data = {"photos": "others", "sha256": ELSEWHERE, "count": 3, "focus": 1.0}
REFERENCES |= {"layers": ["stem"]}
PICTURE: Data = {"pictures": "chelsea.jpg", "start": "picture"}
STEEPEST: Data = {"pictures": "chelsea.jpg", "steepest": "l2", "recipe": "lucid"}
DREAM: Data = {**PICTURE, "size_px": 96}
INTERPOLATION: Data = {
    "kind": "interpolate",
    "from": {"kind": "channel", "channel": 1},
    "to": {"kind": "channel", "channel": 2},
    "count": 2,
}
# Keys of render, beside those of pieces: what is needed for it, and another value.
RENDER: dict[str, tuple[Data, Any]] = {
    "recipe": ({}, "lucid"),
    "size_px": ({}, [64, 96]),
    "save_px": ({"parameterization": "cppn"}, 448),
    "steps": ({}, 7),
    "seed": ({}, 1),
    "seeds": ({}, [1]),
    "views": ({}, 2),
    "start": ({"pictures": "chelsea.jpg", "objective": "caricature", "channels": None}, "picture"),
    "attention": ({}, True),
    "references": ({}, "photos"),
    "octaves": ({}, {"count": 1}),
    "steepest": ({"pictures": "chelsea.jpg", "objective": "caricature", "channels": None}, ELSEWHERE),
    "save_at": ({}, [0, 4]),
    "animation": ({}, {"format": "webp"}),
    "redirect_steps": ({}, 3),
    "early_stop": ({}, 0.5),
    "canvas": ({"objective": "neuron", "layer": "block1_expand_bn"}, "whole"),
    "precision": ({}, "bfloat16"),
    "batch_size": ({}, 3),
    "memory_gb": ({}, ELSEWHERE),  # which decides batch_size, and nothing else
    "parameterization": ({}, "pixel"),
    "transforms": ({}, ["flip"]),
    "optimizer": ({}, "adam"),
    "penalties": ({}, ["l1"]),
    "regularizers": (PIXELS, ["clip_norm"]),
}
OF_RENDER = {"regularizers": [{"kind": "clip_norm", "percentile": 5.0}]}


def base(**more: Any) -> Data:
    """A job of one channel, or what is said instead."""
    job = {"name": "a", "layer": "block2_add", "channels": 3, **more}
    return {key: value for key, value in job.items() if value is not None}


def of_options(where: str, options: Data) -> Iterator[tuple[str, Data]]:
    """Yield names and what they set, for each option that stands for itself."""
    for key, value in options.items():
        if value is ELSEWHERE:
            continue
        names = (key,) if isinstance(key, str) else key
        values = (value,) if isinstance(key, str) else value
        yield f"{where}.{'+'.join(names)}", dict(zip(names, values, strict=True))


def cases() -> Iterator[tuple[str, Data, str]]:
    """Yield each case: its name, its job, and the name of the case whose key it must not have."""
    for kind, (needed, around, options) in OBJECTIVES.items():
        name, objective = f"objective.{kind}", {"kind": kind, **needed}
        job = {"channels": None, **around}
        yield name, base(**{**job, "objective": objective}), ""
        for case, changed in of_options(name, options):
            yield case, base(**{**job, "objective": objective | changed}), name
    for kind, (needed, options) in PARAMETERIZATIONS.items():
        name, image = f"parameterization.{kind}", {"kind": kind, **needed}
        yield name, base(parameterization=image), ""
        for case, changed in of_options(name, options):
            yield case, base(parameterization=image | changed), name
    lists = {"transforms": TRANSFORMS, "penalties": PENALTIES, "regularizers": REGULARIZERS}
    for key, table in lists.items():
        for kind, (needed, options) in table.items():
            around = ALPHA if "alpha" in kind or kind == "background" else {}
            around = PIXELS if key == "regularizers" else around
            around = CLASSES if kind == "other_classes" else around
            name, piece = f"{key}.{kind}", {"kind": kind, **needed}
            yield name, base(**around, **{key: [piece]}), ""
            for case, changed in of_options(name, options):
                yield case, base(**around, **{key: [piece | changed]}), name
    for kind, (needed, options) in OPTIMIZERS.items():
        name, piece = f"optimizer.{kind}", {"kind": kind, **needed}
        yield name, base(optimizer=piece), ""
        for case, changed in of_options(name, options):
            yield case, base(optimizer=piece | changed), name
    yield from cases_of_parts()
    yield from cases_of_render()
    yield from cases_of_units()


def cases_of_parts() -> Iterator[tuple[str, Data, str]]:
    """Yield cases of what is part of a kind: shared parts, alignment, diversity, octaves, films."""
    pair = {"diversity": {"count": 2}}
    for kind in ("fourier", "pixel", "laplacian"):
        yield f"shared.{kind}", base(**pair, parameterization={"kind": kind, "shared": {}}), ""
        for case, changed in of_options(f"shared.{kind}", SHARED):
            image = {"kind": kind, "shared": changed}
            yield case, base(**pair, parameterization=image), f"shared.{kind}"
    yield "diversity", base(diversity={}), ""
    for case, changed in of_options("diversity", DIVERSITY):
        yield case, base(diversity=changed), "diversity"
    for case, photos in (("diversity.auto", "photos"), ("diversity.photos", "others")):
        other = "diversity" if photos == "photos" else "diversity.auto"
        yield case, base(diversity={"weight": "auto", "photos": photos}), other
    layers = {"layers": ["block4_expand_bn"]}
    aligned = base(channels=None, objective={**INTERPOLATION, "alignment": layers})
    yield "alignment", aligned, ""
    for case, changed in of_options("alignment", ALIGNMENT):
        objective = {**INTERPOLATION, "alignment": layers | changed}
        yield case, base(channels=None, objective=objective), "alignment"
    yield "references", base(references={"photos": "photos"}), ""
    for case, changed in of_options("references", REFERENCES):
        yield case, base(references={"photos": "photos", **changed}), "references"
    yield "octaves", base(**DREAM, octaves={}), ""
    for case, changed in of_options("octaves", OCTAVES):
        yield case, base(**DREAM, octaves=changed), "octaves"
    whole = {"scale": 1.0, "steps": 5}
    yield "octave", base(**DREAM, octaves={"each": [{"scale": 0.7, "steps": 2}, whole]}), ""
    for case, changed in of_options("octave", OCTAVE):
        each = [{"scale": 0.7, "steps": 2} | changed, whole]
        yield case, base(**DREAM, octaves={"each": each}), "octave"
    yield "animation", base(animation={}), ""
    for case, changed in of_options("animation", ANIMATION):
        yield case, base(animation=changed), "animation"
    morph = base(channels=None, objective=INTERPOLATION, animation={"of": "numbers"})
    yield "animation.of", morph, "animation"
    longer = {"of": "numbers", "frames": 30}
    yield "animation.frames", base(channels=None, objective=INTERPOLATION, animation=longer), "animation.of"
    eased = {"of": "numbers", "pace": "eased"}
    yield "animation.eased", base(channels=None, objective=INTERPOLATION, animation=eased), "animation.of"
    steepest = ("l2", "l_inf", "spatial", "full")
    for norm in steepest:
        other = "" if norm == "l2" else "steepest.l2"
        yield f"steepest.{norm}", base(**{**STEEPEST, "steepest": norm}), other


def cases_of_render() -> Iterator[tuple[str, Data, str]]:
    for key, (needed, value) in RENDER.items():
        yield f"render.{key}-", base(**needed), ""
        if value is not ELSEWHERE:
            yield f"render.{key}", base(**{**needed, key: OF_RENDER.get(key, value)}), f"render.{key}-"


def cases_of_units() -> Iterator[tuple[str, Data, str]]:
    """Yield cases of what is rendered: signs, lists inside objectives, vectors, windows, variants."""
    yield "channel", base(), ""
    yield "sign", base(sign="negative"), "channel"
    yield "other channel", base(channels=4), "channel"
    yield "other layer", base(layer="block4_add"), "channel"
    yield "variant", base(variants=[{"name": "v", "steps": 9}]), "channel"
    yield (
        "weighted",
        base(channels=None, objective={"kind": "channel", "channel": 3, "weight": 2.0}),
        "channel",
    )
    for name, vector in (
        ("random", {"random": 1}),
        ("values", [0.5] * 24),
        ("channels", {"channels": [3, 17], "weights": [1.0, -1.0]}),
        ("file", {"file": "vectors.npy"}),
    ):
        yield f"vector.{name}", base(channels=None, objective="direction", vectors=vector), ""
    yield "window", base(objective="neuron", layer="block1_expand_bn", recipe="default"), ""
    recorded = {"kind": "match", "activations": "map.npy"}
    yield "match.activations", base(channels=None, objective=recorded), "objective.match"
    classes = {"kind": "sum", "terms": [{"kind": "class_logit", "class": [3, 5]}, "layer"]}
    yield "classes of a term", base(channels=None, objective=classes), ""
    nested = {"kind": "product", "terms": [classes, {"kind": "channel", "channel": [1, 2]}]}
    yield "nested", base(channels=None, objective=nested), ""


CASES = {name: (job, other) for name, job, other in cases()}


@cache
def lite0() -> ModelFacts:
    return describe(ModelChoice("efficientnet-lite0"))


def plan_of(job: Data) -> Plan:
    spec = Spec.model_validate({"model": "efficientnet-lite0", "jobs": [job]})
    plan, problems = make_plan(spec, [0], lite0(), FILES)
    assert problems == []
    return plan


@cache
def keys_of(name: str) -> list[str]:
    return [unit.key for unit in plan_of(CASES[name][0]).units]


@pytest.mark.parametrize("name", CASES)
def test_key_of_today(name: str) -> None:
    """Keys stay what they are from version to version, or there is a reason to write them anew."""
    pinned = json.loads(PINNED.read_text())
    assert keys_of(name) == pinned[name]
    other = CASES[name][1]
    assert not other or pinned[name] != pinned[other]


def test_a_morph_has_its_key_by_its_old_name_and_by_its_new() -> None:
    morph = {**CASES["animation.of"][0], "animation": {"of": "interpolation"}}
    assert [unit.key for unit in plan_of(morph).units] == json.loads(PINNED.read_text())["animation.of"]


def test_no_pinned_key_is_left_over() -> None:
    assert json.loads(PINNED.read_text()).keys() == CASES.keys()


# ---- the tables have whatever the schema has


def kinds_of(union: Any) -> dict[str, set[str]]:
    """Return the options of every kind that a part of the schema lists."""
    defs = json_schema()["$defs"]
    found = {}
    for branch in union:
        node = defs[branch["$ref"].rpartition("/")[2]] if "$ref" in branch else branch
        found[node["properties"]["kind"]["const"]] = {*node["properties"]} - {"kind", "layer"}
    return found


def union_at(*path: str) -> Any:
    """Return the branches of the discriminated union that a key of render or of a job is."""
    node = json_schema()["$defs"][path[0]]["properties"][path[1]]
    while "oneOf" not in node:
        node = (
            next((n for n in node.get("anyOf", []) if n.get("type") not in {"string", "null"}), None)
            or node["items"]
        )
    return node["oneOf"]


@pytest.mark.parametrize(
    ("path", "table"),
    [
        (("Job", "objective"), OBJECTIVES),
        (("Render", "parameterization"), PARAMETERIZATIONS),
        (("Render", "transforms"), TRANSFORMS),
        (("Render", "optimizer"), OPTIMIZERS),
        (("Render", "penalties"), PENALTIES),
        (("Render", "regularizers"), REGULARIZERS),
    ],
)
def test_every_kind_and_option_has_a_case(path: tuple[str, str], table: dict[str, Any]) -> None:
    listed = {}
    for kind, entry in table.items():
        names = [(key,) if isinstance(key, str) else key for key in {**entry[0], **entry[-1]}]
        listed[kind] = {name for some in names for name in some}
    assert listed == kinds_of(union_at(*path))


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("Shared", SHARED),
        ("Alignment", ALIGNMENT),
        ("Diversity", DIVERSITY),
        ("References", REFERENCES),
        ("Octaves", OCTAVES),
        ("Octave", OCTAVE),
        ("Animation", ANIMATION),
        ("Render", RENDER),
    ],
)
def test_every_option_of_a_part_has_a_case(model: str, options: Data) -> None:
    assert options.keys() == json_schema()["$defs"][model]["properties"].keys()


if __name__ == "__main__":
    PINNED.write_text(json.dumps({name: keys_of(name) for name in CASES}, indent=1) + "\n")
