"""What a spec means once it is validated: defaults, shorthands, and job over render over recipe."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from fvcli.spec.recipes import RECIPES
from fvcli.spec.schema import Render
from tests.helpers.specs import MINIMAL, Data, resolved, spec_of, spec_of_text, with_job

# ---- defaults and shorthands


def test_defaults() -> None:
    spec = spec_of(MINIMAL)
    assert spec.version == 1
    assert (spec.model.name, spec.model.weights, spec.model.sha256) == (
        "efficientnet-lite0",
        None,
        None,
    )
    assert spec.render == Render()
    assert spec.output.grid.columns == "auto"
    assert spec.output.grid.labels is True
    (job,) = spec.jobs
    assert job.objective.kind == "channel"
    assert job.sign == "positive"
    assert job.channels is None
    assert job.classes is None


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (MINIMAL | {"model": "x"}, MINIMAL | {"model": {"name": "x"}}),
        (with_job(objective="neuron"), with_job(objective={"kind": "neuron"})),
        (with_job(objective="class_logit"), with_job(objective={"kind": "class_logit"})),
        (with_job(optimizer="adam"), with_job(optimizer={"kind": "adam"})),
        (with_job(parameterization="pixel"), with_job(parameterization={"kind": "pixel"})),
        (MINIMAL | {"render": {"optimizer": "lion"}}, MINIMAL | {"render": {"optimizer": {"kind": "lion"}}}),
        (with_job(channels=3), with_job(channels=[3])),
        (with_job(channels="0-2"), with_job(channels=[0, 1, 2])),
        (with_job(channels="all"), with_job(channels={"every": 1})),
    ],
)
def test_shorthand(short: Data, long: Data) -> None:
    assert spec_of(short) == spec_of(long)


def test_specs_are_frozen() -> None:
    spec = spec_of(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        spec.jobs[0].name = "b"  # type: ignore[misc]


@pytest.mark.parametrize("size", [8, 224, 8192, [64, 96]])
def test_sizes(size: Any) -> None:
    expected = tuple(size) if isinstance(size, list) else (size, size)
    assert resolved(with_job(size_px=size)).size_px == expected


@pytest.mark.parametrize("number", [1, 1.0, "1.0", "1e0"])
def test_whole_numbers_are_numbers(number: Any) -> None:
    text = f"model: m\nrender: {{memory_gb: {number}}}\njobs: [{{name: a, layer: x}}]\n"
    assert spec_of_text(text).render.memory_gb == 1.0


# ---- job over render over recipe


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [
        ("recipe", "lucid", "distill"),
        ("size_px", 96, 128),
        ("steps", 5, 6),
        ("seed", 7, 8),
        ("seeds", "0-3", [5]),
        ("parameterization", "pixel", {"kind": "fourier", "std": 0.5}),
        ("transforms", [{"kind": "pad", "px": 2}], []),
        ("optimizer", "adam", "lion"),
        ("redirect_steps", 3, 0),
        ("save_px", 448, [448, 336]),
        ("penalties", [{"kind": "l1", "weight": 0.1}], ["blur"]),
        ("regularizers", [{"kind": "decay", "rate": 0.1}], ["gaussian_blur"]),
        ("views", 4, 2),
        ("start", "picture", "noise"),
        ("attention", True, False),
        ("references", "photos", {"photos": "photos", "count": 3}),
        ("octaves", {"count": 3}, {"count": 2}),
        ("steepest", "l2", "full"),
        ("save_at", [0, 4], [8]),
        ("animation", {"format": "gif"}, {"format": "webp"}),
        ("early_stop", 0.5, 0),
        ("canvas", "whole", "seen"),
        ("precision", "float16", "bfloat16"),
        ("batch_size", 9, 10),
        ("memory_gb", 0.25, 0.5),
    ],
)
def test_job_overrides_render_overrides_recipe(key: str, low: Any, high: Any) -> None:
    by_render = resolved(MINIMAL | {"render": {key: low}})
    by_job = resolved(with_job(**{key: low}))
    by_both = resolved(with_job(**{key: high}) | {"render": {key: low}})
    assert by_render == by_job
    assert getattr(by_render, key) != getattr(resolved(MINIMAL), key)
    assert by_both == resolved(with_job(**{key: high}))
    assert getattr(by_both, key) != getattr(by_render, key)


def test_every_key_of_render_is_inherited() -> None:
    """The test above has a row for each."""
    mark = next(m for m in test_job_overrides_render_overrides_recipe.pytestmark if m.name == "parametrize")
    assert {row[0] for row in mark.args[1]} == set(Render.model_fields)


def test_render_settings_survive_the_recipe_of_a_job() -> None:
    settings = resolved(with_job(recipe="lucid") | {"render": {"steps": 9}})
    assert settings.steps == 9
    assert settings.transforms == RECIPES["lucid"].transforms


def test_null_is_left_out() -> None:
    assert resolved(with_job(steps=None) | {"render": {"steps": 5}}).steps == 5
