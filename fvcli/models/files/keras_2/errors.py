"""What is wrong with a description of Keras 2."""

from __future__ import annotations


class KerasTwoError(Exception):
    """A layer that Keras 3 has no more, or cannot do as Keras 2 did.

    layer: Its name.
    sentence: What it is or does, such as ``is a CuDNNLSTM, which ...``.
    """

    def __init__(self, layer: object, sentence: str) -> None:
        super().__init__(f"layer {layer} {sentence}")
        self.layer = str(layer)
        self.sentence = sentence
