"""How many workers a cluster has room for."""

from __future__ import annotations

import pytest

from fvcli.engines import EngineOptions
from fvcli.engines.cluster_room import ClusterNode, Share, refuse_without_room, share_of
from fvcli.errors import FvcliError, UsageError

BIG, SMALL = ClusterNode("big", 16), ClusterNode("small", 4)
HEAD = ClusterNode("head", 0)
ONE_GPU, FOUR_GPUS = ClusterNode("one", 8, 1), ClusterNode("four", 3, 4)


@pytest.mark.parametrize(
    ("nodes", "options", "share", "workers"),
    [
        ([BIG, SMALL], EngineOptions(threads=3), Share(3), 6),  # 5 and 1
        ([BIG], EngineOptions(), Share(16), 1),
        ([HEAD, BIG, SMALL], EngineOptions(), Share(8), 2),  # room for as many as there are nodes
        ([BIG, SMALL], EngineOptions(workers=5), Share(4), 5),
        ([SMALL], EngineOptions(workers=9), Share(1), 4),
        ([ONE_GPU], EngineOptions(), Share(1, 1.0), 1),
        ([ONE_GPU], EngineOptions(gpus_per_worker=0.5), Share(1, 0.5), 2),
        ([ONE_GPU, BIG], EngineOptions(gpus_per_worker=0.1), Share(1, 0.1), 8),  # it has 8 CPUs
        ([ONE_GPU, FOUR_GPUS], EngineOptions(), Share(1, 1.0), 4),  # the latter has 3 CPUs
        ([ONE_GPU, FOUR_GPUS], EngineOptions(gpus_per_worker=2), Share(1, 2), 2),
        ([FOUR_GPUS], EngineOptions(threads=2), Share(2, 1.0), 1),
    ],
)
def test_room(nodes: list[ClusterNode], options: EngineOptions, share: Share, workers: int) -> None:
    assert share_of(nodes, options) == share
    assert share.fit(nodes) == workers


def test_no_room_is_an_error_that_says_what_the_cluster_has() -> None:
    with pytest.raises(FvcliError) as error:
        refuse_without_room(Share(32), [BIG, ONE_GPU])
    assert str(error.value) == (
        "no node of the cluster has room for a worker, which takes 32 CPUs: big has 16 CPUs, "
        "one has 8 CPUs and 1 GPU: ask for less with --threads or --gpus-per-worker, or add nodes"
    )
    refuse_without_room(Share(16), [BIG])


def test_no_nodes_have_no_room() -> None:
    with pytest.raises(FvcliError, match="no nodes"):
        refuse_without_room(share_of([], EngineOptions()), [])


def test_one_and_a_half_gpus_are_refused() -> None:
    with pytest.raises(UsageError, match="write 1 or 2"):
        share_of([FOUR_GPUS], EngineOptions(gpus_per_worker=1.5))
