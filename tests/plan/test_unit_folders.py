"""Large jobs have numbered folders, so that none has too many entries."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.models import ModelFacts
from fvcli.plan import Plan, unit_folders
from fvcli.plan.unit_folders import files_of, in_folders
from fvcli.spec.output import Output
from tests.helpers.plans import LAYER, plan_of

Data = dict[str, Any]
MANY: Data = {"name": "many", "layer": "block6_expand_bn", "channels": "0-299"}


@pytest.fixture(scope="module")
def plan(facts: ModelFacts) -> Plan:
    return plan_of(facts, [MANY])


def layout(plan: Plan, count: int, max_entries: int) -> list[str]:
    return [unit.stem for unit in in_folders([*plan.units[:count]], plan.programs, max_entries)]


@given(count=st.integers(1, 300), max_entries=st.integers(2, 700))
def test_no_folder_has_too_many_entries_and_no_unit_leaves_its_place(
    plan: Plan, count: int, max_entries: int
) -> None:
    stems = layout(plan, count, max_entries)
    entries = Counter(stem.rpartition("/")[0] for stem in stems)
    assert len({*stems}) == count
    assert 2 * max(entries.values()) <= max_entries
    if 2 * count <= max_entries:
        assert [*entries] == ["many"]
        return
    assert [*entries] == [f"many/{i:04d}" for i in range(len(entries))]
    each = entries["many/0000"]
    assert str(each).rstrip("0") in {"1", "2", "5"}
    assert [*entries.values()] == [each] * (count // each) + [count % each] * (count % each > 0)
    if count < 300:  # what is added at the end moves nothing
        assert layout(plan, count + 1, max_entries)[:count] == stems


def test_path_and_key_do_not_depend_on_the_folder(plan: Plan) -> None:
    units = in_folders([*plan.units], plan.programs, 100)
    assert [unit.path for unit in units] == [unit.path for unit in plan.units]
    assert [unit.key for unit in units] == [unit.key for unit in plan.units]
    assert units[-1].stem == "many/0005/channel-0299"


@pytest.mark.parametrize(
    ("job", "files"),
    [
        ({}, 2),
        ({"save_at": [1, 4, 4]}, 4),
        ({"animation": {"format": "gif"}}, 3),
        ({"save_at": [1], "animation": {"format": "gif"}}, 4),
    ],
)
def test_what_stands_beside_a_picture_counts(facts: ModelFacts, job: Data, files: int) -> None:
    plan = plan_of(facts, [MANY | {"steps": 8} | job])
    assert files_of(plan.programs[0]) == files
    pictures = 1 + len({*job.get("save_at", ())})
    beside = Output(also=("jpeg", "webp"), curve=True, array=True)
    assert files_of(plan.programs[0], beside) == files + 2 * pictures + 2


def test_each_job_is_laid_out_by_itself(facts: ModelFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_folders, "MAX_ENTRIES", 40)
    jobs = [LAYER, MANY, MANY | {"name": "fit", "channels": "0-19"}]
    plan = plan_of(facts, jobs)
    by_job = {job.name: {unit.folder for unit in units} for job, units in plan.by_job()}
    assert by_job == {"c": {""}, "many": {f"{i:04d}" for i in range(15)}, "fit": {""}}


def test_the_unit_with_the_most_files_decides(facts: ModelFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_folders, "MAX_ENTRIES", 40)
    variants = [{"name": "a"}, {"name": "b", "save_at": [1, 2]}]
    plan = plan_of(facts, [MANY | {"channels": "0-9", "steps": 8, "variants": variants}])
    assert Counter(unit.folder for unit in plan.units) == {"0000": 10, "0001": 10}


def test_a_plan_with_folders_is_one_that_older_releases_refuse(
    facts: ModelFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would look for pictures elsewhere."""
    assert '"version": 5' in plan_of(facts, [MANY]).to_json()
    monkeypatch.setattr(unit_folders, "MAX_ENTRIES", 40)
    plan = plan_of(facts, [MANY])
    text = plan.to_json()
    assert '"version": 6' in text
    assert Plan.from_json(text) == plan
    assert Plan.from_json(text).units[-1].stem == "many/0014/channel-0299"
