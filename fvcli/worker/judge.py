"""What a network says of saved pictures: their scores, and the statistics of what its layers see in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.models import ModelFacts
from fvcli.models.graph import ancestors
from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.activations import opaque
from fvcli.optvis.compiled import compiled
from fvcli.plan import Program, Unit
from fvcli.run import RunFolder
from fvcli.worker.assets import Assets
from fvcli.worker.device import Device
from fvcli.worker.give_back_memory import give_back_memory
from fvcli.worker.renderers import Renderer, renderer_of

PICTURES_AT_A_TIME = 8  # whatever is asked for, so that little is compiled
LAYERS_BELOW = 4  # of a target, at which textures are looked at


class Judged(NamedTuple):
    """What is said of one picture.

    score: The plain objective, without sign.
    textures: Of each layer float32 [2, channels]: mean and standard deviation over all positions.
    """

    score: float
    textures: tuple[np.ndarray, ...]


class Judge:
    """A network, and the units that it is asked about.

    Args:
        run: The run or golden whose units are asked about; their photos and arrays are in it.
        model: The network.
        device: What to compute on.
    """

    def __init__(self, run: RunFolder, model: LoadedModel, device: Device) -> None:
        self._run = run
        self._device = device
        self._model = model
        self._assets = Assets(run, self._model.facts.input_channels)
        self._compiled: tuple[int, Renderer, tf.types.experimental.GenericFunction] | None = None

    def judge(self, units: Sequence[Unit], pixels: Sequence[np.ndarray]) -> list[Judged]:
        """Return what is said of pictures of units of one program.

        Args:
            units: One for each picture.
            pixels: uint8 [h, w, channels] each, as they are saved.

        Raises:
            FvcliError: A file that a unit needs cannot be read.
        """
        found: list[Judged] = []
        for i in range(0, len(units), PICTURES_AT_A_TIME):
            found += self._judge_some(units[i : i + PICTURES_AT_A_TIME], pixels[i : i + PICTURES_AT_A_TIME])
        return found

    def _judge_some(self, units: Sequence[Unit], pixels: Sequence[np.ndarray]) -> list[Judged]:
        number = units[0].program
        program = self._run.plan.programs[number]
        renderer, look = self._prepared(number)
        filled = [*range(len(units)), *[0] * (PICTURES_AT_A_TIME - len(units))]
        asked, pictures = [units[i] for i in filled], np.stack([pixels[i] for i in filled])
        scores = renderer.score(program, asked, pictures)
        textures = [array.numpy() for array in look(self._seen(program, pictures))]
        return [
            Judged(units[i].sign * float(scores[i]), tuple(array[i] for array in textures))
            for i in range(len(units))
        ]

    def _prepared(self, number: int) -> tuple[Renderer, tf.types.experimental.GenericFunction]:
        """Return what scores a program's pictures; only the latest one is kept."""
        if self._compiled is None or self._compiled[0] != number:
            program = self._run.plan.programs[number]
            self._compiled = None
            give_back_memory()
            renderer = renderer_of(program, self._model, self._device, self._assets)
            self._compiled = number, renderer, self._texture_function(program)
        return self._compiled[1:]

    def _seen(self, program: Program, pictures: np.ndarray) -> tf.Tensor:
        """Return pictures [batch, h, w, channels] in [0, 1] as the network takes them."""
        images = tf.constant(pictures / np.float32(255))
        if program.settings.attention:
            return images[..., :-1]
        return opaque(images) if program.settings.is_transparent else images

    def _texture_function(self, program: Program) -> tf.types.experimental.GenericFunction:
        network = self._model.network(input_px=program.input_px)
        layers = texture_layers(program, self._model.facts)

        def look(images: tf.Tensor) -> list[tf.Tensor]:
            read = network(images, redirect=False)
            moments = [tf.nn.moments(read(layer), axes=[1, 2]) for layer in layers]
            return [tf.stack([mean, tf.sqrt(variance)], axis=1) for mean, variance in moments]

        return compiled(look)


def texture_layers(program: Program, facts: ModelFacts) -> list[str]:
    """Return the layers at which textures are looked at: a few below what a program reads, and that.

    They are evenly spread over all layers that have positions and that the target is made from.
    """
    at = facts.layers_at(*(program.input_px or (program.height_px, program.width_px)))
    needed = ancestors(facts.inputs_of, program.layers)
    below = [
        name
        for name, layer in at.items()
        if name in needed and name not in program.layers and layer.height * layer.width > 1
    ]
    spread = [below[len(below) * (i + 1) // (LAYERS_BELOW + 1)] for i in range(LAYERS_BELOW)] if below else []
    return [*dict.fromkeys([*spread, *program.layers])]
