"""How many workers a cluster has room for, and what each of them takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from fvcli.engines.base import EngineOptions
from fvcli.errors import FvcliError, UsageError, counted, some_of

CPUS_BESIDE_A_GPU = 1  # what a worker takes of a node whose GPU it computes on


@dataclass(frozen=True)
class ClusterNode:
    """A computer of a cluster: its name, and what it offers in all, whoever uses it now."""

    name: str
    cpus: float
    gpus: float = 0.0

    def __str__(self) -> str:
        gpus = f" and {counted(floor(self.gpus), 'GPU')}" if self.gpus else ""
        return f"{self.name} has {counted(floor(self.cpus), 'CPU')}{gpus}"


@dataclass(frozen=True)
class Share:
    """What a worker takes of a node."""

    cpus: int
    gpus: float = 0.0

    def __str__(self) -> str:
        gpus = f" and {self.gpus:g} GPU" if self.gpus else ""
        return counted(self.cpus, "CPU") + gpus

    def fits(self, node: ClusterNode) -> int:
        """Return how many workers a node has room for."""
        by_cpu = floor(node.cpus / self.cpus + 1e-9)
        return min(by_cpu, floor(node.gpus / self.gpus + 1e-9)) if self.gpus else by_cpu

    def fit(self, nodes: Sequence[ClusterNode]) -> int:
        """Return how many workers all nodes have room for."""
        return sum(map(self.fits, nodes))


def share_of(nodes: Sequence[ClusterNode], options: EngineOptions) -> Share:
    """Return what each worker takes.

    In a cluster with GPUs it is a part of a GPU. Else it is ``threads`` CPUs; without that option as many as
    leave room for all workers, or for one on each node where their number is not given.

    Raises:
        UsageError: More than one GPU for each worker, and no whole number of them.
    """
    gpus = options.gpus_per_worker
    if any(node.gpus for node in nodes):
        if gpus > 1 and gpus != floor(gpus):
            message = f"--gpus-per-worker {gpus:g}: a cluster gives whole GPUs, or a part of one"
            raise UsageError(message, f"write {floor(gpus)} or {floor(gpus) + 1}")
        return Share(options.threads or CPUS_BESIDE_A_GPU, gpus)
    if options.threads is not None:
        return Share(options.threads)
    with_cpus = [node for node in nodes if node.cpus >= 1]
    workers = options.workers or len(with_cpus)
    most = max((floor(node.cpus) for node in with_cpus), default=1)
    return next((Share(cpus) for cpus in range(most, 1, -1) if Share(cpus).fit(nodes) >= workers), Share(1))


def refuse_without_room(share: Share, nodes: Sequence[ClusterNode]) -> None:
    """Raise FvcliError, which says what the cluster has, if no node has room for a worker."""
    if not share.fit(nodes):
        found = some_of([str(node) for node in nodes], "node") or "no nodes"
        raise FvcliError(
            f"no node of the cluster has room for a worker, which takes {share}: {found}",
            "ask for less with --threads or --gpus-per-worker, or add nodes",
        )
