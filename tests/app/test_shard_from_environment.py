"""--shard auto: which slice the variables of schedulers and CI systems name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.app.render_run import RenderOptions, RenderOutcome
from fvcli.app.shard_from_environment import shard_from_environment
from fvcli.errors import UsageError
from tests.helpers.running import fvcli, write_spec


def slurm(number: int, first: int, last: int, step: int, count: int) -> dict[str, str]:
    values = {"ID": number, "MIN": first, "MAX": last, "STEP": step, "COUNT": count}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


def grid_engine(number: int | str, first: int, last: int, step: int) -> dict[str, str]:
    values = {"ID": number, "FIRST": first, "LAST": last, "STEPSIZE": step}
    return {f"SGE_TASK_{name}": str(value) for name, value in values.items()}


def srun(number: int, count: int) -> dict[str, str]:
    return {"SLURM_PROCID": str(number), "SLURM_STEP_NUM_TASKS": str(count), "SLURM_NTASKS": str(count)}


GITLAB = {"GITLAB_CI": "true", "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "4"}
CIRCLE_ALONE = {"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "1"}
KUBERNETES = {"JOB_COMPLETION_INDEX": "0", "FVCLI_SHARDS": "3"}
AWS = {"AWS_BATCH_JOB_ARRAY_INDEX": "9", "AWS_BATCH_JOB_ARRAY_SIZE": "10"}

# What Slurm sets was read off a real one: --array=0-7, 1-8, 0-10:5, 0-0.
RIGHT = {
    "explicit": ({"FVCLI_SHARD": "3/8"} | slurm(0, 0, 1, 1, 2), "3/8"),
    "slurm from 0": (slurm(7, 0, 7, 1, 8) | {"SLURM_PROCID": "0"}, "8/8"),
    "slurm from 1": (slurm(1, 1, 8, 1, 8), "1/8"),
    "slurm by steps": (slurm(5, 0, 10, 5, 3), "2/3"),
    "slurm, one task": (slurm(0, 0, 0, 1, 1), "1/1"),
    "slurm, several tasks on a node that one process uses": (
        slurm(1, 0, 1, 1, 2) | {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"},
        "2/2",
    ),
    "srun": (srun(3, 4), "4/4"),
    "srun of one task in an array": (slurm(1, 0, 3, 1, 4) | srun(0, 1), "2/4"),
    "srun of two tasks in an array": (slurm(1, 0, 3, 1, 4) | srun(1, 2), "4/8"),
    "kubernetes": (KUBERNETES, "1/3"),
    "aws": (AWS, "10/10"),
    "aws, an old one": ({"AWS_BATCH_JOB_ARRAY_INDEX": "9", "FVCLI_SHARDS": "12"}, "10/12"),
    "grid engine": (grid_engine(10, 1, 10, 1), "10/10"),
    "grid engine by steps": (grid_engine(7, 1, 7, 3), "3/3"),
    "pbs": ({"PBS_ARRAY_INDEX": "0", "FVCLI_SHARDS": "2"}, "1/2"),
    "torque": ({"PBS_ARRAYID": "1", "FVCLI_SHARDS": "2"}, "2/2"),
    "lsf": ({"LSB_JOBINDEX": "5", "LSB_JOBINDEX_END": "5", "FVCLI_SHARDS": "5"}, "5/5"),
    "gitlab": (GITLAB, "2/4"),
    "circle": ({"CIRCLE_NODE_INDEX": "3", "CIRCLE_NODE_TOTAL": "4"}, "4/4"),
    "buildkite": ({"BUILDKITE_PARALLEL_JOB": "0", "BUILDKITE_PARALLEL_JOB_COUNT": "4"}, "1/4"),
    "an array and a CI job that is not parallel": (CIRCLE_ALONE | slurm(2, 0, 3, 1, 4), "3/4"),
    "two that agree": (AWS | {"JOB_COMPLETION_INDEX": "9", "FVCLI_SHARDS": "10"}, "10/10"),
    "outside of an LSF array": (GITLAB | {"LSB_JOBINDEX": "0"}, "2/4"),
    "outside of a Grid Engine array": (GITLAB | grid_engine("undefined", 1, 1, 1), "2/4"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_slice_is_that_of_the_documentation(name: str) -> None:
    environment, expected = RIGHT[name]
    found = shard_from_environment({"HOME": "/home/someone"} | environment)
    assert f"{found.index}/{found.count}" == expected
    assert set(found.variables) <= set(environment)
    assert str(found) == f"slice {expected}, from {', '.join(found.variables)}"


# As read off a real Slurm: --array=3,17 and 0,5,10 and 0-4:2,1 and 2-5 and 7.
REFUSED = {
    "nothing": ({}, "no variable of an array job is set"),
    "only the number of CI jobs": ({"GITLAB_CI": "true", "CI_NODE_TOTAL": "1"}, "no variable"),
    "not a slice": ({"FVCLI_SHARD": "0/4"}, "not a slice"),
    "empty": ({"FVCLI_SHARD": ""}, "not a slice"),
    "slurm, two ids": (slurm(17, 3, 17, 1, 2), "such as 0-1"),
    "slurm, ids of a list": (slurm(5, 0, 10, 1, 3), "has gaps"),
    "slurm, steps and another": (slurm(0, 0, 4, 2, 4), "has gaps"),
    "slurm, a part": (slurm(2, 2, 5, 1, 4), "starts with 2"),
    "slurm, one again": (slurm(7, 7, 7, 1, 1), "starts with 7"),
    "slurm, some variables": ({"SLURM_ARRAY_TASK_ID": "1"}, "SLURM_ARRAY_TASK_MIN is not set"),
    "slurm, not by srun": ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, "write srun fvcli"),
    "slurm, part of what was meant": (slurm(0, 0, 0, 1, 1) | {"FVCLI_SHARDS": "8"}, "FVCLI_SHARDS=8"),
    "kubernetes": ({"JOB_COMPLETION_INDEX": "0"}, "set FVCLI_SHARDS to spec.completions"),
    "kubernetes, too few": (KUBERNETES | {"JOB_COMPLETION_INDEX": "3"}, "task 4 of 3"),
    "pbs from 1": ({"PBS_ARRAY_INDEX": "10", "FVCLI_SHARDS": "10"}, "task 11 of 10"),
    "pbs": ({"PBS_ARRAY_INDEX": "0"}, "set FVCLI_SHARDS"),
    "torque": ({"PBS_ARRAYID": "0"}, "set FVCLI_SHARDS"),
    "lsf": ({"LSB_JOBINDEX": "1", "LSB_JOBINDEX_END": "5"}, "from 1 without gaps"),
    "lsf with gaps": (
        {"LSB_JOBINDEX": "9", "LSB_JOBINDEX_END": "9", "FVCLI_SHARDS": "3"},
        "FVCLI_SHARDS=3",
    ),
    "not GitLab": ({"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"}, "may count from 0 or from 1"),
    "gitlab": (GITLAB | {"CI_NODE_INDEX": "0"}, "task 0 of 4"),
    "not a number": ({"CIRCLE_NODE_INDEX": "one", "CIRCLE_NODE_TOTAL": "4"}, "not a number"),
    "no task": ({"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "0"}, "task 1 of 0"),
    "slurm in CI": (GITLAB | slurm(0, 0, 7, 1, 8), "two systems name different slices"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_wrong_is_refused_with_what_to_write(name: str) -> None:
    environment, expected = REFUSED[name]
    with pytest.raises(UsageError, match=expected) as caught:
        shard_from_environment(environment)
    assert caught.value.hint


@given(st.integers(0, 1), st.integers(1, 50), st.integers(1, 7))
def test_the_tasks_of_an_array_take_every_slice_once(first: int, count: int, step: int) -> None:
    ids = range(first, first + count * step, step)
    found = [shard_from_environment(slurm(number, first, ids[-1], step, count)) for number in ids]
    assert [(one.index, one.count) for one in found] == [(i + 1, count) for i in range(count)]


@pytest.fixture
def no_array(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Forget what system this test runs under."""
    for name in {name for environment, _ in (*RIGHT.values(), *REFUSED.values()) for name in environment}:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_command_says_which_slice_it_takes(tmp_path: Path, no_array: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int] | None] = []

    def render_run(planned: object, output: Path, options: RenderOptions, observer: object) -> RenderOutcome:
        asked.append(options.shard)
        return RenderOutcome(output, {}, (), (), False, 0, 7)

    no_array.setattr("fvcli.app.render_run.render_run", render_run)
    words = ("render", write_spec(tmp_path), "-o", tmp_path / "run", "--shard", "auto")
    refused = fvcli(*words)
    assert (refused.exit_code, asked) == (2, [])
    assert "set FVCLI_SHARD=I/N" in refused.stderr
    no_array.setenv("FVCLI_SHARD", "2/4")
    result = fvcli(*words)
    assert (result.exit_code, asked) == (0, [(2, 4)])
    assert result.stderr == "--shard auto: slice 2/4, from FVCLI_SHARD\n"
