"""Turn a document into a validated spec, or into everything that is wrong with it."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError

from fvcli.spec.document import Document
from fvcli.spec.problems import Path, Problem, did_you_mean
from fvcli.spec.schema import Spec


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec (draft 2020-12)."""
    schema = Spec.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "fvcli spec"} | schema


def validate(document: Document) -> tuple[Spec | None, list[int]]:
    """Validate what a document says; report its problems to it.

    Returns:
        The spec, or as much of it as is valid (None if nothing is), so that what stands in it can
        be checked further; and for each of its jobs the job's position in the document.
    """
    data = copy.deepcopy(document.data)
    spec: Spec | None
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        problems = _problems(error, document.data)
        document.report(problems)
        spec, kept = _valid_part(data, problems)
    else:
        kept = list(range(len(spec.jobs)))
    if spec is not None:
        document.report(_check_names(spec, kept))
    return spec, kept


def _valid_part(data: dict[str, Any], problems: list[Problem]) -> tuple[Spec | None, list[int]]:
    """Leave out the jobs and the keys that are wrong, and try again."""
    jobs = data.get("jobs")
    if not isinstance(jobs, list):
        return None, []
    wrong_jobs = {p.path[1] for p in problems if p.path[:1] == ("jobs",) and len(p.path) > 1}
    kept = [i for i in range(len(jobs)) if i not in wrong_jobs]
    data["jobs"] = [jobs[i] for i in kept]
    for problem in problems:
        if problem.path[:1] != ("jobs",):
            _drop(data, problem.path)
    try:
        return Spec.model_validate(data), kept
    except ValidationError:
        return None, []


def _drop(data: dict[str, Any], path: Path) -> None:
    """Remove the key of a section that holds the mistake, or the whole section."""
    section = data.get(str(path[0])) if path else None
    if isinstance(section, dict) and len(path) > 1 and path[1] in section:
        del section[str(path[1])]
    elif path:
        data.pop(str(path[0]), None)


def _check_names(spec: Spec, kept: list[int]) -> list[Problem]:
    """Check that no two jobs would share a folder, also where case does not count."""
    found = []
    first: dict[str, int] = {}
    for i, job in zip(kept, spec.jobs, strict=True):
        if first.setdefault(job.name.lower(), i) != i:
            message = f"jobs[{first[job.name.lower()]}] has the name {job.name!r} already"
            found.append(Problem(("jobs", i, "name"), message))
    return found


# ---- pydantic's errors in our words


def _problems(error: ValidationError, data: Any) -> list[Problem]:
    problems = []
    for detail in error.errors(include_url=False):
        path = _path_in(data, detail["loc"])
        if detail["type"] == "too_short" and detail["input"]:
            continue  # entries were there, and what is wrong with them is said already
        if detail["type"] == "extra_forbidden":
            known = _known_keys(detail["loc"][:-1])
            hint = did_you_mean(str(path[-1]), known, "the keys here are " + ", ".join(known))
            problems.append(Problem(path, f"unknown key{hint}"))
        else:
            problems.append(Problem(path, _message(detail)))
    return problems


def _path_in(data: Any, loc: tuple[str | int, ...]) -> Path:
    """Keep of pydantic's location what the document has: no union tags, no branches."""
    path: list[str | int] = []
    for i, part in enumerate(loc):
        if isinstance(data, dict) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not (isinstance(data, dict) and i == len(loc) - 1 and _is_key(part, loc[:i])):
            continue
        path.append(part)
    return tuple(path)


def _is_key(part: str | int, above: tuple[str | int, ...]) -> bool:
    return isinstance(part, str) and part in _known_keys(above)


def _message(detail: Any) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return "this key is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind in {"literal_error", "union_tag_invalid"}:
        expected = context.get("expected") or context.get("expected_tags") or ""
        words = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
        said = value.get("kind") if isinstance(value, dict) else value
        hint = did_you_mean(str(said), words, "one of " + ", ".join(words))
        return f"{said!r} is not possible{hint}"
    if kind == "union_tag_not_found":
        return "the key kind is missing"
    if kind == "string_pattern_mismatch":
        return f"{value!r} does not have the form {context['pattern']}"
    if kind == "too_short":
        return "the list is empty"
    said = "null" if value is None else repr(value)
    short = said if len(said) <= 60 else said[:57] + "..."
    if kind in {"model_type", "model_attributes_type"}:
        return f"{short} should be a mapping of keys"
    if kind == "tuple_type":
        return f"{short} should be a list"
    return f"{short} {str(detail['msg']).removeprefix('Input ')}"


def _known_keys(loc: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the schema knows at a pydantic location."""
    schema = Spec.model_json_schema()
    here = [schema]
    for part in loc:
        here = [below for node in here for below in _below(schema, node, part)] or here
    return list(dict.fromkeys(key for node in here for key in _spread(schema, node, "properties")))


def _below(root: dict[str, Any], node: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    if isinstance(part, int):
        return [branch["items"] for branch in _branches(root, node) if isinstance(branch.get("items"), dict)]
    below = [b["properties"][part] for b in _branches(root, node) if part in b.get("properties", {})]
    tagged = [
        b for b in _branches(root, node) if b.get("properties", {}).get("kind", {}).get("const") == part
    ]
    return below or tagged


def _branches(root: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """Follow references and unions down to plain schemas."""
    if "$ref" in node:
        return _branches(root, root["$defs"][node["$ref"].rpartition("/")[2]])
    unions = [*node.get("anyOf", []), *node.get("oneOf", [])]
    return [found for branch in unions for found in _branches(root, branch)] if unions else [node]


def _spread(root: dict[str, Any], node: dict[str, Any], key: str) -> list[str]:
    return [name for branch in _branches(root, node) for name in branch.get(key, {})]
