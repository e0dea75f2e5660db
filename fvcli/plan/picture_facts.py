"""What decides a picture, in the words of the spec, so that people can be told how two pictures differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from fvcli.plan.data import Program, Unit
from fvcli.plan.keys import OF_NETWORK
from fvcli.plan.plan import Plan
from fvcli.plan.source_files import READING
from fvcli.plan.terms import canonical
from fvcli.spec.base import Strictly, file_keys
from fvcli.spec.settings import Settings

Facts = Mapping[str, Any]

NOT_SET = "not set"
SUM_DIGITS = 8  # of a hash, as people are shown it
SIGNS = {1: "positive", -1: "negative"}
PREPROCESSING = ("value_range", "mean", "std", "channel_order")


class Difference(NamedTuple):
    """One key of the spec, dotted, and what it was and is."""

    key: str
    was: str
    now: str


def picture_facts(plan: Plan, unit: Unit) -> dict[str, Any]:
    """Return what decides a unit's picture by keys of the spec; those with dots are below them."""
    program = plan.programs[unit.program]
    picture = f"{plan.source(unit.picture).name} ({unit.picture[:SUM_DIGITS]})" if unit.picture else None
    asked = next(job.asked for job in plan.jobs if job.name == unit.job)
    return {
        **_model_facts(plan, program),
        **_settings(program),
        **(_lone_term(unit) if len(unit.terms) == 1 else _several_terms(unit, asked)),
        "diversity": _diversity(program),
        "sign": SIGNS[unit.sign],
        "pictures": picture,
    }


def _model_facts(plan: Plan, program: Program) -> dict[str, Any]:
    said = {f"model.{key}": getattr(plan.model, key) for key in (*PREPROCESSING, *OF_NETWORK)}
    return {"model": program.model, "model.weights": program.weights_sha256[:SUM_DIGITS], **said}


def _settings(program: Program) -> dict[str, Any]:
    settings = {key: _plain(getattr(program.settings, key)) for key in Settings.model_fields}
    size = (program.height_px, program.width_px)
    return {
        "recipe": program.recipe,
        "size_px": size[0] if size[0] == size[1] else list(size),
        "batch_size": program.batch_size,
        **settings,
        **{key: _without_path(getattr(program.settings, key)) for key in READING},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _without_path(piece: Strictly | None) -> dict[str, Any] | None:
    """Return the settings of a piece; of a file what is in it, not where it is."""
    if piece is None:
        return None
    facts = piece.model_dump(mode="json")
    found = facts.pop("sha256", None)
    files = {key: found[:SUM_DIGITS] for key in file_keys(type(piece)) if found and facts.get(key)}
    return {**facts, **files}


def _lone_term(unit: Unit) -> dict[str, Any]:
    """Return the only term of an objective as the job's own keys."""
    term = unit.terms[0]
    rest = {"kind", "layer", "index", "source", "options"}
    facts = {key: value for key, value in term.facts().items() if key not in rest}
    file = {"file": term.source[:SUM_DIGITS]} if term.source else {}
    of_class = "classes" if term.of_kind.sweeps == "classes" else "channels"
    objective = {"kind": unit.objective, **facts, **dict(term.options), **file}
    return {"layer": term.layer, of_class: term.index, "objective": objective}


def _several_terms(unit: Unit, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return an objective of several terms as it was written, and what that leaves open."""
    files = [term.source[:SUM_DIGITS] for term in unit.terms if term.source]
    return {"objective": asked.get("objective"), "layer": unit.layer, "objective.files": files}


def _diversity(program: Program) -> dict[str, Any] | None:
    coupled = [one.facts() for one in program.couplings if one.kind == "diversity"]
    if not coupled:
        return None
    (found,) = coupled
    if found.get("photos"):
        found |= {"weight": "auto", "photos": found["photos"][:SUM_DIGITS]}
    return {**found, "count": program.members}


def differences(was: Facts, now: Facts, key: str = "") -> Iterator[Difference]:
    """Yield what differs between two pictures' facts; what one of them does not tell of is passed over."""
    for name in now:
        if name in was:
            yield from _differences(was[name], now[name], f"{key}.{name}" if key else name)


def _differences(was: Any, now: Any, key: str) -> Iterator[Difference]:
    if was == now or canonical(was) == canonical(now):  # a list and a tuple
        return
    if _is_alike(was, now):
        for name in dict.fromkeys((*was, *now)):
            yield from _differences(was.get(name), now.get(name), f"{key}.{name}")
    elif _are_alike(was, now):
        for i, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differences(one, other, f"{key}[{i}]")
    else:
        yield Difference(key, _said(was), _said(now))


def _is_alike(was: Any, now: Any) -> bool:
    """Tell whether two values are mappings of one kind, so that their keys can be compared."""
    both = isinstance(was, Mapping) and isinstance(now, Mapping)
    return both and was.get("kind") == now.get("kind")


def _are_alike(was: Any, now: Any) -> bool:
    lists = [isinstance(value, Sequence) and not isinstance(value, str) for value in (was, now)]
    return all(lists) and len(was) == len(now) and all(map(_is_alike, was, now))


def _said(value: Any) -> str:
    """Write a value as people would in a spec; of a mapping its kind alone."""
    if value is None:
        return NOT_SET
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return str(value.get("kind", "set"))
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        return "[" + ", ".join(_said(one) for one in value) + "]"
    return json.dumps(value, default=str)
