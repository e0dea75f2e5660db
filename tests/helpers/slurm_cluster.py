"""A real Slurm on this machine: a controller and two "nodes" that tests may kill.

It needs no systemd and no cgroups. Its ports, keys and state are its own, so that two processes of a test
run may each have one.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NODES = ("n1", "n2")
HOW_TO_GET_IT = "Slurm is needed: sudo apt-get install -y --no-install-recommends slurm-wlm"
COUNTED = ("sbatch", "squeue", "scontrol", "scancel", "sinfo", "sacct", "srun")
WAIT_S = 60

CONFIG = """\
ClusterName=fvtest
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
StateSaveLocation={root}/ctld
SlurmdSpoolDir={root}/slurmd.%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={root}/log/ended
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
MaxArraySize={max_array_size}
JobRequeue=0
ReturnToService=2
SlurmdTimeout=6
KillWait=30
GresTypes=gpu
NodeName=DEFAULT CPUs=2 CoresPerSocket=2 RealMemory=4000 Gres=gpu:2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]}
PartitionName=test Nodes=n1,n2 Default=YES MaxTime=INFINITE OverTimeLimit=0 State=UP
"""
DEVICES = ("/dev/null", "/dev/zero")  # what stands for the GPUs of a node
GPUS = "".join(f"NodeName={node} Name=gpu File={device}\n" for node in NODES for device in DEVICES)
COUNTING = """\
#!/bin/sh
echo "${{SLURM_JOB_ID:-user}} {name} $*" >>'{log}'
exec {real} "$@"
"""


class SlurmCluster:
    """Daemons, and how to look at them.

    env: The environment in which commands reach this cluster, and are counted.
    """

    def __init__(self, root: Path, max_array_size: int = 101) -> None:
        self.root = root
        self.max_array_size = max_array_size
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._calls = root / "calls"
        self.env = dict(os.environ) | {
            "SLURM_CONF": str(root / "slurm.conf"),
            "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
        }

    # ---- start and stop

    def start(self) -> None:
        """Write the configuration and start all daemons; return when both nodes are idle."""
        for name in ("ctld", "log", "bin", *(f"slurmd.{node}" for node in NODES)):
            (self.root / name).mkdir(parents=True)
        host = socket.gethostname().partition(".")[0]
        user = os.environ.get("USER") or subprocess.check_output(["id", "-un"], text=True).strip()
        config = CONFIG.format(
            root=self.root, host=host, user=user, ports=free_ports(3), max_array_size=self.max_array_size
        )
        (self.root / "slurm.conf").write_text(config)
        (self.root / "gres.conf").write_text("AutoDetect=off\n" + GPUS)
        (self.root / "cgroup.conf").write_text("CgroupAutomount=no\n")
        for name in COUNTED:
            shim = self.root / "bin" / name
            shim.write_text(COUNTING.format(name=name, log=self._calls, real=_needed(name)))
            shim.chmod(0o755)
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self.wait(lambda: self.node_states() == dict.fromkeys(NODES, "idle"), "the nodes are not idle")

    def stop(self) -> None:
        """Kill every daemon and every process of a job."""
        for daemon in self._daemons.values():
            daemon.kill()
            daemon.wait()
        for number in self._processes():
            _signal(number, signal.SIGKILL)

    def start_controller(self) -> None:
        self._start("slurmctld", "-D")

    def start_node(self, node: str) -> None:
        self._start("slurmd", "-D", "-N", node, name=node)

    def kill_controller(self) -> None:
        """kill -9."""
        self._end("slurmctld")

    def kill_node(self, node: str) -> None:
        """kill -9 of a node's daemon and of all that runs there, as when the power fails.

        All are stopped before, so that none tells of the death of another.
        """
        self._end(node)
        stopped: set[int] = set()
        while new := set(self._processes(node)) - stopped:  # again, for what was being started meanwhile
            for number in new:
                _signal(number, signal.SIGSTOP)
            stopped |= new
        for number in stopped:
            _signal(number, signal.SIGKILL)

    def _start(self, program: str, *words: str, name: str | None = None) -> None:
        with (self.root / "log" / f"{name or program}.out").open("ab") as out:
            self._daemons[name or program] = subprocess.Popen(
                [_needed(program), *words], env=self.env, stdout=out, stderr=out, start_new_session=True
            )

    def _end(self, name: str) -> None:
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def _processes(self, node: str | None = None) -> list[int]:
        """Return the processes of jobs, and those that watch over them, of one node or of all."""
        return [int(path.name) for path in Path("/proc").glob("[0-9]*") if self._belongs(path, node)]

    def _belongs(self, process: Path, node: str | None) -> bool:
        try:
            settings = process.joinpath("environ").read_bytes().split(b"\0")
            if f"SLURM_CONF={self.root / 'slurm.conf'}".encode() not in settings:
                return False
            if b"slurmstepd" in process.joinpath("cmdline").read_bytes():
                logs = {os.readlink(path) for path in process.joinpath("fd").iterdir()}
                return any(log.startswith(f"{self.root}/log/slurmd.{node or ''}") for log in logs)
            return f"SLURMD_NODENAME={node}".encode() in settings or (
                node is None and any(one.startswith(b"SLURM_JOB_ID=") for one in settings)
            )
        except OSError:  # it has ended
            return False

    # ---- look

    def run(self, *command: str | Path) -> str:
        """Run a command of Slurm that is not counted; return what it printed."""
        done = self._end_of(*command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def signal(self, task: str, name: str) -> None:
        """Send a signal to the script of a task, such as 7_0; again while Slurm is busy with the task."""
        command = ("scancel", f"--signal={name}", "--batch", task)
        self.wait(lambda: self._end_of(*command).returncode == 0, f"task {task} takes no signal")

    def _end_of(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        program, *words = map(str, command)
        return subprocess.run(
            [_needed(program), *words], env=self.env, capture_output=True, text=True, check=False
        )

    def node_states(self) -> dict[str, str]:
        lines = self._squeeze("sinfo", "-h", "-N", "-o", "%N %t")
        return dict(line.split() for line in lines)

    def job_states(self, job: int) -> dict[str, str]:
        """Return the state of each task of a job that is queued or running, by its name, such as 7_0."""
        return dict(
            line.split() for line in self._squeeze("squeue", "-h", "-r", "-j", str(job), "-o", "%i %T")
        )

    def ended(self, job: int) -> list[str]:
        """Return State:ExitCode of each end of a task, as the controller wrote them down."""
        log = self.root / "log" / "ended"
        lines = log.read_text().splitlines() if log.exists() else []
        found = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]
        return [
            f"{one['JobState']} {one['ExitCode']}"
            for one in found
            if str(job) in (one["JobId"], one.get("ArrayJobId"))
        ]

    def calls(self, by_jobs: bool = False) -> list[str]:
        """Return the commands that were run since the last call, outside of jobs or inside of them."""
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        return [line.partition(" ")[2] for line in lines if (line.partition(" ")[0] != "user") is by_jobs]

    def forget_calls(self) -> None:
        self._calls.unlink(missing_ok=True)

    def wait(self, true: Callable[[], bool], otherwise: str, seconds: float = WAIT_S) -> None:
        """Wait for something that happens in the cluster."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"{otherwise}\n{self.report()}")
            time.sleep(0.5)

    def wait_for_end(self, job: int, seconds: float = WAIT_S) -> None:
        """Wait until no task of a job is queued or running."""
        self.wait(lambda: not self.job_states(job), f"job {job} did not end", seconds)

    def report(self) -> str:
        """Return what helps to find out why something did not happen."""
        queue = self._squeeze("squeue", "-r")
        logs = sorted((self.root / "log").glob("*.out"))
        tails = [line for log in logs for line in log.read_text().splitlines()[-40:]]
        return "\n".join((str(self.node_states()), *queue, *tails))

    def _squeeze(self, *command: str) -> list[str]:
        """Return the lines that a command printed; none while the controller is away."""
        done = self._end_of(*command)
        return done.stdout.splitlines() if done.returncode == 0 else []


@contextlib.contextmanager
def slurm_cluster(root: Path, max_array_size: int = 101) -> Iterator[SlurmCluster]:
    """Run a Slurm whose files are in a folder; a test fails where Slurm is not installed."""
    for program in ("slurmctld", "slurmd", "sbatch"):
        if not shutil.which(program, path=PROGRAMS):
            pytest.fail(HOW_TO_GET_IT)
    cluster = SlurmCluster(root, max_array_size)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


PROGRAMS = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"


def _needed(program: str) -> str:
    found = shutil.which(program, path=PROGRAMS)
    return found or program


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, below those that the kernel gives to connections."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(12000, 30000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


def _signal(number: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, which)
