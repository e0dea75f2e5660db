"""What a spec leaves open about a model of one's own: found out or guessed, and said."""

from __future__ import annotations

from typing import NamedTuple

from fvcli.errors import UsageError, size_in_words
from fvcli.models.choice import ModelChoice, Preprocessing
from fvcli.models.graph import Pair
from fvcli.models.loaded.assemble import choose_logits
from fvcli.models.loaded.declared_preprocessing import check_declared
from fvcli.models.loaded.guess_preprocessing import guess_preprocessing
from fvcli.models.loaded.network_graph import NetworkGraph
from fvcli.models.loaded.subject import Subject
from fvcli.models.loaded.untrained import untrained
from fvcli.models.zoo.applications import BUILT_IN

DEFAULT_SIZE_PX = 224  # where neither the network nor the spec says one


class Resolved(NamedTuple):
    """A preprocessing, and what there is to say about it, as a sentence.

    remark: It is doubtful. finding: It is certain.
    """

    preprocessing: Preprocessing
    remark: str | None = None
    finding: str | None = None


def native_size(network: NetworkGraph, choice: ModelChoice) -> tuple[Pair, str | None]:
    """Return height and width that the network gets, and what to say about it."""
    asked = choice.size_px or (None, None)
    size: list[int] = []
    for own, side, noun in zip(network.size_px, asked, ("height", "width"), strict=True):
        if own is not None and side not in {None, own}:
            raise UsageError(f"model.size_px: the network takes a {noun} of {own} px, not {side}")
        size.append(own or side or DEFAULT_SIZE_PX)
    if choice.size_px is not None or None not in network.size_px:
        return (size[0], size[1]), None
    remark = (
        "the network takes pictures of any size; render.size_px says theirs, and without it they have "
        f"{size_in_words(size, ' px')}, at which layers are described (set model.size_px: 96 to change that)"
    )
    return (size[0], size[1]), remark


def resolve_preprocessing(network: NetworkGraph, choice: ModelChoice, size_px: Pair) -> Resolved:
    """Return the declared preprocessing, or a guess, and what there is to say about it."""
    nodes = {node.name: node for node in network.nodes}
    logits = choose_logits(nodes, network.outputs[0], choice.logits)
    subject = Subject(network.graph, nodes, network.channels, size_px, logits)
    begun = untrained(subject)
    if choice.declares_values:
        declared, doubt = check_declared(subject, choice, is_untrained=begun is not None)
        return Resolved(declared, remark="; ".join(filter(None, (begun, doubt))) or None)
    if network.takes_whole_numbers:
        preprocessing = choice.preprocessing(BUILT_IN, network.channels)
        said = preprocessing.said(network.channels)
        found = f"preprocessing: {said}, because the network takes pictures of whole numbers"
        return Resolved(preprocessing, remark=begun, finding=found)
    guess = guess_preprocessing(subject, is_untrained=begun is not None)
    preprocessing = choice.preprocessing(guess.preprocessing, network.channels)
    if guess.is_certain:
        return Resolved(preprocessing, remark=begun, finding=guess.reason)
    return Resolved(preprocessing, remark="; ".join(filter(None, (begun, guess.reason))))
