"""Turn the parameterization of a program's settings into one of optvis."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError
from fvcli.models.files.checksums import check_sum
from fvcli.models.loaded.keras_model.load import load_keras
from fvcli.optvis import parameterizations
from fvcli.optvis.parameterizations import Parameterization
from fvcli.plan import Program
from fvcli.spec import parameterizations as of_spec
from fvcli.spec.base import complete, options_of
from fvcli.worker.assets import Assets

Size = tuple[int, int]


def build_parameterization(program: Program, channels: int, assets: Assets | None) -> Parameterization:
    """Return what a program's pictures are written in.

    Args:
        program: With the settings.
        channels: Of the network's input.
        assets: Where files are read, if some are.
    """
    size = (program.height_px, program.width_px)
    if program.window is not None:
        size = (program.window.canvas_px, program.window.canvas_px)
    image = program.settings.parameterization
    made: Parameterization = BUILDERS[type(image)](image, size, channels, program.members, assets)
    return made


def _on_grid(
    make: Callable[..., Parameterization],
    image: of_spec.OnGrid,
    size: Size,
    channels: int,
    members: int,
    _assets: Assets | None,
) -> Parameterization:
    """Make one with a number for each place, with what the group shares and with opacity if asked for."""
    options = options_of(image)
    alpha, shared = options.pop("alpha"), options.pop("shared")
    made = make(*size, channels, **options)
    if shared is not None:
        how = {key: options[key] for key in ("decorrelate", "std", "squash")}
        common = parameterizations.shared(
            *size, channels, members, sides=shared.sides_px, ends=shared.ends_px, **how
        )
        made = parameterizations.with_shared(made, common)
    return parameterizations.with_alpha(made, make(*size, 1, **options), channels) if alpha else made


def _cppn(image: of_spec.Cppn, size: Size, channels: int, *_: Any) -> Parameterization:
    return parameterizations.cppn(*size, channels, **options_of(image))


def _deep_image_prior(image: of_spec.DeepImagePrior, size: Size, channels: int, *_: Any) -> Parameterization:
    return parameterizations.deep_image_prior(*size, channels, **options_of(image))


def _maco(
    image: of_spec.Maco, size: Size, channels: int, _members: int, assets: Assets | None
) -> Parameterization:
    spectrum = None
    if image.spectrum is not None and assets is not None:
        spectrum = assets.spectrum(image.spectrum, str(image.sha256))
    return parameterizations.maco(*size, channels, spectrum=spectrum, decay_power=image.decay_power)


def _generator(image: of_spec.Generator, size: Size, *_: Any) -> Parameterization:
    """Return pictures that the Keras model in a file makes of codes.

    Raises:
        FvcliError: It is another file than was planned with, or its model makes no pictures.
    """
    path = Path(image.path)
    check_sum(path, hashlib.sha256(path.read_bytes()).hexdigest(), image.sha256)
    model = load_keras(path)
    shapes = [tensor.shape for tensor in (*model.inputs, *model.outputs)]
    if len(shapes) != 2 or None in shapes[0][1:] or len(shapes[1]) != 4 or shapes[1][-1] != 3:
        raise FvcliError(f"{path}: it makes no pictures [batch, h, w, 3] of codes of one shape")
    low, high = image.value_range

    def decode(codes: Any) -> Any:
        return (model(codes, training=False) - low) / (high - low)

    return parameterizations.generator(decode, shapes[0][1:], *size, std=image.std, bound=image.bound)


BUILDERS = complete(
    {
        of_spec.Fourier: partial(_on_grid, parameterizations.fourier),
        of_spec.Pixel: partial(_on_grid, parameterizations.pixel),
        of_spec.Laplacian: partial(_on_grid, parameterizations.laplacian),
        of_spec.Cppn: _cppn,
        of_spec.DeepImagePrior: _deep_image_prior,
        of_spec.Maco: _maco,
        of_spec.Generator: _generator,
    },
    of_spec.Parameterization,
    "worker/parameterizations.py: BUILDERS",
)
