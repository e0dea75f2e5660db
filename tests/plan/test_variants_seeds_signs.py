"""Several seeds and both signs: names of units, keys as of one at a time, and sheets."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.atlas.side_by_side import side_by_side
from fvcli.models import ModelFacts
from fvcli.spec import SpecError
from tests.helpers.plans import plan_of
from tests.helpers.specs import resolved, spec_of, with_job

JOB: dict[str, Any] = {"name": "a", "layer": "stem_bn", "channels": [3, 5]}


def keys(facts: ModelFacts, **job: Any) -> dict[str, str]:
    return {unit.name: unit.key for unit in plan_of(facts, [{**JOB, **job}]).units}


def test_a_picture_of_each_seed(facts: ModelFacts) -> None:
    found = keys(facts, seeds="0-1")
    assert [*found] == [f"channel-000{channel}-seed-{seed}" for seed in (0, 1) for channel in (3, 5)]
    for seed in (0, 1):
        alone = keys(facts, seed=seed)
        assert {found[f"channel-000{channel}-seed-{seed}"] for channel in (3, 5)} == {*alone.values()}


def test_a_picture_of_each_sign(facts: ModelFacts) -> None:
    found = keys(facts, sign="both")
    assert [*found] == [f"channel-000{c}-{sign}" for sign in ("positive", "negative") for c in (3, 5)]
    assert found["channel-0003-positive"] == keys(facts)["channel-0003"]
    assert found["channel-0003-negative"] == keys(facts, sign="negative")["channel-0003-negative"]


def test_variants_seeds_and_signs_together(facts: ModelFacts) -> None:
    variants = [{"name": "x", "steps": 5}, {"name": "y", "seeds": [7]}, {"name": "z", "seed": 1}]
    found = keys(facts, channels=[3], sign="both", seeds=[0, 2], variants=variants)
    ways = ["x-seed-0", "x-seed-2", "y-seed-7", "z"]
    assert {*found} == {f"channel-0003-{s}-{way}" for s in ("positive", "negative") for way in ways}
    assert len({*found.values()}) == 8


def test_a_group_is_rendered_for_each_seed(facts: ModelFacts) -> None:
    plan = plan_of(facts, [{**JOB, "channels": [3], "seeds": "1-2", "diversity": {"count": 2}}])
    assert [unit.name for unit in plan.units] == [
        f"channel-0003-d{i}-seed-{s}" for s in (1, 2) for i in (1, 2)
    ]
    assert [unit.member for unit in plan.units] == [0, 1, 0, 1]


def test_what_sidecars_and_sheets_say_of_them(facts: ModelFacts) -> None:
    plan = plan_of(facts, [{**JOB, "channels": [3], "seeds": [4, 9], "sign": "both"}])
    first = plan.units[0]
    assert first.unit == {"channel": 3, "seed": 4}
    assert [unit.label for unit in plan.units] == [
        "3 (+) seed 4",
        "3 (-) seed 4",
        "3 (+) seed 9",
        "3 (-) seed 9",
    ]
    assert ", both signs" in plan.jobs[0].title


def test_one_ascent_is_compiled_for_all_of_them(facts: ModelFacts) -> None:
    plan = plan_of(facts, [{**JOB, "seeds": "0-3", "sign": "both"}])
    assert len({program.compilation for program in plan.programs}) == 1


def test_only_names_them(facts: ModelFacts) -> None:
    assert [*keys(facts, seeds="0-3", only="channel-0005-seed-2")] == ["channel-0005-seed-2"]


def test_specs_with_one_seed_are_as_they_were(facts: ModelFacts) -> None:
    plan = plan_of(facts, [JOB])
    assert [unit.name for unit in plan.units] == ["channel-0003", "channel-0005"]
    assert plan.units[0].unit == {"channel": 3}
    assert "seeds" not in plan.to_json()


def test_a_job_with_one_seed_overrides_seeds_of_all_jobs() -> None:
    assert resolved(with_job(seed=5) | {"render": {"seeds": "0-3"}}).seeds is None
    assert resolved(with_job(seeds=[5]) | {"render": {"seed": 3}}).seeds == (5,)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"seed": 1, "seeds": [1]}, "write seed for one picture of each unit, or seeds for several"),
        ({"seeds": [1, 1]}, "seed 1 is listed twice"),
        ({"seeds": []}, "the list is empty"),
        ({"seeds": "0-5000"}, "at most 1000 entries"),
        ({"seeds": [0, -1]}, "seeds[1]: -1 should be greater"),
        ({"seed": [1, 2]}, "a seed is one number: for a picture of each write seeds: [1, 2]"),
        ({"seed": "0-3"}, "a seed is one number: for a picture of each write seeds: 0-3"),
    ],
)
def test_seeds_that_cannot_be(job: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec_of(with_job(**job))
    assert words in str(caught.value)


def test_sheets_show_the_pictures_of_a_unit_side_by_side(facts: ModelFacts) -> None:
    plan = plan_of(facts, [{**JOB, "seeds": "0-1", "sign": "both"}])
    units, together = side_by_side(plan.units)
    assert together == 4
    assert [unit.unit["channel"] for unit in units] == [3] * 4 + [5] * 4
    assert side_by_side(plan_of(facts, [JOB]).units)[1] == 1
    assert side_by_side(plan.units[1:]) == (plan.units[1:], 1)
