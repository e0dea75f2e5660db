"""A spec for the atlas of a network: what the appendix of "Feature Visualization" shows of each channel.

Olah, Mordvintsev and Schubert, Distill 2017: nine layers, and of each channel the neuron, the channel, the
negative channel and four pictures that are kept unlike each other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from fvcli.errors import UsageError, counted
from fvcli.models import ModelFacts
from fvcli.models.graph import Pair
from fvcli.plan.activations import ACTIVATIONS
from fvcli.plan.suggest import FEWEST_UNITS, Suggestion, suggest_layers
from fvcli.spec.file_names import MAX_NAME_BYTES, folded, shortened
from fvcli.spec.yaml_text import inline

MOST_LAYERS = 9  # as many as the article's appendix has
LARGEST_PX, SMALLEST_PX = 224, 64  # sides of pictures, where a network takes any
FACETS = 4  # pictures of each channel that are kept unlike each other
# What a layer's name ends in that says how it is computed.
ENDS = re.compile(
    r"([_/-](expand|conv\d*|pw|bn|batch_?norm(alization)?|fusedbatchnorm(v[23])?|biasadd|pre_relu|add|"
    r"pre_activation|relu|out|concat))+$",
    re.IGNORECASE,
)
# Of each kind of job: what stands above its jobs, and what a job has beside its layer and its channels.
KINDS: Mapping[str, tuple[str, str]] = {
    "channel": ("A channel over its whole map. `every: 8` takes one channel in eight, in all jobs.", ""),
    "neuron": ("One position of a channel, the centre of its map.", ", objective: neuron"),
    "negative": ("What a channel likes least.", ", sign: negative"),
    "diversity": (f"{FACETS} pictures of a channel that are kept unlike each other.", ""),
}


def atlas_layers(facts: ModelFacts) -> list[Suggestion]:
    """Return up to nine layers for an atlas, from shallow to deep.

    Raises:
        UsageError: No layer has enough channels.
    """
    found = suggest_layers(facts, MOST_LAYERS)
    if not found:
        hint = f"fvcli layers {facts.called} shows what there is"
        raise UsageError(f"{facts.called}: no layer has {FEWEST_UNITS} channels or more", hint)
    return found


def atlas_spec(model: str, facts: ModelFacts, cost: Sequence[str] = ()) -> str:
    """Return the text of a spec for the atlas of a network.

    Args:
        model: The name or path, as it was given.
        facts: What is known of that model.
        cost: Lines about how much it is, without ``#``.

    Raises:
        UsageError: No layer has enough channels.
    """
    layers = atlas_layers(facts)
    size = atlas_size(facts, [one.layer.name for one in layers])
    side = size[0] if size[0] == size[1] else list(size)
    jobs = "\n".join(_jobs(facts, layers, kind) for kind in KINDS)
    count = counted(len(layers), "layer")
    return f"""\
# An atlas of {_on_one_line(model)}: every channel of {count} in four ways, as the appendix
# of "Feature Visualization" shows them (Olah, Mordvintsev and Schubert, Distill 2017).
#
#   fvcli render THIS_FILE -o atlas                      all; if it is stopped, the same command goes on
#   fvcli render THIS_FILE -o atlas --only '*-channel'   first one picture of each channel
#
{"".join(f"# {line}".rstrip() + chr(10) for line in cost)}#
# To make it smaller: write a larger number at `every`, remove the jobs of a layer or kind, lower size_px.
version: 1
model: {inline(model)}

render:
  size_px: {side}   # side of the pictures, or [height, width]; decide before you render many
  seed: 0

jobs:
{jobs}
output:
  grid: {{columns: auto, labels: true}}
"""


def atlas_size(facts: ModelFacts, layers: Sequence[str]) -> Pair:
    """Return height and width of the pictures: the network's own, but no needless pixels, nor too few to see.

    Layers that take one size only get that size.
    """
    height, width = facts.native_size_px
    if facts.input_size(layers) is not None:
        return height, width
    longest = max(height, width)
    scale = min(max(longest, SMALLEST_PX), LARGEST_PX) / longest
    least = max(facts.least_px([layer]) for layer in layers)
    return max(round(height * scale), least), max(round(width * scale), least)


def kind_of_job(name: str) -> str:
    """Return the kind of an atlas's job, which its name ends in."""
    return name.rpartition("-")[2]


def _jobs(facts: ModelFacts, layers: Sequence[Suggestion], kind: str) -> str:
    """Return the jobs of a kind, one a layer, below a line that says what they show."""
    said, more = KINDS[kind]
    names = job_names([one.layer.name for one in layers])
    lines = [f"  # {said}"]
    for i, one in enumerate(layers):
        if kind == "neuron" and one.layer.height * one.layer.width == 1:
            continue  # its only position is the whole channel
        is_first = kind == "channel" and i == 0
        channels = "&channels {every: 1}" if is_first else "*channels"
        own = more if kind != "diversity" else f", diversity: {_diversity(facts, one)}"
        job = f"{{name: {names[i]}-{kind}, layer: {inline(one.layer.name)}, channels: {channels}{own}}}"
        note = f"   # {one.shows}, {one.layer.channels:,} channels" if kind == "channel" else ""
        lines.append(f"  - {job}{note}")
    return "\n".join(lines) + "\n" if len(lines) > 1 else ""


def _diversity(facts: ModelFacts, one: Suggestion) -> str:
    """Compare pictures behind the activation, where there is one: that tells them apart better."""
    behind = [node.name for node in facts.nodes if one.layer.name in node.inputs and node.kind in ACTIVATIONS]
    layer = f", layer: {inline(behind[0])}" if behind else ""
    return f"{{count: {FACETS}{layer}}}"


def job_names(layers: Sequence[str]) -> list[str]:
    """Return short names for the jobs of layers, such as ``block4`` for ``block4_expand_bn``.

    They are file names. What would be the same twice is written in full.
    """
    short = [_as_file(ENDS.sub("", layer)) for layer in layers]
    often = Counter(map(folded, short))
    names: list[str] = []
    for layer, name in zip(layers, short, strict=True):
        full = name if often[folded(name)] == 1 and name else _as_file(layer) or "layer"
        taken = [folded(other) for other in names]
        count = 1
        while folded(full if count == 1 else f"{full}-{count}") in taken:
            count += 1
        names.append(full if count == 1 else f"{full}-{count}")
    return names


def _as_file(text: str) -> str:
    return shortened(re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-"), MAX_NAME_BYTES)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
