"""Write the spec of one picture alone, so that a picture that left its folder can be rendered again.

It is made of what decides the picture, and of nothing else: whatever stood around the unit in its spec, on
whatever machine, the same unit has the same text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from fvcli.models import ModelChoice
from fvcli.plan.data import Program, Unit
from fvcli.plan.plan import Plan
from fvcli.plan.settings_of_unit import heeded
from fvcli.plan.source_files import READING
from fvcli.plan.terms import Formula, TermPlan
from fvcli.plan.unread_keys import unread_settings
from fvcli.spec.base import Strictly, file_keys
from fvcli.spec.objective_bases import MAX_TERMS
from fvcli.spec.recipes import recipes_by_nearness, resolved
from fvcli.spec.schema import Render
from fvcli.spec.settings import ResolvedRender, Settings

MODEL_FILES = ("path", "weights", "labels")


def standalone_spec(plan: Plan, unit: Unit) -> dict[str, Any]:
    """Return the smallest spec whose plan is this unit: same key and batch size, and so the same bytes.

    Pictures that are optimised together come together. Files are named without their folders.
    """
    program = plan.programs[unit.program]
    objective = _Writer(plan, program).objective(plan.group_of(unit))
    job: dict[str, Any] = {"name": objective["kind"], "objective": objective}
    if unit.sign < 0:
        job["sign"] = "negative"
    if unit.picture is not None:
        job["pictures"] = [plan.source(unit.picture).file_name]
    job |= _diversity(program)
    return {"version": 1, "model": _model(plan.model), "render": json.loads(_render(program)), "jobs": [job]}


def title_of(unit: Unit, program: Program) -> str:
    """Return what a picture shows in a few words that do not depend on the spec around it."""
    first, *others = unit.terms
    what = f"{first.layer} {first.kind}" + (f" {first.index}" if first.index >= 0 else "")
    more = f" and {len(others)} more" if others else ""
    sign = ", negative" if unit.sign < 0 else ""
    return f"{what}{more}{sign}, {program.model}"


# ---- model and render


def _model(choice: ModelChoice) -> dict[str, Any]:
    told = {one.name: getattr(choice, one.name) for one in fields(choice)}  # asdict copies all of it, slowly
    given = {key: value for key, value in told.items() if value is not None}
    named = {key: _base_name(str(given[key])) for key in MODEL_FILES if key in given}
    return {key: _as_data(value) for key, value in {**given, **named}.items()}


def _as_data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _base_name(path: str) -> str:
    """Return a file name without its folder, as text that can be written."""
    return PurePath(path).name.encode("utf-8", "replace").decode()


@lru_cache(maxsize=256)
def _render(program: Program) -> str:
    """Return how a program renders as JSON; thousands of units share it.

    What nothing reads, such as the optimizer of a dream, is left out where it can be: a spec may not have it.
    It is in the key of a unit all the same. So the recipe is the nearest one that has it.
    """
    settings = program.settings
    recipes = recipes_by_nearness(settings, (program.height_px, program.width_px))
    for recipe in recipes if settings.method != "ascent" else ():
        whole, written = _whole(program, recipe), _written(program, recipe)
        for left in _shortened(written, settings):
            made = _read(whole, left)
            if all(getattr(made, key) == getattr(settings, key) for key in Settings.model_fields):
                return json.dumps(whole | left)
    whole, written = _whole(program, recipes[0]), _written(program, recipes[0])
    return json.dumps(whole | _without_unread(written, whole, settings))


def _whole(program: Program, recipe: str) -> dict[str, Any]:
    size = [program.height_px, program.width_px]
    return {"recipe": recipe, "size_px": size, "batch_size": program.batch_size}


def _written(program: Program, recipe: str) -> dict[str, Any]:
    """Return the settings of a program, to be written beside a recipe."""
    written = program.settings.model_dump(mode="json")
    inherited = resolved(recipe, Render(), (program.height_px, program.width_px))
    for key, field in Settings.model_fields.items():
        value = getattr(program.settings, key)
        if key in written or value is None or getattr(inherited, key) == value:  # a spec cannot say None
            continue
        # it is the default, and the recipe has another
        written[key] = list(field.default) if isinstance(field.default, tuple) else field.default
    if program.settings.is_morph:  # left open, it would be even
        written["animation"]["pace"] = program.settings.pace
    for name in READING:
        piece: Strictly | None = getattr(program.settings, name)
        for key in file_keys(type(piece)) if piece is not None else ():
            if written[name].get(key) is not None:
                written[name][key] = _base_name(written[name][key])
    return written


def _shortened(written: Mapping[str, Any], settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield what is written less what nothing reads; then also without a parameterization that lost some."""
    left = json.loads(json.dumps(written))
    for key, option in unread_settings(settings):
        if key in left:
            (left[key] if option else left).pop(option or key, None)
    yield left
    if "parameterization" in left and left["parameterization"] != written["parameterization"]:
        del left["parameterization"]
        yield left


