"""Put the parts of all blocks together, in the order of the blocks: it never matters who made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from fvcli.run.examples import layout
from fvcli.run.examples.arrays import LayerArrays
from fvcli.run.examples.choose import NONE, ranks, shown_of_groups, strongest
from fvcli.run.examples.crops import Crops
from fvcli.run.examples.head import Effect
from fvcli.run.examples.layout import (
    BINS,
    EFFECTS,
    GALLERY,
    GROUPS,
    LOWEST,
    SAMPLE,
    SHOWN,
    TILES,
    TOP,
)
from fvcli.run.examples.origin import EFFECT_PICTURES, Origin
from fvcli.run.examples.parts import BlockFacts, Parts

End = Literal["top", "low"]
AT_A_TIME = 16  # blocks whose candidates are in memory
A_BLOCK = 1000  # places of a block's candidates; it has far fewer


@dataclass(frozen=True)
class Joined:
    """A layer's arrays, and where its units fired in each tile: uint8 [U, T, cells down, cells across]."""

    arrays: LayerArrays
    where: np.ndarray
    effect: Effect | None


class Blocks:
    """The parts of all blocks, and what follows for all layers from which pictures could be read.

    Args:
        parts: All of them must be there.
        origin: What they are of.
        drawn: Pictures in the order in which they are drawn for samples, unreadable ones among them.
        times_s: Of a film when each of its pictures is shown; empty of pictures.
    """

    def __init__(
        self, parts: Parts, origin: Origin, drawn: Sequence[int], times_s: Sequence[float] = ()
    ) -> None:
        self._times_s = np.array(times_s) if len(times_s) else None
        self._parts = parts
        self._origin = origin
        self._facts: list[BlockFacts] = [parts.facts(block) for block in range(origin.blocks)]
        self.read = np.concatenate([facts.read for facts in self._facts])
        self.skipped = [skipped for facts in self._facts for skipped in facts.skipped]
        self.sample = self._first(drawn, SAMPLE, lambda facts: facts.sample)
        self.gallery = self._first(drawn, GALLERY, lambda facts: facts.sample)
        self._shown_from = self._first(drawn, SHOWN, lambda facts: facts.shown)
        self.effect = self._first(drawn, EFFECT_PICTURES, lambda facts: facts.effect)
        self._effects = parts.effects() if parts.has_effects() else {}

    def _first(self, drawn: Sequence[int], count: int, of: Callable[[BlockFacts], np.ndarray]) -> np.ndarray:
        """Return the first pictures that are drawn and could be read, ascending."""
        could = {int(number) for facts in self._facts for number in of(facts)}
        return np.array(sorted([number for number in drawn if number in could][:count]), np.int32)

    def layer(self, number: int, channels: Sequence[int], crops: Crops, classes: int) -> Joined:
        """Return what is known of a layer.

        Args:
            number: Its place among the layers.
            channels: Its units, ascending.
            crops: Its crops.
            classes: How many classes the network knows; 0 if none.
        """
        values = self._joined(number, "sample")[np.isin(self._all("sample"), self.sample)]  # [S, U]
        sums = self._sums(number, crops)
        shown = self._shown(number, values)
        effects = self._effects_of(number, len(channels), classes)
        arrays = LayerArrays(
            channels=np.array(channels, np.int32),
            pictures=shown.numbers,
            values=shown.values,
            boxes=crops.boxes(shown.positions),
            quantiles=np.quantile(values, np.linspace(0, 1, GROUPS + 1), axis=0).T.astype(np.float32),
            **_histogram(values, sums["min"], sums["max"]),
            **sums,
            vectors=_vectors(values[np.isin(self.sample, self.gallery)]),
            gallery=self.gallery,
            effect_classes=effects.classes,
            effects=effects.values,
        )
        return Joined(arrays, shown.where, effects.kind)

    # ---- arrays of all blocks

    def _all(self, name: Literal["sample", "effect"]) -> np.ndarray:
        return np.concatenate([getattr(facts, name) for facts in self._facts])

    def _joined(self, number: int, name: str) -> np.ndarray:
        parts = [self._parts.layer(block, number, [name])[name] for block in range(self._origin.blocks)]
        return np.concatenate(parts)

    def _sums(self, number: int, crops: Crops) -> dict[str, np.ndarray]:
        """Return the sums and extremes over all pictures, added in the order of the blocks."""
        names = ["sum", "positive", "fires", "max", "min"]
        found = self._parts.layer(0, number, names)
        total = {name: found[name].copy() for name in names}
        for block in range(1, self._origin.blocks):
            found = self._parts.layer(block, number, names)
            for name in ("sum", "positive", "fires"):
                total[name] += found[name]
            np.maximum(total["max"], found["max"], out=total["max"])
            np.minimum(total["min"], found["min"], out=total["min"])
        pictures = len(self.read)
        positions = pictures * crops.positions[0] * crops.positions[1]
        return {
            "mean": (total["sum"] / positions).astype(np.float32),
            "max": total["max"],
            "min": total["min"],
            "fires": (total["fires"] / pictures).astype(np.float32),
            "density": (total["positive"] / positions).astype(np.float32),
        }

    # ---- what is shown

    def _shown(self, number: int, values: np.ndarray) -> _Tiles:
        top = self._extreme(number, "top", TOP)
        low = self._extreme(number, "low", LOWEST)
        may_be = np.isin(self.sample, self._shown_from)
        places = shown_of_groups(ranks(values)[may_be], len(values))  # [U, 30]
        middle = self._of_groups(number, values[may_be], places)
        return _Tiles(
            *(
                np.concatenate([getattr(end, name) for end in (top, middle, low)], axis=1)
                for name in ("numbers", "values", "positions", "where")
            )
        )

    def _extreme(self, number: int, end: End, count: int) -> _Tiles:
        """Return the strongest or the weakest pictures of all blocks."""
        best: _Candidates | None = None
        sign = 1 if end == "top" else -1
        for begin in range(0, self._origin.blocks, AT_A_TIME):
            some = range(begin, min(begin + AT_A_TIME, self._origin.blocks))
            found = [self._candidates(number, end, block) for block in some]
            best = _Candidates.joined([*([best] if best is not None else []), *found])
            if self._times_s is None:  # of a film one that is chosen later may push others aside
                best = best.at(strongest(sign * best.values, best.numbers, count))
        assert best is not None  # there is a block
        best = best.at(strongest(sign * best.values, best.numbers, count, self._times_s))
        positions, where = self._of_ends(number, end, best.places)
        values = np.where(best.numbers < 0, np.nan, best.values).astype(np.float32)
        return _Tiles(best.numbers.astype(np.int32), values, positions, where)

    def _candidates(self, number: int, end: End, block: int) -> _Candidates:
        names = [f"{end}_numbers", f"{end}_values"]
        numbers, values = self._parts.layer(block, number, names).values()
        kept = numbers.shape[1]
        places = np.broadcast_to(block * A_BLOCK + np.arange(kept), numbers.shape)
        return _Candidates(numbers, values, places)

    def _of_ends(self, number: int, end: End, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of chosen pictures, and where units fired in them, block by block."""
        positions = np.full(places.shape, NONE, np.int32)
        where: np.ndarray | None = None
        names = [f"{end}_positions", f"{end}_where"]
        for block in range(self._origin.blocks):
            units, tiles = np.nonzero(places // A_BLOCK == block)
            if where is not None and not len(units):
                continue
            found = self._parts.layer(block, number, names)
            if where is None:
                where = np.zeros((*places.shape, *found[names[1]].shape[2:]), np.uint8)
            inside = places[units, tiles] - block * A_BLOCK
            positions[units, tiles] = found[names[0]][units, inside]
            where[units, tiles] = found[names[1]][units, inside]
        assert where is not None  # there is a block
        return positions, where

    def _of_groups(self, number: int, values: np.ndarray, places: np.ndarray) -> _Tiles:
        """Return tiles of pictures by their places among those that groups are shown from."""
        positions = np.full(places.shape, NONE, np.int32)
        where: np.ndarray | None = None
        of_block = self._shown_places
        for block, (own, begin) in enumerate(of_block):
            found = self._parts.layer(block, number, ["shown_positions", "shown_where"])
            if where is None:
                where = np.zeros((*places.shape, *found["shown_where"].shape[2:]), np.uint8)
            inside = places - begin
            units, tiles = np.nonzero((places >= 0) & (inside >= 0) & (inside < len(own)))
            rows = own[inside[units, tiles]]
            positions[units, tiles] = found["shown_positions"][rows, units]
            where[units, tiles] = found["shown_where"][rows, units]
        assert where is not None  # there is a block
        is_none, rows = places < 0, np.maximum(places, 0)
        numbers = self._shown_from[rows] if len(self._shown_from) else np.zeros_like(rows)
        chosen = (
            np.take_along_axis(values.T, rows, axis=1) if len(values) else np.zeros(rows.shape, np.float32)
        )
        return _Tiles(
            np.where(is_none, NONE, numbers).astype(np.int32),
            np.where(is_none, np.nan, chosen).astype(np.float32),
            positions,
            where,
        )

    @cached_property
    def _shown_places(self) -> list[tuple[np.ndarray, int]]:
        """Which rows of what a part shows count, and the place of the first of them among all."""
        found, begin = [], 0
        for facts in self._facts:
            rows = np.nonzero(np.isin(facts.shown, self._shown_from))[0]
            found.append((rows, begin))
            begin += len(rows)
        return found

    # ---- effects

    def _effects_of(self, number: int, units: int, classes: int) -> _Effects:
        if str(number) in self._effects:
            return _ranked(self._effects[str(number)], "weights")
        scores = self._joined(number, "effect") if classes else np.zeros((0, units), np.float32)
        if not scores.size:
            return _no_effects(units)
        counts = np.isin(self._all("effect"), self.effect)
        predicted = np.concatenate([facts.predicted for facts in self._facts])[counts]
        total, seen = np.zeros((classes, units)), np.zeros(classes)
        np.add.at(total, predicted, scores[counts].astype(np.float64))
        np.add.at(seen, predicted, 1)
        mean = total / np.maximum(seen, 1)[:, None]  # 0 for classes that no picture was taken for
        return _ranked(mean.T.astype(np.float32), "gradient x activation")


@dataclass(frozen=True)
class _Candidates:
    """Pictures that may be shown: numbers, values and places in their parts, each [U, M]."""

    numbers: np.ndarray
    values: np.ndarray
    places: np.ndarray

    @classmethod
    def joined(cls, all_: Sequence[_Candidates]) -> _Candidates:
        names = ("numbers", "values", "places")
        return cls(*(np.concatenate([getattr(one, name) for one in all_], axis=1) for name in names))

    def at(self, chosen: np.ndarray) -> _Candidates:
        """Return those at places [U, count] in M, or -1 for none."""
        rows = np.maximum(chosen, 0)
        numbers, values, places = (
            np.take_along_axis(array, rows, axis=1) for array in (self.numbers, self.values, self.places)
        )
        is_none = chosen < 0
        return _Candidates(np.where(is_none, NONE, numbers), values, np.where(is_none, NONE, places))


@dataclass(frozen=True)
class _Tiles:
    """Tiles of U units: numbers, values and positions [U, tiles], where [U, tiles, h, w]."""

    numbers: np.ndarray
    values: np.ndarray
    positions: np.ndarray
    where: np.ndarray


@dataclass(frozen=True)
class _Effects:
    classes: np.ndarray
    values: np.ndarray
    kind: Effect | None


def _no_effects(units: int) -> _Effects:
    shape = units, 2 * EFFECTS
    return _Effects(np.full(shape, NONE, np.int32), np.zeros(shape, np.float32), None)


def _ranked(effects: np.ndarray, kind: Effect) -> _Effects:
    """Return the classes with the greatest effects above 0 and with the least below 0.

    Args:
        effects: float32 [U, classes].
        kind: From what they are.
    """
    found = _no_effects(len(effects))
    most = min(EFFECTS, effects.shape[1])
    order = np.argsort(-effects, axis=1, kind="stable")
    for places, columns in ((slice(0, most), order[:, :most]), (slice(-most, None), order[:, -most:])):
        values = np.take_along_axis(effects, columns, axis=1)
        counts = values > 0 if places.start == 0 else values < 0
        found.classes[:, places] = np.where(counts, columns, NONE)
        found.values[:, places] = np.where(counts, values, 0)
    return _Effects(found.classes, found.values, kind)


def _histogram(values: np.ndarray, least: np.ndarray, greatest: np.ndarray) -> dict[str, np.ndarray]:
    """Count the values [S, U] of each unit in even bins from its least to its greatest value."""
    is_flat = least == greatest
    low = np.where(is_flat, least - np.float32(0.5), least).astype(np.float64)
    high = np.where(is_flat, greatest + np.float32(0.5), greatest).astype(np.float64)
    edges = np.linspace(low, high, BINS + 1, axis=1).astype(np.float32)
    counts = np.zeros((values.shape[1], BINS), np.int64)
    for unit in range(values.shape[1]):
        bins = np.searchsorted(edges[unit], values[:, unit], side="right") - 1
        counts[unit] = np.bincount(bins.clip(0, BINS - 1), minlength=BINS)
    return {"bin_edges": edges, "histogram": counts}


def _vectors(values: np.ndarray) -> np.ndarray:
    """Return values [G, U] less their mean over their standard deviation, float16 [U, G]."""
    if not len(values):
        return np.zeros((values.shape[1], 0), np.float16)
    wide = values.astype(np.float64)
    centred = wide - wide.mean(axis=0)
    deviation = wide.std(axis=0)
    is_flat = values.max(axis=0) == values.min(axis=0)
    return np.where(is_flat, 0, centred / np.where(is_flat, 1, deviation)).T.astype(np.float16)


assert TILES == TOP + GROUPS * layout.OF_GROUP + LOWEST
