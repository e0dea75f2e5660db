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
from tests.helpers.running import fvcli, pictures, write_spec
from tests.helpers.slurm_cluster import SlurmCluster
from tests.helpers.trapped_network import PICTURES, TRAP, write_trapped_spec

# Twelve batches of some seconds each, so that whatever happens meets workers at work.
SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 500, early_stop: 0, batch_size: 1}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-9}
  - {name: textures, layer: block1_expand_bn, channels: [3, 17]}
"""
UNITS = 12
APART = "--sbatch-arg=--cpus-per-task=2"  # all that a node has, so that each worker has a node of its own
END_S = 120
TRAPPED_STEPS = 50  # so that a batch takes about a second
MOST_AGAIN = 4  # units that are rendered twice: two batches in flight


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The pictures of the spec, rendered here in one go."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert fvcli("render", write_spec(folder, SPEC), "-o", folder / "run").exit_code == 0
    return pictures(folder / "run")


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
    """Wait until both workers are at work and a picture is done."""
    cluster.wait(lambda: at_work(run) >= 2 and finished(run) >= 1, "the workers are not at work")
    assert finished(run) < UNITS - 2, "the run is too short for this test"


def living(run: Path) -> list[Note]:
    """Return the notes of workers that are at a batch."""
    return [note for note in read_notes(run) if note.role == "worker" and note.at and not note.ended]


def all_done(run: Path) -> bool:
    return bool(json.loads(fvcli("status", run, "--json").stdout)["done"] == UNITS)


def script_of_page(name: str) -> str:
    """Return a script as docs/cluster.md has it."""
    page = (Path(__file__).parents[2] / "docs/cluster.md").read_text()
    (script,) = [
        block for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL) if f"# {name}\n" in block
    ]
    return str(script)


def log(run: Path, job: int, task: int) -> str:
    return (run / f"logs/slurm-{job}_{task}.log").read_text()


def test_missing_finishes_a_cancelled_job_although_signals_come_and_the_controller_dies(
    cluster: SlurmCluster, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    run = tmp_path / "run"
    cancelled, _ = submit(write_spec(tmp_path, SPEC), "-o", run)
    assert [call.split()[0] for call in cluster.calls()] == ["scontrol", "sbatch", "sbatch"]
    wait_for_work(cluster, run)
    cluster.run("scancel", str(cancelled))
    cluster.wait_for_end(cancelled)
    status = json.loads(fvcli("status", run, "--json").stdout)
    assert status["running"] == status["lost"] == 0
    assert 1 <= status["done"] < UNITS

    job, finish = submit("-o", run, "--missing")
    wait_for_work(cluster, run)
    cluster.kill_controller()
    before = finished(run)
    cluster.wait(lambda: finished(run) > before, "workers do not go on without the controller")
    cluster.start_controller()
    cluster.wait(lambda: len(cluster.job_states(job)) == 2, "the controller forgot the job")
    cluster.signal(f"{job}_0", "TERM")
    cluster.signal(f"{job}_1", "USR1")  # as 120 s before the time limit
    cluster.wait_for_end(job, END_S)
    assert sorted(cluster.ended(job)) == ["COMPLETED 0:0"] * 2 + ["PENDING 0:0"] * 2
    assert cluster.ended(cancelled) == ["CANCELLED 0:0"] * 2
    cluster.wait_for_end(finish)
    assert all_done(run)
    assert pictures(run) == undisturbed
    assert {path.name for path in (run / "grids").iterdir()} == {"edges.png", "textures.png"}
    assert re.search(r"^total +12 +0 ", (run / f"logs/slurm-{finish}-finish.log").read_text(), re.MULTILINE)
    assert "Stopped by SIGTERM" in log(run, job, 0)
    assert "Stopped by SIGUSR1" in log(run, job, 1)
    asked = sorted(call for call in cluster.calls(by_jobs=True) if call.startswith("scontrol"))
    assert asked == [f"scontrol requeue {job}_0", f"scontrol requeue {job}_1"]


def test_whatever_happens_only_the_unit_that_kills_is_lost(
    cluster: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process and a node are killed, one hangs, a unit kills, the controller dies, SIGTERM comes."""
    spec, run = write_trapped_spec(tmp_path, TRAPPED_STEPS), tmp_path / "run"
    assert fvcli("render", spec, "-o", tmp_path / "undisturbed", "--allow-code").exit_code == 0
    monkeypatch.setenv(TRAP, str(tmp_path))
    how = [f"--work-arg={word}" for word in ("--tries=2", "--timeout=12", "--lease=6")]
    job, finish = submit(spec, "-o", run, "--allow-code", *how)
    cluster.wait(lambda: at_work(run) >= 2 and finished(run) >= 1, "the workers are not at work")
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
        cluster.signal(f"{job}_1", "TERM")
        cluster.wait(lambda: finished(run) == PICTURES, "they do not finish", END_S)
        cluster.wait_for_end(job, END_S)
    finally:
        cluster.start_node("n1")
    told = json.loads(fvcli("status", run, "--json").stdout)
    assert (told["done"], told["failed"], told["units"]) == (PICTURES - 1, 1, PICTURES)
    assert told["notable"][0]["error"].startswith("the process died: signal 9, ")
    assert told["rendered_twice"] <= MOST_AGAIN
    cluster.wait_for_end(finish)
    expected = pictures(tmp_path / "undisturbed")
    del expected[f"units/{told['notable'][0]['unit']}.png"]
    assert pictures(run) == expected
    cluster.wait(lambda: set(cluster.node_states().values()) == {"idle"}, "the node did not come back")


def test_the_scripts_of_the_page_do_what_it_says(
    cluster: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers by srun, and two shards of an array; all four at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{cluster.env['PATH']}")
    spec = write_spec(tmp_path, SPEC.replace("steps: 500", "steps: 8"))
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
    assert all_done(tmp_path / "run")
    for index in (1, 2):
        assert f"slice {index}/2, from SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_COUNT" in logs
    assert len(pictures(tmp_path / "shard-1")) == len(pictures(tmp_path / "shard-2")) == UNITS / 2
    assert fvcli("merge", "shard-1", "shard-2", "-o", "merged").exit_code == 0
    assert pictures(tmp_path / "merged") == pictures(tmp_path / "run")
