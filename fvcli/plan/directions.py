"""From the notation of directions to what they are, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.media import ArrayFacts, NamedFiles
from fvcli.plan.terms import digest
from fvcli.plan.unit_drafts import Direction
from fvcli.spec.channels import Channels
from fvcli.spec.vectors import VectorChoice


def directions_of(written: VectorChoice, position: int, files: NamedFiles) -> list[Direction]:
    """Return the directions that one entry stands for."""
    if written.random is not None:
        seeds = written.random.indices
        return [Direction(f"random-{seed:04d}", f"random {seed}", {"random": seed}) for seed in seeds]
    if written.channels is not None:
        return [_group(written.channels, written.weights)]
    if written.values is not None:
        values = {"values": list(written.values)}
        return [Direction(f"{position:04d}", f"vector {position}", values, f"vectors[{position}]")]
    return _of_file(written, files)


def wrong_rows(written: VectorChoice, files: NamedFiles) -> str | None:
    """Say which rows an entry asks for that its file does not have, or None."""
    array = files.arrays.get(str(written.file))
    if array is None or written.rows is None:
        return None
    wrong = [row for row in written.rows.indices if row >= _count(array)]
    return f"{array.name} has no row {wrong[0]}; it has 0-{_count(array) - 1}" if wrong else None


def _count(array: ArrayFacts) -> int:
    return array.shape[0] if len(array.shape) == 2 else 1


def _of_file(written: VectorChoice, files: NamedFiles) -> list[Direction]:
    array = files.arrays.get(str(written.file))
    if array is None or wrong_rows(written, files):  # which is said already
        return []
    rows = _chosen(written.rows, _count(array))
    length = array.shape[-1] if len(array.shape) in {1, 2} else 0
    base = {"file": array.sha256, "length": length, "shape": array.shape}
    return [
        Direction(f"{array.name}-{row:04d}", f"{array.name} {row}", {**base, "row": row}, str(written.file))
        for row in rows
    ]


def _chosen(rows: Channels | None, count: int) -> Sequence[int]:
    if rows is None:
        return range(count)
    return range(0, count, rows.every) if rows.every else rows.indices


def _group(channels: Sequence[int], weights: Sequence[float] | None) -> Direction:
    """Return a few weighted channels as a direction."""
    given = list(weights or [1.0] * len(channels))
    pairs = list(zip(given, channels, strict=True))
    name = "-".join(f"{weight:g}x{channel}".replace("-", "m") for weight, channel in pairs)
    short = name if len(name) <= 60 else f"{len(channels)}-channels-{digest(name)}"
    return Direction(short, group_label(channels, given), {"channels": list(channels), "weights": given})


def group_label(channels: Sequence[int], weights: Sequence[float]) -> str:
    """Write weighted channels as people do: 387 - 0.5·647."""
    pairs = zip(weights, channels, strict=True)
    label = " + ".join(f"{channel}" if weight == 1 else f"{weight:g}·{channel}" for weight, channel in pairs)
    return label.replace("+ -", "- ")
