"""The lines of the CI examples, run by a shell as a CI system would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_ci_examples import fvcli_lines
from tests.helpers.running import fvcli
from tests.helpers.small_network import small_network_spec


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a spec and a golden of it."""
    small_network_spec(tmp_path, 5, batch_size=5).rename(tmp_path / "atlas.yaml")
    assert fvcli("render", tmp_path / "atlas.yaml", "-o", tmp_path / "first").exit_code == 0
    result = fvcli("accept", tmp_path / "first", "--golden", tmp_path / "golden", "--reason", "first")
    assert result.exit_code == 0, result.stderr
    return tmp_path


def run_lines(name: str, project: Path) -> int:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = "\n".join(["set -e", *fvcli_lines(name)])
    return subprocess.run(["bash", "-c", script], cwd=project, env=environment, check=False).returncode


def test_github_passes_and_gitlab_fails_after_a_change(project: Path) -> None:
    assert run_lines("github-actions.yml", project) == 0
    assert {path.name for path in (project / "report").iterdir()} >= {
        "report.html",
        "junit.xml",
        "summary.md",
    }
    (project / "run").rename(project / "before")
    spec = project / "atlas.yaml"
    spec.write_text(spec.read_text().replace(" steps: 4", " steps: 5"))
    assert run_lines("gitlab-ci.yml", project) == 1
    assert "steps: 4 -> 5" in (project / "report/results.json").read_text()
    assert 'failures="5"' in (project / "report/junit.xml").read_text()
