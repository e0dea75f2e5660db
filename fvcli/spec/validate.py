"""Turn a document into a validated spec, or into everything that is wrong with it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from fvcli.spec.base import WHEN_LEFT_OUT
from fvcli.spec.document import Document
from fvcli.spec.mistakes.advice import MOST, advised
from fvcli.spec.mistakes.problems import Problem
from fvcli.spec.mistakes.valid_part import ValidPart
from fvcli.spec.mistakes.validation_messages import problems_of
from fvcli.spec.schema import Spec


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec (draft 2020-12).

    Editors show descriptions. A default that is not one value, or is None, is therefore said there.
    """
    schema = Spec.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        for key in model.get("properties", {}).values():
            if WHEN_LEFT_OUT in key:
                del key["default"]
                key["description"] += f" Default: {key[WHEN_LEFT_OUT]}."
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "fvcli spec"} | schema


def validate(document: Document) -> tuple[Spec | None, list[int]]:
    """Validate what a document says; report its problems to it.

    What is wrong is left out, and the rest is looked at once more, because a mistake can hide others.

    Returns:
        The spec, or as much of it as is valid (None if nothing is), so that what stands in it can
        be checked further; and for each of its jobs the job's position in the document.
    """
    part = ValidPart(document.data)
    spec: Spec | None = None
    while spec is None:
        try:
            spec = Spec.model_validate(part.data)
        except ValidationError as error:
            found = problems_of(error, part.data)
            told = [one for one in found if not part.made(one)]
            advice = [advised(one, part.data) for one in told[:MOST]]
            document.report(map(part.placed, [*advice, *(one.problem for one in told[MOST:])]))
            if not part.leave_out(found):
                return None, []
    kept = part.positions(("jobs",), len(spec.jobs))
    document.report(_check_names(spec, kept))
    document.broken, document.moved = part.broken(), part.moved()
    return spec, kept


def _check_names(spec: Spec, kept: list[int]) -> list[Problem]:
    """Check that no two jobs would share a folder, also where case does not count."""
    found = []
    first: dict[str, tuple[int, str]] = {}
    for i, job in zip(kept, spec.jobs, strict=True):
        known, name = first.setdefault(job.name.lower(), (i, job.name))
        if known != i:
            case = "" if name == job.name else "; capitals do not count, because some disks ignore them"
            found.append(Problem(("jobs", i, "name"), f"jobs[{known}] has the name {name!r} already{case}"))
    return found
