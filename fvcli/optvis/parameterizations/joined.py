"""Params of two parameterizations side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fvcli.optvis.parameterizations.base import Arrays, Parameterization, Params


def joined(first: Parameterization, second: Parameterization) -> dict[str, Any]:
    """Return what a parameterization is given whose params are those of the first, then of the second."""
    count = first.parts

    def initial(streams: Sequence[np.random.Generator]) -> Arrays:
        return (*first.initial(streams), *second.initial(streams))

    def pool(values: Params) -> Params:
        return (*first.pool(values[:count]), *second.pool(values[count:]))

    def focus(done: tf.Tensor) -> tuple[tf.Tensor | float, ...]:
        return (*_focus_of(first, done), *_focus_of(second, done))

    def settled(params: Params, place: float) -> Params:
        return (*_settled(first, params[:count], place), *_settled(second, params[count:], place))

    return {
        "initial": initial,
        "pool": pool,
        "focus": focus if first.focus or second.focus else None,
        "settled": settled if first.settled or second.settled else None,
        "parts": count + second.parts,
    }


def _settled(one: Parameterization, params: Params, place: float) -> Params:
    return one.settled(params, place) if one.settled else params


def _focus_of(one: Parameterization, done: tf.Tensor) -> tuple[tf.Tensor | float, ...]:
    return one.focus(done) if one.focus else (1.0,) * one.parts
