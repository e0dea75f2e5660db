"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.place import RUN
from fvcli.cli.quiet import note
from fvcli.errors import UsageError, command

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


def spec_words(of: Callable[..., Any]) -> Callable[..., Any]:
    """Add the words of a spec: a SPEC, or MODEL LAYER[:CHANNELS]..."""
    return click.argument("words", nargs=-1, metavar="SPEC | MODEL LAYER[:CHANNELS]...")(of)


def run_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add -o, which may be left out; see ``run_of``."""
    return click.option(
        "-o",
        "--output",
        "output",
        type=RUN,
        help="The run folder; by default runs/ and the name of the spec.",
    )(command)


def run_of(output: Path | None, words: Sequence[str]) -> Path:
    """Return the run of a command; where -o was left out, say on standard error which it is."""
    if output is not None:
        return output
    from fvcli.app.spec_of_words import run_of_words

    run = run_of_words(words)
    note(f"Note: no -o is given, and the run is {run}")
    return run


def say_spec_of(words: Sequence[str], run: Path) -> None:
    """Say on standard error where the spec is that was made of a model and its layers."""
    if len(words) > 1:
        again = command("render", run / "spec.yaml", "-o", "RUN")
        note(f"the spec of this is {run}/spec.yaml, which renders the same again: {again}")


def shard_option(said: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds --shard, which ``parse_shard`` reads, with what it is a slice of."""
    return click.option("--shard", metavar="I/N|auto", help=said)


def code_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --allow-code."""
    return click.option(
        "--allow-code", is_flag=True, help="Let the spec's model.factory run; only for specs that you trust."
    )(command)


def worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what workers are told: --threads, --tries, --timeout, --lease, --mixed."""
    for option in reversed(
        (
            click.option(
                "--threads",
                type=click.IntRange(1),
                help="Pictures that a worker on a CPU works on at a time; by default its part of the cores.",
            ),
            click.option(
                "--tries",
                type=click.IntRange(1),
                default=3,
                show_default=True,
                help="Deaths of processes at a batch before it is cut in halves to find the unit that kills.",
            ),
            click.option(
                "--timeout",
                "timeout_s",
                type=click.FloatRange(1.0),
                default=1800.0,
                show_default=True,
                metavar="SECONDS",
                help="Replace a worker's process that has been at a batch for so long without any progress.",
            ),
            click.option(
                "--lease",
                "lease_s",
                type=click.FloatRange(1.0),
                default=120.0,
                show_default=True,
                metavar="SECONDS",
                help="Take over the batches of a worker elsewhere after so long without a sign of life.",
            ),
            click.option(
                "--mixed",
                is_flag=True,
                help="Render although the run was begun on another kind of machine; pictures may differ.",
            ),
        )
    ):
        command = option(command)
    return command


def say_grid_is_next(run: Path) -> None:
    """Say how the sheets of a run are drawn that has all its pictures, if it lacks a sheet."""
    from fvcli.app.draw_sheets import lacks_sheets

    if lacks_sheets(run):
        click.echo(f"next: {command('grid', run)}")


def say_remarks(facts: ModelFacts, remarks: Sequence[str] = ()) -> None:
    """Say on standard error what was guessed of a model, or looks wrong about it, and other remarks."""
    for remark in (*(f"{facts.name}: {remark}" for remark in facts.remarks), *remarks):
        note(f"Note: {remark}")


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
        note(f"--shard auto: {found}")
        return found.index, found.count
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if match and 1 <= int(match[1]) <= int(match[2]):
        return int(match[1]), int(match[2])
    raise UsageError(f"--shard {text}: not a slice", "write I/N with I from 1 to N, such as 1/4, or auto")


def parse_workers(text: str) -> int | None:
    """Read a number of workers, or None for auto.

    Raises:
        UsageError: It is neither.
    """
    if text == "auto":
        return None
    if re.fullmatch(r"[1-9]\d{0,4}", text):
        return int(text)
    raise UsageError(f"--workers {text}: not a number of workers", "write a number from 1, or auto")
