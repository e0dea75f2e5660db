"""Options of `fvcli compare` that would change nothing are refused, before anything is read."""

from __future__ import annotations

import pytest

from tests.helpers.running import fvcli

ALONE = "is used by --calibrate alone"
UNUSED = "is not used by --calibrate, which compares the golden's spec with itself"
PATTERN = ["--only", "x"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--safety", "3"], [f"--safety {ALONE}: leave it out"]),
        (["--safety", "2"], [f"--safety {ALONE}: leave it out"]),  # the default, but somebody wrote it
        (["--calibrate", *PATTERN], [f"--only {UNUSED}: leave it out"]),
        (["--calibrate", "--report", "r"], [f"--report {UNUSED}: leave it out"]),
        (
            ["--calibrate", "--strict", "--no-model", "--junit", "j"],
            [f"--strict {UNUSED}", f"--no-model {UNUSED}", f"--junit {UNUSED}: leave them out"],
        ),
        (
            ["--golden-model", "vgg16", "--no-model"],
            ["--golden-model is not used with --no-model, which asks no network: leave it out"],
        ),
    ],
)
def test_what_would_change_nothing(words: list[str], told: list[str]) -> None:
    result = fvcli("compare", "nowhere", *words)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [f"Error: {line}" for line in told]


def test_what_both_use() -> None:
    result = fvcli("compare", "nowhere", "--calibrate", "--safety", "3", "--json", "--allow-code", "--debug")
    assert result.exit_code == 2
    assert "nowhere: there is no golden here" in result.stderr
