"""Which pictures of a list can be read, by trying it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from fvcli.errors import FvcliError
from fvcli.media.picture_list import PictureList
from fvcli.media.picture_pixels import read_pixels

SMALL_PX = 8, 8
AT_A_TIME = 64
THREADS = 4


class Readable(NamedTuple):
    """Numbers of pictures that can be read, in the order in which they are drawn; why others cannot be."""

    numbers: Sequence[int]
    refused: Sequence[str]


def readable_pictures(pictures: PictureList, most: int) -> Readable:
    """Return the first pictures that can be read, of those that are drawn by their names.

    Args:
        pictures: All of them.
        most: How many are wanted.
    """
    numbers: list[int] = []
    refused: list[str] = []
    order = pictures.drawn(len(pictures))
    with ThreadPoolExecutor(THREADS) as pool:
        for begin in range(0, len(order), AT_A_TIME):
            some = order[begin : begin + AT_A_TIME]
            for number, reason in zip(some, pool.map(lambda n: _why_not(pictures, n), some), strict=True):
                if reason:
                    refused.append(reason)
                else:
                    numbers.append(number)
            if len(numbers) >= most:
                break
    return Readable(numbers[:most], refused)


def _why_not(pictures: PictureList, number: int) -> str:
    try:
        read_pixels(pictures.path(number), SMALL_PX)
    except FvcliError as error:
        return error.message
    return ""
