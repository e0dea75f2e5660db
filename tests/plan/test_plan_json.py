"""plan.json: read as it was written, by later versions too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fvcli.models import ModelChoice
from fvcli.plan import Plan
from fvcli.plan.plan import PLAN_VERSION
from fvcli.spec.transforms import Affine
from tests.plan.test_keys import CASES, plan_of

# A plan of one neuron as version 0.1 wrote it, without what is of no interest here.
OF_VERSION_4: dict[str, Any] = {
    "version": 4,
    "model": {
        **{"name": "efficientnet-lite0", "path": None, "factory": None, "weights": None, "sha256": None},
        **{"size_px": None, "input": None, "fill": None, "logits": None, "labels": None},
        **{"value_range": [-1.0, 1.0], "mean": None, "std": None, "channel_order": "RGB"},
        "data_format": None,
    },
    "programs": [
        {
            **{"model": "efficientnet-lite0", "weights_sha256": "57" * 32, "recipe": "default"},
            "terms": [{"kind": "neuron", "layer": "stem_bn", "placed": False, "options": []}],
            **{"height_px": 64, "width_px": 96, "batch_size": 8, "image_bytes": 2586214},
            "settings": {
                **{"steps": 8, "seed": 0, "redirect_steps": 17, "early_stop": 0.01},
                "parameterization": {
                    **{"kind": "fourier", "decorrelate": True, "std": 0.01, "decay_power": 1.1},
                    **{"coarse_until": 0.15, "coarse_from": 0.1},
                },
                "transforms": [{"kind": "affine", "degrees": 8.0, "scales": [0.93, 1.08], "crop_px": 8}],
                "optimizer": {"kind": "lion"},
                **{"canvas": "seen", "precision": "auto"},
            },
            "window": {"canvas_px": 18, "view_px": 8, "shift_px": 0.5, "row": 2, "column": 2},
            **{"input_px": None, "formula": None, "members": 1, "couplings": []},
        }
    ],
    "jobs": [{"name": "a", "title": "a: stem_bn", "heading": "a", "asked": {"name": "a", "channels": [3]}}],
    "units": [
        {
            **{"job": "a", "name": "neuron-0003", "key": "8eb4c1ea5a12e4a9", "label": "3"},
            **{"objective": "neuron", "unit": {"channel": 3}, "sign": 1, "program": 0, "place": [27, 43]},
            "terms": [
                {
                    **{"kind": "neuron", "layer": "stem_bn", "index": 3, "row": -1, "column": -1},
                    **{"weight": 1.0, "vector": None, "source": None, "options": []},
                }
            ],
            **{"member": 0, "picture": None, "variant": None, "formula": None},
        }
    ],
    "batches": [[0]],
    "output": {"grid": {"columns": "auto", "labels": True}, "figure": None},
    "sources": [],
}


def test_a_plan_of_version_4_is_read() -> None:
    plan = Plan.from_json(json.dumps(OF_VERSION_4))
    assert plan.model == ModelChoice("efficientnet-lite0", value_range=(-1.0, 1.0), channel_order="RGB")
    (program,), (unit,) = plan.programs, plan.units
    assert program.settings.transforms == (Affine(degrees=8.0, scales=(0.93, 1.08), crop_px=8),)
    assert program.settings.method == "ascent"
    assert program.settings.penalties == ()
    assert (program.window.canvas_px, unit.place) == (18, (27, 43))
    assert unit.key == "8eb4c1ea5a12e4a9"
    assert plan.batches == ((0,),)
    assert plan.output.grid.columns == "auto"


@pytest.mark.parametrize("name", CASES)
def test_every_kind_is_read_as_it_was_written(name: str) -> None:
    plan = plan_of(CASES[name][0])
    text = plan.to_json()
    again = Plan.from_json(text)
    assert again.units == plan.units
    assert again.programs == plan.programs
    assert again == plan
    assert again.to_json() == text


def test_keys_that_are_not_known_are_passed_over() -> None:
    plan = plan_of(CASES["objective.neuron.row+column"][0])

    def with_more(data: Any) -> Any:
        if isinstance(data, dict):
            return {**{key: with_more(value) for key, value in data.items()}, "of a later version": [1]}
        return [with_more(item) for item in data] if isinstance(data, list) else data

    data = json.loads(plan.to_json())
    free = {key: [{**entry, "of a later version": 1} for entry in data[key]] for key in ("units", "jobs")}
    more = with_more({**data, "units": [], "jobs": []}) | free  # these hold mappings of any keys
    assert Plan.from_json(json.dumps(more)) == plan


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "it has no version"),
        ("{}", "it has no version"),
        ('{"version": 3}', "it was written by an early version of fvcli"),
        (f'{{"version": {PLAN_VERSION + 1}}}', "it was written by a newer version of fvcli"),
        (f'{{"version": {PLAN_VERSION}}}', "model: Field required"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        Plan.from_json(text)
