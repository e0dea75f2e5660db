"""Start workers with Slurm: one array of workers, and one job that finishes when they have ended.

Slurm only starts processes here. Which batch is whose, and what is done, is in the run's files. Therefore the
number of calls does not grow with the number of batches, and squeue is all that is asked later: many
clusters have no accounting (sacct).
"""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcli.errors import FvcliError, UsageError

SUBMIT, LOGS = "submit", "logs"  # folders of the run
WORKERS, FINISH = "slurm.sh", "slurm-finish.sh"
# 120 s before the time limit the worker stops and its task is queued again; Slurm may be a minute early.
SIGNAL = "--signal=B:USR1@120"
# Options of the workers that say where and on whose account a job may run, so the finishing job needs them.
PLACES = ("--account", "--partition", "--qos", "--reservation", "--clusters", "-A", "-p", "-q", "-M")
DEFAULT_MAX_ARRAY_SIZE = 1001  # Slurm's own, where the site's cannot be read

HEAD = """\
#!/bin/bash
# {what}
# Written by fvcli submit. You may change it and start it yourself: sbatch {script}
{options}

export PYTHONSAFEPATH=1  # a random.py in this folder is not Python's own
"""
WORKER = """
run={run}
task=${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}
began=$run/submit/.began-$task
unable=$run/submit/.unable-$task
mkdir -p "$run/submit" && touch "$began"  # by the clock that sidecars have, which may not be this node's

# Slurm signals this script alone, so it tells the worker. A signal also ends `wait`, so it waits again.
trap 'heard=yes; kill -TERM "$worker"' TERM
trap 'heard=yes; kill -USR1 "$worker"' USR1
{command} &
worker=$!
heard=yes
while [ "$heard" ]; do
    heard=
    wait "$worker"
    code=$?
done
[ "$code" = 74 ] || [ "$code" = 75 ] || exit "$code"

# 74: it could not go on, such as for a full disk. 75: a signal stopped it. Start this task again, unless
# scancel ended it: the job is then neither running nor at its time limit. Give up where nothing gets done.
trap '' TERM USR1
if [ "$code" = 74 ]; then
    echo >>"$unable"
    if [ "$(wc -l <"$unable")" -gt {restarts} ]; then
        echo "It could not go on more than {restarts} times in a row; its error is above"
        exit 74
    fi
else
    rm -f "$unable"
    finished=yes
    if [ "${{SLURM_RESTART_COUNT:-0}}" -ge {restarts} ]; then
        finished=$(find "$run/units" -name '*.json' -newer "$began" -print -quit 2>/dev/null)
    fi
    if [ -z "$finished" ]; then
        echo "Restarted $SLURM_RESTART_COUNT times, and no unit was finished: is the time limit too short?"
        exit 75
    fi
fi
case $(squeue -h -j "$task" -o '%T %r') in
    RUNNING* | *TimeLimit) scontrol requeue "$task" ;;
esac
exit "$code"
"""
RESTARTS = 5  # of a task that found nothing finished or could not go on, before it gives up
FINISHING = """
run={run}
{python} -m fvcli grid "$run"
code=$?
{python} -m fvcli status "$run"
exit "$code"
"""


@dataclass(frozen=True)
class SlurmPlan:
    """What is written into the scripts.

    run: Absolute path of the run.
    workers: How many tasks the array has.
    python: The interpreter that has fvcli, on every node.
    sbatch_args: Options of sbatch for the workers, as after #SBATCH; they win over those that fvcli sets.
    finish_args: Those for the finishing job.
    work_args: Options of ``fvcli work``.
    """

    run: Path
    workers: int
    python: str
    sbatch_args: tuple[str, ...] = ()
    finish_args: tuple[str, ...] = ()
    work_args: tuple[str, ...] = ()

    def script(self, name: str) -> Path:
        return self.run / SUBMIT / name


@dataclass(frozen=True)
class SlurmJob:
    """A job's number, and its cluster where the site has several."""

    number: int
    cluster: str | None = None

    @property
    def cluster_args(self) -> list[str]:
        return ["-M", self.cluster] if self.cluster else []


# ---- scripts


