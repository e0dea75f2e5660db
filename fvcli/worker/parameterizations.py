"""Turn the parameterization of a program's settings into one of optvis."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError
from fvcli.models.files.checksums import check_sum
from fvcli.models.loaded.keras_model.load import load_keras
from fvcli.optvis import parameterizations
from fvcli.optvis.parameterizations import Parameterization
from fvcli.plan import Program
from fvcli.worker.assets import Assets

SIZED = {
    "fourier": parameterizations.fourier,
    "pixel": parameterizations.pixel,
    "laplacian": parameterizations.laplacian,
}
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
    options = dict(program.settings["parameterization"])
    kind, sha256 = options.pop("kind"), options.pop("sha256", None)
    if kind == "cppn":
        return parameterizations.cppn(*size, channels, **options)
    if kind == "maco":
        folder = options.pop("spectrum", None)
        spectrum = assets.spectrum(folder, str(sha256)) if folder is not None else None
        return parameterizations.maco(*size, channels, spectrum=spectrum, **options)
    if kind == "generator":
        return _generator(size, sha256, **options)
    return _plain(kind, size, channels, program.members, **options)


def _plain(
    kind: str,
    size: Size,
    channels: int,
    members: int,
    alpha: bool = False,
    shared: Mapping[str, Any] | None = None,
    **options: Any,
) -> Parameterization:
    made = SIZED[kind](*size, channels, **options)
    if shared is not None:
        sides, ends = shared["sides_px"], shared["ends_px"]
        how = {key: options[key] for key in ("decorrelate", "std", "squash") if key in options}
        common = parameterizations.shared(*size, channels, members, sides=sides, ends=ends, **how)
        made = parameterizations.with_shared(made, common)
    return parameterizations.with_alpha(made, SIZED[kind](*size, 1, **options), channels) if alpha else made


def _generator(
    size: Size,
    sha256: str | None,
    path: str,
    value_range: tuple[float, float],
    std: float,
    bound: float | None = None,
) -> Parameterization:
    """Return pictures that the Keras model in a file makes of codes.

    Raises:
        FvcliError: It is another file than was planned with, or its model makes no pictures.
    """
    check_sum(Path(path), hashlib.sha256(Path(path).read_bytes()).hexdigest(), sha256)
    model = load_keras(Path(path))
    shapes = [tensor.shape for tensor in (*model.inputs, *model.outputs)]
    if len(shapes) != 2 or None in shapes[0][1:] or len(shapes[1]) != 4 or shapes[1][-1] != 3:
        raise FvcliError(f"{path}: it makes no pictures [batch, h, w, 3] of codes of one shape")
    low, high = value_range

    def decode(codes: Any) -> Any:
        return (model(codes, training=False) - low) / (high - low)

    return parameterizations.generator(decode, shapes[0][1:], *size, std=std, bound=bound)
