"""The command that somebody typed, for what a run keeps of it and for messages that say how to go on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fvcli.errors import command

FVCLI = "fvcli"


def typed_command(argv: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the words of the command that this process was started with, without where fvcli is installed.

    Args:
        argv: The words as Python has them; None for those of this process.
    """
    words = tuple(sys.argv if argv is None else argv)
    return (FVCLI, *words[1:]) if words and _is_fvcli(Path(words[0])) else words


def command_to_go_on(typed: Sequence[str], otherwise: str) -> str:
    """Return the command to give once more, as a shell takes it.

    Args:
        typed: What was typed. Without ``--again``, which would begin once more with all units.
        otherwise: What to return where a program called fvcli, and nobody typed a command of it.
    """
    if not typed or typed[0] != FVCLI:
        return otherwise
    return command(*(word for word in typed[1:] if word != "--again"))


def _is_fvcli(program: Path) -> bool:
    is_package = program.name == "__main__.py" and program.parent.name == FVCLI
    return is_package or program.stem == FVCLI
