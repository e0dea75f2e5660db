"""The text of the scripts for sbatch; what a real Slurm makes of them is tested in tests/runs."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from fvcli.engines.slurm import SlurmPlan, finish_script, worker_script

PLAN = SlurmPlan(Path("/runs/atlas"), 8, "/opt/python")


def options(script: str) -> list[str]:
    """Return the options of sbatch, as it reads them."""
    lines = [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH ")]
    return [word for line in lines for word in shlex.split(line)]


def test_the_workers_are_an_array_that_slurm_starts_again() -> None:
    script = worker_script(PLAN)
    assert options(script) == [
        "--job-name=fvcli-atlas",
        "--array=0-7",
        "--requeue",
        "--open-mode=append",
        "--output=/runs/atlas/logs/slurm-%A_%a.log",
        "--signal=B:USR1@120",
    ]
    assert '\n/opt/python -m fvcli work "$run" &\n' in script
    assert "\nexport PYTHONSAFEPATH=1 " in script
    assert "sbatch /runs/atlas/submit/slurm.sh\n" in script
    assert len(script.splitlines()) < 60
    assert max(map(len, script.splitlines())) < 120


def test_options_of_the_user_come_last_and_win() -> None:
    plan = SlurmPlan(
        Path("/runs/a"), 1, "python", ("-p gpu --gres=gpu:1", "--signal=B:USR1@300"), (), ("--tries", "2")
    )
    script = worker_script(plan)
    assert options(script)[-4:] == ["-p", "gpu", "--gres=gpu:1", "--signal=B:USR1@300"]
    assert '\npython -m fvcli work --tries 2 "$run" &\n' in script


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["--gres=gpu:1", "--mem=8G"], []),
        (["--partition=gpu", "--account=me", "--time=1:00:00"], ["--partition=gpu", "--account=me"]),
        (["-p gpu -A me --gres=gpu:1"], ["-p", "gpu", "-A", "me"]),
        (["-pgpu", "--qos high", "--exclusive", "-M one"], ["-pgpu", "--qos", "high", "-M", "one"]),
    ],
)
def test_the_finishing_job_runs_where_the_workers_do_and_wants_no_gpu(
    given: list[str], kept: list[str]
) -> None:
    plan = SlurmPlan(Path("/runs/a"), 4, "python", tuple(given), ("--mem=2G",))
    assert options(finish_script(plan))[4:] == [*kept, "--mem=2G"]


@pytest.mark.parametrize("name", ["it's 100% done", "two words", 'a"quote', "$HOME`id`", "über"])
def test_any_name_of_a_run_is_quoted(name: str, tmp_path: Path) -> None:
    plan = SlurmPlan(tmp_path / name, 2, "/opt/my python")
    for script in (worker_script(plan), finish_script(plan)):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        head = "\n".join(line for line in script.splitlines() if line.startswith("run="))
        said = subprocess.run(
            ["bash", "-c", f'{head}\nprintf %s "$run"'], capture_output=True, text=True, check=True
        )
        assert said.stdout == str(tmp_path / name)
        output = next(word for word in options(script) if word.startswith("--output="))
        assert output.startswith(f"--output={str(tmp_path / name).replace('%', '%%')}/logs/slurm-%")


# States as a real Slurm 22.05 gave them: while a task runs or was sent a signal, after scancel, at its time
# limit, and when Slurm itself has queued it again.
RUNNING, CANCELLED, TIME_LIMIT, QUEUED = (
    "RUNNING None",
    "COMPLETING None",
    "COMPLETING TimeLimit",
    "PENDING None",
)


def ended(folder: Path, code: int, state: str, restarts: int = 0, finishes: bool = False) -> tuple[int, str]:
    """Let a script's worker end; return the script's exit code and what it called scontrol with."""
    run = folder / "run"
    finish = f"sleep 0.05; mkdir -p {run}/units/a && touch {run}/units/a/b.json"
    programs = {
        "python": f"{finish if finishes else ':'}; exit {code}",
        "squeue": f"echo {state}",
        "scontrol": f'echo "$@" >>{folder}/called',
    }
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    environment = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "SLURM_ARRAY_JOB_ID": "17",
        "SLURM_ARRAY_TASK_ID": "3",
        "SLURM_RESTART_COUNT": str(restarts),
    }
    script = worker_script(SlurmPlan(run, 4, str(folder / "python")))
    done = subprocess.run(["bash"], input=script, text=True, check=False, env=environment, timeout=20)
    called = folder / "called"
    return done.returncode, called.read_text().strip() if called.exists() else ""


def test_a_worker_that_could_not_go_on_is_started_again_some_times(tmp_path: Path) -> None:
    """However often it was started again before, because its time was over."""
    for _ in range(5):
        assert ended(tmp_path, 74, RUNNING, restarts=20) == (74, "requeue 17_3")
        (tmp_path / "called").unlink()
    assert ended(tmp_path, 74, RUNNING, restarts=20, finishes=True) == (74, "")
    assert ended(tmp_path, 75, RUNNING) == (75, "requeue 17_3")  # it could go on meanwhile
    (tmp_path / "called").unlink()
    assert ended(tmp_path, 74, RUNNING) == (74, "requeue 17_3")
    (tmp_path / "called").unlink()
    assert ended(tmp_path, 74, CANCELLED) == (74, "")


@pytest.mark.parametrize("code", [0, 1, 2, 137])
def test_a_worker_that_ends_by_itself_is_not_started_again(tmp_path: Path, code: int) -> None:
    assert ended(tmp_path, code, RUNNING) == (code, "")


@pytest.mark.parametrize(
    ("state", "called"),
    [(RUNNING, "requeue 17_3"), (TIME_LIMIT, "requeue 17_3"), (CANCELLED, ""), (QUEUED, ""), ("", "")],
)
def test_a_worker_that_was_stopped_is_started_again_unless_the_job_was_cancelled(
    tmp_path: Path, state: str, called: str
) -> None:
    assert ended(tmp_path, 75, state) == (75, called)


def test_no_clock_of_the_node_is_compared_with_that_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "date").write_text("#!/bin/sh\necho 4000000000\n")
    (tmp_path / "date").chmod(0o755)
    assert ended(tmp_path, 75, RUNNING, restarts=5, finishes=True) == (75, "requeue 17_3")


def test_a_task_gives_up_where_nothing_gets_done(tmp_path: Path) -> None:
    assert ended(tmp_path, 75, RUNNING, restarts=4) == (75, "requeue 17_3")
    (tmp_path / "called").unlink()
    assert ended(tmp_path, 75, RUNNING, restarts=5) == (75, "")
    assert ended(tmp_path, 75, RUNNING, restarts=5, finishes=True) == (75, "requeue 17_3")
