"""What is kept of an ascent beside its end: pictures after some steps, and frames of films."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from fvcli.media import as_8_bits
from fvcli.optvis.parameterizations import Parameterization, Params
from fvcli.spec.settings import Settings
from fvcli.worker.even_pace import even_positions

OPAQUE_FROM = 80  # percentile of attention from which on a picture is wholly opaque (Fel et al. 2023)


class Film:
    """Keeps 8-bit pictures [batch, h, w, channels] of an ascent.

    Args:
        settings: Say after which steps single pictures are kept, and how a film is made.
        steps: Of the whole ascent.
    """

    def __init__(self, settings: Settings, steps: int) -> None:
        film = settings.animation
        self.steps = steps
        self.is_morph = settings.is_morph
        self.is_even = settings.pace == "even"
        self.count = film.frames if film else 0
        every = film.every if film and not self.is_morph else 0
        self._in_film = {*range(0, steps, every), steps} if every else set()
        self._save_at = {*(settings.save_at or ())}
        self._kept: dict[int, np.ndarray] = {}
        self._saved: dict[int, np.ndarray] = {}
        self._last = np.zeros((0, 0, 0, 0), np.uint8)

    def wants(self, step: int) -> bool:
        """Tell whether the picture after a step is kept."""
        return step in self._in_film or step in self._save_at

    def saves(self, step: int) -> bool:
        """Tell whether it is kept as a picture of its own."""
        return step in self._save_at

    def until_next(self, step: int) -> int:
        """Return how many steps may be taken until a picture is to be kept."""
        ahead = [later for later in self._in_film | self._save_at if later > step]
        return min(ahead) - step if ahead else np.iinfo(np.int32).max

    def keep(self, step: int, images: np.ndarray, large: np.ndarray | None = None) -> None:
        """Keep pictures in [0, 1], if they are wanted.

        Args:
            step: After how many steps.
            images: For films.
            large: As they are saved; by default the same.
        """
        if step in self._in_film:
            self._kept[step] = as_8_bits(images)
        if step in self._save_at:
            self._saved[step] = as_8_bits(images if large is None else large)

    def finish(self, images: np.ndarray, pixels: np.ndarray) -> None:
        """Take the last pictures, for all steps that an early end has left out, too.

        Args:
            images: For films, in [0, 1].
            pixels: As they are saved, uint8.
        """
        self._last = as_8_bits(images)
        for later in self._save_at - self._saved.keys():
            self._saved[later] = pixels

    def saved_of(self, i: int) -> dict[int, np.ndarray]:
        """Return the single pictures of image i, by step."""
        return {step: self._saved[step][i] for step in sorted(self._save_at)}

    def frames(self, ends: Sequence[int]) -> list[Sequence[np.ndarray]]:
        """Return the frames of each image's film, or nothing where there is none.

        Args:
            ends: After how many steps each image had become what it is.
        """
        if not self._in_film:
            return []
        kept = sorted(self._in_film & self._kept.keys())
        return [[*(self._kept[s][i] for s in kept if s < end), self._last[i]] for i, end in enumerate(ends)]


def morph_frames(
    picture: Callable[[Params], tf.Tensor],
    parameterization: Parameterization,
    params: Params,
    members: int,
    count: int,
    even: bool = False,
) -> list[Sequence[np.ndarray]]:
    """Return, for the first picture of each group, a film through the params of all of them and back.

    Args:
        picture: Params [1, ...] -> the picture, [1, h, w, channels].
        parameterization: What the params are of.
        params: Of the batch.
        members: How many are in a group.
        count: Frames.
        even: Whether each looks equally far from the last; else they are slow at each picture.
    """
    batch, settled = params[0].shape[0], parameterization.settled
    films: list[Sequence[np.ndarray]] = [()] * batch
    for begin in range(0, batch, members):
        group = [tuple(part[begin + i : begin + i + 1] for part in params) for i in range(members)]
        if settled is not None:
            group = [settled(one, i / max(1, members - 1)) for i, one in enumerate(group)]
        at = partial(_at, picture, group, parameterization.mix)
        places = _even(at, len(group) - 1, count) if even else _eased(len(group) - 1, count)
        films[begin] = [at(first, share) for first, share in places]
    return films


def _at(
    picture: Callable[[Params], tf.Tensor],
    group: Sequence[Params],
    mix: Callable[[Params, Params, float], Params],
    first: int,
    share: float,
) -> np.ndarray:
    """Return the frame at a share of the way from a picture of a group to the next."""
    return as_8_bits(picture(mix(group[first], group[first + 1], share))[0].numpy())


def _eased(end: int, count: int) -> Iterator[tuple[int, float]]:
    """Yield where frames are on the way there and back, slow at each picture."""
    for k in range(count):
        along = (1.0 - abs(1.0 - 2.0 * (k / count))) * end
        first = min(int(along), end - 1)
        yield first, float((1.0 - np.cos(np.pi * (along - first))) / 2.0)


def _even(at: Callable[[int, float], np.ndarray], end: int, count: int) -> list[tuple[int, float]]:
    """Return where frames are on the way there and back, each equally far from the last.

    The film is a loop of count steps. The way there has half of them, and one more where count is odd.
    """

    def split(along: float) -> tuple[int, float]:
        first = min(int(along), end - 1)
        return first, along - first

    there, back = (count + 1) // 2, count // 2
    way = even_positions(lambda along: at(*split(along)), there, float(end))
    way_back = way if back == there else even_positions(lambda along: at(*split(along)), back, float(end))
    return [*map(split, [*way, *reversed(way_back[1:-1])])]


def opacity_of(attention: np.ndarray) -> np.ndarray:
    """Return gathered gradients [batch, h, w] as opacity, uint8 [batch, h, w, 1] (Fel et al. 2023).

    Where no gradient reached most of a picture, the most attention in it counts instead of the percentile.
    """
    highest = np.percentile(attention, OPAQUE_FROM, axis=(1, 2), keepdims=True)
    highest = np.where(highest > 0, highest, attention.max(axis=(1, 2), keepdims=True))
    share = np.minimum(attention, highest) / np.maximum(highest, np.finfo(np.float32).tiny)
    return as_8_bits(share)[..., None]
