"""Specs as plain data, and what fvcli makes of them."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

from fvcli.spec import Spec, parse_document, validate
from fvcli.spec.recipes import resolve
from fvcli.spec.schema import Render

Data = dict[str, Any]


MINIMAL: Data = {"model": "efficientnet-lite0", "jobs": [{"name": "a", "layer": "stem_bn"}]}


STARTER = importlib.resources.files("fvcli.spec").joinpath("starter.yaml").read_text()


def spec_of(data: Data, *overrides: str) -> Spec:
    return spec_of_text(json.dumps(data), *overrides)


def spec_of_text(text: str, *overrides: str) -> Spec:
    document = parse_document(text, "spec.yaml", overrides)
    spec, positions = validate(document)
    document.raise_problems()
    assert spec is not None
    assert positions == list(range(len(spec.jobs)))
    return spec


def with_job(**changes: Any) -> Data:
    return MINIMAL | {"jobs": [MINIMAL["jobs"][0] | changes]}


def resolved(data: Data, *overrides: str, native_size_px: int = 224) -> Render:
    spec = spec_of(data, *overrides)
    return resolve(spec.jobs[0], spec.render, (native_size_px, native_size_px))
