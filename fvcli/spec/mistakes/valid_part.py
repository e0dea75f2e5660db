"""What is left of a spec's data once all that is wrong in it was left out."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fvcli.spec.mistakes.broken_keys import BrokenKeys, place_in_document
from fvcli.spec.mistakes.problems import KeyPath, Problem, is_there, value_at
from fvcli.spec.mistakes.validation_messages import Found

NAMED = ("jobs", "variants")  # lists whose entries cannot do without a name


class ValidPart:
    """The data of a document, from which mistakes are taken out one after the other.

    Args:
        data: Of the document; a copy is made.
    """

    def __init__(self, data: Any) -> None:
        self.data = copy.deepcopy(data)
        self._left_out: list[KeyPath] = []  # where it stood in the document
        self._unknown: set[KeyPath] = set()  # keys that there are not, any of which another may stand for
        self._meant: list[KeyPath] = []  # the keys that they most likely stand for
        self._kept: dict[KeyPath, list[int]] = {}  # for a list, where its entries stood

    def place(self, path: KeyPath) -> KeyPath:
        """Return where something stood in the document that now stands at a path."""
        return place_in_document(path, self._kept)

    def placed(self, problem: Problem) -> Problem:
        return replace(problem, path=self.place(problem.path))

    def made(self, found: Found) -> bool:
        """Tell whether a problem may be there only because of what was left out."""
        path = self.place(found.problem.path)
        return any(
            _follows(path, None if gone in self._unknown else found.reads, gone) for gone in self._gone
        )

    @property
    def _gone(self) -> list[KeyPath]:
        return [*self._left_out, *self._meant]

    def leave_out(self, found: Sequence[Found]) -> bool:
        """Take out what problems are about; tell whether a spec may be left."""
        for one in found:
            if one.is_unknown_key:
                self._unknown.add(self.place(one.problem.path))
            if one.meant is not None:
                self._meant.append(self.place((*one.problem.path[:-1], one.meant)))
        targets = {self._target(one.problem.path) for one in found}
        if not targets or targets & {(), ("model",), ("jobs",)}:
            return False
        alone = [path for path in targets if not any(path[:end] in targets for end in range(len(path)))]
        self._left_out += [self.place(path) for path in alone]
        for path in sorted(alone, key=_from_the_end):
            self._take_out(path)
        return True

    def _target(self, path: KeyPath) -> KeyPath:
        """Return what has to go because of a problem: where a key is missing, what it is missing in."""
        if _is_name(path) and isinstance(value_at(self.data, path[:-1]), dict):
            return path  # it gets another
        while path and not is_there(self.data, path):
            path = path[:-1]
        return path

    def _take_out(self, path: KeyPath) -> None:
        *above, last = path
        holder = value_at(self.data, above)
        if isinstance(holder, list) and isinstance(last, int):
            kept = self._kept.setdefault(self.place(tuple(above)), [*range(len(holder))])
            del kept[last], holder[last]
        elif _is_name(path):
            holder["name"] = f"{above[-2]}-{above[-1]}"
        else:
            del holder[last]

    def positions(self, path: KeyPath, count: int) -> list[int]:
        """Return where the entries of a list stood in the document."""
        return self._kept.get(path, [*range(count)])

    def moved(self) -> dict[KeyPath, list[int]]:
        """Return the lists below the top that lost entries: where each of the others stood."""
        return {path: kept for path, kept in self._kept.items() if path != ("jobs",)}

    def broken(self) -> BrokenKeys:
        """Return which keys are not known."""
        jobs: dict[int, set[str]] = {}
        sections: dict[str, set[str]] = {"model": set(), "render": set()}
        for path in self._gone:
            if path[0] == "jobs" and len(path) > 2:
                jobs.setdefault(int(path[1]), set()).update(_keys_of_job(path))
            elif path[0] in sections and len(path) > 1:
                sections[str(path[0])].add(str(path[1]))
        known = {position: frozenset(keys) for position, keys in jobs.items()}
        model, render = map(frozenset, sections.values())
        return BrokenKeys(model, render, known, anything=bool(self._left_out))


def _keys_of_job(path: KeyPath) -> tuple[str, ...]:
    """Return the key of a job that a path goes through, and that of one of its variants."""
    return (str(path[2]), *([str(path[4])] if path[2] == "variants" and len(path) > 4 else []))


def _follows(path: KeyPath, reads: tuple[str, ...] | None, gone: KeyPath) -> bool:
    """Tell whether a problem at a path may follow from what is gone."""
    if gone == path:
        return True
    if gone[: len(path)] == path:
        return reads is None or gone[len(path)] in reads
    in_one_list = bool(path) and isinstance(path[-1], int) and isinstance(gone[-1], int)
    return in_one_list and gone[:-1] == path[:-1]  # one of a list of fixed length


def _from_the_end(path: KeyPath) -> list[tuple[int, str]]:
    """Sort paths so that what goes moves nothing that has yet to go."""
    return [(-part, "") if isinstance(part, int) else (0, part) for part in path]


def _is_name(path: KeyPath) -> bool:
    return path[-1:] == ("name",) and len(path) > 2 and path[-3] in NAMED
