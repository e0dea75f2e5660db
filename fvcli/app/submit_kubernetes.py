"""Write the Job of Kubernetes that starts the workers of a run."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fvcli.app.plan_spec import PlannedSpec
from fvcli.app.submit_run import count_missing
from fvcli.engines.kubernetes import KubernetesJob, job_manifest, job_name
from fvcli.errors import FvcliError, UsageError
from fvcli.run import RunFolder
from fvcli.spec.yaml_text import write_yaml

HEAD = """\
# Workers of {run}, which has to be prepared: fvcli prepare SPEC -o {run}
#   to start them:              kubectl apply -f FILE
#   to see how they are:        kubectl get job {name}; fvcli status {run}
#   before you apply it again:  kubectl delete job {name}
# It needs Kubernetes 1.29 or newer, for podFailurePolicy and backoffLimitPerIndex.
"""


NAME = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"  # RFC 1123, subdomain
LIMIT = r"[\w./-]+=\d+(\.\d+)?(m|k|[KMGTPE]i?)?"  # Kubernetes API, Quantity


@dataclass(frozen=True)
class PodOptions:
    """What the pods are; see KubernetesJob."""

    workers: int
    image: str | None = None
    claim: str | None = None
    mount: str | None = None
    secret: str | None = None
    resources: Sequence[str] = ()
    work_args: Sequence[str] = ()


def kubernetes_job(planned: PlannedSpec | None, run: str, options: PodOptions) -> KubernetesJob:
    """Return the Job for a run, with no more workers than batches lack pictures.

    Raises:
        UsageError: No image is given, or the pods could not reach the run.
    """
    if not options.image:
        raise UsageError("--engine kubernetes needs an image with fvcli", "give --image IMAGE")
    _check_words(options)
    _check_place(run, options)
    batches = _batches(planned, run)
    if batches == 0:
        raise UsageError(f"{run}: nothing is missing", "to render it all anew: fvcli render --again")
    return KubernetesJob(
        run,
        min(options.workers, batches or options.workers),
        options.image,
        options.claim,
        options.mount,
        options.secret,
        _limits(options.resources),
        tuple(options.work_args),
    )


def kubernetes_yaml(job: KubernetesJob) -> str:
    """Return the Job as kubectl takes it."""
    text = write_yaml(job_manifest(job))
    if text is None:
        raise UsageError("a name has characters that YAML cannot hold", "use plain names")
    return HEAD.format(run=shlex.quote(job.run), name=job_name(job.run)) + text


def _check_words(options: PodOptions) -> None:
    """Refuse what Kubernetes would refuse, after the Job was copied to it.

    Raises:
        UsageError: With all that is wrong.
    """
    wrong = []
    if re.search(r"\s", options.image or ""):
        wrong.append(f"--image {options.image!r} is no name of an image")
    for option, name in (("--claim", options.claim), ("--secret", options.secret)):
        if name and not re.fullmatch(NAME, name):
            wrong.append(f"{option} {name!r} is no name in Kubernetes, which has a-z, 0-9, - and .")
    for limit in options.resources:
        if not re.fullmatch(LIMIT, limit):
            wrong.append(
                f"--resource {limit!r} is no limit, such as nvidia.com/gpu=1, cpu=500m or memory=8Gi"
            )
    if wrong:
        raise UsageError("\n".join(wrong))


def _check_place(run: str, options: PodOptions) -> None:
    if "://" in run:
        if options.claim or options.mount:
            raise UsageError(f"{run} is in no volume", "leave out --claim and --mount")
        return
    if not (options.claim and options.mount):
        hint = "give --claim NAME --mount FOLDER of the volume that holds it, or an address such as s3://bucket/run"
        raise UsageError(f"a pod does not see the folder {run}", hint)
    path, mount = PurePosixPath(run), PurePosixPath(options.mount)
    if not (path.is_absolute() and mount.is_absolute() and mount in path.parents):
        raise UsageError(
            f"{run} is not below {mount}", f"give the run as a pod sees it: -o {mount / path.name}"
        )


def _batches(planned: PlannedSpec | None, run: str) -> int | None:
    """Count the batches that lack pictures, as far as it can be known here; no object store is asked."""
    if "://" not in run:
        with contextlib.suppress(FvcliError):  # only pods see it, or it is not there yet
            there = RunFolder.read(Path(run))
            return count_missing(RunFolder(there.path, planned.plan) if planned else there)
    return len(planned.plan.batches) if planned else None


def _limits(resources: Sequence[str]) -> Mapping[str, str]:
    return {name: value for name, _, value in (text.partition("=") for text in resources)}
