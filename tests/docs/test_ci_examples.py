"""The examples for CI systems are valid and run what the documentation says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

CI = Path(__file__).parents[2] / "docs" / "ci"
RENDER, COMPARE = "fvcli render atlas.yaml -o run", "fvcli compare golden run --report report"
ACCEPT = 'fvcli accept run --golden golden --reason "why they changed"'


def parsed(name: str) -> Any:
    return YAML(typ="safe", pure=True).load((CI / name).read_text())


def github_steps() -> list[dict[str, Any]]:
    return list(parsed("github-actions.yml")["jobs"]["compare"]["steps"])


def fvcli_lines(name: str) -> list[str]:
    """Return the commands of an example that call fvcli, in order."""
    if name == "gitlab-ci.yml":
        return [line for line in parsed(name)["pictures"]["script"] if line.startswith("fvcli ")]
    return [step["run"] for step in github_steps() if step.get("run", "").startswith("fvcli ")]


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_it_renders_then_compares(name: str) -> None:
    assert fvcli_lines(name) == [RENDER, COMPARE]
    assert f"#   {ACCEPT}\n" in (CI / name).read_text()


def test_github_fails_with_the_commands_and_reports_all_the_same() -> None:
    steps = github_steps()
    assert not any("continue-on-error" in step for step in steps)
    commands = [step for step in steps if step.get("run", "").startswith("fvcli ")]
    assert all("if" not in step and "shell" not in step for step in commands)
    after = steps[steps.index(commands[-1]) + 1 :]
    assert len(after) == 3
    assert all("!cancelled()" in step["if"] for step in after)
    assert after[0]["run"] == 'cat report/summary.md >> "$GITHUB_STEP_SUMMARY"'
    assert after[1]["with"]["report_paths"] == "report/junit.xml"
    assert after[2]["with"]["path"].split() == ["report", "run"]
    assert [step["with"]["cache"] for step in steps if "setup-python" in step.get("uses", "")] == ["pip"]


def test_gitlab_keeps_the_report_always() -> None:
    job = parsed("gitlab-ci.yml")["pictures"]
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["paths"] == ["report/", "run/"]
    assert job["artifacts"]["reports"] == {"junit": "report/junit.xml"}
    assert "allow_failure" not in job
    assert job["variables"]["PIP_CACHE_DIR"] == "$CI_PROJECT_DIR/" + job["cache"]["paths"][0]
