"""Resolve a job's objective and units into terms, checked against the facts of the model.

job --layers x pictures x lists of its terms x channels, classes or vectors--> drafts
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from fvcli.media import NamedFiles, PictureFacts
from fvcli.models import LayerFacts, ModelFacts
from fvcli.plan.directions import directions_of, wrong_rows
from fvcli.plan.formulas import formula, steps_between, weights
from fvcli.plan.name_lookup import SIZES, NameLookup, out_of_range
from fvcli.plan.term_labels import label_of_terms
from fvcli.plan.terms import TermPlan
from fvcli.plan.unit_drafts import Direction, SweptEntry, UnitDraft, draft_of_term, draft_of_terms
from fvcli.spec.file_names import folded
from fvcli.spec.mistakes.problems import KeyPath
from fvcli.spec.objective_bases import Swept
from fvcli.spec.objectives import (
    AnyLeaf,
    ClassLogitObjective,
    DirectionObjective,
    InterpolateObjective,
    leaves,
)
from fvcli.spec.schema import Job

WANT_PICTURES = ("start", "octaves", "steepest", "recipe")  # keys that may need the job's pictures
NOUNS: dict[Swept, str] = {"channels": "channel", "classes": "class", "vectors": "vector"}

Place = tuple[KeyPath, AnyLeaf]


class Resolver(NameLookup):
    """Resolve one job; collects problems instead of raising.

    Args:
        job: The job.
        path: Where it stands in the document.
        facts: Of the model.
        size_px: The job's height and width.
        files: What is known of the files that the spec names.
        wants_picture: What of the job's settings needs pictures, in words; empty if nothing does.
        broken: Keys of the job that are not known, because of mistakes in them.
    """

    def __init__(
        self,
        job: Job,
        path: KeyPath,
        facts: ModelFacts,
        size_px: tuple[int, int],
        files: NamedFiles,
        wants_picture: str = "",
        broken: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(path, facts, size_px, broken)
        self._meant = None if "objective" in broken else _meant(job)
        if self._meant:
            job = job.model_copy(update={"objective": self._meant})  # so that the rest is checked as well
        self._job = job
        self._files = files
        self._wants_picture = wants_picture
        self._leaves: list[Place] = [(("objective", *place), leaf) for place, leaf in leaves(job.objective)]
        self._options = [leaf.options for _, leaf in self._leaves]
        self._weighted = [(*options, ("weighted", True)) for options in self._options]
        self._alone = len(self._leaves) == 1 and self._leaves[0][1] is job.objective

    def drafts(self) -> list[UnitDraft]:
        """Return what each unit of the job maximises, members of a group one after the other."""
        if self._meant:
            sweeps = str(self._meant.sweeps)
            line = f"write objective: {self._meant.kind}"
            self.report((sweeps,), f"a job without an objective takes channels; for {sweeps} {line}")
        self._refuse_what_nothing_takes()
        pictures = self._pictures()
        found: list[UnitDraft] = []
        for name in self._job_layers():
            layers = [self._leaf_layer(path, leaf, name) for path, leaf in self._leaves]
            drafts = list(self._targets_in(layers))
            if self._tells_layers_apart:
                drafts = [t.within(str(name), "" if t.label == name else str(name)) for t in drafts]
            found += [_of_picture(draft, picture) for picture in pictures for draft in drafts]
        return found

    def _targets_in(self, layers: Sequence[LayerFacts | None]) -> Iterator[UnitDraft]:
        own_lists = [self._own_list(i, layers[i]) for i in range(len(self._leaves))]
        swept = self._swept(layers)
        if None in layers or not all(own_lists):
            return
        for own, entry in itertools.product(itertools.product(*own_lists), swept):
            terms = [self._term(i, layer, own[i], entry) for i, layer in enumerate(layers) if layer]
            if any(term is None for term in terms):
                return  # what is wrong with one is wrong with all
            yield from self._put_together([term for term in terms if term], own, entry)

    def _put_together(
        self, terms: list[TermPlan], own: Sequence[int], entry: SweptEntry
    ) -> Iterator[UnitDraft]:
        objective = self._job.objective
        if self._alone:
            (_, leaf), (term,) = self._leaves[0], terms
            yield draft_of_term(term, self._direction(leaf, entry)[0], self._facts)
            return
        given = list(weights(objective))
        weighted = [replace(term, weight=weight) for term, weight in zip(terms, given, strict=True)]
        chosen = [index for index, (_, leaf) in zip(own, self._leaves, strict=True) if _has_list(leaf)]
        put = formula(objective)
        if isinstance(objective, InterpolateObjective):
            draft = draft_of_terms("interpolate", weighted, chosen, entry, put, self._facts, "")
            yield from steps_between(draft, objective)
        else:
            varying = [i for i, (_, leaf) in enumerate(self._leaves) if leaf.open_sweep or _has_list(leaf)]
            label = label_of_terms(weighted, put, varying, entry.direction, self._facts)
            yield draft_of_terms(objective.kind, weighted, chosen, entry, put, self._facts, label)

    # ---- terms

    def _term(self, i: int, layer: LayerFacts, own: int, entry: SweptEntry) -> TermPlan | None:
        path, leaf = self._leaves[i]
        index = -1
        if leaf.sweeps in {"channels", "classes"}:
            index = entry.index if leaf.open_sweep else own
        fixed = leaf.kind, layer.name, index, *leaf.place, leaf.weight
        if leaf.sweeps == "vectors":
            direction, wrong = self._direction(leaf, entry)
            vector = self._fitting(direction, layer, path) if direction else None
            if wrong or (direction and vector is None):
                return None
            return TermPlan(*fixed, vector, None, self._weighted[i] if vector else self._options[i])
        term = TermPlan(*fixed, options=self._options[i])
        if leaf.array is not None:
            key, name = leaf.array
            return self._of_array(term, name, layer, (*path, key))
        return term

    def _direction(self, leaf: AnyLeaf, entry: SweptEntry) -> tuple[Direction | None, bool]:
        """Return the direction that a leaf takes, if it takes one, and whether it could not be had."""
        if leaf.sweeps != "vectors":
            return None, False
        if leaf.own_units is None:
            return entry.direction, False
        found = directions_of(leaf.own_units, 0, self._files)
        return (found[0] if found else None), not found

    def _fitting(self, direction: Direction, layer: LayerFacts, path: KeyPath) -> Mapping[str, Any] | None:
        """Return a direction as terms have it, or report that it does not fit the layer."""
        vector = direction.vector
        place: KeyPath = ("vectors",) if self._job.vectors else (*path, "vector")
        length = len(vector["values"]) if "values" in vector else vector.get("length", layer.channels)
        if length != layer.channels:
            several = "file" in vector or len(self._job.vectors or ()) > 1
            named = f" ({direction.written})" if several else ""
            what = f"a vector of {length} numbers{named}"
            if not length:
                shape = " x ".join(map(str, vector["shape"])) or "a single number"
                what = f"an array of {shape}{named} is neither [channels] nor [vectors, channels], and"
            self.report(place, f"{what} does not fit {layer.name}, {_has(layer)}")
            return None
        wrong = [index for index in vector.get("channels", ()) if index >= layer.channels]
        if wrong:
            self.report(place, out_of_range(wrong, layer))
            return None
        if "length" not in vector:
            return vector
        return {key: value for key, value in vector.items() if key not in {"length", "shape"}}  # of a file

    def _of_array(self, term: TermPlan, entry: str, layer: LayerFacts, path: KeyPath) -> TermPlan | None:
        """Let a term read an array, if that fits the layer."""
        array = self._files.arrays.get(entry)
        if array is None:  # which is said already
            return None
        if len(array.shape) != 3 or array.shape[-1] != layer.channels:
            shape = " x ".join(map(str, array.shape))
            message = f"an array of {shape} does not fit {layer.name}; it should be h x w x {layer.channels}"
            self.report(path, message)
            return None
        too_large = array.shape[0] > layer.height or array.shape[1] > layer.width
        if too_large or (term.of_kind.compares and array.shape[:2] != (layer.height, layer.width)):
            size = f"{layer.height} x {layer.width}"
            message = f"an array of {array.shape[0]} x {array.shape[1]} positions does not fit {layer.name}, "
            self.report(path, f"{message}which has {size}", *SIZES)
            return None
        return replace(term, source=array.sha256, options=(*term.options, ("shape", array.shape)))

    # ---- what is gone through

    def _own_list(self, i: int, layer: LayerFacts | None) -> list[int]:
        """Return the channels or classes that a leaf goes through by itself; [-1] if it does not."""
        path, leaf = self._leaves[i]
        written = leaf.own_units if leaf.sweeps in {"channels", "classes"} else None
        if written is None or layer is None:
            return [-1]
        items = list(written) if isinstance(written, tuple) else [written]
        if leaf.reads_classes:
            return [index for item in items if (index := self.class_index(item, (*path, "class"))) >= 0]
        wrong = [index for index in items if index >= layer.channels]
        if wrong:
            self.report((*path, "channel"), out_of_range(wrong, layer))
        return [index for index in items if index < layer.channels]

    def _swept(self, layers: Sequence[LayerFacts | None]) -> list[SweptEntry]:
        """Return what terms without one of their own take in turn; a single nothing if all have one."""
        open_kinds = {leaf.open_sweep for _, leaf in self._leaves if leaf.open_sweep} - self._optional()
        if len(open_kinds) > 1:
            first, second = sorted(open_kinds)[:2]
            self.report(
                (),
                f"terms without {NOUNS[first]} and terms without {NOUNS[second]} cannot be swept together",
                "objective",
            )
            return []
        if not open_kinds:
            return [SweptEntry()]
        (key,) = open_kinds
        reading = [la for (_, leaf), la in zip(self._leaves, layers, strict=True) if leaf.open_sweep == key]
        narrowest = min((la for la in reading if la), key=lambda la: la.channels, default=None)
        if narrowest is None:
            return []
        if key == "vectors":
            return [SweptEntry(direction=direction) for direction in self._job_directions]
        indices = self._classes() if key == "classes" else self._channels(narrowest)
        return [SweptEntry(index) for index in indices]

    def _optional(self) -> set[Swept]:
        """Return what is not gone through, because all that could take it can do without it."""
        without = {key for key in NOUNS if getattr(self._job, key) is None}
        needed = {leaf.open_sweep for _, leaf in self._leaves if not leaf.can_read_all}
        return without - needed

    def _channels(self, layer: LayerFacts) -> list[int]:
        chosen = self._job.channels
        if chosen is None or chosen.every:
            return list(range(0, layer.channels, chosen.every or 1 if chosen else 1))
        wrong = [index for index in chosen.indices if index >= layer.channels]
        if wrong and not self.is_reported(("channels",)):  # of another layer
            self.report(("channels",), out_of_range(wrong, layer))
        return [index for index in chosen.indices if index < layer.channels]

    def _classes(self) -> list[int]:
        if self._job.classes is None or self._all_classes(self._job.classes):
            return list(range(len(self._facts.labels)))
        found: list[int] = []
        for i, name in enumerate(self._job.classes):
            for index in self.class_indices(name, ("classes", i)):
                if index in found:
                    self.report(("classes", i), f"{self._facts.labels[index]} ({index}) is listed twice")
                found.append(index)
        return found

    def _all_classes(self, classes: Sequence[int | str]) -> bool:
        return [*classes] == ["all"] and "all" not in self._facts.labels

    @cached_property
    def _job_directions(self) -> list[Direction]:
        if self._job.vectors is None:
            message = "this key is missing; list directions, such as {random: 0-5} or {channels: [3, 17]}"
            self.report(("vectors",), message, "vectors", "objective")
            return []
        for i, written in enumerate(self._job.vectors):
            if (wrong := wrong_rows(written, self._files)) is not None:
                self.report(("vectors", i, "rows"), wrong)
        each = (directions_of(written, i, self._files) for i, written in enumerate(self._job.vectors))
        return [direction for some in each for direction in some]

    def _pictures(self) -> list[PictureFacts | None]:
        """Return the job's pictures, or a single nothing if it needs none."""
        aims = [leaf for _, leaf in self._leaves if leaf.aims_at_picture]
        what = f"a {aims[0].kind} objective" if aims else self._wants_picture
        if not what:
            message = "nothing of this job starts from a picture (start: picture) or aims at one"
            self._refuse("pictures", message, *WANT_PICTURES)
            return [None]
        if self._job.pictures is None:
            self.report(
                ("pictures",), f"this key is missing; {what} needs a picture", "pictures", "objective"
            )
            return []
        found = [f for entry in self._job.pictures for f in self._files.pictures.get(entry, ())]
        names = [folded(picture.name) for picture in found]
        twice = [name for i, name in enumerate(names) if name in names[:i]]
        if twice:
            self.report(("pictures",), f"two pictures have the name {twice[0]!r}; rename one of them")
        return list(found)

    # ---- layers

    def _job_layers(self) -> Sequence[str | None]:
        if not any(leaf.layer is None and not leaf.reads_classes for _, leaf in self._leaves):
            if all(leaf.reads_classes for _, leaf in self._leaves):
                for name in self._job.layer or ():
                    self.logits(name, ("layer",))
            else:
                self._refuse("layer", "no term is without one of its own")
            return [None]
        return self.layers_named(self._job.layer) if self._job.layer else [None]

    @property
    def _tells_layers_apart(self) -> bool:
        """Whether units are named with their layer: of several, or of what a pattern matches at any time."""
        names = self._job.layer or ()
        return len(names) > 1 or any(map(self._is_pattern, names))

    def _leaf_layer(self, path: KeyPath, leaf: AnyLeaf, name: str | None) -> LayerFacts | None:
        layer = self._named_layer(path, leaf, name)
        if layer is not None:
            self.check_position(layer, *leaf.place, path)
        return layer

    def _named_layer(self, path: KeyPath, leaf: AnyLeaf, name: str | None) -> LayerFacts | None:
        if leaf.reads_classes:
            return self.logits(leaf.layer, (*path, "layer"))
        if leaf.layer is None and (name is not None or self._alone):
            return self.layer(name, ("layer",))
        return self.layer(leaf.layer, (*path, "layer"))

    # ---- refusals

    def _refuse_what_nothing_takes(self) -> None:
        taken = {leaf.open_sweep for _, leaf in self._leaves}
        for key in NOUNS:
            if key not in taken:
                self._refuse(key, self._why_not(key))

    def _why_not(self, key: Swept) -> str:
        if not self._alone:
            return "no term is without one of its own"
        leaf = self._leaves[0][1]
        if leaf.open_sweep:
            family = "class" if leaf.reads_classes else leaf.kind
            return f"a {family} objective takes {leaf.open_sweep}"
        if leaf.sweeps == key:
            return "the objective has its own"
        return f"a {leaf.kind} objective takes the whole layer"

    def _refuse(self, key: str, reason: str, *reads: str) -> None:
        if getattr(self._job, key) is not None:
            self.report((key,), f"{reason}; leave {key} out", "objective", *reads)


def _meant(job: Job) -> ClassLogitObjective | DirectionObjective | None:
    """Return the objective that a job without one needs for what it lists; None for channels."""
    if "objective" in job.model_fields_set or job.channels is not None:
        return None
    if job.classes is not None:
        return ClassLogitObjective(kind="class_logit")
    return DirectionObjective(kind="direction") if job.vectors is not None else None


def _has_list(leaf: AnyLeaf) -> bool:
    return leaf.sweeps in {"channels", "classes"} and isinstance(leaf.own_units, tuple)


def _of_picture(draft: UnitDraft, picture: PictureFacts | None) -> UnitDraft:
    if picture is None:
        return draft
    return replace(draft, picture=picture.sha256).within(picture.name, picture.name, picture=picture.name)


def _has(layer: LayerFacts) -> str:
    return f"which has {layer.channels} channels"
