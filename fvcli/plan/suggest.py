"""Which layers of a network are worth rendering, and a spec's jobs for them."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fvcli.errors import UsageError
from fvcli.models import LayerFacts, ModelFacts
from fvcli.models.graph import Node, ancestors, multiplications
from fvcli.plan.activations import ACTIVATIONS
from fvcli.plan.cost import Work
from fvcli.plan.modules import inside_of, joins
from fvcli.spec.file_names import MAX_NAME_BYTES, shortened
from fvcli.spec.yaml_text import inline

WITH_UNITS = frozenset(
    {"conv", "separable_conv", "depthwise_conv", "conv_transpose", "dense", "batch_norm", "layer_norm"}
    | {"group_norm", "scale", "add", "bias", "concat"}
)
# What hands on each channel for itself.
PASSING_ON = frozenset({"batch_norm", "layer_norm", "scale", "add", "bias", "linear", "identity"})
FEWEST_UNITS = 8
MOST = 6
FEWEST_PX = 8  # what sees less has room for edges and colours only
CHANNELS = 8  # of each layer, in the jobs
# What pictures show whose receptive field has up to such a share of the network's input.
SHOWN = ((0.1, "edges"), (0.25, "textures"), (0.6, "patterns"), (1.2, "parts"), (float("inf"), "objects"))


@dataclass(frozen=True)
class Suggestion:
    """A layer, why it is worth rendering, and what a step costs.

    shows: What its pictures show, in one word.
    reason: In a few words.
    multiplications: Of one step of one of its pictures.
    share: Of those of the whole network.
    """

    layer: LayerFacts
    shows: str
    reason: str
    multiplications: int
    share: float

    @property
    def every(self) -> int:
        """Every how many channels its job takes one: the first ones of many networks are dull."""
        return -(-self.layer.channels // CHANNELS)

    @property
    def job_units(self) -> int:
        """How many pictures its job has."""
        return -(-self.layer.channels // self.every)

    def work(self, facts: ModelFacts) -> Work:
        """Return what the time of a step depends on."""
        height, width = facts.native_size_px
        needed = len(ancestors(facts.inputs_of, [self.layer.name]))
        return Work(self.multiplications, height * width, needed)


def suggest_layers(facts: ModelFacts, most: int = MOST) -> list[Suggestion]:
    """Return some layers from shallow to deep: pre-activations and joins, the first of each size of map.

    Every channel of a pre-activation has a gradient at every picture, and none stops at an upper limit.
    Where a module computes branches beside each other and joins them, the join stands for its branches.
    The first layer of a size of map is the first that sees so much more than those before it. Then
    the last layer is taken, and what is missing divides the longest stretches between these.

    Args:
        facts: Of the network.
        most: How many layers are returned at most, 2 or more.
    """
    at = facts.layers_at(*facts.native_size_px)
    found = worth_rendering(facts)
    spread = _spread(_wide(found or _any_with_units(facts, at), joins(facts.nodes)), most)
    return [_suggestion(facts, at, layer, i / len(spread), bool(found)) for i, layer in enumerate(spread)]


def jobs_block(found: Sequence[Suggestion]) -> str:
    """Return the jobs of a spec for these layers, as YAML to paste."""
    lines, names = ["jobs:"], list[str]()
    for one in found:
        names.append(_job_name(one, names))
        layer, channels = inline(one.layer.name), _channels(one)
        lines.append(f"  - {{name: {inline(names[-1])}, layer: {layer}, channels: {channels}}}")
    return "\n".join(lines) + "\n"


def _job_name(one: Suggestion, taken: Sequence[str]) -> str:
    """Return the layer and what it shows, as a folder may be called, and a number if that is taken."""
    layer = re.sub(r"[^A-Za-z0-9._-]+", "-", one.layer.name).strip("._-")
    name = shortened(f"{layer}-{one.shows}", MAX_NAME_BYTES).lstrip("-")
    same = sum(other.casefold().startswith(name.casefold()) for other in taken)
    return f"{name}-{same + 1}" if same else name


def _channels(one: Suggestion) -> str:
    return f"{{every: {one.every}}}" if one.every > 1 else f"0-{one.layer.channels - 1}"


def starter_of(starter: str, model: str, facts: ModelFacts) -> str:
    """Return a starter spec with another model and the jobs that are suggested for it.

    Args:
        starter: The text for the default model.
        model: The name or path, as it was given.
        facts: What is known of that model.

    Raises:
        UsageError: No layer has enough channels.
    """
    found = suggest_layers(facts)
    if not found:
        hint = f"fvcli layers {model} shows what there is"
        raise UsageError(f"{model}: no layer has {FEWEST_UNITS} channels or more", hint)
    head, _, rest = starter.partition("jobs:\n")
    head = _with_line(head, r"model: .*\n.*", f"model: {inline(model)}")
    side = facts.native_size_px
    size = side[0] if side[0] == side[1] else list(side)
    head = _with_line(
        head, r"  size_px: .*", f"  size_px: {size}   # side of the pictures, or [height, width]"
    )
    return head + jobs_block(found) + "\noutput:\n" + rest.partition("\noutput:\n")[2]


def _with_line(text: str, pattern: str, line: str) -> str:
    """Return a text with another line in place of the one place that matches a pattern."""
    changed, count = re.subn(rf"^{pattern}$", lambda _: line, text, flags=re.MULTILINE)
    assert count == 1, pattern  # of the starter, which a test reads
    return changed


# ---- which


def worth_rendering(facts: ModelFacts) -> list[LayerFacts]:
    """Return the layers that an activation reads, or of a module with branches only its join, by depth."""
    at = facts.layers_at(*facts.native_size_px)
    read = {name for node in facts.nodes if node.kind in ACTIVATIONS for name in node.inputs}
    nodes = {node.name: node for node in facts.nodes}
    joined = joins(facts.nodes)
    inside = {name for join in joined for name in inside_of(join, facts.inputs_of)}
    left_out = _answers(facts, nodes) | inside
    found = [
        at[node.name]
        for node in facts.nodes
        if node.name in joined
        or (node.name in read and node.kind in WITH_UNITS and not _is_depthwise(node, nodes))
    ]
    return _by_depth(_with_room([layer for layer in found if layer.name not in left_out]))


def _by_depth(layers: Sequence[LayerFacts]) -> list[LayerFacts]:
    """Sort layers by what they see; those that see the same, and the whole picture, stay in order."""
    return sorted(layers, key=lambda layer: max(layer.receptive_field_px or (math.inf,)))


def _any_with_units(facts: ModelFacts, at: Mapping[str, LayerFacts]) -> list[LayerFacts]:
    answers = _answers(facts, {node.name: node for node in facts.nodes})
    bare = {node.name for node in facts.nodes if node.kind in {"add", "scale"} and len(node.inputs) < 2}
    found = [layer for name, layer in at.items() if layer.kind in WITH_UNITS and name not in answers | bare]
    return _by_depth(_with_room(found))


def _with_room(layers: Sequence[LayerFacts]) -> list[LayerFacts]:
    """Leave out what has few units, the gates of squeeze-and-excitation blocks, and what sees very little."""
    layers = [layer for layer in layers if layer.channels >= FEWEST_UNITS and layer.height * layer.width > 0]
    maps = [layer for layer in layers if layer.height * layer.width > 1]
    seeing = [layer for layer in maps if min(layer.receptive_field_px or (FEWEST_PX,)) >= FEWEST_PX]
    return seeing or maps or layers


def _answers(facts: ModelFacts, nodes: Mapping[str, Node]) -> set[str]:
    """Return the logits and what is only averaged or reshaped to become them."""
    found: set[str] = set()
    node = nodes.get(facts.logits or "")
    while node is not None and node.channels == nodes[facts.logits or ""].channels:
        found.add(node.name)
        ends = len(node.inputs) != 1 or node.kind in {"conv", "dense", "separable_conv"}
        node = None if ends else nodes.get(node.inputs[0])
    return found


def _is_depthwise(node: Node, nodes: Mapping[str, Node]) -> bool:
    """Tell whether its channels are those of the layer below, each filtered alone."""
    while node.kind in PASSING_ON and len(node.inputs) == 1 and node.inputs[0] in nodes:
        node = nodes[node.inputs[0]]
    return node.kind == "depthwise_conv" or (node.kind == "conv" and 1 < node.groups == node.channels)


def _wide(layers: Sequence[LayerFacts], joined: Collection[str]) -> list[LayerFacts]:
    """Leave out the narrow layers of each size of map, which only lead to wide ones; a join is none."""
    widest: dict[tuple[int, int], int] = {}
    for layer in layers:
        size = (layer.height, layer.width)
        widest[size] = max(widest.get(size, 0), layer.channels)
    return [
        layer
        for layer in layers
        if layer.name in joined or 2 * layer.channels >= widest[layer.height, layer.width]
    ]


def _spread(layers: Sequence[LayerFacts], most: int) -> list[LayerFacts]:
    sizes = [(layer.height, layer.width) for layer in layers]
    ends = sorted({sizes.index(size) for size in sizes} | ({len(layers) - 1} if layers else set()))
    if len(ends) > most:
        return [layers[ends[round(i * (len(ends) - 1) / (most - 1))]] for i in range(most)]
    stretches, parts = [*itertools.pairwise(ends)], [1] * (len(ends) - 1)
    for _ in range(min(most, len(layers)) - len(ends)):
        gaps = [(end - begin) / n for (begin, end), n in zip(stretches, parts, strict=True)]
        parts[gaps.index(max(gaps))] += 1
    places = set(ends)
    for (begin, end), n in zip(stretches, parts, strict=True):
        places |= {begin + round(i * (end - begin) / n) for i in range(n)}
    return [layers[place] for place in sorted(places)]


# ---- why


def _suggestion(
    facts: ModelFacts, at: Mapping[str, LayerFacts], layer: LayerFacts, depth: float, fires: bool
) -> Suggestion:
    shows = _shown(layer, facts, depth)
    cost, whole = _cost(facts, at, [layer.name]), _cost(facts, at, list(at)) or 1
    return Suggestion(layer, shows, _reason(layer, facts, fires), cost, cost / whole)


def _shown(layer: LayerFacts, facts: ModelFacts, depth: float) -> str:
    if layer.receptive_field_px is None:  # each position sees everything, so the depth has to tell
        return SHOWN[1 + int(depth * (len(SHOWN) - 1))][1]
    share = max(
        seen / side for seen, side in zip(layer.receptive_field_px, facts.native_size_px, strict=True)
    )
    return next(word for most, word in SHOWN if share <= most)


def _reason(layer: LayerFacts, facts: ModelFacts, fires: bool) -> str:
    behind = [node.kind for node in facts.nodes if layer.name in node.inputs and node.kind in ACTIVATIONS]
    otherwise = "joins the branches of a module" if fires else "no activation behind it, but nothing better"
    field = layer.receptive_field_px
    sees = "the whole picture" if field is None else f"{max(field)} px"
    return f"{f'before {behind[0]}' if behind else otherwise}, sees {sees}"


def _cost(facts: ModelFacts, at: Mapping[str, LayerFacts], layers: Sequence[str]) -> int:
    needed = ancestors(facts.inputs_of, layers)
    return multiplications(facts.nodes, at, needed, facts.input_channels)
