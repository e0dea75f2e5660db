"""Photos as arrays, and the batches in which networks look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from fvcli.media import PictureList, read_pixels
from fvcli.models import ModelFacts
from fvcli.run.cores import cores

BATCH = 16
BATCH_BYTES = 2_000_000_000  # that a network makes of a batch; on every machine: rounding depends on it

Made = TypeVar("Made")


def photo_pixels(
    pictures: PictureList, numbers: Sequence[int], size_px: tuple[int, int], channels: int
) -> np.ndarray:
    """Return photos as uint8 [photos, height, width, channels].

    Args:
        pictures: All of them.
        numbers: Which, in order; see ``fvcli.media.readable_pictures``.
        size_px, channels: What the network takes.

    Raises:
        UsageError: A photo cannot be read any more.
    """
    found = np.empty((len(numbers), *size_px, channels), np.uint8)

    def read(place: int) -> None:
        found[place] = read_pixels(pictures.path(numbers[place]), size_px, channels)

    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(read, range(len(numbers))):
            pass
    return found


def batch_for(facts: ModelFacts, layers: Sequence[str], size_px: tuple[int, int]) -> int:
    """Return how many pictures a network looks at together: 16, or fewer where they take much memory.

    Args:
        facts: Of the network.
        layers: The layers that are asked for.
        size_px: Height and width of what the network computes.
    """
    return max(1, min(BATCH, BATCH_BYTES // max(1, facts.activation_bytes(layers, *size_px))))


def batches_of(pixels: Sequence[np.ndarray] | np.ndarray, count: int = BATCH) -> Iterator[np.ndarray]:
    """Yield pictures in batches of so many; the last one is filled up with the last picture."""
    for begin in range(0, len(pixels), count):
        some = list(pixels[begin : begin + count])
        yield np.stack([*some, *[some[-1]] * (count - len(some))])


def joined(batches: Iterable[Sequence[np.ndarray]], count: int) -> list[np.ndarray]:
    """Return the first so many pictures of each layer, from batches that each have all layers."""
    return [np.concatenate(layer)[:count] for layer in zip(*batches, strict=True)]


def in_lanes(
    batches: Iterator[np.ndarray], function: Callable[[np.ndarray], Made], lanes: int
) -> Iterator[Made]:
    """Yield what a function makes of batches, in order; several are in work at a time.

    Args:
        batches: What it is given.
        function: From a batch.
        lanes: How many are in work.
    """
    with ThreadPoolExecutor(lanes) as pool:
        waiting = []
        for batch in batches:
            waiting.append(pool.submit(function, batch))
            if len(waiting) > lanes:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
