"""Turn a document into a validated spec, or into everything that is wrong with it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from fvcli.spec.base import DEFAULT_DEPENDS
from fvcli.spec.document import Document
from fvcli.spec.problems import KeyPath, Problem, did_you_mean
from fvcli.spec.schema import Render, Spec


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec (draft 2020-12)."""
    schema = Spec.model_json_schema()
    for model in schema["$defs"].values():
        for key in model.get("properties", {}).values():
            if DEFAULT_DEPENDS in key:
                del key["default"]
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
    """Leave out what is wrong, and try again."""
    jobs = data.get("jobs")
    if not isinstance(jobs, list):
        return None, []
    wrong: dict[int, set[str]] = {}
    for problem in problems:
        if problem.path[:1] != ("jobs",):
            _drop(data, problem.path)
        elif len(problem.path) > 1:
            wrong.setdefault(int(problem.path[1]), set()).add(
                str(problem.path[2]) if problem.path[2:] else ""
            )
    mended = [_mended(job, i, wrong.get(i, set())) for i, job in enumerate(jobs)]
    kept = [i for i, job in enumerate(mended) if job is not None]
    data["jobs"] = [mended[i] for i in kept]
    try:
        return Spec.model_validate(data), kept
    except ValidationError:
        return None, []


def _mended(job: Any, position: int, wrong: set[str]) -> Any:
    """Return a job without its wrong keys, or None where the rest could not be understood without them."""
    if not isinstance(job, dict) or wrong & {"", "layer", "objective"}:
        return None if wrong else job
    rest = {key: value for key, value in job.items() if key not in wrong}
    return {**rest, "name": f"job-{position}"} if "name" in wrong else rest


def _drop(data: dict[str, Any], path: KeyPath) -> None:
    """Remove the key of a section that holds the mistake, or the whole section."""
    section = data.get(str(path[0])) if path else None
    if isinstance(section, dict) and len(path) > 1 and path[1] in section:
        del section[str(path[1])]
    elif path:
        data.pop(str(path[0]), None)


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


# ---- pydantic's errors in our words


def _problems(error: ValidationError, data: Any) -> list[Problem]:
    """Say each mistake once, although pydantic says one for each form that a value could have."""
    said: dict[KeyPath, list[Any]] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            continue  # entries were there, and what is wrong with them is said already
        said.setdefault(_path_in(data, detail["loc"]), []).append(detail)
    problems = []
    for path, details in said.items():
        fitting = [detail for detail in details if not _has_other_form(detail)]
        below = any(other[: len(path)] == path for other in said if other != path)
        if fitting or not below:
            problems.append(Problem(path, _message(fitting[0]) if fitting else _forms(details)))
    return problems


def _has_other_form(detail: Any) -> bool:
    return str(detail["type"]).endswith(("_type", "literal_error"))


def _forms(details: list[Any]) -> str:
    """Say what a value could be that has none of the forms that are possible."""
    if len(details) == 1:
        return _message(details[0])
    forms = [str(detail["msg"]).removeprefix("Input should be ") for detail in details]
    return f"{_short(details[0]['input'])} should be {' or '.join(dict.fromkeys(forms))}"


def _path_in(data: Any, loc: tuple[str | int, ...]) -> KeyPath:
    """Keep of pydantic's location what the document has or lacks: no union tags, no branches."""
    path: list[str | int] = []
    for i, part in enumerate(loc):
        if _is_tag(part, loc[:i]):
            continue
        if isinstance(data, dict) and part in data:
            data = data[str(part)]
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not (isinstance(data, dict | str) and i == len(loc) - 1 and _is_key(part, loc[:i])):
            continue  # text may be a shorthand of a mapping
        path.append(part)
    return tuple(path)


def _is_tag(part: str | int, above: tuple[str | int, ...]) -> bool:
    """Tell whether a part of a location names a kind, which may be called like a key, and no key."""
    return bool(_of_kind(_branches_at(above), part))


def _is_key(part: str | int, above: tuple[str | int, ...]) -> bool:
    return isinstance(part, str) and part in _known_keys(above)


