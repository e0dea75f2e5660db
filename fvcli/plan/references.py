"""Which layers of a network are matched with photos that excite a unit; see ``spec/references.py``.

Those are chosen through which all of the unit's input goes, because what passes them decides the unit:

    input --> stem --> a --+--> b --> c --+--> add --> unit        stem, a, add
                           +--------------+

Of each map size it is the last one, as the paper has the ends of a network's stages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fvcli.errors import counted, some_of
from fvcli.media import NamedFiles
from fvcli.models import LayerFacts, ModelFacts
from fvcli.models.graph import ancestors
from fvcli.plan.layer_names import JOINS, hint_for
from fvcli.spec.mistakes.problems import KeyPath, Problem
from fvcli.spec.settings import ResolvedRender, Settings

LEAST = 4  # layers below a unit that are matched, where there are as many
PIXELS = 4  # on each side of a position: finer maps take long to sort at each step, and say little
Found = tuple[str, str]  # the key that is wrong, and what is wrong with it


def wrong_photos(settings: Settings, files: NamedFiles) -> Iterator[Found]:
    """Yield what is wrong with the photos that settings name, before these are pinned."""
    references = settings.references
    if references is None or settings.method != "ascent":
        return
    if references.photos is None:
        yield "references", "this key lacks a folder of photos; write references: photos/"
        return
    count = files.counts.get(references.photos, references.count)
    if count < references.count:
        message = f"{references.photos} has {counted(count, 'photo')}, and each unit is matched with"
        yield "references", f"{message} {references.count}; add photos, or write a lower references.count"


class Matched(NamedTuple):
    """The layers that are matched, and what is wrong with those that a spec names."""

    layers: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def matched_layers(
    settings: ResolvedRender, targets: Sequence[str], facts: ModelFacts, written: KeyPath
) -> Matched:
    """Return the layers at which a picture is matched with photos.

    Args:
        settings: With references.
        targets: The layers that the objective reads.
        facts: Of the model.
        written: Where the references stand in the spec.
    """
    assert settings.references is not None
    named = settings.references.layers
    if named is not None:
        return _named_layers(named, targets, facts, settings.size_px, written)
    found = chosen_layers(targets, facts, settings.size_px)
    if found:
        return Matched((*found, *_own(targets, facts, settings.size_px)))
    message = f"{some_of(targets, 'layer')} of {facts.name} has no layer below it that could be matched"
    return Matched((), (Problem(written, f"{message}; use another layer, or leave references out"),))


def _named_layers(
    named: Sequence[str],
    targets: Sequence[str],
    facts: ModelFacts,
    size_px: tuple[int, int],
    written: KeyPath,
) -> Matched:
    at, needed = facts.layers_at(*size_px), ancestors(facts.inputs_of, targets)
    found, problems = [], []
    for i, called in enumerate(named):
        name = facts.aliases.get(called, called)
        wrong = ""
        if name not in at:
            wrong = f"{facts.name} has no layer {called!r}{hint_for(called, facts)}"
        elif name not in needed:
            wrong = f"{name} is not below {some_of(targets, 'layer')}, so it does not matter to the unit"
        elif not _has_map(at[name]):
            wrong = f"{name} has no map of channels to match ({at[name].kind})"
        problems += [Problem((*written, "layers", i), wrong)] if wrong else []
        found.append(name)
    return Matched(tuple(dict.fromkeys(found)), tuple(problems))


def chosen_layers(targets: Sequence[str], facts: ModelFacts, size_px: tuple[int, int]) -> tuple[str, ...]:
    """Return the layers below some targets that are matched if nobody names any, in order.

    Of each map size it is the last sum or concatenation through which all input goes; where there is none,
    the last of the layers with the fewest channels. Maps finer than a position for 4 x 4 pixels are left
    out, unless there are no others. Networks with maps of few sizes, such as transformers, get more of them,
    evenly spread.

    Args:
        targets: The layers that the objective reads.
        facts: Of the model.
        size_px: Height and width of the picture.
    """
    at = facts.layers_at(*size_px)
    folded = {name for node in facts.nodes if node.kind in {"batch_norm", "bias"} for name in node.inputs}
    found = [
        at[name]
        for name in passed_by_all(targets, facts)
        if _has_map(at[name]) and name not in {*targets, *folded} and at[name].kind != "pad"
    ]
    most = math.prod(-(-side // PIXELS) for side in facts.input_size(targets) or size_px)
    through = [layer for layer in found if layer.height * layer.width <= most] or found
    sizes: dict[tuple[int, int], list[LayerFacts]] = {}
    for layer in through:
        sizes.setdefault((layer.height, layer.width), []).append(layer)
    best = {_best(layers) for layers in sizes.values()}
    joins = [layer.name for layer in through if layer.kind in JOINS and layer.name not in best]
    lacking = max(0, min(LEAST - len(best), len(joins)))
    best |= {joins[len(joins) * (i + 1) // (lacking + 1)] for i in range(lacking)}
    return tuple(layer.name for layer in through if layer.name in best)


def _best(layers: Sequence[LayerFacts]) -> str:
    joins = [layer.name for layer in layers if layer.kind in JOINS]
    return joins[-1] if joins else min(reversed(layers), key=lambda layer: layer.channels).name


def _own(targets: Iterable[str], facts: ModelFacts, size_px: tuple[int, int]) -> list[str]:
    at = facts.layers_at(*size_px)
    return [name for name in dict.fromkeys(targets) if _has_map(at[name])]


def _has_map(layer: LayerFacts) -> bool:
    return bool(layer.channels) and layer.height * layer.width > 1


def passed_by_all(targets: Sequence[str], facts: ModelFacts) -> list[str]:
    """Return the layers through which every way from the picture to one of the targets goes, in order.

    A layer is one if no edge of the graph, cut down to the targets, leads from before it to behind it.
    """
    needed = ancestors(facts.inputs_of, targets)
    order = [node for node in facts.nodes if node.name in needed]
    end = len(order)
    position = {node.name: i for i, node in enumerate(order)}
    reaches = dict.fromkeys(position, -1)  # the last layer that reads it
    reaches |= dict.fromkeys(targets, end)
    of_picture = -1
    for i, node in enumerate(order):
        for name in node.inputs:
            if name in reaches:
                reaches[name] = max(reaches[name], i)
            else:
                of_picture = i
    found, furthest = [], of_picture
    for i, node in enumerate(order):
        if furthest <= i:
            found.append(node.name)
        furthest = max(furthest, reaches[node.name])
    return found
