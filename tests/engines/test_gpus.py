"""Which GPUs a worker sees, where somebody has chosen for the process that starts it."""

from __future__ import annotations

import pytest

from fvcli.engines.gpus import VISIBLE, environment_of, gpus_here


@pytest.mark.parametrize(
    ("given", "gpus_per_worker", "seen"),
    [("3", 1.0, "3"), ("3", 0.5, "3"), ("1,3", 2.0, "1,3"), ("GPU-5ebe9f43", 0.25, "GPU-5ebe9f43")],
)
def test_the_only_worker_of_an_actor_sees_the_gpus_of_the_actor(
    given: str, gpus_per_worker: float, seen: str
) -> None:
    assert environment_of(0, gpus_here({VISIBLE: given}), gpus_per_worker) == {VISIBLE: seen}


def test_where_all_gpus_are_hidden_there_are_none() -> None:
    assert gpus_here({VISIBLE: ""}) == ()
    assert environment_of(0, (), 1.0) == {}
