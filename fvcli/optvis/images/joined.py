"""Numbers of two parameterizations side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.optvis.images.base import Arrays, Numbers, Parameterization


def joined(first: Parameterization, second: Parameterization) -> dict[str, Any]:
    """Return what a parameterization is given whose numbers are those of the first, then of the second."""
    count = first.parts

    def initial(streams: Sequence[np.random.Generator]) -> Arrays:
        return (*first.initial(streams), *second.initial(streams))

    def pool(values: Numbers) -> Numbers:
        return (*first.pool(values[:count]), *second.pool(values[count:]))

    def focus(done: tf.Tensor) -> tuple[tf.Tensor | float, ...]:
        return (*_focus_of(first, done), *_focus_of(second, done))

    def settled(numbers: Numbers, place: float) -> Numbers:
        return (*_settled(first, numbers[:count], place), *_settled(second, numbers[count:], place))

    return {
        "initial": initial,
        "pool": pool,
        "focus": focus if first.focus or second.focus else None,
        "settled": settled if first.settled or second.settled else None,
        "parts": count + second.parts,
    }


def _settled(one: Parameterization, numbers: Numbers, place: float) -> Numbers:
    return one.settled(numbers, place) if one.settled else numbers


def _focus_of(one: Parameterization, done: tf.Tensor) -> tuple[tf.Tensor | float, ...]:
    return one.focus(done) if one.focus else (1.0,) * one.parts
