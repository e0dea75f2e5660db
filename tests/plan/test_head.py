"""A large plan as a head and parts: read as it was written, without what is said twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.models import ModelFacts
from fvcli.plan import Plan, Unit
from fvcli.plan.head import PlanHead, head_of, is_large
from fvcli.plan.parted_units import PartedUnits, Stretch
from fvcli.plan.plan import plan_data
from fvcli.plan.unit_lines import parts_of, read_lines, sum_of_part
from tests.helpers.large_plans import make_small_plans_large
from tests.helpers.plans import CHANNELS, EVERY_KIND
from tests.helpers.plans import plan_of as plan_of_jobs
from tests.plan.test_keys import CASES, plan_of

Data = dict[str, Any]


def written(plan: Plan) -> tuple[str, list[bytes]]:
    parts = list(parts_of(plan.units))
    return head_of(plan, [*map(sum_of_part, parts)]).to_json(), parts


def read(text: str, parts: Sequence[bytes]) -> Plan:
    head = PlanHead.from_data(plan_data(text))

    def load(number: int, stretches: Sequence[Stretch]) -> Sequence[Unit]:
        return read_lines(parts[number].decode().splitlines(), stretches, head.programs)

    return head.plan(load)


@pytest.mark.parametrize("name", CASES)
def test_every_kind_is_read_as_it_was_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small_plans_large(monkeypatch, a_part=2)
    plan = plan_of(CASES[name][0])
    text, parts = written(plan)
    again = read(text, parts)
    assert isinstance(again.units, PartedUnits)
    assert again == plan
    assert written(again) == (text, parts)
    assert again.to_json() == plan.to_json()
    assert (again.pictures_digest, again.contents_digest) == (plan.pictures_digest, plan.contents_digest)


def test_jobs_of_every_kind_share_parts(facts: ModelFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small_plans_large(monkeypatch, a_part=7, max_entries=3)
    plan = plan_of_jobs(facts, [job | {"name": f"job-{i}"} for i, job in enumerate(EVERY_KIND)])
    text, parts = written(plan)
    assert [len(part.splitlines()) for part in parts] == [7, 7, len(plan.units) - 14]
    assert read(text, parts) == plan
    assert read(text, parts).batches == plan.batches
    assert read(text, parts).by_job() == plan.by_job()


def test_a_line_has_what_only_its_unit_has(facts: ModelFacts) -> None:
    plan = plan_of_jobs(facts, [CHANNELS])
    text, (part,) = written(plan)
    assert json.loads(part.splitlines()[2]) == {
        **{"name": "channel-0005", "key": plan.units[2].key, "label": "5", "unit": {"channel": 5}},
        "terms": [{"index": 5}],
    }
    head = json.loads(text)
    assert (head["version"], head["units"]) == (6, 3)
    assert head["stretches"] == [
        {"count": 3, "job": "a", "program": 0, "objective": "channel", "sign": 1, "folder": ""}
    ]
    assert len(text.splitlines()) == len(head) + 2  # one for each key


def test_numbers_in_a_row_are_written_as_a_range(facts: ModelFacts) -> None:
    direction = {"name": "d", "layer": "stem_bn", "objective": "direction"}
    jobs = [direction | {"vectors": [{"random": "3-500"}, {"random": [600, 602]}]}]
    plan = plan_of_jobs(facts, jobs)
    text, parts = written(plan)
    assert json.loads(text)["jobs"][0]["asked"]["vectors"] == [
        {"random": {"..": [3, 500]}},
        {"random": [600, 602]},
    ]
    assert read(text, parts).jobs == plan.jobs


@given(st.recursive(st.integers(-2, 40) | st.text(max_size=3) | st.none(), st.lists, max_leaves=60))
def test_what_a_job_asks_for_is_read_as_it_was_written(facts: ModelFacts, value: Any) -> None:
    plan = plan_of_jobs(facts, [CHANNELS])
    asked = {"a": value, "b": {"c": [*range(7, 40)], "d": [value, [*range(99)]]}}
    plan = replace(plan, jobs=(replace(plan.jobs[0], asked=asked),))
    assert read(*written(plan)).jobs == plan.jobs


def test_batches_that_are_cut_otherwise_are_kept(facts: ModelFacts) -> None:
    """As in a plan of an older release, or one that is to be rendered differently."""
    plan = plan_of_jobs(facts, [CHANNELS])
    halved = replace(plan, programs=tuple(replace(one, batch_size=1) for one in plan.programs))
    listed = replace(plan, batches=((0, 2), (1,)))
    for changed in (halved, listed, replace(plan, batches=tuple(plan.batches))):
        assert read(*written(changed)) == changed


def test_keys_that_are_not_known_are_passed_over(facts: ModelFacts) -> None:
    plan = plan_of_jobs(facts, [CHANNELS])
    text, parts = written(plan)
    data = json.loads(text)
    data["programs"][0]["new"] = data["stretches"][0]["new"] = data["new"] = [1]
    lines = (json.dumps(json.loads(line) | {"new": 1}) for line in parts[0].splitlines())
    assert read(json.dumps(data), ["\n".join(lines).encode()]) == plan


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "it has 0 units, and the plan says 1"),
        (["{}", "{}"], "it has 2 units, and the plan says 1"),
        (["{}"], r"a line is no unit \(KeyError\('name'\)\)"),
        (["7"], "a line is no unit"),
        (["{"], "Expecting property name"),
        (['{"name":"a","key":"b","label":"c","unit":{},"terms":[]}'], "shorter than argument 1|longer"),
    ],
)
def test_what_is_no_unit_is_refused_with_the_reason(facts: ModelFacts, lines: list[str], reason: str) -> None:
    plan = plan_of_jobs(facts, [CHANNELS])
    with pytest.raises(ValueError, match=reason):
        read_lines(lines, [Stretch(1, "a", 0, "channel", 1)], plan.programs)


def test_what_is_no_head_is_refused_with_the_reason(facts: ModelFacts) -> None:
    data = json.loads(written(plan_of_jobs(facts, [CHANNELS]))[0])
    for changes, reason in (
        ({"units": 4}, "stretches: they have more or fewer units than there are"),
        ({"sums": None}, "sums: Input should be a valid tuple"),
    ):
        with pytest.raises(ValueError, match=f"^{reason}$"):
            PlanHead.from_data(data | changes)


def test_a_plan_of_few_units_is_whole(facts: ModelFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of_jobs(facts, [CHANNELS])
    assert not is_large(plan)
    make_small_plans_large(monkeypatch, whole=3)
    assert not is_large(plan)
    make_small_plans_large(monkeypatch, whole=2)
    assert is_large(plan)


def test_digests_tell_plans_apart(facts: ModelFacts) -> None:
    plan = plan_of_jobs(facts, [CHANNELS])
    first, *rest = plan.units
    for changes, differ in (
        ({"key": "0" * 16}, (True, True)),
        ({"name": "other"}, (True, True)),
        ({"folder": "0001"}, (True, False)),
        ({"job": "other"}, (True, False)),
        ({"label": "other"}, (False, True)),
        ({"unit": {"channel": 7}}, (False, True)),
    ):
        other = replace(plan, units=(replace(first, **changes), *rest))
        pictures = other.pictures_digest != plan.pictures_digest
        assert (pictures, other.contents_digest != plan.contents_digest) == differ, changes
