"""The plan of a golden: of one run, of a part of it, of units of several plans; it is always valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fvcli.golden.golden_plan import golden_plan, whole_groups
from fvcli.models import ModelFacts
from fvcli.plan import Plan, Unit
from fvcli.run import RunFolder
from tests.helpers.plans_of_files import CUP, ROWS, plan_of

Data = dict[str, Any]
EDGES: Data = {"name": "edges", "layer": "stem_bn", "channels": [0, 1, 2]}
DEEP: Data = {"name": "deep", "layer": "block1_expand_bn", "channels": [3, 17]}
SLOW: Data = {"name": "slow", "layer": "stem_bn", "channels": [4, 5], "steps": 24}
FACETS: Data = {"name": "facets", "layer": "stem_bn", "channels": [7, 8], "diversity": {"count": 3}}
PAIRS: Data = FACETS | {"diversity": {"count": 2}}
WAYS: Data = {
    **{"name": "ways", "layer": "stem_bn", "channels": [0, 1]},
    "variants": [{"name": "a"}, {"name": "b", "steps": 24}],
}
SEEN: Data = {"name": "seen", "layer": "stem_bn", "objective": "caricature", "pictures": "cup.jpg"}
ROWED: Data = {
    **{"name": "rowed", "layer": "stem_bn", "objective": "direction"},
    "vectors": {"file": "rows.npy"},
}


def paths(units: Sequence[Unit]) -> list[str]:
    return [unit.path for unit in units]


def units(plan: Plan, *names: str) -> list[Unit]:
    return [unit for unit in plan.units if unit.path in names or unit.job in names]


def assert_valid(plan: Plan) -> None:
    """Hold what everything that reads a plan relies on."""
    assert sorted(i for batch in plan.batches for i in batch) == list(range(len(plan.units)))
    for number, batch in enumerate(plan.batches):
        programs = {plan.units[i].program for i in batch}
        assert len(programs) == 1
        program = plan.program_of(number)
        assert 1 <= len(batch) <= program.batch_size
        for group in plan.groups_of(number):
            assert [unit.member for unit in group] == list(range(program.members))
            assert all(plan.group_of(unit) == group for unit in group)
    assert {unit.program for unit in plan.units} == set(range(len(plan.programs)))
    assert all(program not in plan.programs[:i] for i, program in enumerate(plan.programs))
    assert [job.name for job in plan.jobs] == list(dict.fromkeys(unit.job for unit in plan.units))
    assert [unit for _, units in plan.by_job() for unit in units] == list(plan.units)
    assert len(set(paths(plan.units))) == len(plan.units)
    assert Plan.from_json(plan.to_json()) == plan


def shown(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """Return what decides each unit's picture."""
    return {unit.path: (replace(unit, program=0), plan.programs[unit.program]) for unit in plan.units}


# ---- one run


def test_of_a_whole_run_it_is_the_runs(facts: ModelFacts) -> None:
    run = plan_of(facts, EDGES, DEEP, SLOW, FACETS, WAYS)
    assert golden_plan(None, run, run.units) == run


def test_a_part_of_a_run_has_its_programs_alone(facts: ModelFacts) -> None:
    run = plan_of(facts, EDGES, DEEP, SLOW)
    found = golden_plan(None, run, units(run, "slow", "edges/channel-0001"))
    assert paths(found.units) == ["edges/channel-0001", "slow/channel-0004", "slow/channel-0005"]
    assert [unit.program for unit in found.units] == [0, 1, 1]
    assert found.programs == (run.programs[0], run.programs[2])
    assert [job.name for job in found.jobs] == ["edges", "slow"]
    assert found.batches == ((0,), (1, 2))
    assert (found.model, found.output) == (run.model, run.output)
    assert_valid(found)


def test_units_of_a_program_are_batched_together_wherever_they_stand(facts: ModelFacts) -> None:
    """So that each program is compiled once: first all of variant a, then all of b, in either job."""
    run = plan_of(facts, WAYS, EDGES)
    found = golden_plan(None, run, run.units)
    assert [unit.program for unit in found.units] == [0, 0, 1, 1, 0, 0, 0]
    assert found.batches == ((0, 1), (4, 5), (6,), (2, 3))


# ---- another run's units laid over


def test_what_is_not_taken_stays_as_it_was(facts: ModelFacts) -> None:
    old = plan_of(facts, EDGES, DEEP)
    run = plan_of(facts, EDGES, DEEP, seed=1, title="Anew")
    found = golden_plan(old, run, units(run, "edges/channel-0001"))
    assert paths(found.units) == paths(old.units)
    assert [unit.program for unit in found.units] == [0, 1, 0, 2, 2]
    assert found.programs == (old.programs[0], run.programs[0], old.programs[1])
    assert found.batches == ((0, 2), (1,), (3, 4))
    before, after = shown(old), shown(run)
    assert shown(found) == before | {"edges/channel-0001": after["edges/channel-0001"]}
    assert found.output == run.output != old.output
    assert_valid(found)


