"""Every command of the README and of the page of commands is run, in order, as it stands there.

Only `fvcli render` and `prepare` get smaller pictures and fewer steps added, and `fvcli work` renders in this
process, so that this takes seconds. What renders a single step is not compiled, because that would take
longer than the step. `fvcli calibrate` is run in test_calibrate.py.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.page_commands import run_quickly
from tests.helpers.pages import ROOT, blocks, commands, page
from tests.helpers.running import pictures

COMMANDS = [*commands(page("README")), *commands(page("commands"))]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this checkout, with the environment that runs the tests as its .venv."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="scripts/test was not what started these tests")
def test_the_scripts(clone: Path) -> None:
    """quickstart in full, with one step and small pictures; test, up to collecting this very file."""
    current = subprocess.run(
        "cat setup.cfg pyproject.toml scripts/setup-venv | cksum",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    installed = (ROOT / ".venv/.installed").read_text()
    assert current.stdout.strip() in installed, "run scripts/test: .venv is of older settings"
    done = subprocess.run(
        ["scripts/quickstart", "--set", "render.steps=1", "--set", "render.size_px=64"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    named = dict(re.findall(r"^(Page|Pictures|Contact sheets): +(.+)$", done.stdout, re.MULTILINE))
    pictures, sheets = Path(named["Pictures"]), Path(named["Contact sheets"])
    assert Path(named["Page"]).exists()
    assert len(list(pictures.glob("*/*.png"))) >= 24
    assert len(list(sheets.glob("*.png"))) >= 3
    done = subprocess.run(
        ["scripts/test", "-n", "0", "--collect-only", "-q", "tests/runs/test_readme_commands.py"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "test_the_scripts" in done.stdout


def test_pip_install_gives_the_command(clone: Path, tmp_path: Path) -> None:
    assert "pip install ." in COMMANDS
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, "."],
        cwd=clone,
        check=True,
    )
    assert (target / "bin/fvcli").is_file()
    outside = {**os.environ, "PYTHONPATH": str(target)}
    shown = subprocess.run(
        [target / "bin/fvcli", "init", "-"],
        cwd=tmp_path,
        env=outside,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "model: efficientnet-lite0" in shown.stdout


def test_every_fvcli_command_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    called = [shlex.split(command)[1:] for command in COMMANDS if command.startswith("fvcli ")]
    assert len(called) > 25
    assert ["calibrate"] in called  # which test_calibrate.py runs, and tests/cli/test_tables.py shows
    for words in called:
        if words != ["calibrate"]:
            done = run_quickly(words)
            assert done.exit_code == 0, (words, done.stderr)
    assert (tmp_path / "report/report.html").is_file()
    [again] = pictures(tmp_path / "again").values()
    assert again == (tmp_path / "run/units/textures/channel-0003.png").read_bytes()
    [check] = [block.text for block in blocks(page("run-folder")) if block.kind == "python"]
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    sidecar = json.loads((tmp_path / "run/units/textures/channel-0003.json").read_text())
    assert float(done.stdout) == pytest.approx(sidecar["score"]["saved"], rel=0.01)
    for picture in (tmp_path / "run").glob("units/*/*.png"):
        assert (
            tmp_path / "whole" / picture.relative_to(tmp_path / "run")
        ).read_bytes() == picture.read_bytes()
