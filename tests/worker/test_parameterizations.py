"""Parameterizations that are built of a program's settings: their options, and what is read of files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fvcli.errors import FvcliError, UsageError
from fvcli.media.file_facts import file_sha256
from fvcli.models import ModelFacts
from fvcli.optvis import parameterizations
from fvcli.optvis.parameterizations import Parameterization
from fvcli.optvis.streams import stream
from fvcli.spec import parameterizations as of_spec
from fvcli.worker.parameterizations import _generator, build_parameterization
from tests.helpers.plans import plan_of

SIZE = (40, 64)


def built(
    facts: ModelFacts, image: Any, channels: int = 3, assets: Any = None, **job: Any
) -> Parameterization:
    """Build the parameterization of a job on pictures of 40 x 64 pixels."""
    kept = {"name": "a", "layer": "stem_bn", "channels": [0], "size_px": list(SIZE), "transforms": []}
    (program,) = plan_of(facts, [kept | {"parameterization": image} | job]).programs
    return build_parameterization(program, channels, assets)


def assert_same(made: Parameterization, expected: Parameterization, batch: int = 2) -> None:
    """Check that two have the same numbers at the start, and make the same picture of larger ones."""
    streams = [[stream(i) for i in range(batch)] for _ in range(2)]
    numbers, others = made.initial(streams[0]), expected.initial(streams[1])
    assert len(numbers) == len(others)
    for array, other in zip(numbers, others, strict=True):
        np.testing.assert_array_equal(array, other)
    params = tuple(tf.constant(array * 20) for array in numbers)
    np.testing.assert_array_equal(made.to_image(params), expected.to_image(params))
    assert made.transparent == expected.transparent


# ---- of a grid


FOURIER = {"decay_power": 0.5, "coarse_until": 0.5, "coarse_from": 0.2}


@pytest.mark.parametrize("channels", [1, 3])
def test_options_of_a_grid_reach_its_parameterization(facts: ModelFacts, channels: int) -> None:
    shared = {"decorrelate": False, "std": 0.25, "squash": "clip"}
    for kind, more in (("pixel", {}), ("laplacian", {"levels": 2}), ("fourier", FOURIER)):
        make = getattr(parameterizations, kind)
        made = built(facts, {"kind": kind, **shared, **more}, channels)
        assert_same(made, make(*SIZE, channels, **shared, **more))
    focus = made.focus(tf.constant([0.25]))
    assert float(tf.reduce_min(focus[0])) < 1.0  # of frequencies that come later


def test_opacity_is_a_picture_of_one_channel_beside_the_colours(facts: ModelFacts) -> None:
    made = built(facts, {"kind": "pixel", "alpha": True, "std": 0.25, "squash": "clip"})
    colours, opacity = made.initial([stream(0)])
    assert (colours.shape, opacity.shape) == ((1, *SIZE, 3), (1, *SIZE, 1))
    image = made.to_image((tf.constant(colours), tf.constant(np.full_like(opacity, 0.25))))
    assert image.shape == (1, *SIZE, 4)
    np.testing.assert_allclose(image[..., 3], 0.75)
    assert made.transparent


@pytest.mark.parametrize("alpha", [False, True])
def test_a_group_shares_coarse_parts(facts: ModelFacts, alpha: bool) -> None:
    """Of 5 and 3 pixels on the longer side, and two of 2 pixels between which the group goes over."""
    options = {"std": 0.25, "squash": "clip", "decorrelate": False}
    image = {"kind": "pixel", **options, "alpha": alpha, "shared": {"sides_px": [5, 3], "ends_px": [2]}}
    made = built(facts, image, diversity={"count": 2})
    numbers = made.initial([stream(i) for i in range(4)])
    shapes = [(4, *SIZE, 3), (4, 1, 3, 5, 3), (4, 1, 2, 3, 3), (4, 2, 1, 2, 3), (4, *SIZE, 1)]
    assert [array.shape for array in numbers] == shapes[: 5 if alpha else 4]
    for part in numbers[1:4]:
        np.testing.assert_array_equal(part[0], part[1])
        assert (part[0] != part[2]).any()
        assert 0.05 < part.std() < 0.5
    parts = [np.zeros_like(part) for part in numbers]
    parts[1][:2], parts[3][:2, 1] = 0.125, 0.25
    image = made.to_image(tuple(map(tf.constant, parts)))
    greys = [0.625, 0.875, 0.5, 0.5]  # the second one of a group has all of the second end
    np.testing.assert_allclose(image[..., :3], np.ones((4, *SIZE, 3)) * np.reshape(greys, (4, 1, 1, 1)))


# ---- others


def test_options_of_a_cppn_reach_it(facts: ModelFacts) -> None:
    options = {"layers": 2, "width": 5, "activation": "composite"}
    assert_same(built(facts, {"kind": "cppn", **options}), parameterizations.cppn(*SIZE, 3, **options))
    assert built(facts, {"kind": "cppn", **options}, channels=1).to_image(
        tuple(map(tf.constant, parameterizations.cppn(*SIZE, 1, **options).initial([stream(0)])))
    ).shape == (1, *SIZE, 1)


def test_options_of_an_untrained_network_reach_it(facts: ModelFacts) -> None:
    options = {"channels": (4, 8), "skip_channels": 2, "input_channels": 3, "input_std": 0.5}
    made = built(facts, {"kind": "deep_image_prior", **options, "decorrelate": False})
    assert_same(made, parameterizations.deep_image_prior(*SIZE, 3, **options, decorrelate=False))
    of_one = built(facts, {"kind": "deep_image_prior", "channels": [4]}, channels=1)
    assert_same(of_one, parameterizations.deep_image_prior(*SIZE, 1, channels=(4,)))


def test_maco_falls_off_as_asked_or_has_the_spectrum_of_a_folder(facts: ModelFacts, tmp_path: Path) -> None:
    made = built(facts, {"kind": "maco", "decay_power": 0.5})
    assert_same(made, parameterizations.maco(*SIZE, 3, decay_power=0.5))
    spectrum = np.random.default_rng(0).uniform(0.5, 2.0, (3, 8, 5)).astype(np.float32)
    asked: list[Any] = []
    assets = SimpleNamespace(spectrum=lambda *what: asked.append(what) or spectrum)
    image = of_spec.Maco(kind="maco", spectrum="photos", sha256="ab" * 32)
    program: Any = SimpleNamespace(
        height_px=SIZE[0], width_px=SIZE[1], window=None, members=1,
        settings=SimpleNamespace(parameterization=image),
    )  # fmt: skip
    made = build_parameterization(program, 3, assets)
    assert_same(made, parameterizations.maco(*SIZE, 3, spectrum=spectrum))
    assert asked == [("photos", "ab" * 32)]


# ---- generators


def save_generator(path: Path, codes: tuple[int | None, ...] = (4,), colours: int = 3) -> Path:
    """Save a network that makes a picture of 2 x 2 pixels of a code, and drops some numbers in training."""
    code = keras.Input(codes)
    flat = keras.layers.Flatten()(code) if None not in codes else keras.layers.GlobalAveragePooling1D()(code)
    dense = keras.layers.Dropout(0.5)(keras.layers.Dense(4 * colours, use_bias=False)(flat))
    keras.Model(code, keras.layers.Reshape((2, 2, colours))(dense)).save(path)
    return path


def generator_of(path: Path, **options: Any) -> Parameterization:
    given = {"kind": "generator", "path": str(path), "sha256": file_sha256(path)} | options
    return _generator(of_spec.Generator(**given), SIZE)


def test_codes_of_a_generator_have_its_shape_and_are_kept_within_bounds(tmp_path: Path) -> None:
    made = generator_of(save_generator(tmp_path / "g.keras", (2, 3)), std=4.0, bound=2.0)
    (codes,) = made.initial([stream(i) for i in range(200)])
    assert codes.shape == (200, 2, 3)
    assert codes.std() == pytest.approx(4.0, rel=0.1)
    images = [made.to_image((tf.constant(codes[:1] * 0 + value),)) for value in (8.0, 80.0)]
    assert images[0].shape == (1, *SIZE, 3)
    np.testing.assert_allclose(images[0], images[1])


def test_a_generator_that_has_changed_since_it_was_planned_with_is_refused(tmp_path: Path) -> None:
    path = save_generator(tmp_path / "g.keras")
    with pytest.raises(UsageError, match=r"g\.keras: SHA-256 is .*, expected abababab"):
        generator_of(path, sha256="ab" * 32)


@pytest.mark.parametrize(("codes", "colours"), [((None, 4), 3), ((4,), 1)])
def test_a_model_that_makes_no_pictures_of_codes_is_no_generator(
    tmp_path: Path, codes: tuple[int | None, ...], colours: int
) -> None:
    path = save_generator(tmp_path / "g.keras", codes, colours)
    with pytest.raises(FvcliError, match=r"g\.keras: it makes no pictures \[batch, h, w, 3\] of codes"):
        generator_of(path)


@pytest.mark.parametrize("low_high", [(0.0, 1.0), (-1.0, 1.0), (-1.0, 3.0), (0.0, 255.0)])
def test_a_generators_range_becomes_black_to_white(tmp_path: Path, low_high: tuple[float, float]) -> None:
    """This one repeats its code as the three colours of a pixel."""
    code = keras.Input((3,))
    keras.Model(code, keras.layers.Reshape((1, 1, 3))(code)).save(tmp_path / "g.keras")
    low, high = low_high
    path = tmp_path / "g.keras"
    image = of_spec.Generator(
        kind="generator", path=str(path), sha256=file_sha256(path), value_range=low_high
    )
    codes = tf.constant([[low, (low + high) / 2, high]], tf.float32)
    picture = _generator(image, (1, 1)).to_image((codes,))
    np.testing.assert_allclose(picture, [[[[0.0, 0.5, 1.0]]]], atol=1e-6)
