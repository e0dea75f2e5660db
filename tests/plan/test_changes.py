"""What another plan does to finished pictures, in the words of the spec."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fvcli.plan import Gone, Plan, SpecTexts, change_lines, make_plan, picture_facts
from fvcli.plan.written_keys import override_line, written_keys
from fvcli.spec.schema import Spec
from tests.plan.test_keys import CASES, lite0, plan_of

Data = dict[str, Any]
CHANGED = {name: other for name, (_, other) in CASES.items() if other}


def text_of(job: Data) -> str:
    return json.dumps({"model": "efficientnet-lite0", "jobs": [job]})


def lines_of(was: Data, now: Data) -> list[str]:
    """Return the lines where every picture of a job is finished and the job is then changed."""
    old, new = plan_of(was), plan_of(now)
    return change_lines(gone(old, new), old, new, SpecTexts(text_of(was), text_of(now)))


def gone(old: Plan, new: Plan) -> list[Gone]:
    keys = {unit.path: unit.key for unit in new.units}
    asked = {job.name: job.asked for job in old.jobs}
    changed = [unit for unit in old.units if keys.get(unit.path) != unit.key]
    return [Gone(unit.job, unit.path, picture_facts(old, unit), asked[unit.job]) for unit in changed]


@pytest.mark.parametrize("name", CHANGED)
def test_every_change_is_named_by_a_key_that_was_changed(name: str) -> None:
    was, now = CASES[CHANGED[name]][0], CASES[name][0]
    lines = lines_of(was, now)
    assert lines
    keys = {key for key in {*was, *now} if was.get(key) != now.get(key)}
    for line in lines:
        places = line.partition(": ")[0].split(", ")
        assert {place.split(".")[2].partition("[")[0] for place in places} <= keys, line


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("render.octaves", ["jobs.a.octaves: not set -> set: 1 picture would go"]),
        ("render.save_at", ["jobs.a.save_at: not set -> [0, 4]: 1 picture would go"]),
        (
            "parameterization.generator.path",
            ["jobs.a.parameterization.path: ffffffff -> fefefefe: 1 picture would go"],
        ),
        ("transforms.pad.px", ["jobs.a.transforms[0].px: 4 -> 5: 1 picture would go"]),
        ("render.transforms", ["jobs.a.transforms: [affine] -> [flip]: 1 picture would go"]),
        ("objective.interpolate.from", ["jobs.a.objective.from.channel: 1 -> 4: 6 pictures would go"]),
        (
            "objective.interpolate.count",
            [
                "jobs.a.objective.count: not set -> 3: 2 pictures would go",
                "jobs.a.objective: 3 pictures are no longer asked for",
            ],
        ),
        (
            "diversity.count",
            [
                "jobs.a.diversity.count: 4 -> 2: 2 pictures would go",
                "jobs.a.diversity: 2 pictures are no longer asked for",
            ],
        ),
        (
            "objective.sum.terms",
            ["jobs.a.objective.terms: [channel, neuron] -> [layer, neuron]: 1 picture would go"],
        ),
        ("other channel", ["jobs.a.channels: 1 picture is no longer asked for"]),
        (
            "match.activations",
            ["jobs.a.pictures, jobs.a.objective: 1 picture is no longer asked for"],
        ),
    ],
)
def test_how_changes_are_said(name: str, lines: list[str]) -> None:
    assert lines_of(CASES[CHANGED[name]][0], CASES[name][0]) == lines


def test_keys_that_are_written_in_a_spec_or_on_the_command_line() -> None:
    text = override_line("render.steps=3") + override_line("jobs.b.seed=1") + "# --set nonsense\n"
    text += """
render: {size_px: 64}
jobs:
  - {name: a, layer: stem_bn, variants: [{name: v, recipe: lucid}]}
  - {name: b, layer: stem_bn}
"""
    keys = written_keys(text)
    assert keys.render == {"size_px", "steps"}
    assert keys.of_job("a") == {"layer", "variants", "recipe"}
    assert keys.of_job("b") == {"layer", "seed"}
    assert keys.of_job("c") == frozenset()
    assert written_keys("]").render == frozenset()


def test_many_jobs_are_not_all_named() -> None:
    """Nothing in the spec says it: another version of the recipe does."""
    plans = []
    for steps in (64, 32):
        jobs = [{"name": n, "layer": "stem_bn", "channels": [0], "steps": steps} for n in "abcde"]
        spec = Spec.model_validate({"model": "efficientnet-lite0", "jobs": jobs})
        plans.append(make_plan(spec, range(5), lite0())[0])
    lines = change_lines(gone(*plans), *plans)
    assert lines == ["jobs.a.steps, jobs.b.steps and 3 more jobs: 64 -> 32: 5 pictures would go"]
