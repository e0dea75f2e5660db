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
    from fvcli.models import ModelChoice, ModelFacts
    from fvcli.plan import Plan
    from fvcli.spec import Document, Spec


SPEC_FILES = (".yaml", ".yml")


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


def code_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --allow-code."""
    return click.option(
        "--allow-code", is_flag=True, help="Let the spec's model.factory run; only for specs that you trust."
    )(command)


def plan_of_spec(spec: str, overrides: Sequence[str], allow_code: bool = False) -> PlannedSpec:
    """Read, validate and plan a spec file, or standard input for ``-``.

    Raises:
        SpecError: With every mistake that was found.
    """
    text = _read(spec)
    beside = None if spec == "-" else Path(spec).parent
    header = "".join(f"# --set {override!r}\n" for override in overrides)  # a comment of one line each
    plan, facts = _plan(text, spec, overrides, allow_code, beside)
    return PlannedSpec(plan, header + text, facts)


def plan_of_picture(picture: Path, overrides: Sequence[str], allow_code: bool = False) -> PlannedSpec:
    """Plan the unit that a PNG file of fvcli's shows, from the text inside it."""
    from fvcli.run import picture_text

    text = json.dumps(picture_text(picture)["spec"], indent=1) + "\n"
    plan, facts = _plan(text, str(picture), overrides, allow_code)
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


def _plan(
    text: str, origin: str, overrides: Sequence[str], allow_code: bool, beside: Path | None = None
) -> tuple[Plan, ModelFacts]:
    from fvcli.cli.files import find_files
    from fvcli.plan import make_plan
    from fvcli.spec import parse_document, validate

    document = parse_document(text, origin, overrides)
    spec, positions = validate(document)
    facts = _describe(document, spec, allow_code) if spec else None
    if spec and facts:
        files = find_files(document, spec, positions, beside)
        plan, problems = make_plan(spec, positions, facts, files)
        document.report(problems)
    document.raise_problems()
    assert facts is not None  # or there was a problem
    return plan, facts


def _describe(document: Document, spec: Spec, allow_code: bool) -> ModelFacts | None:
    from fvcli.models import ModelChoice
    from fvcli.spec import Problem

    try:
        return describe_model(ModelChoice(**choice_of(spec)), allow_code)
    except FvcliError as error:
        key, message = _wrong_key(spec, str(error))
        written = document.data["model"]
        below = (key,) if isinstance(written, dict) and key in written else ()
        document.report([Problem(("model", *below), message)])
        return None


def choice_of(spec: Spec) -> dict[str, Any]:
    """Return a spec's model as the keys of a ``ModelChoice``."""
    from fvcli.models.choice import as_pair

    choice = spec.model.model_dump(mode="python")
    return {**choice, "size_px": as_pair(choice["size_px"])}


def model_of(text: str) -> ModelChoice:
    """Return the model that a name, a path or a spec file names.

    Raises:
        SpecError: The spec is wrong.
    """
    from fvcli.models import ModelChoice
    from fvcli.spec import parse_document, validate
    from fvcli.spec.schema import model_key

    if not text.lower().endswith(SPEC_FILES):
        return ModelChoice(path=text) if model_key(text) == "path" else ModelChoice(name=text)
    document = parse_document(_read(text), text)
    document.data.setdefault("jobs", [{"name": "none-yet"}])  # somebody looks for layers to write there
    spec, _ = validate(document)
    document.raise_problems()
    assert spec is not None  # or there was a problem
    return ModelChoice(**choice_of(spec))


def _wrong_key(spec: Spec, message: str) -> tuple[str, str]:
    """Say which key of the model a message is about, and return the message without it."""
    from fvcli.models import model_names

    named = re.match(r"model\.(\w+): ", message)
    if named:
        return named[1], message[named.end() :]
    if spec.model.name is None:
        return "path" if spec.model.path is not None else "factory", message
    return ("weights" if spec.model.name in model_names() else "name"), message


def describe_model(choice: ModelChoice, allow_code: bool) -> ModelFacts:
    """Return what is known of a model; if TensorFlow is needed for it, set it up as a worker does."""
    from fvcli.models import describe, needs_tensorflow

    if not needs_tensorflow(choice):
        return describe(choice, allow_code)
    from fvcli.cli.known import known_path, read_known, write_known

    place = known_path(choice)
    known = read_known(place)
    if known is not None:
        return known
    from fvcli.engines.quiet import quiet_start

    with quiet_start():
        from fvcli.worker.device import set_up_device

        set_up_device()
    facts = describe(choice, allow_code)
    write_known(place, facts)
    return facts


def say_remarks(facts: ModelFacts) -> None:
    """Say on standard error what was guessed of a model, or looks wrong about it."""
    for remark in facts.remarks:
        click.echo(f"Note: {facts.name}: {remark}", err=True)


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
