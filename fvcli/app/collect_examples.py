"""Collect dataset examples of the units of a run: which pictures excite them, how much and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fvcli.app.describe_model import describe_model
from fvcli.app.link_units import lacks_links, link_units
from fvcli.app.listed_photos import check_channels, listed_photos
from fvcli.app.plan_spec import PlannedSpec
from fvcli.app.prepare_run import prepare_run
from fvcli.app.render_run import Observer
from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.errors import FvcliError, Mistakes, UsageError, before_any_work
from fvcli.media import PictureClasses, PictureList, classes_of
from fvcli.models import ModelFacts, load
from fvcli.plan import Plan
from fvcli.run import RunFolder
from fvcli.run.examples import ChosenUnits, chosen_units, read_examples
from fvcli.run.examples.finish import Asked, finish, finished_origin
from fvcli.run.examples.layout import SAMPLE, examples_folder
from fvcli.run.examples.origin import BLOCK, Origin, units_digest, with_spare
from fvcli.run.examples.parts import Parts, forget_examples, other_origin

if TYPE_CHECKING:
    from fvcli.models.loaded.model import LoadedModel
    from fvcli.worker.device import Device


@dataclass(frozen=True)
class ExamplesOptions:
    """How examples are collected.

    labels: A table of classes.
    shard: Which slice of the blocks of how many, from 1; None for all.
    again: Whether examples that are there are removed first.
    block: How many pictures are one part; a part is lost if it is stopped meanwhile.
    allow_code: Whether the model may be a Python factory.
    """

    labels: Path | None = None
    shard: tuple[int, int] | None = None
    again: bool = False
    block: int = BLOCK
    allow_code: bool = False


@dataclass(frozen=True)
class ExamplesOutcome:
    """What has become of it.

    run: The run's folder.
    is_finished: Whether all is there; False if it was stopped, or if blocks of other shards are missing.
    was_finished: Whether it was all there before.
    stopped: Whether the observer wanted it to stop.
    blocks, blocks_there: How many blocks of pictures there are, and how many are worked out.
    units: How many units have examples.
    pictures, skipped: How many were read, and how many could not be; 0 while it is not finished.
    """

    run: Path
    is_finished: bool
    was_finished: bool = False
    stopped: bool = False
    blocks: int = 0
    blocks_there: int = 0
    units: int = 0
    pictures: int = 0
    skipped: int = 0


class ExamplesObserver:
    """Is told how it goes. This one does not heed it; others override what they need."""

    def said(self, text: str) -> None:
        """Hear a line for people."""

    def began(self, what: str, total: int) -> None:
        """Hear of what so many are to be made or looked at."""

    def did(self, count: int) -> None:
        """Hear how many of them are done by now."""

    def ended(self) -> None:
        """Hear that nothing more is done, for whatever reason."""

    def wants_stop(self) -> bool:
        """Tell whether to stop."""
        return False


def collect_examples(
    source: PlannedSpec | Path,
    output: Path,
    images: Path,
    options: ExamplesOptions | None = None,
    observer: ExamplesObserver | None = None,
) -> ExamplesOutcome:
    """Work out the dataset examples of a run, or go on with them.

    Args:
        source: A planned spec, of which the run is prepared; or the folder of a run that is there.
        output: The run's folder, or its address.
        images: A folder of pictures, a list of paths, or a film.
        options: How.
        observer: Is told how it goes.

    Raises:
        UsageError: What is wrong with the run, the pictures or the labels, all of it at once; nothing was
            written.
        FvcliError: The model cannot be loaded, no picture could be read, or the disk is full.
    """
    options, observer = options or ExamplesOptions(), observer or ExamplesObserver()
    plan, facts = _plan_and_facts(source, options)
    asked = asked_for(plan, facts, images, options)
    for remark in (asked.units.remark(), asked.pictures.remark, asked.classes.remark):
        if remark:
            observer.said(f"Note: {remark}")
    collecting = _Collecting(output, plan, asked, options, observer)
    if not options.again and _is_finished(output, asked):
        mended = collecting.mend_links()
        there = ExamplesOutcome(output, is_finished=True, was_finished=not mended, units=asked.units.count)
        return _counted(there) if mended else there
    collecting.load()
    if isinstance(source, PlannedSpec):
        prepare_run(source, output, observer=_OnlyRemarks(observer))
    if options.again:
        forget_examples(output)
    with RunFolder.join(output):
        return collecting.collect()


class _OnlyRemarks(Observer):
    """Passes on what is said while a run is prepared."""

    def __init__(self, observer: ExamplesObserver) -> None:
        self._observer = observer

    def said(self, text: str) -> None:
        self._observer.said(text)


# ---- what is asked for


def _plan_and_facts(source: PlannedSpec | Path, options: ExamplesOptions) -> tuple[Plan, ModelFacts]:
    if isinstance(source, PlannedSpec):
        return source.plan, source.facts
    run = RunFolder.read(source)
    with before_any_work():
        return run.plan, run.facts() or describe_model(run.plan.model, options.allow_code)


def asked_for(plan: Plan, facts: ModelFacts, images: Path, options: ExamplesOptions) -> Asked:
    """Return what is asked for.

    Raises:
        UsageError: All that is wrong with it.
    """
    mistakes = Mistakes()
    units = chosen_units(plan)
    pictures, classes = PictureList(images, images, ()), PictureClasses()
    with mistakes.noted():
        _check_units(units, facts)
    with mistakes.noted():
        pictures = listed_photos(images)
        with mistakes.noted():
            classes = classes_of(pictures, options.labels)
    if options.labels is not None and not pictures.names and not options.labels.is_file():
        mistakes.add(UsageError(f"{options.labels}: no such file", "give a .csv file"))
    if options.again and options.shard is not None:
        message = "--again would remove what other shards have worked out"
        mistakes.add(UsageError(message, "give it without --shard"))
    mistakes.refuse()
    return Asked(facts, units, pictures, classes, _origin(facts, units, pictures, classes, options.block))


def _check_units(units: ChosenUnits, facts: ModelFacts) -> None:
    if not units.count:
        raise UsageError(
            "no unit of this plan reads one channel of one layer, so there is nothing to find examples of",
            "add a job such as {name: textures, layer: NAME, channels: 0-15}",
        )
    check_channels(facts)


def _origin(
    facts: ModelFacts, units: ChosenUnits, pictures: PictureList, classes: PictureClasses, block: int
) -> Origin:
    return Origin(
        units=units_digest(units),
        weights_sha256=facts.weights_sha256,
        preprocessing=str(facts.preprocessing),
        size_px=facts.native_size_px,
        pictures=len(pictures),
        names=pictures.digest,
        fps=pictures.movie.fps if pictures.movie is not None else 0.0,
        classes=classes.digest,
        block=block,
    )


def _is_finished(run: Path, asked: Asked) -> bool:
    """Tell whether examples are finished.

    Raises:
        UsageError: What is there, finished or not, is of something else.
    """
    with before_any_work():
        finished, begun = finished_origin(run), Parts(run).origin()
    for place, there in ((examples_folder(run), finished), (Parts(run).folder, begun)):
        if there is not None and there != asked.origin:
            raise other_origin(place, there, asked.origin)
    return finished is not None


# ---- work


class _Collecting:
    """Works out what is missing.

    Args:
        run: The run's folder.
        plan: Its plan.
        asked: What is asked for.
        options: How.
        observer: Is told how it goes.
    """

    def __init__(
        self, run: Path, plan: Plan, asked: Asked, options: ExamplesOptions, observer: ExamplesObserver
    ) -> None:
        self._run, self._plan, self._asked = run, plan, asked
        self._options, self._observer = options, observer
        self._parts = Parts(run)
        self._stream: Callable[[Sequence[int]], bool] | None = None
        self._model: LoadedModel | None = None

    @property
    def _missing(self) -> list[int]:
        """The blocks of this shard that are not worked out."""
        there = set() if self._options.again else self._parts.there()
        index, count = self._options.shard or (1, 1)
        blocks = range(self._asked.origin.blocks)[index - 1 :: count]
        return [block for block in blocks if block not in there]

    def load(self) -> None:
        """Load the network, if any block is missing.

        Raises:
            UsageError: It is not the one of the run.
        """
        if not self._missing:
            return
        model, device = self._loaded()
        from fvcli.worker.examples import Streaming, stream_blocks

        observer = self._observer

        def stream(blocks: Sequence[int]) -> bool:
            streaming = Streaming(self._asked, self._drawn, blocks)
            done = 0

            def seen(count: int) -> None:
                nonlocal done
                done += count
                observer.did(done)

            return stream_blocks(self._parts, streaming, model, device, seen, observer.wants_stop)

        self._stream, self._model = stream, model

    def _loaded(self) -> tuple[LoadedModel, Device]:
        """Return the network, and what it is computed on.

        Raises:
            UsageError: It is not the one of the run.
        """
        self._observer.said(f"loading {self._plan.model.called}")
        with importing_tensorflow():
            from fvcli.worker.device import set_up_device

            device = set_up_device()
        model = load(self._plan.model, self._options.allow_code)
        if model.facts.weights_sha256 != self._asked.facts.weights_sha256:
            message = f"{self._plan.model.called}: not the weights that {self._run} was made with"
            raise UsageError(message, "bring them back, or make another run")
        return model, device

    def mend_links(self) -> bool:
        """Find the weights between units anew if a run with finished examples lacks them (``lacks_links``).

        Returns:
            Whether it lacked them.

        Raises:
            UsageError: The network is not the one of the run.
        """
        run = RunFolder.read(self._run)
        if not lacks_links(run):
            return False
        model, _ = self._loaded()
        with RunFolder.join(self._run):
            self._link_units(run, model)
        return True

    @property
    def _drawn(self) -> list[int]:
        return self._asked.pictures.drawn(with_spare(SAMPLE))

    def collect(self) -> ExamplesOutcome:
        """Work out the blocks that are missing, and finish if all are there then."""
        origin, observer = self._asked.origin, self._observer
        self._parts.begin(origin)
        try:
            run = RunFolder.read(self._run)
            if self._model is not None and lacks_links(run):
                self._link_units(run, self._model)
            missing = self._missing
            if missing and self._stream is not None:
                observer.began("picture", sum(len(origin.numbers(block)) for block in missing))
                self._stream(missing)
            if observer.wants_stop() or len(self._parts.there()) < origin.blocks:
                return self._outcome(stopped=observer.wants_stop())
            return self._finished()
        finally:
            observer.ended()

    def _link_units(self, run: RunFolder, model: LoadedModel) -> None:
        """Find the weights between the units of the run, too."""
        self._observer.said("looking up the weights between units")
        link_units(run, model)

    def _finished(self) -> ExamplesOutcome:
        what = ""

        def told(kind: str, done: int, total: int) -> None:
            nonlocal what
            if kind != what:
                what = kind
                self._observer.began(kind, total)
            self._observer.did(done)

        try:
            done = finish(self._run, self._asked, self._drawn, told, self._observer.wants_stop)
        except FvcliError:
            if finished_origin(self._run) != self._asked.origin:
                raise
            done = True  # another process has finished it, and removed the parts
        return self._outcome(is_finished=done, stopped=not done)

    def _outcome(self, *, is_finished: bool = False, stopped: bool = False) -> ExamplesOutcome:
        origin = self._asked.origin
        found = ExamplesOutcome(
            self._run,
            is_finished,
            stopped=stopped,
            blocks=origin.blocks,
            blocks_there=origin.blocks if is_finished else len(self._parts.there()),
            units=self._asked.units.count,
        )
        return _counted(found) if is_finished else found


def _counted(outcome: ExamplesOutcome) -> ExamplesOutcome:
    examples = read_examples(outcome.run)
    assert examples is not None  # it is finished
    return replace(outcome, pictures=examples.head.pictures, skipped=examples.head.skipped)
