"""What the JSON Schema of a spec knows at a location of pydantic's."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from fvcli.spec.schema import Spec


def known_keys(loc: Sequence[str | int]) -> list[str]:
    return list(dict.fromkeys(key for branch in branches_at(loc) for key in branch.get("properties", {})))


@functools.cache
def _root() -> dict[str, Any]:
    """Return the schema of a whole spec, to look things up in and not to change."""
    return Spec.model_json_schema()


def branches_at(loc: Sequence[str | int]) -> list[dict[str, Any]]:
    """Return the plain schemas of all that a location may hold."""
    root = _root()
    here = _branches(root, root)
    for part in loc:
        here = [branch for node in _below(here, part) for branch in _branches(root, node)] or here
    return here


def _below(here: list[dict[str, Any]], part: str | int) -> list[dict[str, Any]]:
    if isinstance(part, int):
        return [branch["items"] for branch in here if isinstance(branch.get("items"), dict)]
    tagged = of_kind(here, part)
    return tagged or [b["properties"][part] for b in here if part in b.get("properties", {})]


def of_kind(here: list[dict[str, Any]], kind: str | int) -> list[dict[str, Any]]:
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
