"""The project's own golden: this very code, on this machine, still renders what was accepted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.running import fvcli

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/data/golden"
SPEC = ROOT / "configs/small.yaml"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden's spec, rendered now."""
    run = tmp_path_factory.mktemp("small") / "run"
    result = fvcli("render", SPEC, "-o", run)
    assert result.exit_code == 0, result.stderr
    return run


def last_line(*words: str | Path) -> tuple[int, str]:
    result = fvcli("compare", *words)
    return result.exit_code, result.stdout.splitlines()[-1]


def test_the_golden_is_of_the_spec_beside_it() -> None:
    assert (GOLDEN / "spec.yaml").read_text() == SPEC.read_text()
    subprocess.run(["sha256sum", "--check", "--strict", "manifest.sha256"], cwd=GOLDEN, check=True)


def test_the_pictures_are_still_those_that_were_accepted(small: Path, tmp_path: Path) -> None:
    result = fvcli("compare", GOLDEN, small, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.stdout
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names >= {"report.html", "results.json", "junit.xml", "summary.md"}


def test_kernels_of_another_cpu_pass(small: Path, tmp_path: Path) -> None:
    """oneDNN off, in a process of its own: most pictures have other pixels, and none is another picture."""
    command = [sys.executable, "-m", "fvcli", "render", str(SPEC), "-o", str(tmp_path / "run")]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    golden = tmp_path / "golden"
    result = fvcli("accept", small, "--golden", golden, "--reason", "this machine's")
    assert result.exit_code == 0, result.stderr
    shutil.copy2(GOLDEN / "golden.json", golden / "golden.json")
    result = fvcli("compare", golden, tmp_path / "run")
    assert result.exit_code == 0, result.stdout
    assert " close" in result.stdout.splitlines()[-1]
    assert "16 units: rendered on another CPU, or with other kernels, than the golden" in result.stderr
    result = fvcli("accept", tmp_path / "run", "--golden", golden, "--reason", "noise")
    assert result.stdout.startswith(f"{golden}: nothing to accept; 16 units as they were, ")
    assert fvcli("compare", golden, tmp_path / "run", "--no-model").exit_code == 0


def test_a_change_that_people_would_not_see_is_caught(small: Path, tmp_path: Path) -> None:
    """The learning rate 2 % lower: set in the spec, and as if by a slip in the code.

    In the first and the last of the jobs; each has a program of its own to compile.
    """
    jobs = ("--only", "block4-textures/*", "--only", "block12-objects/*")
    optimizer = (
        "{kind: adam, learning_rate: 0.1176, beta1: 0.3, beta2: 0.9, second_moment: band, anneal_from: 0.5}"
    )
    result = fvcli("render", SPEC, "-o", tmp_path / "run", "--set", f"render.optimizer={optimizer}", *jobs)
    assert result.exit_code == 0, result.stderr
    said = fvcli("compare", GOLDEN, tmp_path / "run", *jobs)
    assert said.exit_code == 1
    assert "         optimizer.learning_rate: 0.12 -> 0.1176" in said.stdout
    assert said.stdout.splitlines()[-1] == "fail: 8 settings"
    slipped = tmp_path / "slipped"
    shutil.copytree(small, slipped)
    for path in (tmp_path / "run/units").rglob("*.*"):
        place = slipped / "units" / path.relative_to(tmp_path / "run/units")
        content = path.read_bytes()
        if path.suffix == ".json":
            keys = [file.read_text().split('"key": "')[1][:16] for file in (path, place)]
            content = content.replace(keys[0].encode(), keys[1].encode())
        place.write_bytes(content)
    assert last_line(GOLDEN, slipped, *jobs) == (1, "fail: 8 diff")
    assert last_line(GOLDEN, slipped, *jobs, "--no-model") == (1, "fail: 8 diff")
