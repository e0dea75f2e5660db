"""The command that somebody typed."""

from __future__ import annotations

import pytest

from fvcli.typed_command import command_to_go_on, typed_command


@pytest.mark.parametrize(
    ("argv", "typed"),
    [
        (["/x/bin/fvcli", "work", "run"], ("fvcli", "work", "run")),
        (["fvcli.exe", "work"], ("fvcli", "work")),
        (["/x/fvcli/__main__.py", "work"], ("fvcli", "work")),  # python -m fvcli
        (["/x/other/__main__.py", "work"], ("/x/other/__main__.py", "work")),
        (["my_program.py", "7"], ("my_program.py", "7")),
        ([], ()),
    ],
)
def test_it_begins_with_fvcli_wherever_that_is_installed(argv: list[str], typed: tuple[str, ...]) -> None:
    assert typed_command(argv) == typed


def test_what_goes_on_does_not_begin_once_more() -> None:
    assert command_to_go_on(["fvcli", "render", "a b", "--again"], "other") == "fvcli render 'a b'"
    assert command_to_go_on(["my_program.py"], "fvcli work run") == "fvcli work run"
    assert command_to_go_on([], "fvcli work run") == "fvcli work run"
