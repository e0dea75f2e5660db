"""Modules that run in another Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fvcli.python_module import python_module

SHOWN = "import random, sys; print(__name__, sys.argv[1:], random.__file__)"


def shown(command: list[str]) -> str:
    return subprocess.run([*command, "a b", "--c"], capture_output=True, text=True, check=True).stdout


def test_a_module_runs_as_the_program_and_finds_what_this_process_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "found").mkdir()
    (tmp_path / "found/only_here.py").write_text(SHOWN)
    monkeypatch.syspath_prepend(tmp_path / "found")
    (tmp_path / "random.py").write_text("raise SystemExit('this is not random of Python')")
    monkeypatch.chdir(tmp_path)
    import random

    assert shown(python_module("only_here")) == f"__main__ ['a b', '--c'] {random.__file__}\n"


def test_a_program_knows_itself_as_with_python_m() -> None:
    said = [
        subprocess.run([*command, "nothing"], capture_output=True, text=True, check=False).stderr
        for command in (python_module("fvcli"), [sys.executable, "-m", "fvcli"])
    ]
    assert said[0] == said[1]
    assert "No such command 'nothing'" in said[0]
