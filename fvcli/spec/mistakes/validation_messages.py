"""Say what pydantic found wrong with a spec in our words, and where it stands in the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from fvcli.spec.base import FORM, WrongTogetherError
from fvcli.spec.mistakes.problems import KeyPath, Problem, did_you_mean, nearest, value_at
from fvcli.spec.schema import Render
from fvcli.spec.schema_lookup import branches_at, known_keys, of_kind


@dataclass(frozen=True)
class Found:
    """A problem, and what can be known of its cause.

    reads: Which keys of the mapping at the problem's path were looked at together; None: any.
    is_unknown_key: Whether there is no such key.
    meant: The known key that an unknown one most likely stands for.
    """

    problem: Problem
    reads: tuple[str, ...] | None = None
    is_unknown_key: bool = False
    meant: str | None = None


KIND_MISSING = "the key kind is missing"
KIND_ELSEWHERE = ("name", "type", "class_name")  # what other tools call the key kind


def problems_of(error: ValidationError, data: Any) -> list[Found]:
    """Say each mistake once, although pydantic says one for each form that a value could have."""
    said: dict[KeyPath, list[Any]] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            continue  # entries were there, and what is wrong with them is said already
        path = _path_in(data, detail["loc"])
        kind = _key_of_kind(detail) if isinstance(value_at(data, path), dict) else ()
        said.setdefault((*path, *kind), []).append(detail)
    found = []
    for path, details in said.items():
        fitting = [detail for detail in details if not _has_other_form(detail)]
        below = any(other[: len(path)] == path for other in said if other != path)
        if fitting or not below:
            found.append(_found(path, fitting, details))
    meant = {(*one.problem.path[:-1], one.meant) for one in found if one.meant}
    return [one for one in found if one.problem.path not in meant]  # of a key that is written otherwise


def _key_of_kind(detail: Any) -> tuple[str, ...]:
    """Return the key that says, or most likely should say, which kind a mapping is of."""
    mapping, names = detail["input"], KIND_ELSEWHERE
    if not isinstance(mapping, dict) or detail["type"] not in {"union_tag_invalid", "union_tag_not_found"}:
        return ()
    if "kind" in mapping:
        return ("kind",)
    known = {key for branch in branches_at(detail["loc"]) for key in branch.get("properties", {})}
    odd = [str(key) for key in mapping if key not in known]
    return tuple([key for key in odd if key in names or nearest(key, ["kind"])][:1])


def _found(path: KeyPath, fitting: list[Any], details: list[Any]) -> Found:
    first = (fitting or details)[0]
    problem = Problem(path, _message(first) if fitting else _forms(details))
    if first["type"] == "extra_forbidden":
        meant = nearest_key(str(first["loc"][-1]), first["loc"][:-1])
        return Found(problem, is_unknown_key=True, meant=meant)
    cause = first.get("ctx", {}).get("error")
    return Found(problem, reads=cause.keys if isinstance(cause, WrongTogetherError) else None)


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
    return bool(of_kind(branches_at(above), part))


def _is_key(part: str | int, above: tuple[str | int, ...]) -> bool:
    return isinstance(part, str) and part in known_keys(above)


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
        form = branches_at(detail["loc"])[0].get(FORM) or f"of the form {context['pattern']}"
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
        branches = branches_at(detail["loc"])
        kinds = [branch["properties"]["kind"]["const"] for branch in branches if "properties" in branch]
        if _key_of_kind(detail):
            return f"unknown key (did you mean kind? It is one of {', '.join(kinds)})"
        return f"{KIND_MISSING} (one of {', '.join(kinds)})"
    if detail["type"] == "extra_forbidden":
        return f"unknown key{_suggestion(str(key), above)}"
    if isinstance(key, int):  # of a list of fixed length
        return f"the list should have {branches_at(above)[0]['minItems']} entries"
    return "this key is missing"


def nearest_key(key: str, above: Sequence[str | int]) -> str | None:
    """Return the key of a place that is written most like an unknown one."""
    return nearest(key, known_keys(above))


def _suggestion(key: str, above: Sequence[str | int]) -> str:
    """Say which key was meant, or where a key belongs that is known elsewhere."""
    known = known_keys(above)
    if key == "render":
        return " (write the keys of render directly into the job)"
    if not above and not did_you_mean(key, known) and did_you_mean(key, Render.model_fields):
        return did_you_mean(key, Render.model_fields).replace("mean ", "mean render.")
    return did_you_mean(key, known, "the keys here are " + ", ".join(known))


def _short(value: Any) -> str:
    said = "null" if value is None else repr(value)
    return said if len(said) <= 60 else said[:57] + "..."
