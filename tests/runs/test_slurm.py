"""Whole runs on a real Slurm: signals, a cancelled job, a controller, a node and processes that die."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fvcli.run.work.notes import Note, read_notes
from tests.helpers.running import fvcli, pictures
from tests.helpers.slurm_cluster import SlurmCluster
from tests.helpers.small_network import small_network_spec
from tests.helpers.trapped_network import HUNG, MOST_AGAIN, PICTURES, POISONOUS, TRAP, write_trapped_spec

APART = "--sbatch-arg=--cpus-per-task=2"  # all that a node has, so that each worker has a node of its own
END_S = 120


def submit(*words: str | Path) -> tuple[int, int]:
    """Submit two workers, one on each node; return the jobs of the workers and of the end."""
    result = fvcli("submit", *words, "--engine", "slurm", "--workers", "2", APART)
    assert result.exit_code == 0, result.stderr
    workers, finish = re.findall(r"\bjob (\d+)", result.stdout)
    return int(workers), int(finish)


def finished(run: Path) -> int:
    return len(list(run.glob("units/*/*.json")))


def at_work(run: Path) -> int:
    """Count the batches that are claimed now."""
    texts = [path.read_text() for path in run.glob("attempts/*/*.json")]
    return sum(json.loads(text or "{}").get("outcome") is None for text in texts)


def wait_for_work(cluster: SlurmCluster, run: Path) -> None:
    """Wait until both workers are at work and another picture is done."""
    before = finished(run)
    cluster.wait(lambda: at_work(run) >= 2 and finished(run) > before, "the workers are not at work")


def living(run: Path) -> list[Note]:
    """Return the notes of workers that are at a batch."""
    return [note for note in read_notes(run) if note.role == "worker" and note.at and not note.ended]


def script_of_page(name: str) -> str:
    """Return a script as docs/cluster.md has it."""
    page = (Path(__file__).parents[2] / "docs/cluster.md").read_text()
    (script,) = [
        block for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL) if f"# {name}\n" in block
    ]
    return str(script)


def log(run: Path, job: int, task: int) -> str:
    return (run / f"logs/slurm-{job}_{task}.log").read_text()


def requeues(cluster: SlurmCluster) -> list[str]:
    """Return the calls by which tasks queued themselves again."""
    return sorted(call for call in cluster.calls(by_jobs=True) if call.startswith("scontrol"))


def stop_and_cancel(cluster: SlurmCluster, spec: Path, run: Path, how: list[str]) -> None:
    """Begin a run; signals stop its workers, which come back, and then the job is cancelled."""
    cancelled, _ = submit(spec, "-o", run, *how)
    wait_for_work(cluster, run)
    cluster.signal(f"{cancelled}_0", "USR1")  # as 120 s before the time limit
    cluster.signal(f"{cancelled}_1", "TERM")
    cluster.wait(lambda: cluster.ended(cancelled) == ["PENDING 0:0"] * 2, "they are not queued again")
    assert requeues(cluster) == [f"scontrol requeue {cancelled}_{task}" for task in (0, 1)]
    assert "Stopped by SIGUSR1" in log(run, cancelled, 0)
    assert "Stopped by SIGTERM" in log(run, cancelled, 1)
    wait_for_work(cluster, run)
    cluster.run("scancel", str(cancelled))
    cluster.wait_for_end(cancelled)
    assert cluster.ended(cancelled)[2:] == ["CANCELLED 0:0"] * 2
    assert at_work(run) == 0, "what was claimed is given back"
    assert 1 <= finished(run) < PICTURES - 1


def test_whatever_happens_only_the_unit_that_kills_is_lost(
    cluster: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are told to stop, come back, and are cancelled. Of those that render what is missing then, a
    process and a node are killed, one hangs, a unit kills, and the controller dies."""
    spec, run = write_trapped_spec(tmp_path), tmp_path / "run"
    assert fvcli("render", spec, "-o", tmp_path / "undisturbed", "--allow-code").exit_code == 0
    monkeypatch.setenv(TRAP, str(tmp_path))
    how = ["--allow-code", *(f"--work-arg={word}" for word in ("--tries=2", "--timeout=12", "--lease=6"))]

    (tmp_path / HUNG).touch()  # what hangs cannot give its batch back
    stop_and_cancel(cluster, spec, run, how)
    (tmp_path / HUNG).unlink()
    job, finish = submit("-o", run, "--missing", *how)
    wait_for_work(cluster, run)
    os.kill(living(run)[0].process["pid"], signal.SIGKILL)
    before = finished(run)
    cluster.wait(lambda: finished(run) >= before + 4, "they do not go on")
    cluster.kill_node("n1")
    try:
        cluster.kill_controller()
        before = finished(run)
        cluster.wait(lambda: finished(run) > before, "the other node does not go on without the controller")
        cluster.start_controller()
        cluster.wait(lambda: len(cluster.job_states(job)) == 2, "the controller forgot the job")
        cluster.wait(lambda: finished(run) == PICTURES, "they do not finish", END_S)
        cluster.wait_for_end(job, END_S)
    finally:
        cluster.start_node("n1")
    assert cluster.ended(job) == ["NODE_FAIL 0:0"] + ["FAILED 1:0"] * 2  # because a unit failed
    told = json.loads(fvcli("status", run, "--json").stdout)
    assert (told["done"], told["failed"], told["units"]) == (PICTURES - 1, 1, PICTURES)
    assert told["notable"][0]["unit"] == POISONOUS
    assert told["notable"][0]["error"].startswith("the process died: signal 9, ")
    assert told["rendered_twice"] <= MOST_AGAIN
    cluster.wait_for_end(finish)
    expected = pictures(tmp_path / "undisturbed")
    del expected[f"units/{POISONOUS}.png"]
    assert pictures(run) == expected
    assert {path.name for path in (run / "grids").iterdir()} == {"like.png"}
    said = (run / f"logs/slurm-{finish}-finish.log").read_text()
    assert re.search(rf"^like +{PICTURES - 1} +0 +1 ", said, re.MULTILINE)
    assert cluster.ended(finish) == ["COMPLETED 0:0"]
    cluster.wait(lambda: set(cluster.node_states().values()) == {"idle"}, "the node did not come back")


def test_the_scripts_of_the_page_do_what_it_says(
    cluster: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers by srun, and two shards of an array; all four at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{cluster.env['PATH']}")
    spec = small_network_spec(tmp_path, units=4)
    assert fvcli("prepare", spec, "-o", "run").exit_code == 0
    jobs = []
    for name in ("workers.sh", "shards.sh"):
        (tmp_path / name).write_text(script_of_page(name))
        done = subprocess.run(["sbatch", "--parsable", name], capture_output=True, text=True, check=True)
        jobs.append(int(done.stdout))
    for job in jobs:
        cluster.wait_for_end(job, END_S)
    logs = "\n".join(path.read_text() for path in tmp_path.glob("slurm-*.out"))
    assert [cluster.ended(job) for job in jobs] == [["COMPLETED 0:0"], ["COMPLETED 0:0"] * 2], logs
    for index in (1, 2):
        assert f"slice {index}/2, from SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_COUNT" in logs
    assert len(pictures(tmp_path / "shard-1")) == len(pictures(tmp_path / "shard-2")) == 2
    assert fvcli("merge", "shard-1", "shard-2", "-o", "merged").exit_code == 0
    assert len(pictures(tmp_path / "run")) == 4
    assert pictures(tmp_path / "merged") == pictures(tmp_path / "run")
