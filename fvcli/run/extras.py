"""What a spec's ``output`` wants beside each picture: copies in other formats, curve and array.

<unit>.jpg, <unit>.webp             copies of the PNG; so have pictures after some steps
<unit>.curve.json                   the score at each step
<unit>.npy                          the picture as it was before it was rounded to 8 bits
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fvcli.media.copies import SUFFIX, copy_of_png
from fvcli.plan import Program
from fvcli.spec.output import Output

CURVE, ARRAY = "curve.json", "npy"


def copies_of(name: str, png: bytes, output: Output) -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Return the copies of a unit's PNG file by what is added to its name, and facts for the sidecar.

    Args:
        name: What is added to the unit's name for the PNG, such as ``png`` or ``step-0004.png``.
        png: The file.
        output: Says which.
    """
    made = {}
    for format_ in output.also:
        content = copy_of_png(png, format_, output.copy_quality)
        if content is not None:
            made[copy_name(name, SUFFIX[format_])] = content, {"quality": output.copy_quality}
    return made


def copy_name(name: str, suffix: str) -> str:
    """Return what stands for the copy of ``png`` or ``step-0004.png``: ``jpg`` or ``step-0004.jpg``."""
    return f"{name.removesuffix('png')}{suffix}"


def png_names(extras: Mapping[str, Any] | Iterator[str]) -> list[str]:
    """Return the names of a unit's PNG files: its picture, and those after some steps."""
    return ["png", *(name for name in extras if name.endswith(".png"))]


def kept_while_rendering(output: Output, program: Program) -> list[str]:
    """Return the names of what is kept of a program's units while they are rendered, and never later."""
    has_curve = output.curve and program.settings.method == "ascent"
    has_array = output.array and program.settings.method != "steepest"
    return [*([CURVE] if has_curve else []), *([ARRAY] if has_array else [])]
