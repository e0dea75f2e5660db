"""What the pages name is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for line in block.splitlines()
]


def test_the_readme_has_commands_and_shows_a_picture() -> None:
    assert len(COMMANDS) > 15
    text = (ROOT / "README.md").read_text()
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        assert (ROOT / target).is_file(), target


def test_the_page_of_models_names_tests_that_exist() -> None:
    text = (ROOT / "docs/models.md").read_text()
    tests = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", text))
    assert len(named) > 7
    for name in named:
        assert name in tests or any(f"def {name}(" in source for source in tests.values()), name
    rendered = text.partition("rendered by `test_eight_steps")[2].partition("\n\n")[0]
    rows = set(
        re.findall(r"`([a-z_]+(?: at another size)?)`(?= \|$|, `[a-z_]+` \|$)", rendered, re.MULTILINE)
    )
    known = re.findall(r'^    "([a-z_ ]+)": \(', tests["test_user_models.py"], re.MULTILINE)
    assert rows - set(re.findall(r"test_\w+", text)) <= set(known), rows - set(known)
    assert len(rows) > 10
