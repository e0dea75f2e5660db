"""Specs with the same keys that let a GPU work on other numbers of pictures at once, in one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fvcli.models import ModelFacts
from fvcli.plan import Plan
from fvcli.run import RunFolder
from fvcli.run.fingerprint import write_fingerprint
from tests.helpers.plans import plan_of
from tests.helpers.running import at_work_elsewhere, fvcli, write_spec

EDGES = {"name": "edges", "layer": "stem_bn", "channels": "0-3"}
MORE = {"name": "more", "layer": "block1_expand_bn", "channels": "0-3"}
ON_GPU, ON_CPU = {"device": {"kind": "gpu"}}, {"device": {"kind": "cpu"}}


def plan(facts: ModelFacts, *jobs: dict[str, Any], **render: Any) -> Plan:
    return plan_of(facts, jobs or (EDGES,), render=render)


@contextmanager
def begun(path: Path, its: Plan) -> Iterator[RunFolder]:
    with RunFolder.begin(path, its, "{}\n") as run:
        yield run
    assert RunFolder.read(path).plan.programs == its.programs


def at_once(path: Path) -> list[int]:
    return [program.gpu_pictures for program in RunFolder.read(path).plan.programs]


def test_neither_memory_nor_batch_size_need_be_in_a_key(facts: ModelFacts) -> None:
    """Else the rest of this file would be about nothing."""
    usual, little, fixed = plan(facts), plan(facts, memory_gb=0.2), plan(facts, batch_size=8)
    assert [u.key for u in usual.units] == [u.key for u in little.units] == [u.key for u in fixed.units]
    pictures = [one.programs[0].gpu_pictures for one in (usual, little, fixed)]
    assert pictures == sorted(set(pictures), reverse=True)
    assert pictures[-1] == 8


@pytest.mark.parametrize("other", [{"memory_gb": 0.2}, {"batch_size": 8}])
def test_a_run_that_a_gpu_began_keeps_its_number(
    facts: ModelFacts, tmp_path: Path, other: dict[str, Any]
) -> None:
    usual, changed = plan(facts), plan(facts, MORE, EDGES, **other)
    with begun(tmp_path, usual):
        write_fingerprint(tmp_path, ON_GPU)
    before, [new, now] = usual.programs[0].gpu_pictures, [one.gpu_pictures for one in changed.programs]
    with begun(tmp_path, changed) as run:
        assert [program.gpu_pictures for program in run.plan.programs] == [new, before]
        assert run.growth is not None
        assert f"goes on with {before} pictures at once, as this run was begun, and not with {now}" in (
            run.growth.remark
        )
        run.refuse_another_plan()
    assert at_once(tmp_path) == [new, before]


def test_the_plan_of_workers_that_are_there_is_not_changed_under_them(
    facts: ModelFacts, tmp_path: Path
) -> None:
    with begun(tmp_path, plan(facts)) as first, at_work_elsewhere(tmp_path):
        with begun(tmp_path, plan(facts, memory_gb=0.2)):
            pass
        first.refuse_another_plan()


def test_a_run_of_a_cpu_takes_the_new_number(facts: ModelFacts, tmp_path: Path) -> None:
    with begun(tmp_path, plan(facts)):
        write_fingerprint(tmp_path, ON_CPU)
    little = plan(facts, memory_gb=0.2)
    with begun(tmp_path, little) as run:
        assert run.growth is not None
        assert run.growth.remark == ""
    assert at_once(tmp_path) == [little.programs[0].gpu_pictures]


def test_the_same_spec_says_nothing(facts: ModelFacts, tmp_path: Path) -> None:
    for _ in range(2):
        with begun(tmp_path, plan(facts)) as run:
            write_fingerprint(tmp_path, ON_GPU)
            assert run.growth is not None
            assert run.growth.remark == ""


def test_a_render_says_that_it_keeps_the_number(tmp_path: Path, easel: object) -> None:
    spec = write_spec(
        tmp_path, "model: efficientnet-lite0\njobs: [{name: edges, layer: stem_bn, channels: 0-3}]\n"
    )
    run = tmp_path / "run"
    assert fvcli("render", spec, "-o", run).exit_code == 0
    write_fingerprint(run, ON_GPU)
    again = fvcli("render", spec, "-o", run, "--set", "render.memory_gb=0.2")
    assert again.exit_code == 0
    assert "as this run was begun" in again.stderr
    assert "as this run was begun" in (run / "logs/render.log").read_text()
