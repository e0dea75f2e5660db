"""What decides a picture, in the words of the spec, so that people can be told how two pictures differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from fvcli.models.choice import PREPROCESSING
from fvcli.plan.data import Plan, Program, TermPlan, Unit, canonical
from fvcli.plan.keys import RARE_OPTIONS, RARE_SETTINGS
from fvcli.spec.objectives import CLASS_KINDS

Facts = Mapping[str, Any]

NOT_SET = "not set"
SUM_DIGITS = 8  # of a hash, as people are shown it
SIGNS = {1: "positive", -1: "negative"}


class Difference(NamedTuple):
    """One key of the spec, dotted, and what it was and is."""

    key: str
    was: str
    now: str


def picture_facts(plan: Plan, unit: Unit) -> dict[str, Any]:
    """Return what decides a unit's picture by keys of the spec; those with dots are of the spec's model."""
    program = plan.programs[unit.program]
    picture = plan.source(unit.picture).name if unit.picture is not None else None
    return {
        **_model_facts(plan, program),
        **_settings(program),
        **_terms(unit),
        **_together(program),
        "sign": SIGNS[unit.sign],
        "pictures": picture and f"{picture} ({unit.picture and unit.picture[:SUM_DIGITS]})",
    }


def plain_settings(program: Program) -> dict[str, Any]:
    """Return the settings of a program as plain data."""
    return dict(program.settings)


def _model_facts(plan: Plan, program: Program) -> dict[str, Any]:
    preprocessing = {f"model.{key}": plan.model.get(key) for key in PREPROCESSING}
    return {"model": program.model, "model.weights": program.weights_sha256[:SUM_DIGITS], **preprocessing}


def _settings(program: Program) -> dict[str, Any]:
    settings = {**RARE_SETTINGS, **plain_settings(program)}
    image = settings["parameterization"]
    size = (program.height_px, program.width_px)
    return {
        "recipe": program.recipe,
        "size_px": size[0] if size[0] == size[1] else list(size),
        "batch_size": program.batch_size,
        **settings,
        "parameterization": {**RARE_OPTIONS, **image} if isinstance(image, Mapping) else image,
    }


def _terms(unit: Unit) -> dict[str, Any]:
    """Return a lone term as the job's own keys, several as the terms of its objective."""
    if len(unit.terms) == 1:
        term = _term(unit.terms[0])
        layer, index = term.pop("layer"), term.pop("index")
        of_class = "classes" if term["kind"] in CLASS_KINDS else "channels"
        return {"layer": layer, of_class: index, "objective": {**term, "kind": unit.objective}}
    formula = json.dumps(unit.formula) if unit.formula else None
    terms = [_term(term) for term in unit.terms]
    return {"objective": {"kind": unit.objective, "formula": formula, "terms": terms}}


def _term(term: TermPlan) -> dict[str, Any]:
    facts = term.facts()
    options = dict(facts.pop("options", ()))
    source = facts.pop("source", None)
    return {**facts, **options, **({"file": source[:SUM_DIGITS]} if source else {})}


def _together(program: Program) -> dict[str, Any]:
    """Return what couples pictures, by the key that asks for it, and how many are optimised together."""
    count = {"count": program.members}
    if not program.couplings:
        return {"diversity": None, "pictures together": program.members}
    keys = {"diversity": "diversity", "alignment": "objective.alignment"}
    return {"diversity": None, **{keys[one.kind]: {**asdict(one), **count} for one in program.couplings}}


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
    """Write a value as people would in a spec; of a mapping with a kind that name alone."""
    if value is None:
        return NOT_SET
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and "kind" in value:
        return str(value["kind"])
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        return "[" + ", ".join(_said(one) for one in value) + "]"
    return json.dumps(value, default=str)
