"""Stream pictures through the network and write a part for each block.

    feed --batches--> several threads: network, reductions --in order--> tally --at the end of a block--> part

Results are taken in the order of the pictures, whatever thread worked them out. So a part has the same bytes
however many threads there are.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from fvcli.models.loaded.model import LoadedModel
from fvcli.run.examples import layout
from fvcli.run.examples.crops import Crops, crops_of
from fvcli.run.examples.finish import Asked
from fvcli.run.examples.origin import EFFECT_PICTURES, most_cells, with_spare
from fvcli.run.examples.parts import Parts
from fvcli.run.free_memory import free_bytes
from fvcli.worker.device import Device
from fvcli.worker.examples.effects import Effects
from fvcli.worker.examples.feed import DECODED, Fed, feed, first_readable, refuse_a_lost_disk, refuse_lost
from fvcli.worker.examples.layer_maps import LayerMaps
from fvcli.worker.examples.reduce_maps import Reduced
from fvcli.worker.examples.tally import BlockTally, Drawn, LayerTally

ROUNDING_S = 1e-6  # of the time of a frame
PART_OF_MEMORY = 0.5  # of what is free, that batches in flight may take


@dataclass(frozen=True)
class Streaming:
    """What is streamed.

    asked: Which units and pictures.
    drawn: Pictures in the order in which they are drawn for samples.
    blocks: Numbers of the blocks that are to be worked out.
    """

    asked: Asked
    drawn: Sequence[int]
    blocks: Sequence[int]


def stream_blocks(
    parts: Parts,
    streaming: Streaming,
    model: LoadedModel,
    device: Device,
    seen: Callable[[int], None],
    stop: Callable[[], bool],
) -> bool:
    """Work out the parts of blocks that are not there; tell whether it came to the end.

    Args:
        parts: Where they are written.
        streaming: What is streamed.
        model, device: The network, and what computes it.
        seen: Is told how many more pictures were looked at.
        stop: Tells whether to stop; the block in hand is given up then.

    Raises:
        FvcliError: A layer is not finite, pictures are gone, or the disk is full.
    """
    asked, origin = streaming.asked, streaming.asked.origin
    size_px, channels = origin.size_px, asked.units.channels
    facts = model.facts.layers_at(*size_px)
    cells = most_cells(asked.units.count)
    crops = {layer: crops_of(facts[layer], size_px, cells) for layer in channels}
    maps = LayerMaps(model, channels, crops, size_px, origin.batch, device.is_gpu)
    lanes = _lanes(model, maps, device)
    effects = Effects(model, channels, size_px, lanes)
    if effects.by_weights:
        parts.write_effects(effects.by_weights)
    drawn, known = _drawn(streaming, model, effects.need_pictures)
    numbers = [origin.numbers(block) for block in streaming.blocks]
    fed = feed(asked.pictures, numbers, origin.batch, size_px, model.facts.input_channels, known)
    with contextlib.ExitStack() as stack:
        saving = stack.enter_context(_Saving())
        results = stack.enter_context(contextlib.closing(_in_lanes(fed, maps, lanes)))
        for block, pictures in zip(streaming.blocks, numbers, strict=True):
            tally, refused = _new_tally(asked, crops, drawn), 0
            for _ in range(-(-len(pictures) // origin.batch)):
                batch, reduced = next(results)
                refuse_lost(batch, asked.pictures)
                refused += int((batch.errors != DECODED).sum())
                tally.add(batch, reduced, maps)
                seen(int((batch.numbers >= 0).sum()))
                if stop():
                    return False
            refuse_a_lost_disk(asked.pictures.place, refused, len(pictures))
            predicted, scores = effects.of(tally.for_effects)
            saving.save(parts, block, tally, predicted, scores)
    return True


def _drawn(
    streaming: Streaming, model: LoadedModel, for_effects: bool
) -> tuple[Drawn, dict[int, np.ndarray]]:
    """Return which pictures are drawn, and those that are decoded already.

    What is worked out of a picture for groups and effects takes long, so only pictures are drawn for them
    that can be read. For the sample, of which only a value is kept, some more are drawn than are asked for.
    """
    pictures, order = streaming.asked.pictures, streaming.drawn
    count = max(layout.SHOWN, EFFECT_PICTURES if for_effects else 0)
    first, known = list(order[:count]), dict[int, np.ndarray]()
    if pictures.movie is None:
        size_px = streaming.asked.origin.size_px
        first, known = first_readable(pictures, order, count, size_px, model.facts.input_channels)
    effect = first[:EFFECT_PICTURES] if for_effects else []
    sample = frozenset(order[: with_spare(layout.SAMPLE)])
    return Drawn(sample, frozenset(first[: layout.SHOWN]), frozenset(effect)), known


def _new_tally(asked: Asked, crops: dict[str, Crops], drawn: Drawn) -> BlockTally:
    times_s = asked.pictures.times_s
    seconds = np.floor(np.array(times_s) + ROUNDING_S).astype(np.int64) if times_s else None
    layers = [LayerTally(len(asked.units.channels[layer]), crops[layer], seconds) for layer in crops]
    return BlockTally(layers, drawn, asked.pictures.names)


def _lanes(model: LoadedModel, maps: LayerMaps, device: Device) -> int:
    """Return how many batches may be computed at a time, so that they fit into memory."""
    bytes_ = maps.batch * model.facts.activation_bytes(list(maps.channels), *maps.size_px)
    free = free_bytes()
    fit = device.lanes if free is None else int(PART_OF_MEMORY * free / max(1, bytes_))
    return max(1, min(device.lanes, fit))


def _in_lanes(fed: Iterator[Fed], maps: LayerMaps, lanes: int) -> Generator[tuple[Fed, list[Reduced]]]:
    """Yield batches with what is worked out of them, in order; several are in work at a time."""
    waiting: deque[tuple[Fed, Future[list[Reduced]]]] = deque()
    with ThreadPoolExecutor(lanes) as pool:
        try:
            for batch in fed:
                waiting.append((batch, pool.submit(maps.reduce, batch.images)))
                if len(waiting) > lanes:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


class _Saving:
    """Packs and writes a part while the next block is computed, one at a time."""

    def __enter__(self) -> _Saving:
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True)
        if self._last is not None:
            self._last.result()

    def save(
        self, parts: Parts, block: int, tally: BlockTally, predicted: np.ndarray, scores: Sequence[np.ndarray]
    ) -> None:
        """Write a part; waits until the one before is written, and raises what went wrong there."""
        if self._last is not None:
            self._last.result()

        def write() -> None:
            layers = [layer.arrays(effect) for layer, effect in zip(tally.layers, scores, strict=True)]
            parts.write(block, tally.facts(predicted), layers)

        self._last = self._pool.submit(write)
