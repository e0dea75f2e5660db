"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from fvcli.errors import UsageError

if TYPE_CHECKING:
    from fvcli.models import ModelFacts


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --set."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY.PATH=VALUE",
        help="Override a value of the spec, such as render.steps=64 or jobs.textures.channels=0-3.",
    )(command)


def code_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --allow-code."""
    return click.option(
        "--allow-code", is_flag=True, help="Let the spec's model.factory run; only for specs that you trust."
    )(command)


def say_remarks(facts: ModelFacts) -> None:
    """Say on standard error what was guessed of a model, or looks wrong about it."""
    for remark in facts.remarks:
        click.echo(f"Note: {facts.name}: {remark}", err=True)


def parse_shard(text: str | None, environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Read I/N, I from 1; or for ``auto`` find it in the environment and say on standard error what it is.

    Raises:
        UsageError: It is not of that form, or the environment names no slice.
    """
    if text is None:
        return None
    if text == "auto":
        from fvcli.app.shard_from_environment import shard_from_environment

        found = shard_from_environment(environment)
        click.echo(f"--shard auto: {found}", err=True)
        return found.index, found.count
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if match and 1 <= int(match[1]) <= int(match[2]):
        return int(match[1]), int(match[2])
    raise UsageError(f"--shard {text}: not a slice", "write I/N with I from 1 to N, such as 1/4, or auto")
