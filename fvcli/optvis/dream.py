"""DeepDream: a photo of any size that becomes more of what a network sees in it.

    image --shrunk--> smallest octave ~~steps~~> --enlarged, detail given back--> next octave ~~steps~~> ...

    a step:   picture --mirrored, shifted, cut into tiles--> views --network--> T --objective--> scores
                 ^                                                                                 |
                 +-------------- rate * gradient of all tiles / its mean size <--------------------+

Large forms come from small octaves and fine detail from large ones (Mordvintsev, Olah, Tyka 2015,
"Inceptionism"). A tile has one size, whatever the picture's: memory is bounded, and one compiled function
serves every octave.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import tensorflow as tf

from fvcli.optvis.activations import Activations
from fvcli.optvis.ascent import MakeObjective, Units
from fvcli.optvis.compiled import compiled
from fvcli.optvis.network import Network
from fvcli.optvis.regularizers import blurred

STRIDE_PX = 32  # of the deepest layers of most networks; tiles this far apart see the picture alike
JITTER_PX = 32  # by which tiles move at least, so that no border shows, nor where strides begin
LEAST_PX = 64  # a smaller octave shows hardly anything to a network
SMALLEST = float(np.finfo(np.float32).tiny)  # what is smaller counts as no gradient


@dataclass(frozen=True)
class Octave:
    """One size of the picture, and the steps taken at it.

    scale: Share of the picture's height and width, 0 to 1.
    steps: How many.
    rate: By how much a step changes the picture's pixels on average: the first one, and one behind the last.
    bands: Sizes of detail that each have an equal part in a step, each twice as coarse as the one before.
    blur_px: Standard deviation of a blur after each step: the first one, and one behind the last.
    """

    scale: float
    steps: int
    rate: tuple[float, float]
    bands: int = 1
    blur_px: tuple[float, float] = (0.0, 0.0)


def octaves(
    count: int = 5,
    scale: float = 1.4,
    steps: int = 12,
    rate: tuple[float, float] = (0.006, 0.003),
    bands: int = 3,
) -> tuple[Octave, ...]:
    """Return octaves each larger than the one before by a factor, and alike otherwise.

    DeepDream began with (4, 1.4, 10, (1.5 / 255, 1.5 / 255), 1). More bands make smoother and more colourful
    pictures, in which a layer is more active; steps that shrink leave less grain.
    """
    return tuple(Octave(scale**-i, steps, rate, bands) for i in reversed(range(count)))


@dataclass(frozen=True)
class Frame:
    """A dream after a step.

    picture: float32 [h, w, channels] in [0, 1], of the size of the octave.
    score: The mean score of the tiles before the step.
    step, steps: How many are done, and how many the dream has.
    share: Of the whole work that is done, 0 to 1; steps of large octaves take longer.
    silent: The gradient was zero throughout.
    """

    picture: np.ndarray
    score: float
    step: int
    steps: int
    share: float
    silent: bool


@dataclass(frozen=True)
class _Span:
    """How a tile lies along one side of a picture.

    seen: Positions of the picture that it shows, [tile_px].
    core: The part of the tile whose gradient is used.
    place: Where that part is in the picture.
    """

    seen: np.ndarray
    core: slice
    place: slice


class Dream:
    """Dreams with one network, about one objective.

    Args:
        network: The model.
        objective: Units as tensors -> the objective, for a batch of one tile.
        tile_px: Side of the tiles; memory grows with its square.
    """

    def __init__(self, network: Network, objective: MakeObjective, tile_px: int = 384) -> None:
        self._network = network
        self._objective = objective
        self.tile_px = tile_px
        core = tile_px - 2 * (tile_px // 16)
        self._core_px = core // STRIDE_PX * STRIDE_PX or core
        self._margin_px = (tile_px - self._core_px) // 2
        self._look = compiled(self._gradient_of_tile)

    @property
    def traces(self) -> int:
        """How often the network has been traced: once, whatever the sizes of the pictures."""
        return self._look.experimental_get_tracing_count()

    def run(
        self,
        image: np.ndarray,
        units: Units,
        plan: Sequence[Octave],
        stream: np.random.Generator,
        report: Callable[[Frame], None] = lambda _frame: None,
        stopped: Callable[[], bool] = lambda: False,
        keep_detail: bool = True,
    ) -> np.ndarray | None:
        """Return the dream, float32 [h, w, channels] in [0, 1]; None if it was stopped.

        Args:
            report: Is told of every step.
            image, units, plan, stream, stopped, keep_detail: See ``frames``.
        """
        frame = None
        for frame in self.frames(image, units, plan, stream, stopped, keep_detail):
            report(frame)
        return frame.picture if frame is not None and frame.step == frame.steps else None

    def frames(
        self,
        image: np.ndarray,
        units: Units,
        plan: Sequence[Octave],
        stream: np.random.Generator,
        stopped: Callable[[], bool] = lambda: False,
        keep_detail: bool = True,
    ) -> Iterator[Frame]:
        """Dream, and show every step.

        Args:
            image: What to begin with, [h, w, channels] in [0, 1], of any size.
            units: What the objective is made of, arrays of a batch of one.
            plan: The octaves, from small to large, the last one of the picture's own size. Those that are
                smaller than LEAST_PX are left out.
            stream: Where random shifts come from.
            stopped: Asked before every tile; once it says yes, no more frames come.
            keep_detail: Give the picture back, at each octave, the detail that smaller ones could not show.
        """
        sized = with_sizes(plan, image.shape[:2])
        work = np.cumsum([math.prod(self.tiles(size)) for octave, size in sized for _ in range(octave.steps)])
        image = image.astype(np.float32, copy=False)
        picture, step = image, 0
        for octave, size in sized:
            picture = _grown(picture, image if keep_detail else None, size)
            for i in range(octave.steps):
                found = self.gradient(picture, units, self.draw_shift(size, stream), stopped)
                if found is None:
                    return
                (gradient, score), step, silent = found, step + 1, not found[0].any()
                picture = _stepped(picture, gradient, octave, i / octave.steps)
                del found, gradient
                share = float(work[step - 1] / work[-1])
                yield Frame(picture, score, step, len(work), share, silent)

    def tiles(self, size_px: tuple[int, int]) -> tuple[int, int]:
        """Return how many rows and columns of tiles cover a picture, whatever their shift."""
        jitter = min(JITTER_PX, self._core_px - 1)
        height, width = (-(-(side + jitter) // self._core_px) for side in size_px)
        return height, width

    def draw_shift(self, size_px: tuple[int, int], stream: np.random.Generator) -> tuple[int, int]:
        """Draw how far down and right of the first tile's core a picture begins: any place that it fits."""
        free = (
            count * self._core_px - side for count, side in zip(self.tiles(size_px), size_px, strict=True)
        )
        top, left = (int(stream.integers(min(most + 1, self._core_px))) for most in free)
        return top, left

    def gradient(
        self,
        picture: np.ndarray,
        units: Units,
        shift_px: tuple[int, int] = (0, 0),
        stopped: Callable[[], bool] = lambda: False,
    ) -> tuple[np.ndarray, float] | None:
        """Return the gradient [h, w, channels] and the mean score of the tiles; None if it was stopped.

        Tiles overlap: of each only the core is used, around which the network has seen the picture go on.

        Args:
            picture: float32 [h, w, channels] in [0, 1].
            units, stopped: See ``frames``.
            shift_px: From ``draw_shift``.
        """
        tensors = {name: tf.constant(value) for name, value in units.items()}
        gradient, scores = np.zeros(picture.shape, np.float32), []
        for down, along in self._places(picture, shift_px):
            if stopped():
                return None
            found, score = self._look(_tile(picture, down, along), tensors)
            gradient[down.place, along.place] = found[0, down.core, along.core]
            scores.append(float(score[0]))
        return gradient, float(np.mean(scores))

    def score(self, picture: np.ndarray, units: Units) -> float:
        """Return the mean score of the tiles of a picture; see ``gradient``."""
        tensors = {name: tf.constant(value) for name, value in units.items()}
        places = self._places(picture, (0, 0))
        scores = [self._look(_tile(picture, down, along), tensors)[1] for down, along in places]
        return float(np.mean([float(score[0]) for score in scores]))

    def _places(self, picture: np.ndarray, shift_px: tuple[int, int]) -> Iterator[tuple[_Span, _Span]]:
        sides = (list(self._spans(*side)) for side in zip(picture.shape[:2], shift_px, strict=True))
        yield from product(*sides)

    def _spans(self, side_px: int, shift_px: int) -> Iterator[_Span]:
        """Yield how tiles lie along a side of a picture, which is mirrored beyond its borders."""
        core, margin = self._core_px, self._margin_px
        (count, _) = self.tiles((side_px, side_px))
        behind = count * core - side_px - shift_px + self.tile_px - core - margin
        mirrored = np.pad(np.arange(side_px), (shift_px + margin, behind), "symmetric")
        for begin in range(0, count * core, core):
            first, last = max(0, begin - shift_px), min(side_px, begin + core - shift_px)
            skipped = margin + first - (begin - shift_px)
            yield _Span(
                mirrored[begin : begin + self.tile_px],
                slice(skipped, skipped + max(0, last - first)),
                slice(first, max(first, last)),
            )

    def _gradient_of_tile(self, tile: tf.Tensor, units: Units) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the gradient of the score of a tile [1, h, w, channels] by its pixels, and the score."""
        scale = self._network.loss_scale
        with tf.GradientTape() as tape:
            tape.watch(tile)
            score = self._objective(units)(Activations(self._network(tile, redirect=False), tile))
            scaled = tf.reduce_sum(score) * scale
        return tape.gradient(scaled, tile, unconnected_gradients=tf.UnconnectedGradients.ZERO) / scale, score


def _tile(picture: np.ndarray, down: _Span, along: _Span) -> tf.Tensor:
    return tf.constant(picture[np.ix_(down.seen, along.seen)][None])


def blend(previous_dream: np.ndarray, frame: np.ndarray, share: float) -> np.ndarray:
    """Mix the dream of the frame before into a frame: what the next dream begins with, so that films flow.

    Args:
        previous_dream, frame: Of one shape, in [0, 1].
        share: Of the previous dream, 0 to 1.
    """
    return (share * previous_dream + (1.0 - share) * frame).astype(np.float32)


def with_sizes(plan: Sequence[Octave], whole: tuple[int, int]) -> list[tuple[Octave, tuple[int, int]]]:
    """Return octaves with their height and width, without those that are too small, except for the last."""
    sized = [(octave, tuple(max(1, round(side * octave.scale)) for side in whole)) for octave in plan]
    return [pair for pair in sized[:-1] if min(pair[1]) >= LEAST_PX] + sized[-1:]


def _grown(picture: np.ndarray, image: np.ndarray | None, size: tuple[int, int]) -> np.ndarray:
    """Bring a picture to the size of the next octave, with the detail of the image that it could not show."""
    grown = _resized(picture, size)
    grown = grown.copy() if grown is picture else grown
    if image is not None:
        grown += _resized(image, size)
        grown -= _resized(_resized(image, picture.shape[:2]), size)
    return np.clip(grown, 0.0, 1.0, out=grown)


def _stepped(picture: np.ndarray, gradient: np.ndarray, octave: Octave, done: float) -> np.ndarray:
    """Return the picture after a step. It takes the memory of the gradient, because pictures may be large."""
    rate, blur_px = (start + (end - start) * done for start, end in (octave.rate, octave.blur_px))
    moved = _to_unit_size(_balanced(gradient, octave.bands))
    moved *= np.float32(rate)
    moved += picture
    picture = np.clip(moved, 0.0, 1.0, out=moved)
    return blurred(tf.constant(picture[None]), blur_px).numpy()[0] if blur_px > 0.0 else picture


def _balanced(gradient: np.ndarray, bands: int) -> np.ndarray:
    """Let all sizes of detail have an equal part in a gradient [h, w, channels] (Mordvintsev 2016).

    It is split as a Laplacian pyramid is: what half the size cannot show is a band, and the rest is split on.
    The result takes the memory of the gradient.
    """
    if bands == 1:
        return _to_unit_size(gradient)
    size = gradient.shape[:2]
    coarse = _resized(gradient, tuple(-(-side // 2) for side in size))
    coarse = coarse.copy() if coarse is gradient else coarse
    gradient -= _resized(coarse, size)
    fine = _to_unit_size(gradient)
    fine += _resized(_balanced(coarse, bands - 1), size)
    return fine


def _to_unit_size(values: np.ndarray) -> np.ndarray:
    """Divide values, in place, by the mean of their absolute values; zeros remain."""
    size = np.abs(values).mean(dtype=np.float64)
    if size < SMALLEST:
        values[:] = 0.0
    else:
        values /= np.float32(size)  # NaN remains, too
    return values


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a picture [h, w, channels] of any range: bicubic, and smoothed first where it shrinks.

    One channel at a time, because TensorFlow keeps the memory of what it computes with. A picture that has
    the size already is returned as it is.
    """
    if picture.shape[:2] == tuple(size):
        return picture
    resized = np.empty((*size, picture.shape[2]), np.float32)
    for i in range(picture.shape[2]):
        resized[..., i] = tf.image.resize(picture[..., i : i + 1], size, "bicubic", antialias=True)[..., 0]
    return resized
