"""Ask networks about the pictures of a run and about photos: all that scores are made of, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fvcli.app.collect_examples import ExamplesObserver
from fvcli.app.listed_photos import check_channels
from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.errors import FvcliError, Mistakes, UsageError, command
from fvcli.media import PictureList, pixel_sha256, read_picture
from fvcli.models import ModelChoice, load
from fvcli.models.choice import RANDOM
from fvcli.plan import Program, Unit
from fvcli.plan.terms import canonical
from fvcli.run import RunFolder
from fvcli.run.sidecar import Sidecar
from fvcli.trust.explain import JudgedFeatures
from fvcli.trust.layers import judge_layers, path_layers
from fvcli.trust.measured import Left, Way
from fvcli.trust.noise import noise_pictures
from fvcli.trust.photo_halves import Halves, halves_of, references_of, strongest_of

if TYPE_CHECKING:
    from fvcli.models.loaded.model import LoadedModel
    from fvcli.worker.device import Device
    from fvcli.worker.trust import MeasureUnits


@dataclass(frozen=True)
class ScoredUnit:
    """A unit with a finished picture, and the method by which that was made."""

    unit: Unit
    sidecar: Sidecar
    method: str


@dataclass(frozen=True)
class Named:
    """What a judge with classes says of pictures: its labels, and its logits [pictures, classes]."""

    labels: tuple[str, ...]
    logits: np.ndarray


@dataclass(frozen=True)
class Group:
    """Units that are compiled together.

    places: Of the units among all.
    values: [photos, units], signed objectives.
    left: Of the pictures; photos_left: of each unit's strongest photo.
    ways: Of the units.
    means: Of photos, [photos, channels] of each layer below.
    """

    places: Sequence[int]
    values: np.ndarray
    left: Sequence[Left]
    photos_left: Sequence[Left]
    ways: Sequence[Way]
    means: Sequence[np.ndarray]


@dataclass(frozen=True)
class Measured:
    """All that was asked.

    shows: int [units]: units that show the same by the same recipe, with other seeds or as diverse pictures,
        have one number.
    alike: int [units]: the same by whatever recipe; what has one number is no other unit for each other.
    way_photos: How many photos of each half the ways have.
    judge_sums: SHA-256 of the weights by judge.
    named: Of the judges that have classes.
    labels: The classes of the run's own network.
    untrained: Whether that has random weights.
    """

    halves: Halves
    groups: Sequence[Group]
    shows: np.ndarray
    alike: np.ndarray
    judges: Sequence[JudgedFeatures]
    way_photos: int
    judge_sums: Mapping[str, str]
    named: Mapping[str, Named]
    labels: tuple[str, ...]
    untrained: bool = False


class Measuring:
    """Asks the networks.

    Args:
        run: The run.
        units: Its units that are scored.
        photos, numbers: The list, and which of it are used, in the order in which they were drawn.
        observer: Is told how it goes.
        allow_code: Whether models may be Python factories.
    """

    def __init__(
        self,
        run: RunFolder,
        units: Sequence[ScoredUnit],
        photos: PictureList,
        numbers: Sequence[int],
        observer: ExamplesObserver,
        allow_code: bool,
    ) -> None:
        self._run, self._units, self._observer, self._allow_code = run, units, observer, allow_code
        self._photos, self._numbers = photos, numbers
        self._halves = halves_of(len(numbers))
        self._model: LoadedModel | None = None
        self._device: Device | None = None
        self._judges: dict[str, LoadedModel] = {}

    def load(self, judges: Sequence[ModelChoice]) -> None:
        """Load the run's network and the judges.

        Raises:
            UsageError: The network is not the one of the run, or judges itself; or one of them takes pictures
                that no photo can be: of 2 channels, or of more than 3.
        """
        plan = self._run.plan
        self._observer.said(f"loading {plan.model.called}")
        with importing_tensorflow():
            from fvcli.worker.device import set_up_device

            self._device = set_up_device()
        self._model = load(plan.model, self._allow_code)
        mistakes = Mistakes()
        with mistakes.noted():
            check_channels(self._model.facts)
        rendered = {one.sidecar.weights_sha256 for one in self._units}
        if self._model.facts.weights_sha256 not in rendered:
            message = f"{plan.model.called}: not the weights that {self._run.path} was rendered with"
            mistakes.add(UsageError(message, "bring them back"))
        for choice in judges:
            self._observer.said(f"loading the judge {choice.called}")
            judge = load(choice, self._allow_code)
            with mistakes.noted():
                check_channels(judge.facts)
            if judge.facts.weights_sha256 in rendered:
                message = f"{choice.called} made the pictures, and cannot judge them"
                mistakes.add(UsageError(message, "name other networks with --judge"))
            self._judges[_free_name(judge.facts.name, self._judges)] = judge
        mistakes.refuse()

    def measure(self, run: RunFolder, units: Sequence[ScoredUnit]) -> Measured | None:
        """Return all that is asked, or None if it was stopped.

        Args:
            run, units: As they are by now.

        Raises:
            FvcliError: A picture is not the one that its sidecar is of, or a photo cannot be read any more.
        """
        self._run, self._units = run, units
        pictures = self._seen_pictures()
        steps = self._programs()
        self._observer.began("step", len(steps) + len(self._judges))
        try:
            groups: list[Group] = []
            for places in steps:
                groups.append(self._group(places, pictures))
                self._observer.did(len(groups))
                if self._observer.wants_stop():
                    return None
            judged: list[JudgedFeatures] = []
            named: dict[str, Named] = {}
            for name, judge in self._judges.items():
                features, said = self._judged(name, judge, pictures)
                judged.append(features)
                named |= said
                self._observer.did(len(groups) + len(judged))
                if self._observer.wants_stop():
                    return None
        finally:
            self._observer.ended()
        from fvcli.worker.trust import WAY_PHOTOS

        sums = {name: judge.facts.weights_sha256 for name, judge in self._judges.items()}
        assert self._model is not None  # it was loaded
        return Measured(
            halves=self._halves,
            groups=groups,
            shows=self._shows(by_recipe=True),
            alike=self._shows(by_recipe=False),
            judges=judged,
            way_photos=WAY_PHOTOS,
            judge_sums=sums,
            named=named,
            labels=self._model.facts.labels,
            untrained=self._run.plan.model.weights == RANDOM,
        )

    # ---- units

    def _programs(self) -> list[list[int]]:
        """Return the places of units that are compiled together."""
        found: dict[tuple[Any, ...], list[int]] = {}
        for place, one in enumerate(self._units):
            program = self._program(one)
            size = program.height_px, program.width_px, program.window, program.input_px
            alike = program.terms, program.formula, *size
            found.setdefault(alike, []).append(place)
        return [*found.values()]

    def _program(self, one: ScoredUnit) -> Program:
        return self._run.plan.programs[one.unit.program]

    def _shows(self, by_recipe: bool) -> np.ndarray:
        """Return a number for each unit; equal ones show the same, apart from seed and place in a group.

        Args:
            by_recipe: Whether what has other settings, or begins with another picture, is something else.
        """
        numbers: dict[str, int] = {}
        found = []
        for one in self._units:
            what: list[Any] = [one.unit.sign, [term.facts() for term in one.unit.terms], one.unit.formula]
            if by_recipe:
                settings = self._program(one).settings.model_dump(mode="json", exclude={"seed"})
                what += [one.unit.picture, settings]
            found.append(numbers.setdefault(canonical(what), len(numbers)))
        return np.array(found)

    def _seen_pictures(self) -> list[np.ndarray]:
        from fvcli.worker.trust import seen_pixels

        found = []
        for one in self._units:
            pixels = read_picture(self._run.png(one.unit))
            if pixel_sha256(pixels) != one.sidecar.pixel_sha256:
                message = f"{self._run.png(one.unit)}: not the picture that its sidecar is of"
                raise FvcliError(message, command("status", self._run.path, "--check") + " says more")
            found.append(seen_pixels(self._program(one), pixels))
        return found

    def _group(self, places: Sequence[int], pictures: Sequence[np.ndarray]) -> Group:
        from fvcli.worker.assets import Assets
        from fvcli.worker.trust import WAY_PHOTOS, MeasureUnits, photo_pixels

        assert self._model is not None  # it was loaded
        assert self._device is not None
        units = [self._units[place].unit for place in places]
        program = self._program(self._units[places[0]])
        facts = self._model.facts
        layers = path_layers(facts, [term.layer for term in program.terms])
        ask: MeasureUnits = MeasureUnits(
            program, units, self._model, Assets(self._run, facts.input_channels), self._device, layers
        )
        size_px = program.height_px, program.width_px
        photos = photo_pixels(self._photos, self._numbers, size_px, facts.input_channels)
        values = ask.values(photos)
        chosen = [self._way_photos(values[:, i], WAY_PHOTOS) for i in range(len(units))]
        own = [pictures[place] for place in places]
        return Group(
            places,
            values,
            ask.left(own),
            ask.left([photos[numbers[0]] for numbers in chosen]),
            ask.ways(own, [photos[numbers] for numbers in chosen]),
            ask.means(photos[self._halves.explaining]),
        )

    def _way_photos(self, values: np.ndarray, count: int) -> np.ndarray:
        """Return the places of the photos that a unit's way is compared with."""
        asked = strongest_of(values, self._halves.asking, count)
        return np.concatenate([references_of(values, self._halves, count), asked])

    # ---- judges

    def _judged(
        self, name: str, judge: LoadedModel, pictures: Sequence[np.ndarray]
    ) -> tuple[JudgedFeatures, dict[str, Named]]:
        from fvcli.worker.trust import PooledFeatures, photo_pixels

        assert self._device is not None  # it was set up
        facts = judge.facts
        has_classes = facts.logits is not None and bool(facts.labels)
        layers = judge_layers(facts)
        look = PooledFeatures(judge, layers, self._device, logits=facts.logits if has_classes else None)
        photos = photo_pixels(self._photos, self._numbers, look.size_px, look.channels)
        of_pictures = look(pictures)
        noise = look(noise_pictures(look.size_px, look.channels))
        features = JudgedFeatures(
            name, look(photos)[: len(layers)], of_pictures[: len(layers)], noise[: len(layers)]
        )
        return features, {name: Named(facts.labels, of_pictures[-1])} if has_classes else {}


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    return name if name not in taken else f"{name} ({len(taken) + 1})"
