"""Renders in a real Ray cluster of several nodes on this machine: deaths, hangs, lost nodes, signals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fvcli.engines import EngineOptions
from fvcli.engines.cluster_room import Share
from fvcli.engines.ray import INSTALL, actor_class
from fvcli.engines.ray_actor import RayWorker, Report, Task, pack
from fvcli.run.work.journal import read_journals
from fvcli.run.work.notes import Note, read_notes
from fvcli.run.work.rounds import latest_round
from tests.helpers.running import fvcli, pictures, sidecars, start_fvcli, wait_until, write_spec
from tests.helpers.trapped_network import (
    BATCHES,
    MOST_AGAIN,
    PICTURES,
    POISONOUS,
    TRAP,
    write_trapped_spec,
)

SOON = {"health_check_period_ms": 1000}  # five of them missed, and Ray takes a node to be dead


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head that renders nothing; processes of its nodes are trapped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(16))  # else Ray writes one into the home folder
        try:
            from ray.cluster_utils import Cluster
        except ImportError as error:
            pytest.fail(f"{error}: {INSTALL}")
        patch.setenv(TRAP, str(tmp_path_factory.mktemp("trap")))
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": SOON})
        try:
            yield made
        finally:
            made.shutdown()


@pytest.fixture(scope="module")
def two_nodes(cluster: Any) -> list[Any]:
    """Nodes with a CPU each, of which tests may remove the second."""
    return [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)]


def start_ray(cluster: Any, spec: Path, run: Path, *more: str) -> Any:
    return start_fvcli("render", spec, "-o", run, "--engine", "ray", "--ray-address", cluster.address, *more)


def finished(run: Path) -> int:
    return len(list(run.glob("units/**/*.json")))


def workers_at(run: Path) -> list[Note]:
    """Workers that live and are at a batch."""
    return [note for note in read_notes(run) if note.role == "worker" and note.at and not note.ended]


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_for(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def kill_a_worker(run: Path) -> None:
    os.kill(int(workers_at(run)[0].process["pid"]), signal.SIGKILL)


def lose(cluster: Any, node: Any, run: Path) -> None:
    """Let a node be gone, and what was started there, as when its power fails."""
    raylet = node.all_processes["raylet"][0].process.pid
    with contextlib.suppress(FileNotFoundError):
        there = [note.process["pid"] for note in workers_at(run)]
        for pid in (pid for pid in there if parent(parent(pid)) == raylet):
            os.kill(parent(pid), signal.SIGKILL)  # the actor first, or it would tell of the worker's death
            os.kill(pid, signal.SIGKILL)
    cluster.remove_node(node, allow_graceful=False)


def test_sigterm_deaths_a_poisonous_unit_a_hang_and_a_lost_node(
    cluster: Any, two_nodes: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, run = write_trapped_spec(tmp_path), tmp_path / "run"
    how = ("--allow-code", "--tries", "2", "--timeout", "15", "--lease", "3")
    process = start_ray(cluster, spec, run, *how)
    wait_until(lambda: finished(run) >= 1 and bool(workers_at(run)), process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors
    assert "Stopped by SIGTERM" in errors
    assert "Traceback" not in errors
    status = json.loads(fvcli("status", run, "--json").stdout)
    assert status["lost"] == status["running"] == 0
    kept = {path: path.stat().st_mtime_ns for path in run.glob("units/**/*.json")}

    process = start_ray(cluster, spec, run, *how)
    wait_until(lambda: finished(run) >= 4 and bool(workers_at(run)), process)
    kill_a_worker(run)
    wait_until(lambda: finished(run) >= 10, process)
    lose(cluster, two_nodes.pop(), run)
    wait_until(lambda: finished(run) >= 14, process)
    two_nodes.append(cluster.add_node(num_cpus=1))
    said, errors = process.communicate(timeout=150)
    assert process.returncode == 1, errors
    written = [Path(line).name for line in said.splitlines()]
    assert written[:2] == ["like.png", "index.html"]
    rest = f"1 failed by this command, {PICTURES - 1} of {PICTURES} in the run"
    told = re.fullmatch(rf"run: (\d+) done, {rest}", written[2])
    assert told is not None, written
    assert int(told[1]) <= PICTURES - 1 - len(kept)  # workers may finish a picture after the signal
    assert "marked dead" in (run / "logs" / "ray.log").read_text()  # Ray's own words, and many of them
    assert "is gone, and another takes its place" in errors
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    monkeypatch.delenv(TRAP)
    assert fvcli("render", spec, "-o", tmp_path / "plain", "--allow-code").exit_code == 0
    expected = pictures(tmp_path / "plain")
    assert len(expected) == PICTURES
    del expected[f"units/{POISONOUS}.png"]
    assert pictures(run) == expected
    failed = {name: told["error"] for name, told in sidecars(run).items() if told["status"] == "failed"}
    assert list(failed) == [f"{POISONOUS}.json"]
    assert "signal 9" in failed[f"{POISONOUS}.json"]
    records = [record for entry in read_journals(run) for record in entry.records]
    assert sum(bool(record.again) for record in records) <= MOST_AGAIN
    assert len({entry.batch for entry in read_journals(run)}) <= BATCHES


class Probe:
    """An actor that says which GPU it was given."""

    def gpus(self) -> str:
        return os.environ["CUDA_VISIBLE_DEVICES"]


def test_two_workers_share_a_gpu(cluster: Any) -> None:
    import ray

    node = cluster.add_node(num_cpus=2, num_gpus=1)
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        half = actor_class(ray, Probe, Share(1, 0.5))
        probes = [half.remote() for _ in range(2)]
        assert ray.get([probe.gpus.remote() for probe in probes], timeout=30) == ["0", "0"]
        assert ray.available_resources().get("GPU", 0.0) == 0.0
    finally:
        ray.shutdown()
        cluster.remove_node(node)


def test_no_room_is_an_error(cluster: Any, two_nodes: list[Any], tmp_path: Path) -> None:
    process = start_ray(cluster, write_spec(tmp_path), tmp_path / "run", "--threads", "64")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no node of the cluster has room for a worker, which takes 64 CPUs" in errors
    assert "has 1 CPU" in errors
    assert "Traceback" not in errors


def test_an_address_without_a_cluster_is_an_error(tmp_path: Path) -> None:
    words = ("--engine", "ray", "--ray-address", "127.0.0.1:1")
    process = start_fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run", *words)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Error: no Ray cluster at 127.0.0.1:1" in errors
    assert "Traceback" not in errors


def test_a_node_that_does_not_see_the_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is there, but not the note of the process that renders: it is another disk's."""
    run = tmp_path / "run"
    assert fvcli("prepare", write_spec(tmp_path), "-o", run).exit_code == 0
    monkeypatch.setattr("fvcli.engines.ray_actor._node", lambda: "node")
    round_ = latest_round(run)
    assert round_ is not None
    task = Task(str(run), "another-driver", round_.name, pack(EngineOptions()), str(tmp_path))
    actor = RayWorker(*task)
    wait_for(lambda: not actor._thread.is_alive())
    report = Report(*actor.look())  # type: ignore[arg-type]
    assert report.end == "refused"
    assert f"does not see the run in {run}" in report.why


def test_an_address_is_for_ray(tmp_path: Path) -> None:
    result = fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run", "--ray-address", "auto")
    assert result.exit_code == 2
    assert "--ray-address is for --engine ray" in result.stderr
