"""From the notation of directions to what they are, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.media import NamedFiles
from fvcli.plan.unit_drafts import Direction
from fvcli.spec.vectors import VectorChoice


def directions_of(written: VectorChoice, position: int, files: NamedFiles) -> list[Direction]:
    """Return the directions that one entry stands for."""
    if written.random is not None:
        seeds = written.random.indices
        return [Direction(f"random-{seed:04d}", f"random {seed}", {"random": seed}) for seed in seeds]
    if written.channels is not None:
        return [_group(written.channels, written.weights)]
    if written.values is not None:
        return [Direction(f"{position:04d}", f"vector {position}", {"values": list(written.values)})]
    return _of_file(str(written.file), files)


def _of_file(entry: str, files: NamedFiles) -> list[Direction]:
    array = files.arrays.get(entry)
    if array is None:  # which is said already
        return []
    rows = array.shape[0] if len(array.shape) == 2 else 1
    length = array.shape[-1] if len(array.shape) in {1, 2} else 0
    base = {"file": array.sha256, "length": length, "shape": array.shape}
    return [
        Direction(f"{array.name}-{row:04d}", f"{array.name} {row}", {**base, "row": row})
        for row in range(rows)
    ]


def _group(channels: Sequence[int], weights: Sequence[float] | None) -> Direction:
    """Return a few weighted channels as a direction."""
    given = list(weights or [1.0] * len(channels))
    pairs = list(zip(given, channels, strict=True))
    name = "-".join(f"{weight:g}x{channel}".replace("-", "m") for weight, channel in pairs)
    label = " + ".join(f"{channel}" if weight == 1 else f"{weight:g}·{channel}" for weight, channel in pairs)
    short = name if len(name) <= 60 else f"{len(channels)}-channels"
    return Direction(short, label.replace("+ -", "- "), {"channels": list(channels), "weights": given})
