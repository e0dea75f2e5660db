"""A model as a spec names it, and what a picture goes through before the network sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fvcli.errors import UsageError

IMAGENET, RANDOM = "imagenet", "random"
COLOURS = 3


@dataclass(frozen=True)
class Preprocessing:
    """From a picture in [0, 1] to what a network takes: scaled, then its mean taken off, then divided.

    value_range: what 0 and 1 become first.
    mean, std: one number a channel, in the order of the network's channels.
    channel_order: ``RGB``, or ``BGR``, which turns the channels around first.
    """

    value_range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channel_order: str = "RGB"

    @property
    def ends(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return what the network takes for 0 and for 1, each one number a channel, or one for all."""
        count = max(len(self.mean or (0,)), len(self.std or (0,)))
        mean, std = _spread(self.mean, 0.0, count), _spread(self.std, 1.0, count)
        low, high = (
            tuple((value - m) / s for m, s in zip(mean, std, strict=True)) for value in self.value_range
        )
        return low, high

    def said(self, channels: int) -> str:
        """Say it to people: of other pictures than those in colour without an order."""
        return str(self) if channels == COLOURS else str(self).partition(", ")[2]

    def __str__(self) -> str:
        low, high = self.value_range
        text = f"{self.channel_order}, from {low:g} to {high:g}"
        if self.mean is not None:
            text += f", minus {_listed(self.mean)}"
        return text + (f", divided by {_listed(self.std)}" if self.std is not None else "")


def _spread(values: Sequence[float] | None, otherwise: float, count: int) -> tuple[float, ...]:
    values = (otherwise,) if values is None else tuple(values)
    return values * count if len(values) == 1 else values


def _listed(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"


@dataclass(frozen=True)
class ModelChoice:
    """A model: one of the names that fvcli knows, a file, or a Python function that makes one.

    name, path, factory: Exactly one of them; a factory is ``module:function``.
    weights: ``imagenet`` (a known network's own), ``random``, or the path of a file.
    sha256: What the sum of the file must be.
    size_px: Height and width that the network gets, where it leaves them open.
    input: Which of its inputs takes the picture.
    fill: What its other inputs are filled with; zeros otherwise.
    logits: The layer that class objectives read.
    labels: ``imagenet``, or a text file with a class name a line.
    value_range, mean, std, channel_order: See ``Preprocessing``; what is None is known or guessed.
    data_format: ``channels_first`` or ``channels_last``, where the network does not tell.
    signature: What a SavedModel is asked to compute, where it serves several things.
    """

    name: str | None = None
    weights: str | None = None
    sha256: str | None = None
    path: str | None = None
    factory: str | None = None
    size_px: tuple[int, int] | None = None
    input: str | None = None
    fill: Mapping[str, float] | None = None
    logits: str | None = None
    labels: str | None = None
    value_range: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channel_order: str | None = None
    data_format: str | None = None
    signature: str | None = None

    @property
    def weights_path(self) -> str | None:
        """Return the path of the weights file, or None where they are named otherwise."""
        return None if self.weights in {None, IMAGENET, RANDOM} else self.weights

    @property
    def called(self) -> str:
        """Return how it was named."""
        return str(self.name or self.path or self.factory)

    def preprocessing(self, otherwise: Preprocessing, channels: int) -> Preprocessing:
        """Return what is declared, and for the rest what is given.

        Mean and deviation go with their value range: where one of the three is declared, none of the others
        is taken from what is given.

        Raises:
            UsageError: What is declared does not fit the number of channels.
        """
        for key, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) not in {1, channels}:
                message = f"model.{key}: {len(values)} numbers for {channels} channels"
                raise UsageError(message, f"give one, or {channels}")
        if self.channel_order == "BGR" and channels != COLOURS:
            raise UsageError(f"model.channel_order: BGR with {channels} channels", "leave it out")
        order = self.channel_order or otherwise.channel_order
        if self.declares_values:
            return Preprocessing(self.value_range or (0.0, 1.0), self.mean, self.std, order)
        return Preprocessing(otherwise.value_range, otherwise.mean, otherwise.std, order)

    @property
    def declares_values(self) -> bool:
        return any(value is not None for value in (self.value_range, self.mean, self.std))


def as_pair(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    """Return height and width of a size as specs write it."""
    if size is None or isinstance(size, int):
        return None if size is None else (size, size)
    return (size[0], size[1])
