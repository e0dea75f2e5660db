"""A spec as it was written: its data, where every value stands, and overrides from the command line."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fvcli.spec.mistakes.broken_keys import BrokenKeys, Positions, place_in_document
from fvcli.spec.mistakes.problems import KeyPath, Problem, SpecError, did_you_mean, dotted, with_excerpt
from fvcli.spec.model import model_key
from fvcli.spec.yaml_text import parse_yaml

_PART = re.compile(r"[^.\[\]]+")
_POSITION = re.compile(r"\d{1,9}")
# Where a plain name may stand for a mapping, and the key of that mapping which it is.
_SHORTHANDS = {
    **{"model": "name", "objective": "kind", "parameterization": "kind", "optimizer": "kind"},
    "references": "photos",
}
_HOW_TO_SET = "write key.path=value, such as render.steps=64; the value null leaves the key out"

WrittenAt = int | str  # a line of the document, or the override that set the value


@dataclass
class Document:
    """Plain data with places; problems are what was found wrong so far.

    origin: what to call the document in messages.
    broken: keys that ``validate`` left out, because of mistakes.
    moved: for lists of which it left entries out, where the others stand in the document.
    written_by: for lines that were made of the words of a command, the word that messages name.
    """

    origin: str
    data: Any
    places: dict[KeyPath, WrittenAt]
    problems: list[tuple[WrittenAt, Problem]] = field(default_factory=list)
    broken: BrokenKeys = field(default_factory=BrokenKeys)
    moved: Positions = field(default_factory=dict)
    written_by: Mapping[int, str] = field(default_factory=dict)

    def place(self, path: KeyPath) -> str:
        """Say where a path stands: file:line, or the override that set it."""
        return self._say(self._written_at(path))

    def report(self, problems: Iterable[Problem]) -> None:
        """Note problems, but not what follows from one that is known of the same value."""
        known = {problem.path for _, problem in self.problems}
        placed = [replace(p, path=place_in_document(p.path, self.moved)) for p in problems]
        self.problems += [(self._written_at(p.path), p) for p in placed if p.path not in known]

    def raise_problems(self) -> None:
        """Raise every problem found so far, in the order of the document; return if there is none."""
        if self.problems:
            ordered = sorted(self.problems, key=lambda item: _line(item[0]))
            raise SpecError(dict.fromkeys(self._sentence(*item) for item in ordered))

    def _written_at(self, path: KeyPath) -> WrittenAt:
        above = (path[:end] for end in range(len(path), -1, -1))
        return next((self.places[part] for part in above if part in self.places), 1)

    def _say(self, place: WrittenAt) -> str:
        if isinstance(place, int):
            return self.written_by.get(place, f"{self.origin}:{place}")
        return f"--set {place}"

    def _sentence(self, place: WrittenAt, problem: Problem) -> str:
        where = dotted(problem.path)
        in_file = isinstance(place, int) and place not in self.written_by
        column = f":{problem.column}" if in_file and problem.column else ""
        sentence = f"{self._say(place)}{column}: {where + ': ' if where else ''}{problem.message}"
        return with_excerpt(sentence, problem.excerpt if in_file else ())


def _line(place: WrittenAt) -> float:
    return place if isinstance(place, int) else math.inf  # overrides come after the document


class _NoPlaceError(Exception):
    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(path, message)


def parse_document(text: str, origin: str, overrides: Sequence[str] = ()) -> Document:
    """Parse YAML text and lay ``key.path=value`` overrides over it.

    Raises:
        SpecError: The text is no YAML mapping, has equal keys, or an override has no place.
    """
    parsed = parse_yaml(text)
    document = Document(origin, parsed.data, {**parsed.lines}, [*parsed.problems])
    if not document.problems and not isinstance(parsed.data, dict):
        what = "the file is empty" if parsed.data is None else "not a spec: it holds no keys"
        document.report([Problem((), f"{what}; write one with: fvcli init")])
    if not isinstance(parsed.data, dict):
        document.raise_problems()
    for override in overrides:
        _override(document, override)
    return document


def _override(document: Document, text: str) -> None:
    """Lay one override over the document, or note why it has no place there."""
    key, _, value = text.partition("=")
    parts: list[str] = _PART.findall(key)
    parsed = parse_yaml(value)
    found = [problem for _, problem in parsed.problems]
    try:
        if not found and parts and parsed.lines:
            _put(document, parts, parsed.data, text)
        elif not found:
            raise _NoPlaceError((), _HOW_TO_SET)
    except _NoPlaceError as error:
        found = [error.problem]
    document.problems += [(text, problem) for problem in found]


def _put(document: Document, parts: Sequence[str], value: Any, text: str) -> None:
    path: KeyPath = ()
    target = document.data
    for part in parts[:-1]:
        step = _step(target, part, path)
        path = (*path, step)
        below = target.get(step) if isinstance(target, dict) else target[step]
        if not isinstance(below, dict | list):
            below = target[step] = _open(document, path, below, text)
        target = below
    last = _step(target, parts[-1], path)
    path = (*path, last)
    target[last] = copy.deepcopy(value)
    for replaced in [known for known in document.places if known[: len(path)] == path]:
        del document.places[replaced]
    document.places[path] = text


def _open(document: Document, path: KeyPath, value: Any, text: str) -> dict[str, Any]:
    """Return the mapping that nothing or a shorthand stands for, so that a key below can be set."""
    key = _SHORTHANDS.get(str(path[-1]))
    if key == "name" and isinstance(value, str):
        key = model_key(value)
    opened = {}
    if isinstance(value, str) and key:
        opened = {key: value}
        document.places[(*path, key)] = document.places.get(path, 1)
    elif value is not None:
        raise _NoPlaceError(path, f"{value!r} has no keys that could be set")
    document.places[path] = text
    return opened


def _step(target: Any, part: str, path: KeyPath) -> str | int:
    """Return the key or the position that a part of an override's path names."""
    if isinstance(target, dict):
        return part
    if _POSITION.fullmatch(part):
        if int(part) < len(target):
            return int(part)
        end = f"the list ends with [{len(target) - 1}]" if target else "the list is empty"
        raise _NoPlaceError((*path, int(part)), end)
    names = [item.get("name") for item in target if isinstance(item, dict)]
    if part in names:
        return names.index(part)
    known = [str(name) for name in names if name]
    raise _NoPlaceError(path, f"no entry is named {part!r}{did_you_mean(part, known, ', '.join(known))}")
