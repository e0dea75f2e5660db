"""Plans: units, batches and shards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fvcli.cli import main
from fvcli.models import ModelFacts
from fvcli.plan import Plan
from tests.helpers.plans import CHANNELS, EVERY_KIND, NEGATIVE, SWEPT, Data, plan_of

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# ---- units, batches, shards


@st.composite
def job_lists(draw: st.DrawFn) -> list[Data]:
    """Draw jobs of all kinds; some share programs, some do not."""
    jobs = draw(st.lists(st.sampled_from(EVERY_KIND), min_size=1, max_size=6))
    channels = st.lists(st.integers(0, 15), min_size=1, max_size=16, unique=True)
    drawn = []
    for i, job in enumerate(jobs):
        changes: Data = {"name": f"job{i}"}
        if "channels" in job:
            changes["channels"] = draw(channels)
        if draw(st.booleans()):
            changes["batch_size"] = draw(st.integers(1, 9))
        if draw(st.booleans()):
            changes["size_px"] = draw(st.sampled_from([64, [64, 96], 224]))
        drawn.append(job | changes)
    return drawn


@quick
@given(jobs=job_lists(), count=st.integers(1, 12))
def test_every_unit_is_in_one_batch_and_every_batch_in_one_shard(
    facts: ModelFacts, jobs: list[Data], count: int
) -> None:
    plan = plan_of(facts, jobs)
    assert sorted(i for batch in plan.batches for i in batch) == list(range(len(plan.units)))
    shards = [plan.shard(index, count) for index in range(1, count + 1)]
    assert sorted(number for shard in shards for number in shard) == list(range(len(plan.batches)))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    for number, batch in enumerate(plan.batches):
        assert 1 <= len(batch) <= plan.program_of(number).batch_size
        assert {plan.units[i].program for i in batch} == {plan.units[batch[0]].program}
    assert len({unit.path for unit in plan.units}) == len(plan.units)


@quick
@given(jobs=job_lists())
def test_only_the_last_batch_of_a_program_is_short(facts: ModelFacts, jobs: list[Data]) -> None:
    plan = plan_of(facts, jobs)
    for position, program in enumerate(plan.programs):
        sizes = [len(batch) for batch in plan.batches if plan.units[batch[0]].program == position]
        assert all(size == program.batch_size for size in sizes[:-1])


@quick
@given(jobs=job_lists())
def test_json_and_back(facts: ModelFacts, jobs: list[Data]) -> None:
    plan = plan_of(facts, jobs)
    text = plan.to_json()
    back = Plan.from_json(text)
    assert back == plan
    assert back.to_json() == text
    assert [unit.identity for unit in back.units] == [unit.identity for unit in plan.units]


@quick
@given(jobs=job_lists())
def test_same_spec_same_plan(facts: ModelFacts, jobs: list[Data]) -> None:
    assert plan_of(facts, jobs).to_json() == plan_of(facts, jobs).to_json()


@pytest.mark.parametrize(
    "text", ["{}", '{"version": 2}', "[]", "", '{"version": 1}', '{"version": 3}', "null"]
)
def test_no_plan(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Plan.from_json(text)


def test_jobs_share_batches(facts: ModelFacts) -> None:
    plan = plan_of(facts, [CHANNELS, NEGATIVE, CHANNELS | {"name": "x", "steps": 8}])
    assert [len(batch) for batch in plan.batches] == [6, 3]
    assert len(plan.programs) == 2


def test_names_and_labels(facts: ModelFacts) -> None:
    plan = plan_of(facts, [job | {"name": f"j{i}"} for i, job in enumerate(EVERY_KIND)])
    assert [(unit.path, unit.label) for unit in plan.units] == [
        ("j0/channel-0001", "1"),
        ("j0/channel-0002", "2"),
        ("j0/channel-0005", "5"),
        ("j1/neuron-0003", "3"),
        ("j2/neuron-0003-r000-c007", "3 @ 0,7"),
        ("j3/layer", "block4_expand_bn"),
        ("j4/class_logit-0281", "tabby cat"),
        ("j4/class_logit-0207", "Golden Retriever"),
        ("j5/class_probability-0281", "tabby cat"),
        ("j5/class_probability-0207", "Golden Retriever"),
        ("j6/sum", "0.5·stem_bn 3 + block2_add 0 @ 0,1 + block2_add 1 and 3 more"),
        ("j7/sum-channel-0000", "stem_bn 0 - block0_project_bn 0"),
        ("j7/sum-channel-0004", "stem_bn 4 - block0_project_bn 4"),
        ("j8/sum-class-0003", "tiger shark + stem 1"),
        ("j8/sum-class-0281", "tabby cat + stem 1"),
        ("j9/channel-0001-negative", "1"),
        ("j9/channel-0002-negative", "2"),
        ("j9/channel-0005-negative", "5"),
    ]


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (None, list(range(32))),
        ("all", list(range(32))),
        ({"every": 10}, [0, 10, 20, 30]),
        ({"every": 100}, [0]),
        ("3-5, 1", [3, 4, 5, 1]),
        ([31, "0-1"], [31, 0, 1]),
    ],
)
def test_channels(facts: ModelFacts, channels: Any, expected: list[int]) -> None:
    plan = plan_of(facts, [CHANNELS | {"channels": channels}])
    assert [unit.terms[0].index for unit in plan.units] == expected


def test_all_classes(facts: ModelFacts) -> None:
    assert len(plan_of(facts, [{"name": "a", "objective": "class_logit"}]).units) == 1000


def test_swept_sum_takes_the_channels_that_all_layers_have(facts: ModelFacts) -> None:
    plan = plan_of(facts, [{key: value for key, value in SWEPT.items() if key != "channels"}])
    assert len(plan.units) == 16  # stem_bn has 32, block0_project_bn 16
    assert all(unit.terms[0].index == unit.terms[1].index for unit in plan.units)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("a", 3),
        ("a/*", 3),
        ("*/channel-0001*", 2),
        ("channel-0001", 1),
        ("*", 6),
        ("A", 0),
        ("", 0),
        ("a/", 0),
    ],
)
def test_only(facts: ModelFacts, pattern: str, count: int) -> None:
    assert len(plan_of(facts, [CHANNELS, NEGATIVE]).only(pattern)) == count


# ---- what is said of a plan


@pytest.mark.parametrize(
    ("channels", "said"), [("2", "\n1 unit in 1 batch\n"), ("0-1", "\n2 units in 2 batches\n")]
)
def test_counts(tmp_path, channels: str, said: str) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps({"model": "efficientnet-lite0", "jobs": [CHANNELS | {"batch_size": 1}]}))
    result = CliRunner().invoke(main, ["plan", str(spec), "--set", f"jobs.a.channels='{channels}'"])
    assert said in result.output
