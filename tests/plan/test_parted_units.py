"""Units that are read in parts are as good as a tuple of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.models import ModelFacts
from fvcli.plan import Plan, Unit
from fvcli.plan.parted_units import KEPT_PARTS, Digests, PartedUnits, Stretch, UnitParts, stretches_of
from tests.helpers.plans import CHANNELS, NEGATIVE, plan_of

Data = dict[str, Any]
JOBS: list[Data] = [
    CHANNELS | {"channels": "0-9"},
    CHANNELS | {"name": "s", "channels": [1, 2], "size_px": 96},
    NEGATIVE | {"channels": "0-5", "diversity": {"count": 2}},
]


@pytest.fixture(scope="module")
def plan(facts: ModelFacts) -> Plan:
    return plan_of(facts, JOBS)


class Shelf:
    """Loads parts, and notes which."""

    def __init__(self, plan: Plan, a_part: int) -> None:
        self.loaded: list[int] = []
        self._units, self._a_part = tuple(plan.units), a_part
        self.units = PartedUnits(UnitParts(stretches_of(plan.units), a_part, Digests("p", "c"), self._load))

    def _load(self, number: int, stretches: Sequence[Stretch]) -> Sequence[Unit]:
        self.loaded.append(number)
        part = self._units[number * self._a_part : (number + 1) * self._a_part]
        assert tuple(stretches) == stretches_of(part)
        return part


@given(a_part=st.integers(1, 30), begin=st.integers(-30, 30), end=st.integers(-30, 30))
def test_they_are_a_sequence(plan: Plan, a_part: int, begin: int, end: int) -> None:
    units, expected = Shelf(plan, a_part).units, plan.units
    assert len(units) == len(expected) == 24
    assert tuple(units) == expected
    assert units == expected
    assert expected == units
    assert [units[i] for i in range(-24, 24)] == [*expected, *expected]
    assert tuple(units[begin:end]) == expected[begin:end]
    assert tuple(units[begin:end:3]) == expected[begin:end:3]
    assert tuple(units[begin:end][::-1]) == expected[begin:end][::-1]
    assert tuple(reversed(units)) == expected[::-1]
    assert units[3:9] != expected[3:8]
    assert units[:3] != expected[1:4]
    with pytest.raises(IndexError):
        units[24]


def test_only_the_parts_that_are_asked_for_are_read(plan: Plan) -> None:
    shelf = Shelf(plan, 4)
    assert shelf.units[9] == plan.units[9]
    assert tuple(shelf.units[8:12]) == plan.units[8:12]
    assert shelf.loaded == [2]


def test_a_few_parts_are_kept(plan: Plan) -> None:
    shelf = Shelf(plan, 2)
    for _ in range(2):
        assert [shelf.units[2 * i] for i in range(KEPT_PARTS)] == [
            plan.units[2 * i] for i in range(KEPT_PARTS)
        ]
    assert shelf.loaded == [*range(KEPT_PARTS)]
    assert shelf.units[0] == plan.units[0]  # so it was asked for after the next one
    assert shelf.units[2 * KEPT_PARTS] == plan.units[2 * KEPT_PARTS]
    assert shelf.units[0] == plan.units[0]
    assert shelf.loaded == [*range(KEPT_PARTS + 1)]


def test_the_place_of_a_unit_is_found_first_where_it_was_read(plan: Plan) -> None:
    shelf = Shelf(plan, 5)
    assert shelf.units.place_of(shelf.units[17].path) == 17
    assert shelf.loaded == [3]
    assert shelf.units.place_of(plan.units[7].path) == 7
    with pytest.raises(ValueError, match=r"^a/none is no unit of the plan$"):
        shelf.units.place_of("a/none")


def test_digests_are_those_of_all_units(plan: Plan) -> None:
    units = Shelf(plan, 5).units
    assert units.digests == units[:].digests == Digests("p", "c")
    assert units[1:].digests is None
    assert units[::-1].digests is None


def test_a_plan_takes_jobs_and_groups_from_the_parts(plan: Plan) -> None:
    from dataclasses import replace

    shelf = Shelf(plan, 5)
    read = replace(plan, units=shelf.units)
    assert read == plan
    jobs = [(job, tuple(units)) for job, units in read.by_job()]
    assert jobs == [(job, tuple(units)) for job, units in plan.by_job()]
    shelf.loaded.clear()
    for unit in plan.units:
        assert read.group_of(unit) == plan.group_of(unit)
    assert read.group_of(plan.units[0]) == (plan.units[0],)