def _read(whole: Mapping[str, Any], left: Mapping[str, Any]) -> ResolvedRender:
    """Return the settings that a spec has that says no more than this."""
    height, width = whole["size_px"]
    asked = resolved(whole["recipe"], Render.model_validate({**whole, **left}), (height, width))
    return heeded(asked, "parameterization" in left)


def _without_unread(written: dict[str, Any], whole: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what is written without what nothing reads, where the recipe says the same anyway.

    All settings are in the key of a unit. So what nothing reads and the recipe says otherwise has to stay.
    """
    if not unread_settings(settings):
        return written
    left = next(_shortened(written, settings))
    made = _read(whole, left)
    different = [key for key in written if getattr(made, key) != getattr(settings, key)]
    return {
        key: written[key] if key in different else left[key] for key in written if key in {*left, *different}
    }


def _diversity(program: Program) -> dict[str, Any]:
    for coupling in program.couplings:
        if coupling.kind != "diversity":
            continue
        found = {"count": program.members, "weight": coupling.weight, "layer": coupling.layer}
        if coupling.folder is not None:
            found |= {"weight": "auto", "photos": _base_name(coupling.folder)}
        return {"diversity": found}
    return {}


# ---- objectives


class _Writer:
    """Writes objectives as a spec has them.

    Args:
        plan: Knows what files are called.
        program: Of the unit.
    """

    def __init__(self, plan: Plan, program: Program) -> None:
        self._plan = plan
        self._program = program

    def objective(self, group: Sequence[Unit]) -> dict[str, Any]:
        """Return the objective of the pictures of a group: of one, or the steps of an interpolation."""
        first, last = group[0], group[-1]
        formula = self._program.formula
        is_diverse = any(coupling.kind == "diversity" for coupling in self._program.couplings)
        if len(group) == 1 or is_diverse:
            return self._put_together(formula, first.terms)
        split = _split(formula, first.terms, last.terms)
        parts = (None, None) if formula is None else (formula[1], formula[2])
        return {
            "kind": "interpolate",
            "from": self._part(parts[0], first.terms, range(split)),
            "to": self._part(parts[1], last.terms, range(split, len(last.terms))),
            "count": len(group),
            **self._alignment(),
        }

    def _alignment(self) -> dict[str, Any]:
        found = [coupling for coupling in self._program.couplings if coupling.kind == "alignment"]
        if not found:
            return {}
        layers, one = [coupling.layer for coupling in found], found[0]
        return {"alignment": {"layers": layers, "weight": one.weight, "decay_ratio": one.decay_ratio}}

    def _part(self, formula: Any, terms: Sequence[TermPlan], positions: range) -> dict[str, Any]:
        if formula is None:
            return self._sum([self._leaf(terms[i]) for i in positions])
        return self._put_together(formula, terms)

    def _put_together(self, formula: Formula | int | None, terms: Sequence[TermPlan]) -> dict[str, Any]:
        if formula is None:
            return self._sum([self._leaf(term) for term in terms])
        if isinstance(formula, int):
            return self._leaf(terms[formula])
        kind, *parts = formula
        return {"kind": kind, "terms": [self._put_together(part, terms) for part in parts]}

    def _sum(self, terms: list[dict[str, Any]]) -> dict[str, Any]:
        if len(terms) == 1:
            return terms[0]
        if len(terms) > MAX_TERMS:
            terms = [self._sum(terms[i : i + MAX_TERMS]) for i in range(0, len(terms), MAX_TERMS)]
        return {"kind": "sum", "terms": terms}

    def _leaf(self, term: TermPlan) -> dict[str, Any]:
        leaf: dict[str, Any] = {"kind": term.kind}
        is_class = term.of_kind.sweeps == "classes"
        if not is_class:
            leaf["layer"] = term.layer
        if term.index >= 0:
            leaf["class" if is_class else "channel"] = term.index
        if term.row >= 0:
            leaf |= {"row": term.row, "column": term.column}
        if term.weight != 1:
            leaf["weight"] = term.weight
        if term.vector is not None:
            leaf["vector"] = self._vector(term.vector)
        if term.source is not None:
            leaf[next(iter(file_keys(term.of_kind)))] = self._plan.source(term.source).file_name
        return leaf | {key: value for key, value in term.options if key in term.of_kind.model_fields}

    def _vector(self, vector: Mapping[str, Any]) -> Any:
        if "values" in vector:
            return list(vector["values"])
        if "file" in vector:
            return {"file": self._plan.source(vector["file"]).file_name, "rows": [vector["row"]]}
        return {key: [value] if key == "random" else list(value) for key, value in vector.items()}


def _split(formula: Formula | None, first: Sequence[TermPlan], last: Sequence[TermPlan]) -> int:
    """Return how many of the terms are of what an interpolation comes from.

    Where terms are only added, those have no weight at the last step, and the others none at the first.
    """
    if formula is not None:
        return sum(1 for _ in _positions(formula[1]))
    fitting = (
        split
        for split in range(1, len(first))
        if all(term.weight == 0 for term in [*last[:split], *first[split:]])
    )
    return next(fitting)


def _positions(formula: Any) -> Iterator[int]:
    if isinstance(formula, int):
        yield formula
        return
    for part in formula[1:]:
        yield from _positions(part)