def test_programs_that_both_have_are_shared(facts: ModelFacts) -> None:
    """The deeper layer's is the first of one and the second of the other."""
    old = plan_of(facts, EDGES, DEEP)
    run = plan_of(facts, DEEP | {"channels": [3, 17, 20]}, EDGES)
    found = golden_plan(old, run, units(run, "deep/channel-0020"))
    assert paths(found.units) == [
        *("deep/channel-0003", "deep/channel-0017", "deep/channel-0020"),
        *("edges/channel-0000", "edges/channel-0001", "edges/channel-0002"),
    ]
    assert found.programs == run.programs == tuple(reversed(old.programs))
    assert found.batches == ((0, 1), (2,), (3, 4), (5,))


def test_jobs_stand_as_in_the_run_and_then_those_of_the_golden_alone(facts: ModelFacts) -> None:
    """Also a unit that the run lacks stands with the others of its job."""
    old = plan_of(facts, EDGES, SLOW, DEEP)
    run = plan_of(facts, DEEP | {"title": "Deeper"}, EDGES | {"channels": [2, 9]})
    found = golden_plan(old, run, units(run, "edges/channel-0009"))
    assert paths(found.units) == [
        *("deep/channel-0003", "deep/channel-0017"),
        *("edges/channel-0002", "edges/channel-0009", "edges/channel-0000", "edges/channel-0001"),
        *("slow/channel-0004", "slow/channel-0005"),
    ]
    assert found.jobs[0].title == "Deeper"
    assert [job.name for job in found.jobs] == ["deep", "edges", "slow"]
    assert_valid(found)


def test_what_is_removed_goes_with_its_job(facts: ModelFacts) -> None:
    old = plan_of(facts, EDGES, SLOW)
    run = plan_of(facts, EDGES | {"channels": [0, 2]})
    found = golden_plan(old, run, [], units(old, "slow", "edges/channel-0001"))
    assert shown(found) == shown(run)
    assert [job.name for job in found.jobs] == ["edges"]
    assert (len(found.programs), found.batches) == (1, ((0, 1),))
    one_less = golden_plan(old, run, [], units(old, "slow/channel-0004"))
    assert paths(one_less.units)[-1] == "slow/channel-0005"
    assert_valid(one_less)


def test_the_model_is_that_of_the_pictures(facts: ModelFacts) -> None:
    old = plan_of(facts, EDGES)
    run = replace(plan_of(facts, EDGES), model=replace(old.model, weights="moved"))
    assert golden_plan(old, run, run.units[:1]).model == run.model
    assert golden_plan(old, run, [], old.units[:1]).model == old.model
    assert golden_plan(None, run, []).model == run.model


# ---- groups


def test_a_unit_brings_its_group(facts: ModelFacts) -> None:
    run = plan_of(facts, EDGES, FACETS)
    (one,) = units(run, "facets/channel-0008-d2")
    taken, gone = whole_groups(None, run, [one, run.units[0]])
    assert paths(taken) == ["edges/channel-0000", *(f"facets/channel-0008-d{i}" for i in (1, 2, 3))]
    assert gone == ()
    assert_valid(golden_plan(None, run, taken))


def test_a_group_of_the_golden_is_not_torn(facts: ModelFacts) -> None:
    """The run has groups of two where the golden has three: its third picture cannot stay without them."""
    old, run = plan_of(facts, FACETS), plan_of(facts, PAIRS)
    third, first = units(old, "facets/channel-0007-d3", "facets/channel-0007-d1")
    for asked in (third, first, *units(run, "facets/channel-0007-d2")):
        taken, gone = whole_groups(old, run, [asked])
        assert paths(taken) == ["facets/channel-0007-d1", "facets/channel-0007-d2"]
        assert paths(gone) == ["facets/channel-0007-d3"]
    found = golden_plan(old, run, taken, gone)
    assert paths(found.units) == [
        *("facets/channel-0007-d1", "facets/channel-0007-d2"),
        *(f"facets/channel-0008-d{i}" for i in (1, 2, 3)),
    ]
    assert [unit.program for unit in found.units] == [0, 0, 1, 1, 1]
    assert_valid(found)


def test_a_group_that_stays_stays_together(facts: ModelFacts) -> None:
    """Its third picture, which the run lacks, is not put behind the other group's."""
    old, run = plan_of(facts, FACETS), plan_of(facts, PAIRS, EDGES)
    found = golden_plan(old, run, units(run, "edges"))
    assert paths(found.units)[:6] == paths(old.units)
    assert_valid(found)


