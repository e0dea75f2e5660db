"""Guess what a network's input is made of a picture by."""

from __future__ import annotations

from fvcli.models.choice import Preprocessing
from fvcli.models.graph import Pair
from fvcli.models.loaded.from_keras import Laid

BUILT_IN = {"scale"}  # kinds of layers that scale the input themselves
LOOK_AT = 6  # layers


def guess_preprocessing(laid: Laid, size_px: Pair, order: str | None) -> tuple[Preprocessing, str]:
    """Return a guess and how to say it."""
    if any(node.kind in BUILT_IN for node in laid.nodes[:LOOK_AT]):
        guess = Preprocessing((0.0, 255.0))
        return guess, f"preprocessing guessed: {guess}, because the network scales its input itself"
    guess = Preprocessing((-1.0, 1.0))
    return guess, f"preprocessing guessed: {guess}"
