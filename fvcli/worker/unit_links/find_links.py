"""The links between the units of some layers of a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fvcli.models.files.words_of_others import reason_of
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.calls import Call
from fvcli.plan.activations import before_relus
from fvcli.run.unit_links import (
    CLASSES_OF_A_SIGN,
    LayerLinks,
    Links,
    Neighbour,
    Strongest,
    strongest,
)
from fvcli.worker.unit_links.expanded_weights import NoKernelError, expanded_weights
from fvcli.worker.unit_links.nearest import Between, between
from fvcli.worker.unit_links.steps import FAULTS, Step, Steps


@dataclass
class _Found:
    """The links of a layer while they are looked for.

    matrices: From each layer below, the weights [units, channels of that layer].
    """

    channels: np.ndarray
    between: Between
    reason: str | None = None
    matrices: dict[str, np.ndarray] = field(default_factory=dict)


def find_links(model: LoadedModel, wanted: Mapping[str, Iterable[int]]) -> Links:
    """Return the strongest weights between units.

    Args:
        model: The network.
        wanted: Layers by name, in any order, and the channels that are rendered of each.

    Returns:
        The links of each of these layers that the network has, in the network's order. A layer without links
        says why.
    """
    steps = Steps({node.name: node for node in model.facts.nodes}, model.graph.calls)
    order = {node.name: i for i, node in enumerate(model.facts.nodes)}
    names = sorted((name for name in wanted if name in order), key=order.__getitem__)
    calls = {name: model.graph.calls[name] for name in names}
    lowers = _as_read(steps, calls)
    found = {}
    for name in names:
        channels = np.array(sorted(set(wanted[name])), np.int32)
        found[name] = _below(model, steps, calls[name], lowers, channels)
    to_classes = _Classes(model, steps, lowers)
    layers = {name: _layer_links(name, found, to_classes) for name in names}
    return Links(model.facts.weights_sha256, layers)


def _as_read(steps: Steps, calls: Mapping[str, Call]) -> dict[Call, str]:
    """Return the calls by which the layers above read some layers.

    A concatenation of what ReLUs read stands beside the network. What is read is that of the ReLUs.
    """
    nodes = steps.nodes
    behind = {
        before: after
        for after, before in before_relus(list(nodes.values())).items()
        if nodes[after].kind == "concat"
    }
    found = {call: name for name, call in calls.items()}
    beside = [name for name in calls if name in behind and behind[name] not in calls]
    return found | {steps.call(behind[name]): name for name in beside}


def _below(
    model: LoadedModel, steps: Steps, upper: Call, lowers: Mapping[Call, str], channels: np.ndarray
) -> _Found:
    try:
        way = between(steps, upper, lowers)
        found = _Found(channels, way, way.reason or None)
        for lower in way.nearest:
            weights = expanded_weights(model.facts, way.steps, upper, lower, channels.tolist())
            found.matrices[lowers[lower]] = weights.signed
    except NoKernelError as error:
        return _Found(channels, Between({}), str(error))
    except FAULTS as error:
        return _Found(channels, Between({}), f"its weights cannot be computed: {reason_of(error)}")
    return found


def _layer_links(name: str, found: Mapping[str, _Found], to_classes: _Classes) -> LayerLinks:
    own = found[name]
    links = LayerLinks(name, own.channels, reason=own.reason)
    if own.matrices:
        below = tuple(Neighbour(lower, own.between.mixing) for lower in own.matrices)
        candidates = [found[lower].channels for lower in own.matrices]
        matrices = [own.matrices[lower][:, found[lower].channels] for lower in own.matrices]
        links = replace(links, below=below, to_below=_strongest(matrices, candidates))
    uppers = {upper: one for upper, one in found.items() if name in one.matrices}
    if uppers:
        least = min(one.between.mixing for one in uppers.values())
        uppers = {upper: one for upper, one in uppers.items() if one.between.mixing == least}
        above = tuple(Neighbour(upper, least) for upper in uppers)
        matrices = [one.matrices[name][:, own.channels].T for one in uppers.values()]
        candidates = [one.channels for one in uppers.values()]
        links = replace(links, above=above, to_above=_strongest(matrices, candidates))
    return to_classes.added_to(links)


def _strongest(matrices: Sequence[np.ndarray], candidates: Sequence[np.ndarray]) -> Strongest:
    layers = np.repeat(np.arange(len(candidates)), [len(one) for one in candidates])
    return strongest(np.concatenate(matrices, axis=1), layers, np.concatenate(candidates))


class _Classes:
    """The weights of layers to the logits.

    They are those of the layers that the logits are a weighted sum of: with nothing between them but poolings
    of the whole map and linear layers, or with one activation right behind the layer.
    """

    def __init__(self, model: LoadedModel, steps: Steps, lowers: Mapping[Call, str]) -> None:
        self._model, self._steps = model, steps
        self._logits = model.graph.calls.get(model.facts.logits or "")
        self._ways: dict[Call, Step] = {}
        self._read: dict[str, tuple[Call, str | None]] = {}  # by layer: what is weighted, the activation
        if self._logits is not None:
            self._walk(self._logits)
        for call, name in lowers.items():
            if call.name in self._read and name not in self._read:  # a concatenation of ReLUs
                self._read[name] = call, steps.kind(call.inputs[0])

    def _walk(self, logits: Call) -> None:
        """Go down from the logits through what is linear."""
        order, todo = [], [logits]
        while todo:
            call = todo.pop()
            step = self._steps[call]
            self._read.setdefault(call.name, (call, None))
            if isinstance(step, Step) and step.exact and not step.flattens:
                order.append(call)
                todo += step.sources
            elif isinstance(step, Step) and len(step.sources) == 1 and self._is_activation(call):
                self._read.setdefault(step.sources[0].name, (call, self._steps.kind(call)))
        self._ways = {call: step for call in reversed(order) if isinstance(step := self._steps[call], Step)}

    def _is_activation(self, call: Call) -> bool:
        node = self._steps.nodes.get(call.name)
        return node is not None and node.kind not in {"max_pool", "global_pool", "max"}

    def added_to(self, links: LayerLinks) -> LayerLinks:
        """Return a layer's links with its weights to the logits, if it has some."""
        read, behind = self._read.get(links.name, (None, None))
        if read is None or self._logits is None or read is self._logits:
            return links
        classes = self._steps.nodes[self._logits.name].channels
        try:
            weights = expanded_weights(self._model.facts, self._ways, self._logits, read, range(classes))
        except (NoKernelError, *FAULTS):
            return links
        of_units = weights.total[:, links.channels].T  # [units, classes]
        candidates = np.arange(classes)
        found = strongest(of_units, np.zeros_like(candidates), candidates, CLASSES_OF_A_SIGN)
        return replace(links, to_classes=found, behind=behind)
