"""From a spec, or a picture that carries one, to a plan, or to everything that is wrong with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcli.app.describe_model import choice_of, facts_of_spec
from fvcli.app.find_named_files import find_files
from fvcli.errors import UsageError
from fvcli.media import picture_text
from fvcli.models import ModelChoice, ModelFacts
from fvcli.plan import Plan, make_plan
from fvcli.plan.written_keys import override_line
from fvcli.spec import parse_document, validate
from fvcli.spec.schema import model_key

SPEC_FILES = (".yaml", ".yml")


@dataclass(frozen=True)
class PlannedSpec:
    """A plan, the text that it came from, and what is known of its model."""

    plan: Plan
    text: str
    facts: ModelFacts


def plan_of_spec(spec: str, overrides: Sequence[str], allow_code: bool = False) -> PlannedSpec:
    """Read, validate and plan a spec file, or standard input for ``-``.

    Args:
        spec: Path of the file.
        overrides: ``key.path=value`` pairs that are laid over it.
        allow_code: Whether the model's factory may run.

    Raises:
        SpecError: With every mistake that was found.
    """
    text = _read(spec)
    beside = None if spec == "-" else Path(spec).parent
    header = "".join(map(override_line, overrides))
    plan, facts = _plan(text, spec, overrides, allow_code, beside)
    return PlannedSpec(plan, header + text, facts)


def plan_of_picture(picture: Path, overrides: Sequence[str], allow_code: bool = False) -> PlannedSpec:
    """Plan the unit that a PNG file of fvcli's shows, from the text inside it."""
    text = json.dumps(picture_text(picture)["spec"], indent=1) + "\n"
    plan, facts = _plan(text, str(picture), overrides, allow_code)
    return PlannedSpec(plan, text, facts)


def model_of(text: str) -> ModelChoice:
    """Return the model that a name, a path or a spec file names.

    Raises:
        SpecError: The spec is wrong.
    """
    if not text.lower().endswith(SPEC_FILES):
        return ModelChoice(path=text) if model_key(text) == "path" else ModelChoice(name=text)
    document = parse_document(_read(text), text)
    document.data.setdefault("jobs", [{"name": "none-yet"}])  # somebody looks for layers to write there
    spec, _ = validate(document)
    document.raise_problems()
    assert spec is not None  # or there was a problem
    return ModelChoice(**choice_of(spec))


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
    document = parse_document(text, origin, overrides)
    spec, positions = validate(document)
    facts = facts_of_spec(document, spec, allow_code) if spec else None
    if spec and facts:
        files = find_files(document, spec, positions, beside)
        plan, problems = make_plan(spec, positions, facts, files)
        document.report(problems)
    document.raise_problems()
    assert facts is not None  # or there was a problem
    return plan, facts
