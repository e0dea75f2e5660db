"""Add to a mistake what to write instead: another value, another key, or the key in another place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from fvcli.spec.mistakes.corrections import TIMES, correction
from fvcli.spec.mistakes.keys_elsewhere import FOLDER, KEPT, KEYS_ELSEWHERE, KeyHere
from fvcli.spec.mistakes.missing_kind import with_kind
from fvcli.spec.mistakes.problems import KeyPath, Problem, value_at
from fvcli.spec.mistakes.validation_messages import KIND_MISSING, Found
from fvcli.spec.mistakes.yaml_mistakes import NO_SPACE
from fvcli.spec.model import Model
from fvcli.spec.output import Figure, Grid, Output
from fvcli.spec.schema import Job, Render, Spec
from fvcli.spec.yaml_text import inline

MOST = 50  # mistakes for which something is tried
MAX_SHOWN = 80  # characters of a line that is offered
# The sections of a spec, and where they are. A key of an earlier one is looked for first.
SECTIONS: Mapping[str, tuple[type[BaseModel], str]] = {
    "": (Spec, "at the top of the spec"),
    "render": (Render, "below render, or in a job"),
    "jobs": (Job, "in a job"),
    "model": (Model, "below model"),
    "output": (Output, "below output"),
    "output.grid": (Grid, "below output.grid"),
    "output.figure": (Figure, "below output.figure"),
}
# What to do where a value of a key can be none of what the schema has.
REMARKS = {
    "seed": "a seed is one number; for a picture of each of several write seeds: [1, 2], or seeds: 0-3",
    "size_px": "for a dream of the size of its picture leave it out; else write [height, width]",
    "labels": "write the names into a text file, one a line: labels: class_names.txt",
    "start": "name the file below pictures, and write start: picture",
    "classes": "write names, numbers or ranges: classes: [tabby, 207, 0-9]",
    "output": FOLDER.instead,
}
NAMES = {"classes", "class", "layer", "layers"}
LEAVE_OUT = {"auto", "default", "random", "native", "none", "null"}


def advised(found: Found, data: Any) -> Problem:
    """Return a problem whose message says what to write, where that is known.

    Args:
        found: The problem.
        data: Of the document.
    """
    problem = found.problem
    if not problem.path or not isinstance(value_at(data, problem.path[:-1]), dict | list):
        return problem
    written = value_at(data, problem.path)
    if found.is_unknown_key:
        said = _of_key(problem.path, written)
        return problem if said is None else replace(problem, message=said)
    advice = _of_value(problem, written, data)
    said = problem.message.partition("; write")[0]
    return replace(problem, message=f"{said}; {advice}") if advice else problem


def _of_value(problem: Problem, written: Any, data: Any) -> str | None:
    if "did you mean" in problem.message or written is None:
        return None
    key = next((part for part in reversed(problem.path) if isinstance(part, str)), "")
    if isinstance(written, str) and NO_SPACE.match(written) and "mapping" in problem.message:
        return f"a space is missing: write {written.replace(':', ': ', 1)}"
    if isinstance(written, str) and written.casefold() in LEAVE_OUT and "number" in _wanted(problem):
        return "leave the key out for the default"
    if written is False and "mapping" in problem.message:
        return "leave the key out for none"
    if problem.message.startswith(KIND_MISSING) and (piece := with_kind(data, problem.path)) is not None:
        return _write(problem.path, inline(piece))
    found = correction(data, problem.path)
    is_guess = key in NAMES and not isinstance(written, str)  # a number is hardly meant as a name
    line = "" if found is None or is_guess else inline(found[0])
    if key == "seed" and isinstance(written, list | str) and found is None:
        several = written if isinstance(written, str) else inline(written)
        return f"a seed is one number: for a picture of each write seeds: {several}"
    if not line or len(line) > MAX_SHOWN:
        return REMARKS.get(key) if isinstance(written, str | list) else None
    is_turned = isinstance(written, str) and (times := TIMES.match(written)) and times[1] != times[3]
    return _write(problem.path, line) + (" (height first)" if is_turned else "")


def _write(path: KeyPath, line: str) -> str:
    return f"write {line}" if isinstance(path[-1], int) else f"write {path[-1]}: {line}"


def _wanted(problem: Problem) -> str:
    return "number" if problem.message.endswith(("valid integer", "valid number")) else ""


# ---- keys


def _of_key(path: KeyPath, written: Any) -> str | None:
    """Say where an unknown key belongs, or what it is called here; None if nobody knows it."""
    key, here = str(path[-1]), section_of(path[:-1])
    if key == "render" and here == "jobs":
        return None
    home = next((name for name, (model, _) in SECTIONS.items() if key in _keys(model)), None)
    if home is not None and here is not None and home != here:
        return f"unknown key here; it belongs {SECTIONS[home][1]}{_line(home, key, written)}"
    known = KEYS_ELSEWHERE.get(key.casefold())
    if known is None:
        return None
    if not known.key:
        return f"unknown key; {known.instead}"
    if here is None:
        return _inside(known, path, written)
    value = value_for(known, written)
    place = "" if known.section == here or (known.section, here) == ("render", "jobs") else _where(known)
    return f"unknown key; fvcli calls it {known.key}: write {known.key}: {inline(value)}{place}"


def _inside(known: KeyHere, path: KeyPath, written: Any) -> str | None:
    """Say what a key is called within the mapping of one kind: ``lr`` within an optimizer."""
    options = known.value if isinstance(known.value, dict) else {}
    key = next((name for name, value in options.items() if value == KEPT), None)
    if key is None or known.key not in path[:-1]:
        return None
    return f"unknown key; fvcli calls it {key}: write {key}: {inline(written)}"


def _where(known: KeyHere) -> str:
    return " into the objective" if known.section == "objective" else f" {SECTIONS[known.section][1]}"


def _line(section: str, key: str, written: Any) -> str:
    line = f"{key}: {inline(written)}"
    return f": {line}" if section and len(line) <= MAX_SHOWN else ""


def _keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def section_of(path: KeyPath) -> str | None:
    """Return the section that a mapping is, None for what stands deeper."""
    if path[:1] == ("jobs",):
        return "jobs" if len(path) == 2 or (len(path) == 4 and path[2] == "variants") else None
    name = ".".join(map(str, path))
    return name if name in SECTIONS else None


def value_for(known: KeyHere, written: Any) -> Any:
    """Return the value to write: with what was written, or with the example if that does not fit."""
    value = known.value_of(written)
    return value if written is not None and fits(known, value) else known.value_of(known.example)


def fits(known: KeyHere, value: Any) -> bool:
    """Tell whether the schema takes a value for a key at its place."""
    spec: dict[str, Any] = {"model": {"name": "any"}, "render": {}, "jobs": [{"name": "a"}], "output": {}}
    job = spec["jobs"][0]
    objective = {"kind": "direction"}
    places = {"": spec, "render": spec["render"], "jobs": job, "model": spec["model"], "objective": objective}
    places |= {"output": spec["output"]}
    if known.section in places:
        places[known.section][known.key] = value
    else:
        spec["output"][known.section.removeprefix("output.")] = {known.key: value}
    if known.section == "objective":
        job["objective"] = objective
    if known.section == "model" and known.key in {"path", "name", "factory"}:
        spec["model"] = {known.key: value}
    try:
        Spec.model_validate(spec)
    except ValidationError:
        return False
    return True
