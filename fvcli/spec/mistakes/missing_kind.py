"""The piece to write where a mapping does not say its kind: mostly the recipe's, with what was written.

A piece replaces the recipe's whole. Who only wants another learning rate needs the other keys as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fvcli.spec.mistakes.corrections import fits_at
from fvcli.spec.mistakes.problems import KeyPath, value_at
from fvcli.spec.recipes import RECIPES
from fvcli.spec.schema_lookup import branches_at

OF_CLASSES = ("class_logit", "class_probability")


def with_kind(data: Any, path: KeyPath) -> dict[str, Any] | None:
    """Return the mapping at a path with a kind, and with the other keys of the recipe's piece.

    Args:
        data: Of the document.
        path: Where the mapping stands.
    """
    written = value_at(data, path)
    if not isinstance(written, dict):
        return None
    candidates = (*_of_recipe(data, path, written), *_of_each_kind(path, written))
    return next((candidate for candidate in candidates if fits_at(data, path, candidate)), None)


def _of_recipe(data: Any, path: KeyPath, written: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the recipe's pieces that have the written keys, with what was written in place of theirs."""
    recipe = RECIPES.get(_recipe_at(data, path))
    key = next((part for part in path if part in type(recipe).model_fields), None) if recipe else None
    pieces = getattr(recipe, str(key)) if key else None
    for piece in pieces if isinstance(pieces, tuple) else (pieces,):
        if piece is not None and hasattr(piece, "kind"):
            yield piece.model_dump(mode="json", exclude_unset=True) | written


def _of_each_kind(path: KeyPath, written: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for branch in branches_at(path):
        kind = branch.get("properties", {}).get("kind", {}).get("const")
        if kind is not None and written.keys() <= branch["properties"].keys():
            yield {"kind": kind, **written}


def _recipe_at(data: Any, path: KeyPath) -> str:
    """Return the name of the recipe that holds at a path."""
    job = value_at(data, path[:2]) if path[:1] == ("jobs",) else None
    variant = value_at(data, path[:4]) if path[2:3] == ("variants",) else None
    for level in (variant, job, value_at(data, ("render",))):
        if isinstance(level, dict) and isinstance(level.get("recipe"), str):
            return str(level["recipe"])
    jobs = [job] if job is not None else value_at(data, ("jobs",))
    return "classes" if isinstance(jobs, list) and jobs and all(map(_is_of_classes, jobs)) else "default"


def _is_of_classes(job: Any) -> bool:
    objective = job.get("objective") if isinstance(job, dict) else None
    return (objective.get("kind") if isinstance(objective, dict) else objective) in OF_CLASSES