def test_one_group_may_touch_several(facts: ModelFacts) -> None:
    """Two of the golden's groups hold pictures of one group of the run, so both go."""
    old = plan_of(facts, PAIRS)
    names = {f"facets/channel-0007-d{i}" for i in (1, 2, 3)}
    run = plan_of(facts, FACETS)
    moved = {"channel-0008-d1": "channel-0007-d3"}
    old = replace(old, units=tuple(replace(unit, name=moved.get(unit.name, unit.name)) for unit in old.units))
    taken, gone = whole_groups(old, run, units(run, "facets/channel-0007-d1"))
    assert set(paths(taken)) == names | {f"facets/channel-0008-d{i}" for i in (1, 2, 3)}
    assert gone == ()


# ---- sources


def test_sources_are_those_of_its_units_without_paths(facts: ModelFacts) -> None:
    run = plan_of(facts, SEEN | {"pictures": "both"}, ROWED)
    assert {source.path for source in run.sources} == {"/p/cup.jpg", "/p/cat.jpg", "/p/rows.npy"}
    found = golden_plan(None, run, units(run, "rowed", "seen/cup-caricature"))
    assert [(one.name, one.file, one.path, one.called, one.sha256) for one in found.sources] == [
        ("cup", "cup-bbbbbbbb.jpg", "cup.jpg", "cup.jpg", CUP),
        ("rows", "rows-cccccccc.npy", "rows.npy", "rows.npy", ROWS),
    ]
    assert "/p" not in found.to_json()
    assert_valid(found)


def test_a_golden_is_the_same_wherever_it_is_made(facts: ModelFacts) -> None:
    here, there = (plan_of(facts, SEEN, ROWED, place=place) for place in ("/here", "/somewhere/else"))
    assert golden_plan(None, here, here.units).to_json() == golden_plan(None, there, there.units).to_json()


def test_sources_of_what_stays_are_kept_and_those_of_what_goes_are_not(facts: ModelFacts) -> None:
    old, run = plan_of(facts, SEEN, EDGES), plan_of(facts, ROWED, EDGES)
    both = golden_plan(old, run, units(run, "rowed"))
    assert {source.sha256 for source in both.sources} == {ROWS, CUP}
    less = golden_plan(both, run, [], units(both, "seen"))
    assert {source.sha256 for source in less.sources} == {ROWS}
    assert_valid(less)


# ---- any


JOBS = [EDGES, DEEP, SLOW, FACETS, WAYS, SEEN, EDGES | {"name": "more"}]
OTHERS = [
    DEEP | {"channels": [17, 20]},
    PAIRS,
    EDGES | {"channels": [2, 0, 9]},
    WAYS | {"variants": [{"name": "b", "steps": 24}, {"name": "c"}]},
    SLOW | {"steps": 16},
    ROWED,
]


@pytest.fixture(scope="module")
def plans(facts: ModelFacts) -> tuple[Plan, Plan]:
    return plan_of(facts, *JOBS), plan_of(facts, *OTHERS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.lists(st.integers(0, 99), max_size=6), min_size=3, max_size=3))
def test_whatever_is_accepted_step_by_step_the_plan_is_valid(
    plans: tuple[Plan, Plan], numbers: list[list[int]]
) -> None:
    golden: Plan | None = None
    for run, some in zip((plans[0], plans[1], plans[0]), numbers, strict=True):
        asked = {unit.path for unit in run.units}
        others = [unit for unit in golden.units if unit.path not in asked] if golden else []
        everything = [*run.units, *others]
        chosen = [everything[number % len(everything)] for number in some]
        taken, gone = whole_groups(golden, run, chosen)
        assert {unit.path for unit in chosen} <= {unit.path for unit in (*taken, *gone)}
        before = shown(golden) if golden else {}
        golden = golden_plan(golden, run, taken, gone)
        assert_valid(golden)
        expected = before | {path: what for path, what in shown(run).items() if path in paths(taken)}
        assert shown(golden) == {path: what for path, what in expected.items() if path not in paths(gone)}
        needed = {unit.picture for unit in golden.units if unit.picture}
        assert {source.sha256 for source in golden.sources} >= needed
        assert golden_plan(golden, run, taken, gone) == golden


def test_it_can_be_read_as_a_run(tmp_path: Path, facts: ModelFacts) -> None:
    run = plan_of(facts, EDGES, FACETS, SEEN)
    found = golden_plan(plan_of(facts, EDGES, DEEP, seed=1), run, units(run, "facets", "seen"))
    (tmp_path / "plan.json").write_text(found.to_json())
    assert RunFolder.read(tmp_path).plan == found
