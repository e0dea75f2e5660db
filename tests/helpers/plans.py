"""Jobs of every kind, and the plans that they make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from fvcli.media import NamedFiles
from fvcli.models import ModelFacts
from fvcli.plan import Plan, make_plan
from fvcli.spec import parse_document, validate
from fvcli.spec.schema import Spec

Data = dict[str, Any]


CHANNELS: Data = {"name": "a", "layer": "stem_bn", "channels": [1, 2, 5]}


NEURON: Data = {"name": "b", "layer": "block2_add", "channels": 3, "objective": "neuron"}


PLACED: Data = NEURON | {"objective": {"kind": "neuron", "row": 0, "column": 7}}


LAYER: Data = {"name": "c", "layer": "block4_expand_bn", "objective": "layer"}


LOGITS: Data = {"name": "d", "objective": "class_logit", "classes": ["tabby", 207]}


PROBABILITIES: Data = LOGITS | {"objective": "class_probability"}


SUM: Data = {
    "name": "e",
    "objective": {
        "kind": "sum",
        "terms": [
            {"kind": "channel", "layer": "stem_bn", "channel": 3, "weight": 0.5},
            {"kind": "neuron", "layer": "block2_add", "channel": 0, "row": 0, "column": 1},
            {"kind": "neuron", "layer": "block2_add", "channel": 1},
            {"kind": "layer", "layer": "block0_dw", "weight": -1e-3},
            {"kind": "class_logit", "class": "tabby"},
            {"kind": "class_probability", "class": 0, "weight": 2},
        ],
    },
}


SWEPT: Data = {
    "name": "f",
    "layer": "stem_bn",
    "channels": [0, 4],
    "objective": {
        "kind": "sum",
        "terms": [{"kind": "channel"}, {"kind": "channel", "layer": "block0_project_bn", "weight": -1}],
    },
}


SWEPT_CLASSES: Data = {
    "name": "g",
    "classes": [3, "tabby"],
    "objective": {
        "kind": "sum",
        "terms": [{"kind": "class_logit"}, {"kind": "channel", "layer": "stem", "channel": 1}],
    },
}


NEGATIVE: Data = CHANNELS | {"name": "h", "sign": "negative"}


EVERY_KIND = [CHANNELS, NEURON, PLACED, LAYER, LOGITS, PROBABILITIES, SUM, SWEPT, SWEPT_CLASSES, NEGATIVE]


ONE: Data = CHANNELS | {"channels": 2}


def plan_of(facts: ModelFacts, jobs: Iterable[Data], **top: Any) -> Plan:
    data = {"model": "efficientnet-lite0", "jobs": list(jobs)} | top
    text = json.dumps(data, ensure_ascii=False)
    text = re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff]", lambda one: f"\\u{ord(one[0]):04x}", text
    )  # as YAML takes it
    return spec_and_plan_of(text, facts)[1]


def spec_and_plan_of(text: str, facts: ModelFacts, files: NamedFiles | None = None) -> tuple[Spec, Plan]:
    """Return what a spec without mistakes says, and its plan."""
    document = parse_document(text, "spec.yaml")
    spec, positions = validate(document)
    document.raise_problems()
    assert spec is not None
    plan, problems = make_plan(spec, positions, facts, files)
    assert problems == [], problems  # pytest says what differs only in files of tests
    return spec, plan
