"""The quick tests where TensorFlow cannot be imported: all can be collected, and some of each kind pass.

`scripts/test-quick` runs all of them there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
WITHOUT_TENSORFLOW = {**os.environ, "PYTHONPATH": str(TESTS / "helpers" / "no_tensorflow")}
SAMPLE = "test_cli or test_cost or test_registry or test_merge"


def run_python(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=TESTS.parent, env=WITHOUT_TENSORFLOW, capture_output=True, text=True, check=False
    )


def test_tensorflow_is_really_gone() -> None:
    for name in ("tensorflow", "keras"):
        assert "made unimportable" in run_python("-c", f"import {name}").stderr


def test_quick_tests_need_no_tensorflow() -> None:
    done = run_python("-m", "pytest", "-m", "quick", "-k", SAMPLE, "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    rooms = set(re.findall(r"^tests/(\w+)/", done.stdout, re.MULTILINE))
    assert rooms == {"app", "cli", "models", "plan", "run"}
    passed, others = map(int, re.findall(r"(\d+) (?:passed|deselected)", done.stdout.splitlines()[-1]))
    assert passed >= 40
    assert others > 1500
