"""Open files of pictures and numbers that nobody has looked at yet."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError

import numpy as np
from PIL import Image, UnidentifiedImageError

from fvcli.errors import UsageError
from fvcli.media.formats import HEIC_SUFFIXES, hint_for, readable_formats

MAX_PIXELS = 50_000_000
# What Pillow's readers raise, beside OSError, on files that are not as they should be.
BROKEN = (ValueError, SyntaxError, EOFError, LookupError, RuntimeError, struct.error)
SIZE_HINT = "scale it down, or cut out the part that matters"


@contextmanager
def odd_metadata() -> Iterator[None]:
    """Say nothing of metadata that are not as they should be: they change no pixel.

    It must not stay open over a yield, because it changes what the whole process warns of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """Open a picture file; what goes wrong while it is open is said in one line, too.

    Raises:
        UsageError: The file cannot be read, is no picture, is damaged, or is too large.
    """
    try:
        with _opened(path) as image:
            check_size(path, image.height, image.width)
            yield image
    except UnidentifiedImageError as error:
        raise _no_picture(path) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path) from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or f'damaged ({error})'}") from error
    except BROKEN as error:
        raise UsageError(f"{path}: damaged, or of a kind that cannot be read ({error})") from error


def open_array(path: Path) -> np.ndarray:
    """Map a .npy file into memory, without reading its numbers; nothing in it is run.

    Raises:
        UsageError: The file cannot be read, is something else, or shorter than it says.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, OverflowError, TypeError, TokenError) as error:  # the last: of its head
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise UsageError(
            f"{path}: not a readable .npy file ({reason})", "write it with numpy.save"
        ) from error


def check_size(path: Path, height_px: int, width_px: int) -> None:
    """Refuse pictures that would need gigabytes as numbers.

    Raises:
        UsageError: There are more than 50 million pixels.
    """
    if height_px * width_px > MAX_PIXELS:
        raise _too_large(path)


@odd_metadata()
def _opened(path: Path) -> Image.Image:
    return Image.open(path, formats=readable_formats())


def _no_picture(path: Path) -> UsageError:
    suffix = path.suffix.lower()
    hint = hint_for({suffix}) if suffix in {*HEIC_SUFFIXES, ".avif"} else "give a PNG, JPEG, WebP or TIFF"
    return UsageError(f"{path}: not a picture that can be read", hint)


def _too_large(path: Path) -> UsageError:
    return UsageError(f"{path}: more than {MAX_PIXELS // 1_000_000} million pixels", SIZE_HINT)
