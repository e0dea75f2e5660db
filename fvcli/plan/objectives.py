"""Resolve a job's objective and units into terms, checked against the facts of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fvcli.models import LayerFacts, ModelFacts
from fvcli.models.labels import find_class
from fvcli.plan.data import TermPlan
from fvcli.spec.objectives import NeuronObjective, SumObjective, Term
from fvcli.spec.problems import KeyPath, Problem, did_you_mean
from fvcli.spec.schema import Job

CLASS_KINDS = {"class_logit", "class_probability"}
MAX_LISTED = 3


@dataclass(frozen=True)
class Target:
    """What one unit maximises: its terms, and its file name, label and description."""

    terms: tuple[TermPlan, ...]
    name: str
    label: str
    unit: Mapping[str, Any]


class Resolver:
    """Resolve one job; collects problems instead of raising.

    Args:
        job: The job.
        path: Where it stands in the document.
        facts: Of the model.
        size_px: The job's height and width.
    """

    def __init__(self, job: Job, path: KeyPath, facts: ModelFacts, size_px: tuple[int, int]) -> None:
        self.problems: list[Problem] = []
        self._job = job
        self._path = path
        self._facts = facts
        self._layers = facts.layers_at(*size_px)

    def targets(self) -> list[Target]:
        """Return what each unit of the job maximises."""
        objective = self._job.objective
        if isinstance(objective, SumObjective):
            return self._sum_targets(objective)
        kind = objective.kind
        if kind == "layer":
            return self._layer_target()
        row, column = -1, -1
        if isinstance(objective, NeuronObjective) and objective.row is not None:
            row, column = objective.row, objective.column or 0
        layer = self._layer(kind, self._job.layer, ("layer",))
        indices = self._indices(kind, layer)
        if layer is None:
            return []
        self._check_position(layer, row, column, ("objective",))
        return [_target(TermPlan(kind, layer.name, i, row, column), self._facts) for i in indices]

    def _layer_target(self) -> list[Target]:
        self._refuse("channels", "a layer objective takes the whole layer")
        self._refuse("classes", "a layer objective takes the whole layer")
        layer = self._layer("layer", self._job.layer, ("layer",))
        return [Target((TermPlan("layer", layer.name),), "layer", layer.name, {})] if layer else []

    # ---- sums

    def _sum_targets(self, objective: SumObjective) -> list[Target]:
        if not any(_takes_layer(term) for term in objective.terms):
            self._refuse("layer", "no term is without one of its own")
        layers = [self._term_layer(i, term) for i, term in enumerate(objective.terms)]
        parts = list(zip(objective.terms, layers, strict=True))
        open_kinds = {_sweep(term) for term in objective.terms} - {""}
        targets = []
        for index in self._swept(open_kinds, [layer for term, layer in parts if _sweep(term)]):
            terms = [self._term(i, term, layer, index) for i, (term, layer) in enumerate(parts)]
            if all(terms):
                targets.append(_sum_target([t for t in terms if t], index, open_kinds, self._facts))
            else:
                break  # what is wrong with one is wrong with all
        return targets

    def _term_layer(self, i: int, term: Term) -> LayerFacts | None:
        if _takes_layer(term) and self._job.layer is not None:
            return self._layer(term.kind, self._job.layer, ("layer",))
        return self._layer(term.kind, term.layer, ("objective", "terms", i, "layer"))

    def _swept(self, open_kinds: set[str], layers: Sequence[LayerFacts | None]) -> list[int]:
        """Return the indices that terms without one of their own take in turn; [-1] if all have one."""
        for key in ("channels", "classes"):
            if key not in open_kinds:
                self._refuse(key, "no term is without one of its own")
        if len(open_kinds) > 1:
            self._report((), "terms without channel and terms without class cannot be swept together")
            return []
        if not open_kinds:
            return [-1]
        kind = "channel" if open_kinds == {"channels"} else "class_logit"
        narrowest = min((la for la in layers if la), key=lambda la: la.channels, default=None)
        return self._indices(kind, narrowest)

    def _term(self, i: int, term: Term, layer: LayerFacts | None, swept: int) -> TermPlan | None:
        path: KeyPath = ("objective", "terms", i)
        if layer is None:
            return None
        index = -1
        if term.kind in CLASS_KINDS:
            index = swept if term.class_ is None else self._class(term.class_, (*path, "class"))
        elif term.kind != "layer":
            index = swept if term.channel is None else term.channel
            if index >= layer.channels:
                self._report((*path, "channel"), _out_of_range([index], layer))
                return None
        row, column = (-1, -1) if term.row is None else (term.row, term.column or 0)
        self._check_position(layer, row, column, path)
        return TermPlan(term.kind, layer.name, index, row, column, term.weight)

    # ---- layers, channels, classes

    def _layer(self, kind: str, name: str | None, path: KeyPath) -> LayerFacts | None:
        if kind in CLASS_KINDS:
            return self._logits(name, path)
        if name is None:
            self._report(path, f"this key is missing; list the layers with: fvcli layers {self._facts.name}")
            return None
        name = self._facts.aliases.get(name, name)
        if name not in self._layers:
            hint = did_you_mean(name, self._layers, f"list them with: fvcli layers {self._facts.name}")
            self._report(path, f"{self._facts.name} has no layer {name!r}{hint}")
            return None
        if not self._layers[name].channels:
            self._report(path, f"{name} has no channels to render ({self._layers[name].kind})")
            return None
        return self._layers[name]

    def _logits(self, name: str | None, path: KeyPath) -> LayerFacts | None:
        logits = self._facts.logits
        if logits is None:
            self._report(
                ("objective",), f"{self._facts.name} has no class output; name one with model.logits"
            )
            return None
        if name is not None and self._facts.aliases.get(name, name) != logits:
            self._report(path, f"a class objective reads {logits}; leave layer out")
        return self._layers[logits]

    def _indices(self, kind: str, layer: LayerFacts | None) -> list[int]:
        if kind in CLASS_KINDS:
            self._refuse("channels", "a class objective takes classes")
            return self._classes() if layer is not None else []
        self._refuse("classes", f"a {kind} objective takes channels")
        if layer is None:
            return []
        chosen = self._job.channels
        if chosen is None or chosen.every:
            return list(range(0, layer.channels, chosen.every or 1 if chosen else 1))
        wrong = [index for index in chosen.indices if index >= layer.channels]
        if wrong:
            self._report(("channels",), _out_of_range(wrong, layer))
        return [index for index in chosen.indices if index < layer.channels]

    def _classes(self) -> list[int]:
        if self._job.classes is None:
            return list(range(len(self._facts.labels)))
        found = [self._class(name, ("classes", i)) for i, name in enumerate(self._job.classes)]
        for i, index in enumerate(found):
            if index >= 0 and index in found[:i]:
                self._report(("classes", i), f"{self._facts.labels[index]} ({index}) is listed twice")
        return [index for index in found if index >= 0]

    def _class(self, name: int | str, path: KeyPath) -> int:
        if isinstance(name, int):
            if name < len(self._facts.labels):
                return name
            self._report(
                path, f"there is no class {name}; {self._facts.name} has 0-{len(self._facts.labels) - 1}"
            )
            return -1
        index, mistake = find_class(name, self._facts.labels)
        if index is None:
            self._report(path, mistake)
        return -1 if index is None else index

    def _check_position(self, layer: LayerFacts, row: int, column: int, path: KeyPath) -> None:
        for key, value, size in (("row", row, layer.height), ("column", column, layer.width)):
            if value >= size:
                self._report((*path, key), f"{key} {value} is outside {layer.name}, which has 0-{size - 1}")

    def _refuse(self, key: str, reason: str) -> None:
        if getattr(self._job, key) is not None:
            self._report((key,), f"{reason}; leave {key} out")

    def _report(self, path: KeyPath, message: str) -> None:
        problem = Problem((*self._path, *path), message)
        if problem not in self.problems:
            self.problems.append(problem)


def _takes_layer(term: Term) -> bool:
    """Say whether a term takes the job's layer, because it has none of its own."""
    return term.layer is None and term.kind not in CLASS_KINDS


