"""What `fvcli submit` asks of a real Slurm. All jobs are held, so no worker starts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import Result

from tests.helpers.painted_runs import painted
from tests.helpers.painting import paint
from tests.helpers.running import fvcli, write_spec
from tests.helpers.slurm_cluster import SlurmCluster

HELD = ("--engine", "slurm", "--sbatch-arg=--hold", "--finish-arg=--hold")
MANY = """\
model: efficientnet-lite0
render: {size_px: 48, steps: 4, batch_size: 1}
jobs:
  - {name: edges, layer: stem_bn, channels: all}
  - {name: textures, layer: block1_expand_bn, channels: all}
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "it's 100% done"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Four batches."""
    return write_spec(tmp_path)


def submitted(*words: str | Path, workers: int = 64) -> Result:
    result = fvcli("submit", *words, *HELD, "--workers", str(workers))
    assert result.exit_code == 0, result.stderr
    return result


def job_numbers(result: Result) -> list[int]:
    return [int(number) for number in re.findall(r"\bjob (\d+)", result.stdout)]


def programs(cluster: SlurmCluster) -> list[str]:
    return [call.partition(" ")[0] for call in cluster.calls()]


def test_one_array_and_one_job_after_it(cluster: SlurmCluster, spec: Path, run: Path) -> None:
    result = submitted(spec, "-o", run)
    assert programs(cluster) == ["scontrol", "sbatch", "sbatch"]
    workers, finish = job_numbers(result)
    assert "4 workers for 4 batches" in result.stdout
    assert f"scancel {workers}" in result.stdout
    assert "--missing" in result.stdout
    assert len(cluster.job_states(workers)) == 4
    said = cluster.run("scontrol", "show", "job", str(workers))
    assert "ArrayTaskId=0-3" in said
    assert "Requeue=1" in said  # though this cluster's default is not to
    assert f"Command={run}/submit/slurm.sh" in said
    assert f"Dependency=afterany:{workers}_*" in cluster.run("scontrol", "show", "job", str(finish))
    noted = json.loads((run / "submit/slurm.json").read_text())
    assert [(one["number"], one["workers"]) for one in noted["jobs"]] == [(workers, 4)]
    assert json.loads(fvcli("status", run, "--json").stdout)["pending"] == 7


def test_the_calls_do_not_grow_and_an_array_is_no_longer_than_the_site_allows(
    cluster: SlurmCluster, tmp_path: Path, run: Path
) -> None:
    result = submitted(write_spec(tmp_path, MANY), "-o", run, workers=1000)
    assert programs(cluster) == ["scontrol", "sbatch", "sbatch"]
    assert "101 workers for 128 batches" in result.stdout
    assert "an array may have 101 tasks here (MaxArraySize)" in result.stderr
    assert len(cluster.job_states(job_numbers(result)[0])) == 101


def test_workers_that_are_there_are_counted(cluster: SlurmCluster, spec: Path, run: Path) -> None:
    first, _ = job_numbers(submitted(spec, "-o", run))
    plan = (run / "plan.json").read_bytes()
    cluster.forget_calls()
    again = fvcli("submit", spec, "-o", run, *HELD, "--workers", "4", "--set", "render.steps=5")
    assert again.exit_code == 2
    assert "4 workers of this run still wait or run in Slurm: add --missing" in again.stderr
    assert (run / "plan.json").read_bytes() == plan
    assert programs(cluster) == ["squeue"]
    assert "no more workers are needed, besides 4 workers" in submitted(spec, "-o", run, "--missing").stdout
    cluster.run("scancel", f"{first}_1", f"{first}_2")
    cluster.wait(lambda: len(cluster.job_states(first)) == 2, "two tasks were not cancelled")
    cluster.forget_calls()
    result = submitted("-o", run, "--missing")
    assert programs(cluster) == ["squeue", "scontrol", "sbatch", "sbatch"]
    assert "2 workers for 4 batches" in result.stdout
    assert "besides 2 workers that still wait or run" in result.stdout
    numbers = [one["number"] for one in json.loads((run / "submit/slurm.json").read_text())["jobs"]]
    assert numbers == [first, job_numbers(result)[0]]


def test_only_missing_batches_get_workers(cluster: SlurmCluster, spec: Path, run: Path) -> None:
    folder = painted(spec, run, failed="edges/channel-0001")
    assert "1 worker for 1 batch " in submitted(spec, "-o", run, "--missing").stdout
    other = fvcli("submit", spec, "-o", run, *HELD, "--workers", "4", "--missing", "--set", "render.steps=5")
    assert other.exit_code == 2
    assert "is of another spec" in other.stderr
    paint(folder, folder.plan.units[1])
    cluster.run("scancel", "--name", "fvcli-it_s_100__done")
    cluster.forget_calls()
    assert "nothing is missing" in submitted(spec, "-o", run).stdout
    assert programs(cluster) == ["squeue", "scontrol"]


def test_what_sbatch_says_is_said_and_the_run_stays_prepared(
    cluster: SlurmCluster, spec: Path, run: Path
) -> None:
    result = fvcli("submit", spec, "-o", run, *HELD, "--workers", "4", "--sbatch-arg=--partition=nope")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "sbatch failed: " in line
    assert "invalid partition specified: nope" in line
    assert json.loads(fvcli("status", run, "--json").stdout)["pending"] == 7
    assert not (run / "submit/slurm.json").exists()
    assert job_numbers(submitted(spec, "-o", run))


def test_workers_count_although_the_finishing_job_is_refused(
    cluster: SlurmCluster, spec: Path, run: Path
) -> None:
    result = submitted(spec, "-o", run, "--finish-arg=--partition=nope")
    assert "the job that draws the contact sheets was not started" in result.stderr
    assert "nope" in result.stderr
    assert len(cluster.job_states(job_numbers(result)[0])) == 4


def test_a_dry_run_on_a_run_refuses_what_the_command_would(
    cluster: SlurmCluster, spec: Path, run: Path
) -> None:
    """And it counts what the spec plans now, not what the run had."""
    painted(spec, run)
    assert "nothing is missing" in submitted(spec, "-o", run, "--dry-run").stdout
    grown = ("--set", "jobs.edges.channels=0-9")
    assert "#SBATCH --array=0-2\n" in submitted(spec, "-o", run, *grown, "--dry-run").stdout
    for how in ((), ("--dry-run",)):
        other = fvcli("submit", spec, "-o", run, *HELD, "--workers", "4", "--set", "render.steps=5", *how)
        assert other.exit_code == 2
        assert "holds 7 finished pictures of another spec" in other.stderr


def test_options_of_workers_are_checked_where_they_are_given(
    cluster: SlurmCluster, spec: Path, run: Path
) -> None:
    for wrong in ("--bogus", "--threads", "--tries=0", "another", "--events=1", "it's", "--help"):
        refused = fvcli(
            "submit", spec, "-o", run, *HELD, "--workers", "4", f"--work-arg={wrong}", "--dry-run"
        )
        assert refused.exit_code == 2
        assert "Error: --work-arg: " in refused.stderr
    made = submitted(spec, "-o", run, "--work-arg=--threads 2", "--work-arg=--tries=4", "--dry-run").stdout
    assert 'fvcli work --threads 2 --tries=4 "$run" &' in made
    assert not run.exists()


def test_a_dry_run_writes_and_asks_nothing(cluster: SlurmCluster, spec: Path, run: Path) -> None:
    result = submitted(spec, "-o", run, "--dry-run")
    assert "#SBATCH --array=0-3\n" in result.stdout
    assert "#SBATCH --hold\n" in result.stdout
    assert "sbatch --parsable --dependency=afterany:JOB" in result.stdout
    assert not run.exists()
    assert cluster.calls() == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--sbatch-arg=gpu",), "'gpu' is not an option of sbatch"),
        (("--sbatch-arg=--array=0-3",), "give --workers N"),
        (("--image", "x"), "--image is an option of --engine kubernetes"),
        (("--sbatch-arg=--comment=a\nrm",), "is not an option of sbatch"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(
    cluster: SlurmCluster, spec: Path, run: Path, words: tuple[str, ...], expected: str
) -> None:
    result = fvcli("submit", spec, "-o", run, *HELD, "--workers", "4", *words)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert not run.exists()
    assert cluster.calls() == []


def test_a_run_in_an_object_store_is_refused(cluster: SlurmCluster, spec: Path, tmp_path: Path) -> None:
    result = fvcli("submit", spec, "-o", "s3://bucket/run", *HELD, "--workers", "4")
    assert result.exit_code == 2
    assert "start fvcli work s3://bucket/run with a script of your own" in result.stderr
    assert cluster.calls() == []
    assert not (tmp_path / "s3:").exists()


def test_where_slurm_is_not_installed_it_is_said(
    spec: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = fvcli("submit", spec, "-o", run, *HELD, "--workers", "4")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "submit from a machine where Slurm is installed" in line
    assert not run.exists()
