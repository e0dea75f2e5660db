"""What commands ask of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.app.plan_spec import PlannedSpec
from fvcli.errors import UsageError
from fvcli.run.work import rounds
from fvcli.run.work.rounds import Round, begin_round, latest_round, read_round, write_round


def test_a_round_is_written_and_read(tmp_path: Path) -> None:
    asked = write_round(tmp_path, "abc", [7, 1, 2, 3], {2: [0, 5]})
    assert asked == Round("0001", "abc", (1, 2, 3, 7), {2: (0, 5)})
    assert read_round(tmp_path, "0001") == asked
    assert json.loads((tmp_path / "rounds/0001.json").read_text()) == {
        **{"plan": "abc", "batches": [[1, 3], [7, 7]], "wanted": {"2": [0, 5]}}
    }


def test_their_numbers_rise(tmp_path: Path) -> None:
    names = [write_round(tmp_path, "abc", [i]).name for i in range(12)]
    assert names == [f"{i:04d}" for i in range(1, 13)]
    assert latest_round(tmp_path) == Round("0012", "abc", (11,), {})
    (tmp_path / "rounds/0003.json").unlink()
    (tmp_path / "rounds/notes.json").write_text("not a round")
    assert write_round(tmp_path, "abc", [12]).name == "0013"


def test_latest_is_told_by_number_and_not_by_name(tmp_path: Path) -> None:
    write_round(tmp_path, "abc", [1])
    for number in (9999, 10000):
        (tmp_path / f"rounds/{number}.json").write_text((tmp_path / "rounds/0001.json").read_text())
    found = latest_round(tmp_path)
    assert found is not None
    assert found.name == "10000"


def test_without_a_round_there_is_none(tmp_path: Path) -> None:
    assert latest_round(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"plan": "a", "batches": [1], "wanted": {}}', '{"plan": "a", "batches": []}']
)
def test_a_round_that_cannot_be_read_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "rounds").mkdir()
    (tmp_path / "rounds/0001.json").write_text(content)
    with pytest.raises(
        UsageError, match=r"rounds/0001\.json cannot be read .*: begin anew: fvcli prepare SPEC"
    ):
        read_round(tmp_path, "0001")
    with pytest.raises(UsageError, match="0002"):
        read_round(tmp_path, "0002")


def test_two_commands_begin_rounds_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though each thinks that its number is free."""
    write_round(tmp_path, "abc", [1])
    monkeypatch.setattr(rounds, "_files", lambda _: [])
    assert write_round(tmp_path, "abc", [2]).name == "0002"
    assert read_round(tmp_path, "0001").batches == (1,)


@given(st.sets(st.integers(0, 60)))
def test_ranges_tell_the_numbers(numbers: set[int]) -> None:
    ranges = rounds._ranges(sorted(numbers))
    assert [i for first, last in ranges for i in range(first, last + 1)] == sorted(numbers)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(ranges))


def test_all_is_asked_for(tmp_path: Path, planned: PlannedSpec) -> None:
    asked = begin_round(tmp_path, planned.plan)
    assert asked == Round("0001", planned.plan.sum, tuple(range(10)), {})
    assert asked.missing_in(planned.plan) == dict.fromkeys(range(9), 2) | {9: 1}
    assert asked.positions_of(planned.plan, 8) == (16, 17)


def test_some_batches_and_units_are_asked_for(tmp_path: Path, planned: PlannedSpec) -> None:
    paths = frozenset(
        {"a/channel-0000", "a/channel-0003", "a/channel-0004", "a/channel-0005", "c/channel-0002"}
    )
    missing = {0, 3, 4, 5, 16, 18}
    asked = begin_round(tmp_path, planned.plan, [0, 2, 3, 9], paths)
    assert begin_round(tmp_path, planned.plan, [0, 2, 3, 9], paths, missing.__contains__) == replace(
        asked, name="0002"
    )
    assert (asked.batches, asked.wanted) == ((0, 2, 9), {0: (0,)})
    assert asked.missing_in(planned.plan) == {0: 1, 2: 2, 9: 1}
    assert asked.positions_of(planned.plan, 0) == (0,)


def test_what_is_not_missing_is_not_asked_for(tmp_path: Path, planned: PlannedSpec) -> None:
    there = {1, 10, 11}
    asked = begin_round(tmp_path, planned.plan, missing=lambda unit: unit not in there)
    assert asked.batches == (0, 1, 2, 3, 4, 6, 7, 8, 9)
    assert asked.wanted == {0: (0,)}


def test_where_nothing_is_missing_one_round_says_so(tmp_path: Path, planned: PlannedSpec) -> None:
    """So that a worker knows that something was asked of the plan."""
    asked = begin_round(tmp_path, planned.plan, missing=lambda _: False)
    assert asked == latest_round(tmp_path) == Round("0001", planned.plan.sum, (), {})
    assert asked.missing_in(planned.plan) == {}
    assert begin_round(tmp_path, planned.plan, missing=lambda _: False).name == ""
