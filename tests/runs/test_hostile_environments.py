"""Every command in every hostile environment: it works, or says in one line what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from fvcli.cli import main
from fvcli.run.layout import ROUNDS
from tests.helpers import hostile
from tests.helpers.painted_runs import painted
from tests.helpers.running import fvcli, write_spec
from tests.helpers.small_network import small_network_spec

# What each command is asked; {out} is a folder of its own. A new command must be named here, too.
WORDS: Mapping[str, str] = {
    "render": "render {spec} -o {copy}",
    "prepare": "prepare {spec} -o {out}/prepared",
    "work": "work {copy}",
    "submit": "submit {spec} -o {out}/run --engine kubernetes --workers 2 --image x --claim c --mount {out}"
    " --dry-run",
    "plan": "plan {spec}",
    "calibrate": "calibrate no-such-model",
    "status": "status {run} --check",
    "merge": "merge {run} -o {out}/merged",
    "grid": "grid {copy}",
    "atlas": "atlas {copy}",
    "examples": "examples {run} --images {out}/nowhere",
    "score": "score {run} --images {out}/nowhere",
    "compare": "compare {golden} {run} --no-model --report {out}/report",
    "accept": "accept {run} --golden {out}/golden --reason new",
    "diff": "diff {run} {out}/nowhere",
    "models": "models",
    "layers": "layers efficientnet-lite0",
    "classes": "classes efficientnet-lite0 cat",
    "inspect": "inspect no-such-model",
    "schema": "schema",
    "init": "init {out}/new.yaml",
    "info": "info --help",
}
# The same with TensorFlow, which takes three seconds to start
WITH_TENSORFLOW = {"info": "info", "render": "render {spec} -o {out}/run --only edges/channel-0000"}


class CameTo(NamedTuple):
    """The exit code of a command, and what it said on standard error, where that could be written."""

    code: int
    said: str


@dataclass(frozen=True)
class Environment:
    """What is hostile; ``fails`` are the commands that cannot work there, beside those that never do."""

    input: str = "/dev/null"
    output: str = "/dev/null"
    error: str = ""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    before: str = ""
    fails: frozenset[str] = frozenset()

    def run(self, folder: Path, commands: Mapping[str, Sequence[str]]) -> dict[str, CameTo]:
        """Return what commands come to."""
        asked = folder / "commands.json"
        asked.write_text(json.dumps(commands))
        here = folder / "here"
        here.mkdir()
        here.chmod(0o777)
        streams = " ".join(
            [f"<{self.input}", f">{self.output}", *([f"2>{self.error}"] if self.error else [])]
        )
        given = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **self.environment}
        out, answer = os.pipe()
        with os.fdopen(out) as codes:
            done = subprocess.run(
                ["bash", "-c", f'{self.before} "$@" {streams}', "bash"]
                + [sys.executable, hostile.__file__, str(answer), str(asked)],
                env={name: value for name, value in given.items() if value is not None},
                stderr=subprocess.PIPE,
                cwd=here,
                pass_fds=[answer],
                timeout=300,
                check=False,
            )
            os.close(answer)
            assert done.returncode == 0, done.stderr.decode()
            assert list(here.iterdir()) == []  # nothing is left where nobody asked for it
            said = dict(part.split("\n", 1) for part in done.stderr.decode().split(hostile.MARK)[1:])
            return {name: CameTo(code, said.get(name, "")) for name, code in json.load(codes).items()}


WRITERS = frozenset({"render", "prepare", "work", "merge", "grid", "atlas", "compare", "accept", "init"})
NOBODY = "as a user that nobody knows"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
NO_HOME = {"HOME": None, "XDG_CACHE_HOME": None, "USER": None, "LOGNAME": None}
ENVIRONMENTS = {
    "closed error": Environment(error="&-"),
    "closed output": Environment(output="&-"),
    "all closed": Environment(input="&-", output="&-", error="&-"),
    "full error": Environment(error="/dev/full"),
    "full output": Environment(output="/dev/full", fails=frozenset(WORDS)),
    "output that nobody reads": Environment(output=" >(true)"),
    "no home and a user that nobody knows": Environment(environment=NO_HOME, before=NOBODY),
    "no working directory": Environment(before='cd $(mktemp -d); rmdir "$PWD";'),
    "no file can be written": Environment(before="ulimit -f 0;", fails=WRITERS),
    "no temporary folder": Environment(environment={"TMPDIR": "/nowhere"}),
    "ASCII alone": Environment(environment=ASCII),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    spec = write_spec(folder)
    run = painted(spec, folder / "run").path
    shutil.rmtree(run / ROUNDS)  # painters write no journals, so a worker would look for something to do
    assert fvcli("prepare", spec, "-o", run).exit_code == 0
    golden = folder / "golden"
    assert fvcli("accept", run, "--golden", golden, "--reason", "first").exit_code == 0
    return {"spec": spec, "run": run, "golden": golden}


def asked(folder: Path, places: Mapping[str, Path], words: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the words of commands, each with an output folder and a copy of the run of its own."""
    commands = {}
    for name, line in words.items():
        out, copy = folder / name, folder / name / "copy"
        out.mkdir()
        if "{copy}" in line:
            shutil.copytree(places["run"], copy)
        commands[name] = line.format(out=out, copy=copy, **places).split()
    for place in (folder, *folder.rglob("*")):
        place.chmod(0o777)  # for another user, too
    return commands


