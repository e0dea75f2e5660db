"""The photos that excite a unit most, and what they ask of a picture of it.

    folder --network--> score of each photo --> the strongest few --gradient x activation--> targets

The folder is looked at once for all channels of a layer, or all classes, and once for each unit otherwise.
Of all photos only scores are kept, and of these only the best; maps are made of the chosen photos alone. A
unit's targets depend on the unit and the folder, and on nothing that is rendered beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.activations import Activations
from fvcli.optvis.compiled import compiled
from fvcli.optvis.network import Reading
from fvcli.optvis.relevance import Reference, reference_of, relevance, target_of
from fvcli.plan import Program, Unit
from fvcli.plan.terms import canonical
from fvcli.spec.references import References
from fvcli.worker.assets import Assets
from fvcli.worker.builders import Centres, build_objective, names_of_target, unit_arrays

MATCHED_CHANNELS = 64  # of a layer: sorting more takes longer, and they hardly matter
AT_A_TIME = 64  # photos between two looks at whether to stop
Targets = dict[str, np.ndarray]


class EachChannel:
    """T of one picture as of one picture for each channel of a layer: the n-th is asked for channel n.

    Args:
        reading: The network on the picture, a batch of one.
        layer: The layer whose channels they are.
    """

    def __init__(self, reading: Reading, layer: str) -> None:
        self._map = reading(layer)

    def __call__(self, layer: str) -> tf.Tensor:
        """Return the layer's activations, for each of its channels once more."""
        return tf.repeat(self._map, self._map.shape[-1], axis=0)

    def channel(self, layer: str, n: tf.Tensor) -> tf.Tensor:
        """Return the map of each channel, [channels, h, w]."""
        return tf.transpose(self._map[0], [2, 0, 1])


