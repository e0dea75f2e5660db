"""How much memory rendering takes on a CPU, from a plan and the facts of its model.

    most = the larger of   loading the network,
                           process + network + compiling a program + pictures at once x a picture

A picture takes what its layers put out, kept for the gradient, and what the picture itself is made with.
The factors are measured (``scripts/bench memory``): 28 estimates for EfficientNet-Lite0, EfficientNet-B0 and
ResNet-50, from 64 to 1,000 px, are 0.84 to 1.22 of the peak.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fvcli.models import ModelFacts
from fvcli.models.graph import ancestors, weights
from fvcli.plan.data import Program
from fvcli.plan.views import view_size

PROCESS_BYTES = 720_000_000  # Python and TensorFlow, with what XLA has compiled
LOADING = 5.0  # of the weights' size, while they are read and checked
NETWORK = 2.2  # of the weights' size, once they are loaded
COMPILING = 54.0  # of the weights below the layers that are read: constants of graphs, copied while compiling
LARGE_BYTES, HELD = 2_000_000, 6.0  # kernels from this size on are outside of graphs, and copied less
OUTPUTS = 1.05  # of the outputs of all layers, forwards and backwards
PIXEL_BYTES = 200  # of a picture's pixel: params, their gradient, the optimizer's memory, spectrum
VIEW_PIXEL_BYTES = 60  # of a picture's pixel, for each view of it: the picture once more, and its gradient
FLOAT_BYTES = 4
DREAM_FLOATS = 6  # float copies of a dreamt picture: photo, dream, gradient, resized ones


@dataclass(frozen=True)
class Memory:
    """What a program takes, in bytes.

    loading_bytes: The whole process, while the network is loaded.
    network_bytes: The process with the network.
    compiling_bytes: What the compiled program adds.
    ascent_bytes: What each picture, or group of pictures, that is rendered at the same time adds.
    """

    loading_bytes: int
    network_bytes: int
    compiling_bytes: int
    ascent_bytes: int

    def most_bytes(self, at_once: int) -> int:
        """Return what the process takes at most, with so many pictures at once."""
        rendering = self.network_bytes + self.compiling_bytes + at_once * self.ascent_bytes
        return max(self.loading_bytes, rendering)


class Most(NamedTuple):
    """Which program takes most, and how much that is."""

    total_bytes: int
    memory: Memory
    program: Program


def memory_of(program: Program, facts: ModelFacts) -> Memory:
    """Estimate what rendering a program takes."""
    whole = FLOAT_BYTES * sum(weights(facts.nodes, facts.inputs_of.keys(), facts.input_channels))
    needed = ancestors(facts.inputs_of, program.layers)
    kernels = [FLOAT_BYTES * count for count in weights(facts.nodes, needed, facts.input_channels)]
    loading = PROCESS_BYTES + LOADING * whole
    network = PROCESS_BYTES + NETWORK * whole
    compiling = sum(size * (HELD if size >= LARGE_BYTES else COMPILING) for size in kernels)
    return Memory(int(loading), int(network), int(compiling), ascent_bytes(program, facts))


def ascent_bytes(program: Program, facts: ModelFacts) -> int:
    """Estimate what one ascent adds: a picture, or a group of pictures that are optimised together."""
    settings = program.settings
    pixels = program.height_px * program.width_px
    if settings.octaves is not None:
        tile = settings.octaves.tile_px
        outputs = facts.activation_bytes(program.layers, *(program.input_px or (tile, tile)))
        floats = FLOAT_BYTES * facts.input_channels * pixels
        return int(OUTPUTS * outputs + DREAM_FLOATS * floats)
    canvas = program.window.canvas_px**2 if program.window else pixels
    has_target = any(shape.aims_at_picture for shape in program.terms)
    looks = settings.views * (2 if has_target else 1)
    painting = settings.parameterization.gradient_bytes(program.height_px, program.width_px)
    outputs = facts.activation_bytes(program.layers, *_view_of(program))
    made = (PIXEL_BYTES + VIEW_PIXEL_BYTES * settings.views) * canvas + painting
    return program.members * int(OUTPUTS * outputs * looks + made)


def _view_of(program: Program) -> tuple[int, int]:
    """Return height and width of the largest view that the network sees."""
    if program.input_px is not None:
        return program.input_px
    if program.window is not None:
        return program.window.view_px, program.window.view_px
    return view_size(program.settings.transforms, program.height_px, program.width_px, max)


def most_of(programs: Iterable[Program], facts: ModelFacts, at_once: int) -> Most:
    """Return the program that takes most, and how much.

    Args:
        programs: One or more.
        facts: Of their model.
        at_once: How many pictures are rendered at the same time.
    """
    memories = ((memory_of(program, facts), program) for program in programs)
    found = ((memory.most_bytes(at_once), memory, program) for memory, program in memories)
    return Most(*max(found, key=lambda each: each[0]))
