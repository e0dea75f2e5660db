"""The plan of a run folder: whole, or a head and parts, whatever process was killed on the way."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from fvcli.errors import FvcliError
from fvcli.models import ModelFacts
from fvcli.plan import Plan
from fvcli.plan.parted_units import PartedUnits
from fvcli.run import RunFolder, atomic, plan_files
from fvcli.run.plan_files import read_plan, share_plan, write_plan
from tests.helpers.large_plans import make_small_plans_large
from tests.helpers.plans import CHANNELS, plan_of

Data = dict[str, Any]
FEW: list[Data] = [CHANNELS]
MANY: list[Data] = [
    CHANNELS | {"channels": "0-8"},
    CHANNELS | {"name": "s", "channels": [1, 2], "size_px": 96},
]


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small_plans_large(monkeypatch)


@pytest.fixture
def plan(facts: ModelFacts) -> Plan:
    return plan_of(facts, MANY)


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("plan/*/*"))


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_large_plan_is_read_as_it_was_written(tmp_path: Path, plan: Plan) -> None:
    write_plan(tmp_path, plan)
    assert [path.name for path in parts(tmp_path)] == ["00000.jsonl", "00001.jsonl", "00002.jsonl"]
    again = read_plan(tmp_path)
    assert isinstance(again.units, PartedUnits)
    assert again == plan
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_plan_of_few_units_is_one_file_as_ever(tmp_path: Path, facts: ModelFacts) -> None:
    few = plan_of(facts, FEW)
    write_plan(tmp_path, few)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    assert (tmp_path / "plan.json").read_text() == few.to_json()
    assert read_plan(tmp_path) == few


def test_only_the_part_that_has_a_batch_is_read(tmp_path: Path, plan: Plan) -> None:
    write_plan(tmp_path, plan)
    first, _, last = parts(tmp_path)
    first.unlink()
    last.unlink()
    again = read_plan(tmp_path)
    assert len(again.batches) == 3
    assert [len(batch) for batch in again.batches] == [8, 1, 2]
    assert [again.units[i] for i in (4, 5, 6, 7)] == [*plan.units[4:8]]
    with pytest.raises(FvcliError):
        again.units_of(0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "a part of the plan cannot be read (No such file or directory)"),
        (b"", "is damaged: it is not as it was written"),
        (b"half", "is damaged: it is not as it was written"),
    ],
)
def test_a_damaged_part_is_named(tmp_path: Path, plan: Plan, content: bytes | None, said: str) -> None:
    write_plan(tmp_path, plan)
    place = parts(tmp_path)[1]
    place.unlink()
    if content is not None:
        place.write_bytes(content)
    again = read_plan(tmp_path)
    assert again.units[0] == plan.units[0]
    with pytest.raises(FvcliError, match=r"render the spec that this run is of again") as error:
        tuple(again.units)
    assert str(error.value).startswith(str(place))
    assert said in str(error.value)
    write_plan(tmp_path, plan)
    assert read_plan(tmp_path) == plan


def test_what_is_there_is_not_written_again(tmp_path: Path, plan: Plan) -> None:
    write_plan(tmp_path, plan)
    before = stamps(tmp_path)
    write_plan(tmp_path, plan)
    write_plan(tmp_path, read_plan(tmp_path))
    assert stamps(tmp_path) == before


def test_only_the_parts_of_the_plan_that_is_there_are_kept(
    tmp_path: Path, plan: Plan, facts: ModelFacts
) -> None:
    write_plan(tmp_path, plan)
    other = plan_of(facts, [MANY[0]])
    write_plan(tmp_path, other)
    assert read_plan(tmp_path) == other
    assert len(parts(tmp_path)) == 3
    assert len({path.parent for path in parts(tmp_path)}) == 1
    write_plan(tmp_path, plan_of(facts, FEW))
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_jobs_of_another_name_have_the_same_parts(tmp_path: Path, plan: Plan, facts: ModelFacts) -> None:
    """Because lines do not say what is in the head."""
    write_plan(tmp_path, plan)
    before = parts(tmp_path)
    renamed = plan_of(facts, [MANY[0] | {"name": "z"}, MANY[1]])
    write_plan(tmp_path, renamed)
    assert parts(tmp_path) == before
    assert read_plan(tmp_path) == renamed


class Killed(BaseException):
    """The process is no more."""


def die_at(step: int, patch: pytest.MonkeyPatch) -> list[int]:
    """Let a process make so many changes of files and then be killed; return a list of those that it made."""
    taken: list[int] = []

    def dying(change: Any) -> Any:
        def changed(*args: Any, **kwargs: Any) -> Any:
            taken.append(len(taken))
            if len(taken) > step:
                raise Killed
            return change(*args, **kwargs)

        return changed

    patch.setattr(Path, "replace", dying(Path.replace))
    patch.setattr(Path, "mkdir", dying(Path.mkdir))
    patch.setattr(shutil, "rmtree", dying(shutil.rmtree))
    return taken


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_plan(
    tmp_path: Path, plan: Plan, facts: ModelFacts
) -> None:
    plans = [plan, plan_of(facts, [MANY[0] | {"sign": "negative"}, MANY[1]]), plan_of(facts, FEW)]
    for old in plans:
        for new in plans:
            for step in range(100):
                place = tmp_path / "run"
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                write_plan(place, old)
                with pytest.MonkeyPatch.context() as patch:
                    taken = die_at(step, patch)
                    with contextlib.suppress(Killed):
                        write_plan(place, new)
                assert read_plan(place) in (old, new)
                if len(taken) <= step:
                    break
                write_plan(place, new)
                assert read_plan(place) == new
                assert len({path.parent for path in parts(place)}) == (len(new.units) > 5)
            else:
                pytest.fail("it takes more steps than that")


def test_a_run_that_was_killed_before_it_had_a_plan_goes_on(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(plan_files, "contents_of", killed)
        with pytest.raises(Killed), RunFolder.begin(tmp_path / "run", plan, "spec"):
            pass
    assert parts(tmp_path / "run")
    with RunFolder.begin(tmp_path / "run", plan, "spec"):
        pass
    assert RunFolder.read(tmp_path / "run").plan == plan
    assert len({path.parent for path in parts(tmp_path / "run")}) == 1


def test_a_plan_is_shared_with_its_parts(tmp_path: Path, plan: Plan, facts: ModelFacts) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for place in (one, other):
        place.mkdir()
    write_plan(one, plan)
    share_plan(one, other)
    write_plan(one, plan_of(facts, FEW))
    assert read_plan(other) == plan
    share_plan(tmp_path / "none", other)
    assert read_plan(other) == plan


def test_a_disk_without_space_leaves_the_old_plan(
    tmp_path: Path, plan: Plan, facts: ModelFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    write_plan(tmp_path, plan_of(facts, FEW))
    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(FvcliError, match="no space left for"):
        write_plan(tmp_path, plan)
    assert read_plan(tmp_path) == plan_of(facts, FEW)