class ReferencePhotos:
    """Chooses the references of units, and makes the inputs of a compiled ascent of them.

    Several threads may ask at a time; the folder is looked at by one of them.

    Args:
        program: Of the units.
        model: The network.
        centres: Central row and column of each layer's map.
        channels: How many each layer has.
        assets: Reads the photos.
        lanes: How many photos are looked at side by side.
    """

    def __init__(
        self,
        program: Program,
        model: LoadedModel,
        centres: Centres,
        channels: dict[str, int],
        assets: Assets,
        lanes: int,
    ) -> None:
        self._program = program
        self._channels = channels
        self._assets = assets
        self._lanes = lanes
        self._size = program.height_px, program.width_px
        self._centres = centres
        self._network = model.network(input_px=program.input_px)
        self._whole = model.network(input_px=program.input_px, is_folded=False)
        self._best: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()
        self._score_one = compiled(self._scores)
        self._score_each = compiled(partial(self._scores, is_each=True))
        self._look = compiled(self._looked_at)

    def targets(
        self,
        program: Program,
        units: Sequence[Unit],
        report: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> Targets | None:
        """Return what units are matched with, by the names that the ascent knows; None if it was stopped.

        Args:
            program: Of the units.
            units: Of a batch.
            report: Is told that the work goes on.
            stopped: Asked now and then.

        Raises:
            UsageError: The photos are not there, or others than were planned with.
        """
        references = program.settings.references
        if references is None:
            return {}
        made: dict[str, Targets] = {}
        for unit in units:
            if (what := _shown(unit)) in made:
                continue
            chosen = self._chosen(references, unit, report, stopped)
            if chosen is None:
                return None
            made[what] = self._targets_of(references, unit, chosen)
        each = [made[_shown(unit)] for unit in units]
        return {name: np.stack([targets[name] for targets in each]) for name in each[0]}

    # ---- which photos

    def _chosen(
        self,
        references: References,
        unit: Unit,
        report: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> list[Path] | None:
        """Return a unit's strongest photos, the strongest first; None if it was stopped."""
        swept = self._swept(unit)
        key = _shown(swept or unit)
        with self._lock:
            photos = self._assets.photos(str(references.photos), str(references.sha256))
            if key not in self._best:
                found = self._strongest(swept or unit, bool(swept), photos, references.count, report, stopped)
                if found is None:
                    return None
                self._best[key] = found
        column = unit.terms[0].index if swept else 0
        return [photos[i] for i in self._best[key][:, column]]

    def _swept(self, unit: Unit) -> Unit | None:
        """Return a unit that stands for all channels of its layer, if the unit is one of these."""
        term = unit.terms[0]
        if len(unit.terms) > 1 or term.index < 0 or term.vector is not None:
            return None
        return replace(unit, terms=(replace(term, index=0),))

    def _strongest(
        self,
        unit: Unit,
        is_each: bool,
        photos: Sequence[Path],
        count: int,
        report: Callable[[float], None],
        stopped: Callable[[], bool],
    ) -> np.ndarray | None:
        """Return the numbers of the photos with the highest scores, int [count, channels], best first."""
        arrays = unit_arrays([unit], self._program, self._channels, self._assets)
        if is_each:
            each = self._channels[unit.terms[0].layer]
            arrays = {name: np.repeat(array, each, axis=0) for name, array in arrays.items()}
            arrays["index"][:, 0] = np.arange(each)
        given = {name: tf.constant(array) for name, array in arrays.items()}
        score = self._score_each if is_each else self._score_one
        best = np.zeros((0, len(arrays["sign"])), np.float32), np.zeros((0, len(arrays["sign"])), np.int64)
        with ThreadPoolExecutor(self._lanes) as pool:
            for begin in range(0, len(photos), AT_A_TIME):
                if stopped():
                    return None
                report(0.0)
                some = photos[begin : begin + AT_A_TIME]
                found = list(pool.map(lambda photo: score(self._read(photo), given).numpy(), some))
                best = best_of(best, np.stack(found), range(begin, begin + len(some)), count)
        return best[1]

    def _read(self, path: Path) -> tf.Tensor:
        return tf.constant(self._assets.photo(path, self._size)[None])

    def _scores(self, image: tf.Tensor, units: dict[str, tf.Tensor], is_each: bool = False) -> tf.Tensor:
        """Return the plain objective of one picture [1, h, w, channels], for each of some units."""
        reading = self._network(image, redirect=False)
        seen = EachChannel(reading, self._program.terms[0].layer) if is_each else Activations(reading, image)
        return build_objective(self._program, self._centres, units)(seen)

    # ---- what they ask for

    def _targets_of(self, references: References, unit: Unit, photos: Iterable[Path]) -> Targets:
        """Return what a unit is matched with, of each layer."""
        layers = references.layers or ()
        arrays = unit_arrays([unit], self._program, self._channels, self._assets)
        given = {name: tf.constant(array) for name, array in arrays.items()}
        said: list[list[Reference]] = [[] for _ in layers]
        for path in photos:
            for of_layer, (acts, relevant) in zip(said, self._look(self._read(path), given), strict=True):
                of_layer.append(reference_of(acts.numpy()[0], relevant.numpy()[0], references.focus))
        targets: Targets = {}
        for layer, of_layer in zip(layers, said, strict=True):
            targets |= zip(names_of_target(layer), target_of(of_layer, MATCHED_CHANNELS), strict=True)
        return targets

    def _looked_at(self, image: tf.Tensor, units: dict[str, tf.Tensor]) -> list[tuple[tf.Tensor, tf.Tensor]]:
        references = self._program.settings.references
        assert references is not None  # or nobody asks
        objective = build_objective(self._program, self._centres, units)
        return relevance(self._whole, objective, image, references.layers or ())


def _shown(unit: Unit) -> str:
    """Return what a unit shows, whatever it is called and whichever of several pictures of it this is."""
    return canonical([unit.sign, unit.formula, [term.facts() for term in unit.terms]])


def best_of(
    best: tuple[np.ndarray, np.ndarray], scores: np.ndarray, numbers: Sequence[int], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest scores and their photos so far; of equal ones the first photo's, and NaN comes last.

    Args:
        best: Scores and numbers of photos so far, [at most count, columns] each, the highest first.
        scores: Of further photos, [photos, columns].
        numbers: Of these photos.
        count: How many are kept.
    """
    known = np.concatenate([best[0], np.where(np.isnan(scores), -np.inf, scores)])
    photos = np.concatenate([best[1], np.repeat(np.array(numbers)[:, None], scores.shape[1], axis=1)])
    order = np.argsort(-known, axis=0, kind="stable")[:count]
    return np.take_along_axis(known, order, axis=0), np.take_along_axis(photos, order, axis=0)
