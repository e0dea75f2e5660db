"""A spec as it was written: its data, where every value stands, and overrides from the command line."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fvcli.spec.problems import Path, Problem, SpecError, did_you_mean, dotted
from fvcli.spec.yaml_text import parse_yaml

_PART = re.compile(r"[^.\[\]]+")


@dataclass
class Document:
    """Plain data with places; problems are what was found wrong so far.

    origin: what to call the document in messages.
    """

    origin: str
    data: Any
    lines: dict[Path, int]
    overrides: dict[Path, str] = field(default_factory=dict)
    problems: list[tuple[str, Problem]] = field(default_factory=list)

    def place(self, path: Path) -> str:
        """Say where a path stands: file:line, or the override that set it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.overrides:
                return f"--set {self.overrides[path[:end]]}"
            if path[:end] in self.lines:
                return f"{self.origin}:{self.lines[path[:end]]}"
        return f"{self.origin}:1"

    def report(self, problems: Iterable[Problem]) -> None:
        self.problems += [(self.place(problem.path), problem) for problem in problems]

    def raise_problems(self) -> None:
        """Raise every problem found so far, in the order of the document; return if there is none."""
        if self.problems:
            ordered = sorted(self.problems, key=lambda item: _line_number(item[0]))
            raise SpecError(dict.fromkeys(_sentence(place, problem) for place, problem in ordered))


def _line_number(place: str) -> int:
    tail = place.rpartition(":")[2]
    return int(tail) if tail.isdigit() else 1 << 30


def _sentence(place: str, problem: Problem) -> str:
    where = dotted(problem.path)
    return f"{place}: {where}: {problem.message}" if where else f"{place}: {problem.message}"


def parse_document(text: str, origin: str, overrides: Sequence[str] = ()) -> Document:
    """Parse YAML text and lay ``key.path=value`` overrides over it.

    Raises:
        SpecError: The text is no YAML mapping, has equal keys, or an override has no place.
    """
    parsed = parse_yaml(text)
    document = Document(origin, parsed.data, parsed.lines)
    document.problems = [(f"{origin}:{line}", problem) for line, problem in parsed.problems]
    if not document.problems and not isinstance(parsed.data, dict):
        what = "the file is empty" if parsed.data is None else "not a spec: it holds no keys"
        document.report([Problem((), f"{what}; write one with: fvcli init")])
    if not isinstance(parsed.data, dict):
        document.raise_problems()
    for override in overrides:
        _override(document, override)
    return document


def _override(document: Document, text: str) -> None:
    key, equals, value = text.partition("=")
    place = f"--set {text}"
    parts: list[str] = _PART.findall(key)
    if not equals or not parts:
        document.problems.append((place, Problem((), "write key.path=value, such as render.steps=64")))
        return
    parsed = parse_yaml(value)
    if parsed.problems:
        document.problems += [(place, problem) for _, problem in parsed.problems]
        return
    path: Path = ()
    target: Any = document.data
    for part in parts[:-1]:
        step = _step(target, part)
        if isinstance(step, Problem):
            document.problems.append((place, Problem((*path, *step.path), step.message)))
            return
        if isinstance(target, dict) and not isinstance(target.get(str(step)), dict | list):
            target[str(step)] = _expanded(target.get(str(step)), path, str(step))
        path, target = (*path, step), target[step]
    last = _step(target, parts[-1])
    if isinstance(last, Problem):
        document.problems.append((place, Problem((*path, *last.path), last.message)))
        return
    target[last] = copy.deepcopy(parsed.data)
    document.overrides[(*path, last)] = text


def _expanded(value: Any, path: Path, key: str) -> dict[str, Any]:
    """Turn a shorthand into the mapping it stands for, so that a key below it can be set."""
    if not isinstance(value, str):
        return {}
    return {"name" if (*path, key) == ("model",) else "kind": value}


def _step(target: Any, part: str) -> str | int | Problem:
    if isinstance(target, dict):
        return part
    if not isinstance(target, list):
        return Problem((part,), "there is nothing below the value above it")
    if part.isdigit():
        if int(part) < len(target):
            return int(part)
        return Problem((int(part),), f"there are {len(target)} entries, counted from 0")
    names = [item.get("name") for item in target if isinstance(item, dict)]
    if part in names:
        return names.index(part)
    known = [str(name) for name in names if name]
    return Problem((), f"no entry is named {part!r}{did_you_mean(part, known, ', '.join(known))}")
