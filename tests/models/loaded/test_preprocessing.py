"""What the network itself says of its input: found out, guessed, or held against what a spec declares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from fvcli.models import ModelChoice, load

PHOTO_MEAN, PHOTO_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BEGINNINGS: dict[str, Callable[[], list[keras.layers.Layer]]] = {
    "to_unit": lambda: [keras.layers.Rescaling(1 / 255, name="scaler")],
    "to_sides": lambda: [keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaler")],
    "from_unit": lambda: [keras.layers.Rescaling(255.0, name="scaler")],
    "statistics": lambda: [
        keras.layers.Normalization(mean=[124.0, 117.0, 104.0], variance=[3300.0] * 3, name="scaler")
    ],
    "both": lambda: [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Normalization(mean=PHOTO_MEAN, variance=np.square(PHOTO_STD), name="scaler"),
    ],
    "nothing": list,
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small untrained network for each of BEGINNINGS."""
    folder = tmp_path_factory.mktemp("begun")
    for name, layers in BEGINNINGS.items():
        keras.utils.set_random_seed(1)
        image = outputs = keras.Input((24, 24, 3))
        for layer in layers():
            outputs = layer(outputs)
        outputs = keras.layers.Conv2D(6, 3, name="conv")(outputs)
        made = keras.Model(image, keras.layers.BatchNormalization(name="norm")(outputs))
        made.save(folder / f"{name}.keras")
    return folder


@pytest.mark.parametrize(
    ("name", "value_range"),
    [
        ("to_unit", (0.0, 255.0)),
        ("to_sides", (0.0, 255.0)),
        ("from_unit", (0.0, 1.0)),
        ("statistics", (0.0, 255.0)),
        ("both", (0.0, 255.0)),
    ],
)
def test_what_scales_the_input_tells_its_range_for_certain(
    begun: Path, name: str, value_range: tuple[float, float]
) -> None:
    facts = load(ModelChoice(path=f"{begun}/{name}.keras")).facts
    assert (facts.preprocessing.value_range, facts.preprocessing.mean) == (value_range, None)
    assert facts.remarks == ()
    (finding,) = facts.findings
    assert finding == (
        f"preprocessing: RGB, from 0 to {value_range[1]:g}, because the network scales its input itself, "
        "in scaler; if it takes BGR, declare channel_order: BGR"
    )


@pytest.mark.parametrize(
    ("name", "value_range", "said"),
    [
        ("to_unit", (0.0, 1.0), "scaler makes 0 to 0.00392 of black to white"),
        ("to_unit", (-1.0, 1.0), "scaler makes -0.00392 to 0.00392 of black to white"),
        ("to_unit", (0.0, 255.0), ""),
        ("to_sides", (0.0, 1.0), "scaler makes -1 to -0.992 of black to white"),
        ("from_unit", (0.0, 1.0), ""),
        ("from_unit", (0.0, 255.0), "scaler makes 0 to 6.5e+04 of black to white"),
        ("statistics", (0.0, 1.0), "scaler makes -2 to -1.98 of black to white"),
        ("both", (0.0, 1.0), "scaler makes -1.99 to -1.97 of black to white"),
        ("both", (0.0, 255.0), ""),
        ("nothing", (0.0, 255.0), ""),
        ("nothing", (0.0, 1.0), ""),
    ],
)
def test_a_declared_range_that_contradicts_what_scales_the_input_is_remarked_on(
    begun: Path, name: str, value_range: tuple[float, float], said: str
) -> None:
    facts = load(ModelChoice(path=f"{begun}/{name}.keras", value_range=value_range)).facts
    assert facts.preprocessing.value_range == value_range
    assert len(facts.remarks) == bool(said)
    assert said in " ".join(facts.remarks)
    assert ("contradicts the network" in " ".join(facts.remarks)) == bool(said)


@pytest.fixture(scope="module")
def trained(begun: Path) -> Path:
    """The network without a scaler, whose statistics are those of photos from -1 to 1."""
    model = keras.models.load_model(begun / "nothing.keras")
    noise = np.random.default_rng(2).normal(0.0, 0.5, (16, 24, 24, 3)).clip(-1, 1).astype(np.float32)
    smooth = np.cumsum(np.cumsum(noise, axis=1), axis=2) / 12
    seen = model.get_layer("conv")(smooth).numpy()
    norm = model.get_layer("norm")
    gamma, beta, _, _ = norm.get_weights()
    norm.set_weights([gamma, beta, seen.mean((0, 1, 2)), seen.var((0, 1, 2))])
    model.save(begun / "trained.keras")
    return begun / "trained.keras"


def test_statistics_of_training_are_held_against_what_is_declared(trained: Path) -> None:
    remarks = load(ModelChoice(path=str(trained), value_range=(0.0, 255.0))).facts.remarks
    assert "the declared preprocessing (RGB, from 0 to 255) fits badly" in remarks[0]


def test_statistics_that_a_normalization_began_with_say_nothing(begun: Path) -> None:
    for value_range in ((0.0, 255.0), (0.0, 0.01)):
        declared = ModelChoice(path=f"{begun}/nothing.keras", value_range=value_range)
        assert load(declared).facts.remarks == ()
    (guessed,) = load(ModelChoice(path=f"{begun}/nothing.keras")).facts.remarks
    assert guessed.startswith("preprocessing guessed without any evidence: RGB, from -1 to 1; declare ")