def _message(detail: Any) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind in {"missing", "union_tag_not_found", "extra_forbidden"}:
        return _message_of_key(detail)
    if kind == "value_error":
        return str(context["error"])
    if kind in {"literal_error", "union_tag_invalid"}:
        expected = context.get("expected") or context.get("expected_tags") or ""
        words = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
        said = value.get("kind") if isinstance(value, dict) else value
        hint = did_you_mean(str(said), words, "one of " + ", ".join(words))
        return f"{said!r} is not possible{hint}"
    if kind == "string_pattern_mismatch":
        form = _branches_at(detail["loc"])[0].get("description") or f"of the form {context['pattern']}"
        return f"{_short(value)} should be {form}"
    if kind == "too_short":
        return "the list is empty"
    if kind == "string_too_short":
        return "the text is empty"
    if kind == "too_long":
        return f"the list should have at most {context['max_length']} entries"
    if kind in {"model_type", "model_attributes_type"}:
        return f"{_short(value)} should be a mapping of keys"
    if kind == "tuple_type":
        return f"{_short(value)} should be a list"
    return f"{_short(value)} {str(detail['msg']).removeprefix('Input ')}"


def _message_of_key(detail: Any) -> str:
    """Say what is wrong with a key itself: there is none, or none of that name."""
    *above, key = detail["loc"]
    if detail["type"] == "union_tag_not_found":
        branches = _branches_at(detail["loc"])
        kinds = [branch["properties"]["kind"]["const"] for branch in branches if "properties" in branch]
        return f"the key kind is missing (one of {', '.join(kinds)})"
    if detail["type"] == "extra_forbidden":
        return f"unknown key{_suggestion(str(key), above)}"
    if isinstance(key, int):  # of a list of fixed length
        return f"the list should have {_branches_at(above)[0]['minItems']} entries"
    return "this key is missing"


def _suggestion(key: str, above: Sequence[str | int]) -> str:
    """Say which key was meant, or where a key belongs that is known elsewhere."""
    known = _known_keys(above)
    if key == "render":
        return " (write the keys of render directly into the job)"
    if not above and not did_you_mean(key, known) and did_you_mean(key, Render.model_fields):
        return did_you_mean(key, Render.model_fields).replace("mean ", "mean render.")
    return did_you_mean(key, known, "the keys here are " + ", ".join(known))


def _short(value: Any) -> str:
    said = "null" if value is None else repr(value)
    return said if len(said) <= 60 else said[:57] + "..."


# ---- what the schema knows at a location of pydantic's


def _known_keys(loc: Sequence[str | int]) -> list[str]:
    return list(dict.fromkeys(key for branch in _branches_at(loc) for key in branch.get("properties", {})))


@functools.cache
def _root() -> dict[str, Any]:
    """Return the schema of a whole spec, to look things up in and not to change."""
    return Spec.model_json_schema()


def _branches_at(loc: Sequence[str | int]) -> list[dict[str, Any]]:
    """Return the plain schemas of all that a location may hold."""
    root = _root()
    here = _branches(root, root)
    for part in loc:
        here = [branch for node in _below(here, part) for branch in _branches(root, node)] or here
    return here


def _below(here: list[dict[str, Any]], part: str | int) -> list[dict[str, Any]]:
    if isinstance(part, int):
        return [branch["items"] for branch in here if isinstance(branch.get("items"), dict)]
    tagged = _of_kind(here, part)
    return tagged or [b["properties"][part] for b in here if part in b.get("properties", {})]


def _of_kind(here: list[dict[str, Any]], kind: str | int) -> list[dict[str, Any]]:
    """Return the branch of a kind, where there are several to tell apart."""
    kinds = [(b, b.get("properties", {}).get("kind", {}).get("const")) for b in here]
    several = len({found for _, found in kinds if found is not None}) > 1
    return [branch for branch, found in kinds if several and found == kind]


def _branches(root: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """Follow references and unions down to plain schemas."""
    if "$ref" in node:
        return _branches(root, root["$defs"][node["$ref"].rpartition("/")[2]])
    unions = [*node.get("anyOf", []), *node.get("oneOf", [])]
    return [found for branch in unions for found in _branches(root, branch)] if unions else [node]
