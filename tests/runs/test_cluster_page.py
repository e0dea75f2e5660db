"""The commands of docs/cluster.md, run as they stand there; those for Slurm are run in test_slurm.py.

Addresses, ports and folders of other places are replaced. `ray stop` is not run, because it would end every
Ray on this machine, nor is docker, which is not everywhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.helpers.running import fvcli, pictures, write_spec
from tests.helpers.s3_server import free_port, s3_server
from tests.helpers.small_network import small_network_spec

PAGE = (Path(__file__).parents[2] / "docs/cluster.md").read_text()
PICTURES = [f"units/edges/channel-{number:04d}.png" for number in range(3)]


def commands_of(heading: str) -> list[str]:
    """Return the lines of the code blocks below a heading, and of none below the next."""
    _, _, after = PAGE.partition(f"\n{heading}\n")
    section = re.split(r"^##+ ", after, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    assert lines, heading
    return lines


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed render."""
    folder = tmp_path_factory.mktemp("plain")
    result = fvcli("render", small_network_spec(folder), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def plain(plain_run: Path) -> dict[str, bytes]:
    found = pictures(plain_run)
    assert list(found) == PICTURES
    return found


@pytest.fixture
def here(tmp_path: Path, plain_run: Path) -> Path:
    """A folder with the spec of the undisturbed render, which names its network by the whole path."""
    write_spec(tmp_path, (plain_run / "spec.yaml").read_text())
    return tmp_path


def shell(line: str, folder: Path, more: Mapping[str, str] | None = None) -> str:
    """Run a line as a shell does; return what it printed."""
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **(more or {})}
    words = ["bash", "-o", "pipefail", "-c", line]
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout


def test_one_machine(here: Path, plain: dict[str, bytes]) -> None:
    (two, shared, *more) = commands_of("## One machine")
    assert "--workers 2" in two
    shell(two, here)
    assert pictures(here / "run") == plain
    assert "--gpus-per-worker" in shared  # of no machine without GPUs
    (here / "run").rename(here / "first")
    said = [shell(line, here) for line in more]
    assert [line.split()[1] for line in more] == ["prepare", "work", "grid", "status", "status"]
    assert said[1] == "run: 3 done by this worker; nothing is left\nnext: fvcli grid run\n"
    assert '"done": 3' in said[4]
    assert (here / "run/grids/edges.png").exists()
    assert pictures(here / "run") == plain


def test_shards(
    here: Path, plain: dict[str, bytes], plain_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, because the lines ask nothing else of a shell than to start fvcli."""
    lines = commands_of("## Shards without a shared disk")
    assert [line.split()[:2] for line in lines] == [["fvcli", name] for name in ("render", "render", "merge")]
    monkeypatch.chdir(here)
    for line in lines:
        done = fvcli(*shlex.split(line, comments=True)[1:])
        assert done.exit_code == 0, (line, done.stderr)
    assert pictures(here / "run") == plain
    for name in ("plan.json", "spec.yaml", "grids/edges.png"):
        assert (here / "run" / name).read_bytes() == (plain_run / name).read_bytes(), name


def test_an_object_store(here: Path, plain: dict[str, bytes]) -> None:
    install, *lines = commands_of("## Object stores")
    assert install == "pip install 'fvcli[cloud]'"
    assert [line.split()[1] for line in lines] == ["prepare", "work", "status", "grid", "merge"]
    with s3_server() as store:
        make = "import s3fs; s3fs.S3FileSystem().mkdir('bucket')"
        subprocess.run([sys.executable, "-c", make], env={**os.environ, **store}, check=True, timeout=60)
        said = [shell(line, here, store) for line in lines]
    assert said[1].startswith("s3://bucket/run: 3 done by this worker; nothing is left\n")
    assert pictures(here / "run") == plain
    assert (here / "run/grids/edges.png").exists()


@contextlib.contextmanager
def started(line: str, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Keep a node of Ray while it is needed."""
    words = [str(Path(sys.executable).with_name("ray")), *line.split()[1:], "--block"]
    log = (folder / f"{secrets.token_hex(4)}.log").open("w+")
    with log, subprocess.Popen(words, env={**os.environ, **environment}, stdout=log, stderr=log) as process:
        try:
            end = time.monotonic() + 120
            while "Ray runtime started" not in Path(log.name).read_text():
                assert process.poll() is None, Path(log.name).read_text()
                assert time.monotonic() < end
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(30)


def test_ray(here: Path, plain: dict[str, bytes]) -> None:
    head, join, render, stop = commands_of("### Several machines")
    assert (head, stop) == ("ray start --head --port=6379", "ray stop")
    assert join == "ray start --address=192.168.1.10:6379"
    port = str(free_port())
    node = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16), "RAY_USAGE_STATS_ENABLED": "0"}
    with tempfile.TemporaryDirectory(prefix="ray-") as short:  # a socket's name has at most 107 characters
        first = f"{head.replace('6379', port)} --num-cpus=1 --include-dashboard=false --temp-dir={short}"
        second = f"{join.replace('192.168.1.10:6379', f'127.0.0.1:{port}')} --num-cpus=1"
        with started(first, here, node), started(second, here, node):
            where = {**node, "RAY_ADDRESS": f"127.0.0.1:{port}"}
            shell(render.replace("/shared/", f"{here}/"), here, where)
    assert pictures(here / "run") == plain


def test_kubernetes(here: Path) -> None:
    """The Job itself is checked in test_submit_kubernetes.py."""
    *images, prepare, apply = commands_of("## Kubernetes")
    assert [line.split()[:2] for line in images] == [["docker", "build"], ["docker", "push"]]
    (here / "kubectl").write_text('#!/bin/sh\n[ "$*" = "apply -f -" ] && cat >job.yaml\n')
    (here / "kubectl").chmod(0o755)
    for line in (prepare, apply):
        shell(line.replace("/data", str(here)), here)
    job = YAML(typ="safe", pure=True).load((here / "job.yaml").read_text())
    assert job["kind"] == "Job"
    assert job["spec"]["template"]["spec"]["containers"][0]["command"] == ["fvcli", "work", f"{here}/atlas"]
