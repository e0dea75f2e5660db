"""The Job of Kubernetes that starts workers. fvcli writes it; kubectl hands it in.

Read against the documentation of Kubernetes 1.33, Pod failure policy and Backoff limit per index:
https://kubernetes.io/docs/concepts/workloads/controllers/job/ and
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_WORKERS = 100_000  # completions that backoffLimitPerIndex allows
RETRIES = 3  # of a worker that was killed, such as for its memory, where nothing else is known
GRACE_S = 120  # between SIGTERM and SIGKILL; the default of 30 s may be shorter than a unit's last steps
CONTAINER = "worker"


@dataclass(frozen=True)
class KubernetesJob:
    """What the Job is made of.

    run: Where a pod finds the run: a path below mount, or an address of an object store.
    workers: How many pods work at once.
    image: The container image that has fvcli.
    claim, mount: The persistent volume claim that holds the run, and where it is mounted in a pod.
    secret: A Secret whose keys become environment variables, such as an object store's credentials.
    resources: Limits of a pod, such as ``nvidia.com/gpu: 1``.
    work_args: Options of ``fvcli work``.
    """

    run: str
    workers: int
    image: str
    claim: str | None = None
    mount: str | None = None
    secret: str | None = None
    resources: Mapping[str, str] = field(default_factory=dict)
    work_args: tuple[str, ...] = ()


def job_manifest(job: KubernetesJob) -> dict[str, Any]:
    """Return the Job as plain data.

    It is an Indexed Job because only those have a limit of retries per index: one pod that dies again and
    again then does not end the others. The index itself is not used, because workers claim batches.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job_name(job.run), "labels": {"app.kubernetes.io/name": "fvcli"}},
        "spec": {
            "completionMode": "Indexed",
            "completions": job.workers,
            "parallelism": job.workers,
            "backoffLimitPerIndex": RETRIES,
            "maxFailedIndexes": job.workers,  # a failed unit ends no other worker
            "podFailurePolicy": {"rules": _rules()},
            "template": {"spec": _pod(job)},
        },
    }


def job_name(run: str) -> str:
    """Return a name that Kubernetes takes: at most 63 of a-z, 0-9 and -."""
    last = run.rstrip("/").rpartition("/")[2]
    return f"fvcli-{re.sub('[^a-z0-9]+', '-', last.lower())}"[:52].strip("-")  # room for a pod's index


def _rules() -> list[dict[str, Any]]:
    """Return what is done about a pod that failed; the first rule that fits counts.

    - Its node was drained, preempted or lost: another pod is started. That is no failure of the worker.
    - Exit code 75, stopped by a signal: Ignore starts another pod and counts nothing.
    - Exit code 1, a unit failed: all others are done, and the unit would fail again. The index is marked as
      failed without a retry, so that the Job ends as Failed and says so, but only when all pods have ended.
    - Exit code 2, a mistake: no retry either. FailJob would end all pods at once, also where one pod alone is
      refused because its node is of another kind than those of the pods before.
    - All else, such as 74 for a full disk or 137 for memory: counted, up to backoffLimitPerIndex.
    """
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": _exit_codes(75)},
        {"action": "FailIndex", "onExitCodes": _exit_codes(1, 2)},
    ]


def _exit_codes(*values: int) -> dict[str, Any]:
    return {"containerName": CONTAINER, "operator": "In", "values": list(values)}


def _pod(job: KubernetesJob) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": job.image,
        "command": ["fvcli", "work", *job.work_args, job.run],
    }
    if job.resources:
        container["resources"] = {"limits": dict(job.resources)}
    if job.secret:
        container["envFrom"] = [{"secretRef": {"name": job.secret}}]
    pod: dict[str, Any] = {
        "restartPolicy": "Never",  # which podFailurePolicy needs
        "terminationGracePeriodSeconds": GRACE_S,
        "containers": [container],
    }
    if job.claim:
        container["volumeMounts"] = [{"name": "runs", "mountPath": job.mount}]
        pod["volumes"] = [{"name": "runs", "persistentVolumeClaim": {"claimName": job.claim}}]
    return pod
