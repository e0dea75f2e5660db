"""Feed pictures to the network in batches, decoded ahead of it.

    numbers --decoded by several threads, in order--> uint8 [batch, h, w, channels] --> ...

A file that cannot be read leaves its place in its batch empty, so the others stay where they are.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from fvcli.errors import FvcliError
from fvcli.media import PictureList, read_pixels, sized_pixels
from fvcli.media.movie_reader import read_frames
from fvcli.run.cores import cores

NO_PICTURE = -1  # the number of an empty place
DECODED = 0  # the number of an error that is not one of the system
# A file is not there any more, or its disk is not, or there are too many files open: nothing is known of it.
GONE = {
    errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ETIMEDOUT,
    errno.EHOSTDOWN, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
}  # fmt: skip
BACK = "bring them back and run the same command; finished blocks are kept"
KNOWN_BYTES = 100_000_000  # of pictures that are decoded before they are fed
AHEAD = 2  # batches that are decoded before they are asked for


class Fed(NamedTuple):
    """A batch.

    numbers: int64 [batch], of pictures; -1 for empty places.
    images: uint8 [batch, h, w, channels].
    reasons: Why a picture could not be read, [batch]; empty where it could.
    errors: int64 [batch], the number of the system's error where it is why; 0 elsewhere.
    """

    numbers: np.ndarray
    images: tf.Tensor
    reasons: Sequence[str]
    errors: np.ndarray

    @property
    def is_read(self) -> np.ndarray:
        """Which places have a picture, bool [batch]."""
        has_reason = np.array([bool(reason) for reason in self.reasons])
        is_read: np.ndarray = (self.numbers >= 0) & ~has_reason
        return is_read


def feed(
    pictures: PictureList,
    blocks: Sequence[range],
    batch: int,
    size_px: tuple[int, int],
    channels: int,
    known: Mapping[int, np.ndarray] | None = None,
) -> Iterator[Fed]:
    """Yield batches of the pictures of some blocks, in order; the last batch of each block is filled up.

    Args:
        pictures: The pictures.
        blocks: Numbers of the pictures of each.
        batch: How many are in a batch.
        size_px, channels: What the network takes.
        known: Pictures that are decoded already, by number.
    """
    numbers = [number for block in blocks for number in _filled(block, batch)]
    shape = *size_px, channels
    if pictures.movie is None:
        dataset = _of_files(pictures, numbers, shape, known or {})
    else:
        dataset = _of_frames(pictures, numbers, shape)
    for found, images, reasons, errors in dataset.batch(batch, drop_remainder=True).prefetch(AHEAD):
        said = [reason.decode() for reason in reasons.numpy().tolist()]
        yield Fed(found.numpy(), images, said, errors.numpy())


def _filled(block: range, batch: int) -> list[int]:
    return [*block, *[NO_PICTURE] * (-len(block) % batch)]


def first_readable(
    pictures: PictureList, order: Sequence[int], count: int, size_px: tuple[int, int], channels: int
) -> tuple[list[int], dict[int, np.ndarray]]:
    """Return the first pictures that can be read, in their order, and some of them decoded.

    Args:
        pictures: The pictures; of a film all frames can be read.
        order: Numbers of pictures.
        count: How many are wanted.
        size_px, channels: What the network takes.

    Raises:
        FvcliError: A file is gone, which was there when the pictures were listed.
    """

    def decoded(number: int) -> np.ndarray | None:
        try:
            return read_pixels(pictures.path(number), size_px, channels)
        except FvcliError as error:
            if getattr(error.__cause__, "errno", None) in GONE:
                raise FvcliError(f"{error.message}; it was there before", BACK) from error
            return None

    room = KNOWN_BYTES // (size_px[0] * size_px[1] * channels)
    found: list[int] = []
    known: dict[int, np.ndarray] = {}
    begin = 0
    with ThreadPoolExecutor(cores()) as pool:
        while len(found) < count and begin < len(order):
            some = order[begin : begin + count - len(found)]
            begin += len(some)
            for number, pixels in zip(some, pool.map(decoded, some), strict=True):
                if pixels is not None:
                    found.append(number)
                    if len(known) < room:
                        known[number] = pixels
    return found, known


def _of_files(
    pictures: PictureList,
    numbers: Sequence[int],
    shape: tuple[int, int, int],
    known: Mapping[int, np.ndarray],
) -> tf.data.Dataset:
    empty = np.zeros(shape, np.uint8)

    def decode(number: np.int64) -> tuple[np.ndarray, bytes, np.int64]:
        if number < 0:
            return empty, b"", np.int64(DECODED)
        if int(number) in known:
            return known[int(number)], b"", np.int64(DECODED)
        path = pictures.path(int(number))
        try:
            return read_pixels(path, shape[:2], shape[2]), b"", np.int64(DECODED)
        except FvcliError as error:
            reason = error.message.removeprefix(f"{path}: ").encode("utf-8", "backslashreplace")
            return empty, reason, np.int64(getattr(error.__cause__, "errno", None) or DECODED)

    def decoded(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        image, reason, code = tf.numpy_function(decode, [number], [tf.uint8, tf.string, tf.int64])
        image = tf.ensure_shape(image, shape)
        return number, image, tf.ensure_shape(reason, []), tf.ensure_shape(code, [])

    dataset = tf.data.Dataset.from_tensor_slices(np.array(numbers, np.int64))
    return dataset.map(decoded, num_parallel_calls=cores(), deterministic=True)


def _of_frames(pictures: PictureList, numbers: Sequence[int], shape: tuple[int, int, int]) -> tf.data.Dataset:
    empty = np.zeros(shape, np.uint8)

    def frames() -> Iterator[tuple[int, np.ndarray, bytes, int]]:
        film, at = read_frames(pictures.place), -1
        for number in numbers:
            if number < 0:
                yield number, empty, b"", DECODED
                continue
            while at < number:
                frame, at = next(film), at + 1
            yield number, sized_pixels(Image.fromarray(frame), shape[:2], shape[2]), b"", DECODED

    spec = (
        tf.TensorSpec([], tf.int64),
        tf.TensorSpec(shape, tf.uint8),
        tf.TensorSpec([], tf.string),
        tf.TensorSpec([], tf.int64),
    )
    return tf.data.Dataset.from_generator(frames, output_signature=spec)


def refuse_lost(fed: Fed, pictures: PictureList) -> None:
    """Raise FvcliError if a file of a batch is gone, which was there when the pictures were listed."""
    for number, reason, code in zip(fed.numbers.tolist(), fed.reasons, fed.errors.tolist(), strict=True):
        if code in GONE:
            raise FvcliError(f"{pictures.path(number)}: {reason}; it was there before", BACK)


def refuse_a_lost_disk(place: object, refused: int, pictures: int) -> None:
    """Raise FvcliError if the system refused most of the files of a block, which are hardly all damaged.

    Args:
        place: Where the pictures are.
        refused: How many files the system refused.
        pictures: How many there are in the block.
    """
    if 2 * refused > pictures:
        message = f"{place}: the system refused to read {refused} of {pictures} pictures in a row"
        raise FvcliError(message, BACK)