def worker_script(plan: SlurmPlan) -> str:
    """Return the script of the array of workers."""
    name = re.sub(r"[^\w.-]", "_", plan.run.name)
    options = (
        f"--job-name=fvcli-{name}",
        f"--array=0-{plan.workers - 1}",
        "--requeue",  # when a node dies, whatever the site's default is
        "--open-mode=append",  # a log goes on when its task is started again
        _output(plan.run, "slurm-%A_%a.log"),
        SIGNAL,
        *plan.sbatch_args,
    )
    command = [plan.python, "-m", "fvcli", "work", *plan.work_args]
    what = "Workers of a run of fvcli. Each claims batches that no other works on, until none is left."
    body = WORKER.format(
        run=shlex.quote(str(plan.run)), command=f'{shlex.join(command)} "$run"', restarts=RESTARTS
    )
    return _head(what, plan.script(WORKERS), options) + body


def finish_script(plan: SlurmPlan) -> str:
    """Return the script of the job that draws the sheets when all workers have ended."""
    name = re.sub(r"[^\w.-]", "_", plan.run.name)
    options = (
        f"--job-name=fvcli-{name}-finish",
        "--requeue",
        "--open-mode=append",
        _output(plan.run, "slurm-%j-finish.log"),
        *_places(plan.sbatch_args),
        *plan.finish_args,
    )
    what = "Draws the contact sheets of a run of fvcli and counts its units, when its workers have ended."
    body = FINISHING.format(run=shlex.quote(str(plan.run)), python=shlex.quote(plan.python))
    return _head(what, plan.script(FINISH), options) + body


def _head(what: str, script: Path, options: Sequence[str]) -> str:
    lines = "\n".join(f"#SBATCH {option}" for option in options)
    return HEAD.format(what=what, script=shlex.quote(str(script)), options=lines)


def _output(run: Path, name: str) -> str:
    folder = str(run / LOGS).replace("%", "%%")  # sbatch puts numbers in for %A
    return "--output=" + shlex.quote(f"{folder}/{name}")


def _places(lines: Sequence[str]) -> list[str]:
    """Return the options that say where a job may run and on whose account, with their values."""
    words = [word for line in lines for word in shlex.split(line)]
    starts = [i for i, word in enumerate(words) if word.startswith("-")]
    options = [words[i:j] for i, j in itertools.pairwise([*starts, len(words)])]
    is_place = [o[0].partition("=")[0] in PLACES or o[0][:2] in PLACES for o in options]
    return [shlex.join(option) for option in itertools.compress(options, is_place)]


# ---- calls


def max_array_size() -> int:
    """Ask Slurm how many tasks an array may have.

    Raises:
        UsageError: Slurm is not installed here.
        FvcliError: It does not answer.
    """
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", _call("scontrol", "show", "config"), re.MULTILINE)
    return int(match[1]) if match else DEFAULT_MAX_ARRAY_SIZE


def submit(script: Path, after: SlurmJob | None = None) -> SlurmJob:
    """Give a script to sbatch, to run when all tasks of another job have ended.

    Raises:
        FvcliError: With what sbatch said.
    """
    words = [*after.cluster_args, f"--dependency=afterany:{after.number}"] if after else []
    said = _call("sbatch", "--parsable", *words, str(script)).strip().splitlines()
    number, _, cluster = (said[-1] if said else "").partition(";")
    if not number.isdigit():
        raise FvcliError(f"sbatch gave no job number but {said}")
    return SlurmJob(int(number), cluster or None)


def count_live(jobs: Sequence[SlurmJob]) -> int:
    """Count the tasks of jobs that wait or run, in one call for each cluster.

    Raises:
        FvcliError: With what squeue said.
    """
    by_cluster: dict[str | None, list[SlurmJob]] = {}
    for job in jobs:
        by_cluster.setdefault(job.cluster, []).append(job)
    return sum(_count_live(group) for group in by_cluster.values())


def _count_live(jobs: Sequence[SlurmJob]) -> int:
    numbers = ",".join(str(job.number) for job in jobs)
    try:
        states = _call("squeue", "-h", "-r", *jobs[0].cluster_args, "-j", numbers, "-o", "%T").split()
    except FvcliError as error:
        if "Invalid job id" in str(error):  # Slurm forgets a job some minutes after its end
            return 0
        raise
    # COMPLETING ends soon; words that are no states head the list of a cluster
    return sum(state != "COMPLETING" and re.fullmatch("[A-Z_]+", state) is not None for state in states)


def _call(*command: str) -> str:
    """Run a command of Slurm and return what it printed."""
    if shutil.which(command[0]) is None:
        raise UsageError(f"{command[0]} is not here", "submit from a machine where Slurm is installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
        raise FvcliError(f"{command[0]} failed: {' / '.join(said)}")
    return done.stdout
