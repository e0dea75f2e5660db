"""What the network itself says of its input: found out, guessed, or held against what a spec declares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from fvcli.models import ModelChoice, load
from fvcli.models.choice import Preprocessing
from fvcli.models.loaded import guess_preprocessing
from fvcli.models.loaded.guess_preprocessing import Guess
from fvcli.models.loaded.subject import UNIT, Subject
from fvcli.models.zoo.applications import BUILT_IN, TF, TORCH
from fvcli.optvis.calls import Call, CallGraph, Normalization, by_role

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


UNKNOWN_ORDER = "; if it takes BGR, declare channel_order: BGR"
KNOWN_ORDER = ", which takes off the mean of photos in that order"
NOT_READ = Subject(CallGraph(Call("", (), by_role), {}), {}, 3, (8, 8), None)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small network for each of BEGINNINGS, whose biases are not those of a new network."""
    folder = tmp_path_factory.mktemp("begun")
    for name, layers in BEGINNINGS.items():
        keras.utils.set_random_seed(1)
        image = outputs = keras.Input((24, 24, 3))
        for layer in layers():
            outputs = layer(outputs)
        outputs = keras.layers.Conv2D(6, 3, bias_initializer="ones", name="conv")(outputs)
        made = keras.Model(image, keras.layers.BatchNormalization(name="norm")(outputs))
        made.save(folder / f"{name}.keras")
    return folder


@pytest.mark.parametrize(
    ("name", "value_range", "order"),
    [
        ("to_unit", (0.0, 255.0), UNKNOWN_ORDER),
        ("to_sides", (0.0, 255.0), UNKNOWN_ORDER),
        ("from_unit", (0.0, 1.0), UNKNOWN_ORDER),
        ("statistics", (0.0, 255.0), KNOWN_ORDER),
        ("both", (0.0, 255.0), KNOWN_ORDER),
    ],
)
def test_what_scales_the_input_tells_its_range_for_certain(
    begun: Path, name: str, value_range: tuple[float, float], order: str
) -> None:
    facts = load(ModelChoice(path=f"{begun}/{name}.keras")).facts
    assert (facts.preprocessing.value_range, facts.preprocessing.mean) == (value_range, None)
    assert facts.remarks == ()
    (finding,) = facts.findings
    assert finding == (
        f"preprocessing: RGB, from 0 to {value_range[1]:g}, because the network scales its input itself, "
        f"in scaler{order}"
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
    first, head, best, *_ = remarks[0].split("\n    ")
    assert first.startswith("the declared preprocessing (RGB, from 0 to 255) fits badly, with a misfit of ")
    assert head == "misfit of each candidate, where 0 is perfect:"
    assert best.endswith("  RGB, from -1 to 1")


def test_statistics_that_a_normalization_began_with_say_nothing(begun: Path) -> None:
    for value_range in ((0.0, 255.0), (0.0, 0.01)):
        declared = ModelChoice(path=f"{begun}/nothing.keras", value_range=value_range)
        assert load(declared).facts.remarks == ()
    (guessed,) = load(ModelChoice(path=f"{begun}/nothing.keras")).facts.remarks
    assert guessed.startswith("preprocessing guessed without any evidence: RGB, from -1 to 1; declare ")


# ---- which candidate is taken, and how that is told


LOGIT_SCALES = {TF: 0.10, TORCH: 0.26, UNIT: 0.04, BUILT_IN: 3.01}


def with_evidence(monkeypatch: pytest.MonkeyPatch, misfits: dict[Preprocessing, float], by: str) -> Guess:
    """Return the guess for a network of which only the misfits are known."""
    role = ("conv", Normalization(np.ones(1), np.ones(1))) if by == "statistics" else None
    monkeypatch.setattr(Subject, "first_normalization", role)
    monkeypatch.setattr(guess_preprocessing, "misfits", lambda *_: misfits)
    return guess_preprocessing.guess_preprocessing(NOT_READ)


def test_of_equal_logits_the_most_common_is_taken_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    guess = with_evidence(monkeypatch, LOGIT_SCALES, "logits")
    assert guess.preprocessing == TF
    assert guess.reason.splitlines() == [
        "preprocessing guessed: RGB, from -1 to 1, because it is the most common of 3 that fit. The scale of "
        "the logits tells no more, and a difference in misfit below 0.3 says nothing.",
        "    misfit of each candidate, where 0 is perfect:",
        "    0.04  RGB, from 0 to 1",
        "    0.10  RGB, from -1 to 1 (taken)",
        f"    0.26  {TORCH.said(3)}",
        "    3.01  or more: all others",
        f"    {guess_preprocessing.HOW}{guess_preprocessing.OR_BGR}",
    ]


def test_of_statistics_the_smallest_misfit_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    guess = with_evidence(monkeypatch, LOGIT_SCALES, "statistics")
    assert (guess.preprocessing, guess.is_certain) == (UNIT, False)
    assert "    0.04  RGB, from 0 to 1 (taken)" in guess.reason.splitlines()
    sure = with_evidence(monkeypatch, {TF: 0.5, UNIT: 0.02}, "statistics")
    assert (sure.preprocessing, sure.is_certain) == (UNIT, True)
    assert "(misfit 0.02, of others 0.50 or more)" in sure.reason


# ---- untrained


@pytest.mark.parametrize(
    ("bias", "norm", "untrained"), [(0.0, 0.0, True), (0.1, 0.0, False), (0.0, 0.1, False)]
)
def test_a_network_as_it_was_made_is_called_untrained(
    tmp_path: Path, bias: float, norm: float, untrained: bool
) -> None:
    image = keras.Input((24, 24, 3))
    outputs = keras.layers.Conv2D(6, 3, bias_initializer=keras.initializers.Constant(bias))(image)
    moving = keras.initializers.Constant(norm)
    outputs = keras.layers.BatchNormalization(moving_mean_initializer=moving)(outputs)
    keras.Model(image, outputs).save(tmp_path / "new.keras")
    for declared in ({}, {"value_range": (0.0, 1.0)}):
        said = " ".join(load(ModelChoice(path=f"{tmp_path}/new.keras", **declared)).facts.remarks)
        assert said.startswith("these weights look untrained") == untrained


@pytest.mark.parametrize(("scale", "untrained"), [(1e-6, True), (1.0, False)])
def test_logits_that_hardly_differ_are_a_sign_of_random_weights(
    tmp_path: Path, scale: float, untrained: bool
) -> None:
    image = keras.Input((24, 24, 3))
    made = keras.initializers.RandomNormal(stddev=scale, seed=1)
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    outputs = keras.layers.Dense(5, use_bias=False, kernel_initializer=made)(pooled)
    keras.Model(image, outputs).save(tmp_path / "flat.keras")
    loaded = load(ModelChoice(path=f"{tmp_path}/flat.keras", value_range=(0.0, 1.0)))
    assert ("the logits hardly differ" in " ".join(loaded.facts.remarks)) == untrained
    assert (
        any("too little: the preprocessing is wrong" in line for line in loaded.sanity_lines()) == untrained
    )
