"""The unit that kills its process is found from the deaths alone, and no other is blamed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import ceil, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.run.work.next_try import Death, NextTry, next_try

Positions = tuple[int, ...]


def groups_of(count: int, size: int = 1) -> list[Positions]:
    return [tuple(range(i * size, (i + 1) * size)) for i in range(count)]


ALL = (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("missing", "deaths", "then"),
    [
        ([0, 1, 2, 3], [], (0, 1, 2, 3)),
        ([0, 1, 2, 3], [ALL, ALL], (0, 1, 2, 3)),
        ([0, 1, 2, 3], [ALL] * 3, (0, 1)),
        ([0, 1, 2, 3], [ALL] * 3 + [(0, 1)], (0,)),
        ([1, 2, 3], [ALL] * 3 + [(0, 1)], (1,)),
        ([2, 3], [ALL] * 3, (2,)),
        ([1, 2, 3], [ALL] * 3, (1, 2)),  # the larger half first
        ([2, 3], [(0, 1)] * 3, (2, 3)),  # nobody died at these
        ([0, 1, 2, 3], [ALL, ALL, (2, 3), (1, 2, 3)], (2,)),  # the smallest part that died
        ([0, 1, 2, 3], [ALL, (0, 1), (2, 3)], (0,)),  # of two as small the first
    ],
)
def test_what_is_tried_next(missing: list[int], deaths: list[Positions], then: Positions) -> None:
    found = next_try([(i,) for i in missing], [Death(units) for units in deaths], 3)
    assert found == NextTry(then)


def test_a_unit_fails_after_as_many_deaths_at_it_alone() -> None:
    alone = [Death((1,), "signal 11"), Death((1,), "signal 9"), Death((1,))]
    others = [Death((0, 1), "exit code 1")] * 5
    assert next_try([(1,), (2,)], [*others, *alone[:2]], 3) == NextTry((1,))
    assert next_try([(1,), (2,)], [*others, *alone], 3) == NextTry(
        (1,), "the process died: signal 9, 3 times"
    )


def test_a_reason_that_nobody_knows_is_not_told() -> None:
    assert next_try([(0,)], [Death((0,))], 1).failed == "the process died, 1 time"


def test_units_that_are_rendered_together_stay_together() -> None:
    whole = Death((0, 1, 2, 3, 4, 5))
    assert next_try([(0, 1), (2, 3), (4, 5)], [whole], 1).units == (0, 1, 2, 3)
    assert next_try([(0, 1), (2, 3), (4, 5)], [whole, Death((0, 1, 2, 3))], 1).units == (0, 1)
    assert next_try([(2, 3)], [whole, Death((2, 3))], 1) == NextTry((2, 3), "the process died, 1 time")


@dataclass
class Batch:
    """A batch some of whose groups kill each process that renders them."""

    missing: list[Positions]
    deadly: set[Positions]
    tries: int
    rng: random.Random
    extra: int = 0  # processes that will be lost for no fault of the batch
    deaths: list[Death] = field(default_factory=list)
    failed: list[Positions] = field(default_factory=list)
    lost: int = 0

    def work(self) -> None:
        while self.missing:
            chosen = next_try(self.missing, self.deaths, self.tries)
            attempted = [group for group in self.missing if set(group) & set(chosen.units)]
            assert attempted
            if chosen.failed:
                assert len(attempted) == 1
                self.failed += attempted
                self._leave(attempted)
            else:
                self._render(chosen.units, attempted)

    def _render(self, units: Positions, attempted: list[Positions]) -> None:
        is_lost = self.lost < self.extra and self.rng.random() < 0.5
        deadly = [i for i, group in enumerate(attempted) if group in self.deadly]
        if is_lost:
            deadly.append(self.rng.randrange(len(attempted)))
            self.lost += 1
        if deadly:
            self.deaths.append(Death(units))
            attempted = [group for group in attempted[: min(deadly)] if self.rng.random() < 0.5]
        self._leave(attempted)

    def _leave(self, groups: list[Positions]) -> None:
        self.missing = [group for group in self.missing if group not in groups]


@given(
    count=st.integers(1, 17),
    size=st.integers(1, 2),
    deadly=st.integers(0, 3),
    tries=st.integers(1, 4),
    extra=st.integers(0, 3),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=300)
def test_those_that_kill_fail_and_all_others_are_rendered(
    count: int, size: int, deadly: int, tries: int, extra: int, seed: int
) -> None:
    """Also if fewer than ``tries`` processes die for another reason, at whatever they are.

    It takes ``tries`` deaths until the batch is cut. Then each unit that kills is found by halves, and the
    last of these deaths is the first at it alone.
    """
    rng = random.Random(seed)
    groups = groups_of(count, size)
    killers = set(rng.sample(groups, min(deadly, count)))
    batch = Batch(groups, killers, tries, rng, extra=min(extra, tries - 1))
    batch.work()
    assert sorted(batch.failed) == sorted(killers)
    halves = ceil(log2(count))
    assert len(batch.deaths) <= batch.lost + tries + len(killers) * (halves + tries - 1)
    if not killers:
        assert len(batch.deaths) == batch.lost


def test_a_unit_is_not_blamed_for_what_killed_others_beside_it() -> None:
    """The smallest case: it was beside a unit that kills, and then its computer was switched off."""
    beside = [Death((0, 1)), Death((0, 1)), Death((0,))]
    assert next_try([(0,), (1,)], beside, 2) == NextTry((0,))
