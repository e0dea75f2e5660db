"""The page about clusters: its commands are valid, and its tables say what the code does.

Its scripts for Slurm are run in tests/runs/test_slurm.py.
"""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest

from fvcli.app import shard_from_environment
from fvcli.cli import main
from fvcli.engines import kubernetes, slurm

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cluster.md").read_text()
BLOCKS = re.findall(r"^```\w*\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
IN_TEXT = [words for words in re.findall(r"`(fvcli [^`]+)`", PAGE) if words.split()[1] in main.commands]
LINES = [line for block in BLOCKS for line in block.splitlines()]
COMMANDS = [line for line in [*LINES, *IN_TEXT] if re.match(r"(srun )?fvcli ", line)]


@pytest.mark.parametrize("line", dict.fromkeys(COMMANDS))
def test_a_command_has_the_options_that_it_is_given(line: str) -> None:
    words = shlex.split(line.removeprefix("srun ").partition(" | ")[0])
    if words[2:] and "..." not in words:
        main.commands[words[1]].make_context(words[1], words[2:])


def test_there_are_commands_of_all_kinds() -> None:
    assert {line.removeprefix("srun ").split()[1] for line in COMMANDS} >= {
        *("submit", "prepare", "work", "render", "merge", "grid", "status"),
    }


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)]+)\)", PAGE)
    assert len(targets) == 2
    for target in targets:
        assert (ROOT / "docs" / target).is_file(), target


def test_every_variable_that_is_read_is_in_the_table() -> None:
    source = Path(shard_from_environment.__file__).read_text()
    read = set(re.findall(r'"([A-Z]+_[A-Z_]+[A-Z])"', source)) - {"SLURM_NTASKS"}
    assert len(read) > 12
    assert [name for name in sorted(read) if name not in PAGE] == []


def test_numbers_are_those_of_the_code() -> None:
    assert f"{slurm.SIGNAL.rpartition('@')[2]} s before it Slurm sends SIGUSR1" in PAGE
    assert slurm.RESTARTS == 5
    assert "started again five times" in PAGE
    assert kubernetes.RETRIES == 3
    assert "up to three times for each worker" in PAGE
    for name in (slurm.WORKERS, slurm.FINISH):
        assert f"`run/submit/{name}`" in PAGE


@pytest.mark.parametrize("name", ["Dockerfile", "fvcli.def"])
def test_images_install_what_setup_cfg_offers(name: str) -> None:
    text = (ROOT / "docs/cluster" / name).read_text()
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = re.findall(r"/src\[(\w+)\]", text)
    assert extras
    assert set(extras) <= set(config["options.extras_require"])
    assert f"docs/cluster/{name}" in text
    python = re.search(r"python:(\d+)\.(\d+)-slim", text)
    assert python
    assert (int(python[1]), int(python[2])) >= (3, 10)
