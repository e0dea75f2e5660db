"""Small plans, also of jobs that read files; the files are not there, but their facts are."""

from __future__ import annotations

import json
from typing import Any

from fvcli.media import ArrayFacts, NamedFiles, PictureFacts
from fvcli.models import ModelFacts
from fvcli.plan import Plan, make_plan
from fvcli.spec import parse_document, validate

Data = dict[str, Any]
CUP, CAT, ROWS = "bb" * 32, "aa" * 32, "cc" * 32
HOW: Data = {"size_px": 64, "steps": 16, "batch_size": 2}


def files(place: str = "/p") -> NamedFiles:
    cup = PictureFacts("cup", f"{place}/cup.jpg", CUP, 100, 120)
    cat = PictureFacts("cat", f"{place}/cat.jpg", CAT, 256, 384)
    return NamedFiles(
        pictures={"cup.jpg": [cup], "both": [cat, cup]},
        arrays={"rows.npy": ArrayFacts("rows", f"{place}/rows.npy", ROWS, (2, 32))},
    )


def plan_of(facts: ModelFacts, *jobs: Data, place: str = "/p", title: str = "", **render: Any) -> Plan:
    output = {"figure": {"title": title, "rows": [{"units": jobs[0]["name"]}]}} if title else {}
    data = {"model": "efficientnet-lite0", "jobs": list(jobs), "render": HOW | render, "output": output}
    document = parse_document(json.dumps(data), "spec.yaml")
    spec, positions = validate(document)
    document.raise_problems()
    assert spec is not None
    plan, problems = make_plan(spec, positions, facts, files(place))
    assert problems == []
    return plan
