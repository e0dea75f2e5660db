"""Every kind, set alone and with its defaults, makes a picture of a channel in the network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml

from fvcli.media import read_picture
from fvcli.spec.base import kinds_of
from fvcli.spec.optimizers import Optimizer
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.penalties import AnyPenalty
from fvcli.spec.regularizers import AnyRegularizer
from fvcli.spec.transforms import AnyTransform
from tests.helpers.running import fvcli, write_spec

SIDE_PX, STEPS = 64, 24
NEEDED: dict[str, dict[str, Any]] = {  # keys without a default
    "pad": {"px": 4},
    "jitter": {"px": 4},
    "crop": {"px": 4},
    "scale": {"factors": [0.9, 1.0, 1.1]},
    "rotate": {"degrees": [-5.0, 0.0, 5.0]},
    "decay": {"rate": 0.01},
    "clip_norm": {"percentile": 20.0},
    "clip_contribution": {"percentile": 20.0},
    "generator": {"path": "prior.keras"},
}
TRANSPARENT = {"kind": "fourier", "alpha": True}
LEAST_OF_RISE = 0.1  # of what the recipe makes of the channel
LEAST_CONTRAST = 0.015  # mean standard deviation of the colours


def _piece(kind: str) -> dict[str, Any]:
    return {"kind": kind, **NEEDED.get(kind, {})}


def _variants() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"plain": {}}
    for kind in kinds_of(Parameterization):
        found[f"parameterization-{kind}"] = {"parameterization": _piece(kind)}
    for kind in kinds_of(Optimizer):
        found[f"optimizer-{kind}"] = {"optimizer": _piece(kind)}
    for kind, model in kinds_of(AnyTransform).items():
        alpha = {"parameterization": TRANSPARENT} if model.is_background else {}
        found[f"transforms-{kind}"] = {"transforms": [_piece(kind)], **alpha}
    for kind, model in kinds_of(AnyPenalty).items():
        if model.needs_classes:
            continue
        alpha = {"parameterization": TRANSPARENT} if model.needs_alpha else {}
        found[f"penalties-{kind}"] = {"penalties": [_piece(kind)], **alpha}
    for kind in kinds_of(AnyRegularizer):
        found[f"regularizers-{kind}"] = {"regularizers": [_piece(kind)], "parameterization": "pixel"}
    return found


VARIANTS = _variants()
OF_CLASSES = {"plain": {"penalties": []}} | {
    f"penalties-{kind}": {"penalties": [_piece(kind)]}
    for kind, model in kinds_of(AnyPenalty).items()
    if model.needs_classes
}
UNITS = {
    **{name: f"alone/channel-0003-{name}" for name in VARIANTS},
    **{f"of classes: {name}": f"classes/class_logit-0291-{name}" for name in OF_CLASSES},
}


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a picture of one channel for each kind."""
    folder = tmp_path_factory.mktemp("alone")
    keras.utils.set_random_seed(4)
    code = keras.Input((8,))
    pixels = keras.layers.Dense(8 * 8 * 3, kernel_initializer=keras.initializers.RandomNormal(stddev=0.5))(
        code
    )
    picture = keras.layers.UpSampling2D(8, interpolation="bilinear")(keras.layers.Reshape((8, 8, 3))(pixels))
    keras.Model(code, keras.layers.Activation("sigmoid")(picture)).save(folder / "prior.keras")
    spec = {
        "model": "efficientnet-lite0",
        # without redirected steps, of which each program has a copy of its own to compile
        "render": {"size_px": SIDE_PX, "steps": STEPS, "redirect_steps": 0},
        "jobs": [
            {
                "name": "alone",
                "layer": "block4_expand_bn",
                "channels": [3],
                "variants": [{"name": name, **keys} for name, keys in VARIANTS.items()],
            },
            {
                "name": "classes",
                "objective": "class_logit",
                "classes": [291],
                "variants": [{"name": name, **keys} for name, keys in OF_CLASSES.items()],
            },
        ],
    }
    result = fvcli("render", write_spec(folder, yaml.safe_dump(spec)), "-o", folder / "run")
    assert result.exit_code == 0, result.output
    return folder / "run"


def _rise(run: Path, name: str) -> float:
    sidecar = json.loads((run / f"units/{UNITS[name]}.json").read_text())
    assert (sidecar["status"], sidecar["remarks"]) == ("done", [])
    return float(sidecar["score"]["saved"] - sidecar["score"]["start"])


@pytest.mark.parametrize("name", UNITS)
def test_a_kind_with_its_defaults_makes_a_picture(alone: Path, name: str) -> None:
    plain = "plain" if name in VARIANTS else "of classes: plain"
    assert _rise(alone, name) > LEAST_OF_RISE * _rise(alone, plain)
    pixels = read_picture(alone / f"units/{UNITS[name]}.png")[..., :3] / 255
    assert np.mean(pixels.std(axis=(0, 1))) > LEAST_CONTRAST