@pytest.fixture(scope="module")
def at_home(places: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, CameTo]:
    """What the commands come to where nothing is hostile."""
    folder = tmp_path_factory.mktemp("home")
    return Environment().run(folder, asked(folder, places, WORDS))


def test_every_command_is_tried() -> None:
    assert set(WORDS) == set(main.commands), "name what a new command is asked in WORDS"


def test_where_nothing_is_hostile_they_work(at_home: dict[str, CameTo]) -> None:
    codes = {name: came_to.code for name, came_to in at_home.items()}
    mistaken = {"calibrate", "diff", "examples", "inspect", "score"}  # by what they are asked
    assert codes == {name: 2 if name in mistaken else 0 for name in WORDS}, at_home


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_command_works_or_says_in_a_line_why_not(
    name: str, places: dict[str, Path], at_home: dict[str, CameTo], tmp_path: Path
) -> None:
    environment = environment_of(name)
    found = environment.run(tmp_path, asked(tmp_path, places, WORDS))
    for command, came_to in found.items():
        check(command, came_to, at_home[command].code, fails=command in environment.fails)


def environment_of(name: str) -> Environment:
    found = ENVIRONMENTS[name]
    return replace(found, before=as_nobody()) if found.before == NOBODY else found


def check(command: str, came_to: CameTo, at_home: int, *, fails: bool) -> None:
    said = came_to.said
    assert "Traceback" not in said, said
    assert "a bug in fvcli" not in said, said
    assert "Exception ignored" not in said, said
    if not fails:
        assert came_to.code == at_home, (command, came_to)
        return
    assert came_to.code in {1, 2, 74}, (command, came_to)
    assert len([line for line in said.splitlines() if line.startswith("Error: ")]) == 1, (command, said)


@pytest.mark.parametrize("name", ["all closed", "full error", "no home and a user that nobody knows"])
def test_so_do_those_with_tensorflow(name: str, places: dict[str, Path], tmp_path: Path) -> None:
    environment = environment_of(name)
    spec = small_network_spec(tmp_path)
    found = environment.run(tmp_path, asked(tmp_path, {**places, "spec": spec}, WITH_TENSORFLOW))
    for command, came_to in found.items():
        check(command, came_to, 0, fails=False)
    assert (tmp_path / "render/run/units/edges/channel-0000.png").exists()


@cache
def as_nobody() -> str:
    """Return what runs a command as a user without a name; it must still find Python."""
    ways = (
        "unshare --user --map-user=12345",
        "setpriv --reuid 12345 --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search",
        "setpriv --reuid 12345 --clear-groups",
    )
    script = "import os, fvcli; assert os.getuid() == 12345"
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for way in ways:
        tried = [*way.split(), sys.executable, "-c", script]
        if subprocess.run(tried, env=given, capture_output=True, check=False).returncode == 0:
            return way
    raise AssertionError("no way to be an unknown user: allow unshare --user, or test as root")
