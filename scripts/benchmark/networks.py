"""The three networks that recipes are compared on, and that judge each other's pictures.

``bn_googlenet_abm.keras`` and ``squeezenet_v10_dc.keras`` are in the folder that FVCLI_TEST_DATA names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from benchmark.units import MODEL
from fvcli.models import ModelChoice
from fvcli.models.zoo.applications import IMAGENET_MEAN, IMAGENET_STD


def networks() -> Mapping[str, ModelChoice]:
    """Return the networks by short names.

    Raises:
        click.UsageError: Their files are not there.
    """
    models = Path(os.environ.get("FVCLI_TEST_DATA", "")) / "models"
    files = {name: models / name for name in ("bn_googlenet_abm.keras", "squeezenet_v10_dc.keras")}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        raise click.UsageError(f"no {', '.join(missing)}: set FVCLI_TEST_DATA to the folder with models/")
    googlenet, squeezenet = map(str, files.values())
    return {
        "lite0": ModelChoice(MODEL),
        "googlenet": ModelChoice(path=googlenet, mean=IMAGENET_MEAN, std=IMAGENET_STD),
        "squeezenet": ModelChoice(
            path=squeezenet, channel_order="BGR", value_range=(0.0, 255.0), mean=(104.0, 117.0, 123.0)
        ),
    }


def model_of_spec(choice: ModelChoice) -> dict[str, Any]:
    """Return what a spec has under ``model:`` for a network."""
    return {key: value for key, value in vars(choice).items() if value is not None}
