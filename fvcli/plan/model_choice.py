"""From a spec's model to the choice that models are loaded by."""

from __future__ import annotations

from dataclasses import replace

from fvcli.models import ModelChoice, Preprocessing
from fvcli.models.choice import as_pair
from fvcli.spec.model import Model


def choice_of(model: Model) -> ModelChoice:
    """Return the choice that a spec names."""
    given = model.model_dump(mode="python")
    return ModelChoice(**{**given, "size_px": as_pair(given["size_px"])})


def with_preprocessing(choice: ModelChoice, preprocessing: Preprocessing) -> ModelChoice:
    """Return a choice with all preprocessing filled in, so that nothing is guessed again."""
    return replace(
        choice,
        value_range=preprocessing.value_range,
        mean=preprocessing.mean,
        std=preprocessing.std,
        channel_order=preprocessing.channel_order,
    )