def _sweep(term: Term) -> str:
    """Say which of the job's lists a term takes its index from, if it has none of its own."""
    if term.kind in CLASS_KINDS:
        return "" if term.class_ is not None else "classes"
    return "channels" if term.kind != "layer" and term.channel is None else ""


def _out_of_range(wrong: Sequence[int], layer: LayerFacts) -> str:
    listed = ", ".join(map(str, wrong[:MAX_LISTED])) + (", ..." if len(wrong) > MAX_LISTED else "")
    noun = "channel" if len(wrong) == 1 else "channels"
    return f"{noun} {listed} not in {layer.name}, which has 0-{layer.channels - 1}"


def _describe(term: TermPlan, facts: ModelFacts) -> dict[str, Any]:
    if term.kind == "layer":
        return {}
    if term.kind in CLASS_KINDS:
        return {"class": term.index, "class_name": facts.labels[term.index]}
    place = {"row": term.row, "column": term.column} if term.row >= 0 else {}
    return {"channel": term.index, **place}


def _target(term: TermPlan, facts: ModelFacts) -> Target:
    place = f"-r{term.row:03d}-c{term.column:03d}" if term.row >= 0 else ""
    at = f" @ {term.row},{term.column}" if term.row >= 0 else ""
    is_class = term.kind in CLASS_KINDS
    label = facts.labels[term.index] if is_class else f"{term.index}{at}"
    return Target((term,), f"{term.kind}-{term.index:04d}{place}", label, _describe(term, facts))


def _sum_target(terms: list[TermPlan], swept: int, open_kinds: set[str], facts: ModelFacts) -> Target:
    described = [{"kind": t.kind, "layer": t.layer, **_describe(t, facts), "weight": t.weight} for t in terms]
    if swept < 0:
        return Target(tuple(terms), "sum", "sum", {"terms": described})
    noun: Callable[[int], str] = str if open_kinds == {"channels"} else lambda i: facts.labels[i]
    key = "channel" if open_kinds == {"channels"} else "class"
    return Target(tuple(terms), f"sum-{key}-{swept:04d}", noun(swept), {key: swept, "terms": described})
