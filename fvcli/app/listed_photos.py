"""The photos that a command is given: a folder, a list, a film; never the pictures of a run themselves."""

from __future__ import annotations

from pathlib import Path

from fvcli.errors import UsageError, before_any_work, command
from fvcli.media import PictureList, list_pictures
from fvcli.models import ModelFacts
from fvcli.run import layout
from fvcli.run.examples import read_examples

READABLE_CHANNELS = (1, 3)


def check_channels(facts: ModelFacts) -> None:
    """Refuse a network whose pictures are no photos.

    Raises:
        UsageError: It takes pictures of other channels than 1 or 3.
    """
    if facts.input_channels not in READABLE_CHANNELS:
        message = f"{facts.name} takes pictures of {facts.input_channels} channels"
        raise UsageError(message, "files of pictures have 3, or 1 for a network of grey pictures")


def listed_photos(images: Path) -> PictureList:
    """Return what a place names.

    Args:
        images: As for ``list_pictures``.

    Raises:
        UsageError: It cannot be read, or is a run or in one, whose pictures were made and not taken.
    """
    run = _run_around(images)
    if run is not None:
        where = "a run" if run == images else f"in the run {run}"
        raise UsageError(f"{images}: it is {where}, whose pictures are no photos", "give a folder of photos")
    return list_pictures(images)


def photos_or_those_of_examples(images: Path) -> PictureList:
    """Return what a place names; of a run with examples the pictures that these are of.

    Args:
        images: As for ``listed_photos``, or the folder of a run.

    Raises:
        UsageError: It cannot be read, or the run has no examples, or they are of pictures that are not where
            they were, or have changed.
    """
    if _run_around(images) != images:
        return listed_photos(images)
    with before_any_work():
        examples = read_examples(images)
    if examples is None:
        finds = command("examples", images, "--images", "DIR")
        raise UsageError(
            f"{images}: a run without examples", f"give the folder of the photos, or first: {finds}"
        )
    head, give = examples.head, "give the folder of these photos"
    if not head.images_path:
        raise UsageError(f"{images}: its examples do not say where their pictures ({head.images}) are", give)
    place = Path(head.images_path)
    if not place.exists():
        raise UsageError(f"{images}: its examples are of {place}, which is not here", give)
    photos = listed_photos(place)
    if head.origin is None or photos.digest != head.origin.names:
        message = f"{images}: {place} has other pictures now than its examples are of"
        raise UsageError(
            message, f"{give}, or first: {command('examples', images, '--images', place, '--again')}"
        )
    return photos


def _run_around(place: Path) -> Path | None:
    """Return the run that a folder is, or is in."""
    if not place.is_dir():
        return None
    absolute = place.absolute()
    for folder in (absolute, *absolute.parents):
        if (folder / layout.PLAN).is_file() and (folder / layout.UNITS).is_dir():
            return place if folder == absolute else folder
    return None
