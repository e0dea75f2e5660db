"""The Job for Kubernetes: valid by the client library's own models, and what each exit code leads to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from ruamel.yaml import YAML

from tests.helpers.painted_runs import painted
from tests.helpers.running import fvcli, write_spec

IMAGE = ("--engine", "kubernetes", "--image", "registry/fvcli:1")
CLAIM = ("--claim", "runs", "--mount", "/data")
DRY = (*IMAGE, *CLAIM, "--dry-run")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path)


def job_of(*words: str | Path) -> dict[str, Any]:
    """Return what the command prints, as kubectl reads it."""
    result = fvcli("submit", *words)
    assert result.exit_code == 0, result.stderr
    return dict(YAML(typ="safe", pure=True).load(result.stdout))


def through_the_models(job: dict[str, Any]) -> tuple[client.V1Job, dict[str, Any]]:
    """Read a Job as the client library's models do, and write what they kept of it."""
    api = client.ApiClient()
    model = api._ApiClient__deserialize(job, "V1Job")
    return model, api.sanitize_for_serialization(model)


@pytest.mark.parametrize(
    "words",
    [
        ("/data/Nice run_2/", *CLAIM),
        ("s3://bucket/runs/atlas", "--secret", "keys"),
        ("/data/run", *CLAIM, "--resource", "nvidia.com/gpu=1", "--resource", "memory=8Gi", "--allow-code"),
    ],
)
def test_the_models_of_the_client_keep_every_key(spec: Path, words: tuple[str, ...]) -> None:
    run, *more = words
    job = job_of(spec, "-o", run, *IMAGE, "--workers", "3", "--dry-run", *more)
    model, kept = through_the_models(job)
    assert kept == job
    assert model.spec.completion_mode == "Indexed"
    assert model.spec.completions == model.spec.parallelism == 3
    assert model.spec.template.spec.restart_policy == "Never"


def test_a_key_that_the_models_do_not_know_would_be_seen(spec: Path) -> None:
    job = job_of(spec, "-o", "/data/run", *DRY, "--workers", "2")
    job["spec"]["backoffLimitPerindex"] = 3
    assert through_the_models(job)[1] != job


def test_exit_codes_do_what_the_documentation_says(spec: Path) -> None:
    job, _ = through_the_models(job_of(spec, "-o", "/data/run", *DRY, "--workers", "2"))
    rules = job.spec.pod_failure_policy.rules
    conditions = [(one.type, one.status) for one in rules[0].on_pod_conditions]
    assert (rules[0].action, conditions) == ("Ignore", [("DisruptionTarget", "True")])
    container = job.spec.template.spec.containers[0]
    codes = {}
    for rule in rules[1:]:
        assert (rule.on_exit_codes.operator, rule.on_exit_codes.container_name) == ("In", container.name)
        codes |= dict.fromkeys(rule.on_exit_codes.values, rule.action)
    assert codes == {75: "Ignore", 1: "FailIndex", 2: "FailIndex"}
    assert job.spec.backoff_limit_per_index == 3
    assert job.spec.max_failed_indexes == 2
    assert job.spec.backoff_limit is None


def test_a_pod_works_on_the_run_in_its_volume(spec: Path) -> None:
    words = ("--workers", "2", "--work-arg=--tries=2", "--secret", "keys", "--resource", "nvidia.com/gpu=1")
    job, _ = through_the_models(job_of(spec, "-o", "/data/atlas", *DRY, *words, "--allow-code"))
    pod = job.spec.template.spec
    (container,), (volume,) = pod.containers, pod.volumes
    assert container.command == ["fvcli", "work", "--allow-code", "--tries=2", "/data/atlas"]
    assert container.image == "registry/fvcli:1"
    assert volume.persistent_volume_claim.claim_name == "runs"
    assert [(one.name, one.mount_path) for one in container.volume_mounts] == [(volume.name, "/data")]
    assert container.resources.limits == {"nvidia.com/gpu": "1"}
    assert container.env_from[0].secret_ref.name == "keys"
    assert pod.termination_grace_period_seconds == 120
    assert job.metadata.name == "fvcli-atlas"


def test_there_are_no_more_workers_than_batches_that_lack_pictures(spec: Path, tmp_path: Path) -> None:
    more = ("--workers", "64", *IMAGE, "--claim", "runs", "--mount", str(tmp_path), "--dry-run")
    assert job_of(spec, "-o", tmp_path / "run", *more)["spec"]["parallelism"] == 4
    painted(spec, tmp_path / "run", failed="edges/channel-0001")
    assert job_of("-o", tmp_path / "run", *more, "--missing")["spec"]["completions"] == 1
    painted(spec, tmp_path / "done")
    finished = fvcli("submit", "-o", tmp_path / "done", *more, "--missing", "--engine", "kubernetes")
    assert (finished.exit_code, finished.stdout) == (2, "")
    assert f"{tmp_path}/done: nothing is missing" in finished.stderr


def test_nothing_is_written_or_started(spec: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = fvcli("submit", spec, "-o", "/data/run", *IMAGE, *CLAIM, "--workers", "2")
    assert result.exit_code == 2
    assert "--dry-run | kubectl apply -f -" in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-o", "run", *DRY), "run is not below /data: give the run as a pod sees it: -o /data/run"),
        (("-o", "/data", *DRY), "not below /data"),
        (("-o", "/data/run", "--engine", "kubernetes", *CLAIM), "give --image"),
        (("-o", "/data/run", *IMAGE), "give --claim NAME --mount FOLDER"),
        (("-o", "s3://bucket/run", *DRY), "is in no volume"),
        (("-o", "/data/run", *DRY, "--resource", "gpu"), "--resource 'gpu' is no limit"),
        (("-o", "/data/run", *DRY, "--resource", "cpu=two words"), "is no limit, such as"),
        (("-o", "/data/run", *DRY, "--secret", "A B"), "--secret 'A B' is no name in Kubernetes"),
        (("-o", "/data/run", *DRY, "--work-arg=--bogus"), "--work-arg: No such option"),
        (("-o", "/data/run", *DRY, "--sbatch-arg=-v"), "--sbatch-arg is an option of --engine slurm"),
        (("-o", "", *DRY), "-o is empty"),
    ],
)
def test_mistakes_are_refused(spec: Path, words: tuple[str, ...], expected: str) -> None:
    result = fvcli("submit", spec, *words, "--workers", "2")
    assert (result.exit_code, result.stdout) == (2, "")
    assert expected in result.stderr
