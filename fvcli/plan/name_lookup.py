"""Look names up in a model, and report those that it does not have."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fvcli.errors import command
from fvcli.models import LayerFacts, ModelFacts
from fvcli.models.labels import find_class, imagenet_labels, synset_index
from fvcli.plan.layer_names import hint_for, is_pattern, matching
from fvcli.spec.mistakes.problems import KeyPath, Problem

MAX_LISTED = 3
RANGE = re.compile(r"(\d{1,7})(?:\s*-\s*(\d{1,7}))?")
SIZES = ("size_px", "recipe")  # keys that decide how many positions a layer has


class NameLookup:
    """Finds layers and classes for one job; collects problems instead of raising.

    Args:
        path: Where the job stands in the document.
        facts: Of the model.
        size_px: The job's height and width.
        broken: Keys of the job that are not known, because of mistakes in them.
    """

    def __init__(
        self,
        path: KeyPath,
        facts: ModelFacts,
        size_px: tuple[int, int],
        broken: frozenset[str] = frozenset(),
    ) -> None:
        self.problems: list[Problem] = []
        self._path = path
        self._broken = broken
        self._facts = facts
        self._layers = facts.layers_at(*size_px)

    def layer(self, name: str | None, path: KeyPath) -> LayerFacts | None:
        """Return a layer with channels by its name or alias; report what is wrong with it."""
        if name is None:
            message = f"this key is missing; list the layers with: {command('layers', self._facts.called)}"
            self.report(path, message, "layer", "objective")
            return None
        name = self._facts.aliases.get(name, name)
        if name not in self._layers:
            what = (
                "this key takes no pattern"
                if is_pattern(name)
                else f"{self._facts.name} has no layer {name!r}"
            )
            self.report(path, f"{what}{hint_for(name, self._facts)}")
            return None
        if not self._layers[name].channels:
            self.report(path, f"{name} has no channels to render ({self._layers[name].kind})")
            return None
        return self._layers[name]

    def layers_named(self, names: Sequence[str]) -> list[str]:
        """Return the names of a job's layers, with those that patterns match; report patterns without any."""
        found: list[str] = []
        for name in names:
            matched = matching(name, self._facts) if self._is_pattern(name) else [name]
            if not matched:
                message = f"{self._facts.name} has no layer like {name!r}{hint_for(name, self._facts)}"
                self.report(("layer",), message)
            found += matched
        return list(dict.fromkeys(found)) if any(map(self._is_pattern, names)) else found

    def _is_pattern(self, name: str) -> bool:
        return is_pattern(name) and name not in self._layers and name not in self._facts.aliases

    def logits(self, name: str | None, path: KeyPath) -> LayerFacts | None:
        """Return the layer that classes are read from, which a name, if there is one, should be of."""
        logits = self._facts.logits
        if logits is None:
            message = f"{self._facts.name} has no class output; name one with model.logits"
            self.report(("objective",), message, "objective")
            return None
        if name is not None and self._facts.aliases.get(name, name) != logits:
            self.report(path, f"a class objective reads {logits}; leave layer out", "objective")
        return self._layers[logits]

    def class_indices(self, name: int | str, path: KeyPath) -> list[int]:
        """Return the indices of an entry of a job's classes: of a name, a number, or a range such as 0-9."""
        numbers = RANGE.fullmatch(name.strip()) if isinstance(name, str) else None
        if numbers is None or name in self._facts.labels:
            index = self.class_index(name, path)
            return [index] if index >= 0 else []
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if last < first or self.class_index(last, path) < 0:
            if last < first:
                self.report(path, f"{name} is no range of classes, low to high")
            return []
        return list(range(first, last + 1))

    def class_index(self, name: int | str, path: KeyPath) -> int:
        """Return the index of a class, -1 where there is none of that name or number."""
        if isinstance(name, int):
            if name < len(self._facts.labels):
                return name
            meant = synset_index(name) if self._facts.labels == imagenet_labels() else None
            hint = f"; n{name:08d} is {self._facts.labels[meant]}, class {meant}" if meant is not None else ""
            has = f"{self._facts.name} has 0-{len(self._facts.labels) - 1}"
            self.report(path, f"there is no class {name}; {has}{hint}")
            return -1
        index, mistake = find_class(name, self._facts.labels, command("classes", self._facts.called))
        if index is None:
            self.report(path, mistake)
        return -1 if index is None else index

    def check_position(self, layer: LayerFacts, row: int, column: int, path: KeyPath) -> None:
        """Report a row or column that a layer does not have."""
        for key, value, size in (("row", row, layer.height), ("column", column, layer.width)):
            if value >= size:
                message = f"{key} {value} is outside {layer.name}, which has 0-{size - 1}"
                self.report((*path, key), message, *SIZES)

    def is_reported(self, path: KeyPath) -> bool:
        """Tell whether a problem is noted already at just this place below the job's."""
        return any(problem.path == (*self._path, *path) for problem in self.problems)

    def report(self, path: KeyPath, message: str, *reads: str) -> None:
        """Note a problem at a place below the job's, once.

        Args:
            path: The place.
            message: What is wrong.
            reads: Other keys that it follows from. If one of them is broken, nothing is noted.
        """
        problem = Problem((*self._path, *path), message)
        if problem not in self.problems and self._broken.isdisjoint(reads):
            self.problems.append(problem)


def out_of_range(wrong: Sequence[int], layer: LayerFacts) -> str:
    """Say which channels a layer does not have."""
    listed = ", ".join(map(str, wrong[:MAX_LISTED])) + (", ..." if len(wrong) > MAX_LISTED else "")
    noun = "channel" if len(wrong) == 1 else "channels"
    return f"{noun} {listed} not in {layer.name}, which has 0-{layer.channels - 1}"
