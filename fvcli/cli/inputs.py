"""From the words of a command to a plan, or to everything that is wrong with them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fvcli.errors import FvcliError, UsageError

if TYPE_CHECKING:
    from fvcli.models import ModelFacts
    from fvcli.plan import Plan
    from fvcli.spec import Document, Spec


@dataclass(frozen=True)
class PlannedSpec:
    """A plan, the text that it came from, and what is known of its model."""

    plan: Plan
    text: str
    facts: ModelFacts


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --set."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY.PATH=VALUE",
        help="Override a value of the spec, such as render.steps=64 or jobs.textures.channels=0-3.",
    )(command)


def plan_of_spec(spec: str, overrides: Sequence[str]) -> PlannedSpec:
    """Read, validate and plan a spec file, or standard input for ``-``.

    Raises:
        SpecError: With every mistake that was found.
    """
    text = _read(spec)
    header = "".join(f"# --set {override!r}\n" for override in overrides)  # a comment of one line each
    plan, facts = _plan(text, spec, overrides)
    return PlannedSpec(plan, header + text, facts)


def plan_of_picture(picture: Path, overrides: Sequence[str]) -> PlannedSpec:
    """Plan the unit that a PNG file of fvcli's shows, from the text inside it."""
    from fvcli.run import picture_text

    text = json.dumps(picture_text(picture)["spec"], indent=1) + "\n"
    plan, facts = _plan(text, str(picture), overrides)
    return PlannedSpec(plan, text, facts)


def _read(spec: str) -> str:
    try:
        content: bytes = sys.stdin.buffer.read() if spec == "-" else Path(spec).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{spec}: {error.strerror}", "a spec to start from: fvcli init") from error
    except UnicodeDecodeError as error:
        message = f"{spec}:1: not a YAML file: it is not UTF-8 text (byte {error.start})"
        raise UsageError(message, "give a spec, such as fvcli init writes") from error


def _plan(text: str, origin: str, overrides: Sequence[str]) -> tuple[Plan, ModelFacts]:
    from fvcli.plan import make_plan
    from fvcli.spec import parse_document, validate

    document = parse_document(text, origin, overrides)
    spec, positions = validate(document)
    facts = _describe(document, spec) if spec else None
    if spec and facts:
        plan, problems = make_plan(spec, positions, facts)
        document.report(problems)
    document.raise_problems()
    assert facts is not None  # or there was a problem
    return plan, facts


def _describe(document: Document, spec: Spec) -> Any:
    from fvcli.models import ModelChoice, describe, model_names
    from fvcli.spec import Problem

    try:
        return describe(ModelChoice(spec.model.name, spec.model.weights, spec.model.sha256))
    except FvcliError as error:
        key = "weights" if spec.model.name in model_names() else "name"
        written = document.data["model"]
        below = (key,) if isinstance(written, dict) and key in written else ()
        document.report([Problem(("model", *below), str(error))])
        return None


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """Read I/N, I from 1.

    Raises:
        UsageError: It is not of that form.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if match and 1 <= int(match[1]) <= int(match[2]):
        return int(match[1]), int(match[2])
    raise UsageError(f"--shard {text}: not a slice", "write I/N with I from 1 to N, such as 1/4")
