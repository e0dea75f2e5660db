"""Slices of a plan, whatever their number, order and overlap, are the same run as the whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.app.merge_shards import merge_shards
from fvcli.app.plan_spec import PlannedSpec, plan_of_spec
from fvcli.app.render_run import RenderOptions, render_run
from fvcli.engines import ENGINES
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import write_spec

Slice = tuple[int, int]
Files = dict[str, bytes]
# What tells of the way to the pictures, and not of them.
OF_THE_WAY = {"logs", "workers", "rounds", "attempts", "run.json", ".lock-prepare"}
UNITS, BATCHES = 7, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which renders paint, and nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENGINES, "local", PaintingEngine)
        patch.setattr("os.fsync", lambda _: None)
        yield tmp_path_factory.mktemp("shards")


@pytest.fixture(scope="module")
def planned(folder: Path) -> PlannedSpec:
    return plan_of_spec(str(write_spec(folder)), [])


@pytest.fixture(scope="module")
def whole(folder: Path, planned: PlannedSpec) -> Files:
    render_run(planned, folder / "whole")
    return files(folder / "whole")


@pytest.fixture(scope="module")
def shard(folder: Path, planned: PlannedSpec) -> Callable[[Slice], Path]:
    """Render a slice into a folder of its own, once."""

    @cache
    def render(part: Slice) -> Path:
        run = folder / "{}-of-{}".format(*part)
        outcome = render_run(planned, run, RenderOptions(shard=part))
        assert bool(outcome.sheets) == (part == (1, 1))  # the only one that is a whole run
        return run

    return render


def files(run: Path) -> Files:
    found = {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name.split("/")[0] not in OF_THE_WAY}


@st.composite
def covers(draw: st.DrawFn) -> list[Slice]:
    """All slices of some number, and some of others, in any order."""
    count = draw(st.sampled_from([1, 2, 3, 7]))
    number = st.sampled_from([1, 2, 3, 7])
    others = number.flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n)))
    return draw(
        st.permutations([(i, count) for i in range(1, count + 1)] + draw(st.lists(others, max_size=3)))
    )


@given(parts=covers())
@settings(max_examples=25)
def test_merged_slices_are_the_whole(
    folder: Path, shard: Callable[[Slice], Path], whole: Files, parts: list[Slice]
) -> None:
    runs = [shard(part) for part in parts]
    shutil.rmtree(folder / "merged", ignore_errors=True)
    outcome = merge_shards(runs, folder / "merged")
    assert outcome.counts["done"] == UNITS
    assert files(folder / "merged") == whole


@given(parts=covers())
@settings(max_examples=8)
def test_slices_in_one_folder_are_the_whole(
    folder: Path, planned: PlannedSpec, whole: Files, parts: list[Slice]
) -> None:
    run = folder / "together"
    shutil.rmtree(run, ignore_errors=True)
    for part in parts:
        render_run(planned, run, RenderOptions(shard=part))
    outcome = render_run(planned, run)  # which draws the sheets
    assert outcome.counts == {"done": UNITS}
    assert files(run) == whole


def test_slices_may_be_more_than_batches(folder: Path, shard: Callable[[Slice], Path], whole: Files) -> None:
    """Those that have none are whole runs without a picture."""
    runs = [shard((i, 100)) for i in range(100, 0, -1)]
    assert sum(bool(list(run.glob("units/*/*.png"))) for run in runs) == BATCHES
    merge_shards(runs, folder / "of-100")
    assert files(folder / "of-100") == whole


def test_a_merge_goes_on_from_what_is_merged(
    folder: Path, shard: Callable[[Slice], Path], whole: Files
) -> None:
    for number in (3, 1, 2):
        outcome = merge_shards([shard((number, 3))], folder / "one-by-one")
    assert outcome.counts["pending"] == 0
    assert files(folder / "one-by-one") == whole


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_each_batch_is_in_one_slice(planned: PlannedSpec, count: int) -> None:
    found = [batch for i in range(1, count + 1) for batch in planned.plan.shard(i, count)]
    assert sorted(found) == list(range(BATCHES))
