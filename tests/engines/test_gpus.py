"""Which GPUs there are, and which of them each worker sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.engines.gpus import environment_of, gpus_here, workers_for


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("", ()),
        ("0", ("0",)),
        ("2, 0", ("2", "0")),
        ("0,1,-1,2", ("0", "1")),  # CUDA reads no further
        ("0,,2", ("0",)),
        ("-1", ()),
        ("GPU-8932f937,MIG-b7c8", ("GPU-8932f937", "MIG-b7c8")),
    ],
)
def test_a_process_has_the_gpus_that_it_was_given(visible: str, names: tuple[str, ...]) -> None:
    assert gpus_here({"CUDA_VISIBLE_DEVICES": visible}) == names


@pytest.mark.parametrize(
    ("script", "names"),
    [
        (
            "echo 'GPU 0: A100 (UUID: GPU-5c89)'; echo 'GPU 1: A100 (UUID: GPU-9af3)'",
            ("0", "1"),
        ),
        ("echo 'GPU 0: A'; echo '  MIG 1g.5gb Device 0: (UUID: MIG-1)'; echo 'GPU 1: B'", ("0", "1")),
        ("echo 'No devices were found'", ()),
        ("echo 'GPU 0: A'; exit 9", ()),  # no driver
    ],
)
def test_else_it_has_those_of_the_machine(
    script: str, names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\n[ "$*" = -L ] || exit 2\n{script}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert gpus_here({}) == names


def test_a_machine_without_the_tool_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus_here({}) == ()


@pytest.mark.parametrize(
    ("gpus", "each", "workers"),
    [
        (0, 1.0, 1),
        (1, 1.0, 1),
        (4, 1.0, 4),
        (4, 2.0, 2),
        (3, 2.0, 1),
        (1, 0.5, 2),
        (2, 0.1, 20),
        (7, 0.28, 25),
        (1, 4.0, 1),
    ],
)
def test_how_many_workers_gpus_are_enough_for(gpus: int, each: float, workers: int) -> None:
    assert workers_for(gpus, each) == workers


@pytest.mark.parametrize(
    ("each", "seen"),
    [
        (1.0, ["a", "b", "c", "a"]),  # more workers than GPUs share them
        (2.0, ["a,b", "c,a"]),
        (0.5, ["a", "a", "b", "b", "c", "c"]),
        (1 / 3, ["a", "a", "a", "b", "b", "b"]),
        (0.1, ["a"] * 10 + ["b"] * 10 + ["c"]),
    ],
)
def test_each_worker_sees_its_gpus_alone(each: float, seen: list[str]) -> None:
    found = [environment_of(worker, ("a", "b", "c"), each) for worker in range(len(seen))]
    assert found == [{"CUDA_VISIBLE_DEVICES": names} for names in seen]


def test_parts_that_have_no_exact_number_are_shared_out_as_well() -> None:
    assert environment_of(49, ("a", "b"), 1 / 49) == {"CUDA_VISIBLE_DEVICES": "b"}


def test_without_gpus_nothing_is_set() -> None:
    assert environment_of(3, (), 1.0) == {}


@pytest.mark.parametrize(
    ("given", "gpus_per_worker", "seen"),
    [("3", 1.0, "3"), ("3", 0.5, "3"), ("1,3", 2.0, "1,3"), ("GPU-5ebe9f43", 0.25, "GPU-5ebe9f43")],
)
def test_the_only_worker_of_an_actor_sees_the_gpus_of_the_actor(
    given: str, gpus_per_worker: float, seen: str
) -> None:
    assert environment_of(0, gpus_here({"CUDA_VISIBLE_DEVICES": given}), gpus_per_worker) == {
        "CUDA_VISIBLE_DEVICES": seen
    }


def test_where_all_gpus_are_hidden_there_are_none() -> None:
    assert gpus_here({"CUDA_VISIBLE_DEVICES": ""}) == ()
    assert environment_of(0, (), 1.0) == {}
