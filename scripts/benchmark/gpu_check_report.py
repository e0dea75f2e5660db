"""What a check of a GPU came to, for people: a table and a verdict, from what gpu-check.json holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

DRY = (
    "DRY RUN: there is no GPU here. Everything ran on the CPU with tiny sizes, to see that it works. "
    "No figure below says anything about a GPU."
)
NEAR = 0.95  # of the best speed: then fewer pictures at once are better
COLUMNS = (
    *("computed with", "pictures at once", "units a minute"),
    *("ms a step", "compiling s", "peak GB", "estimated GB"),
)
GOOD_MEDIAN, GOOD_WORST = 0.02, 0.15  # relative differences of scores that rounding explains

Data = Mapping[str, Any]


def report(data: Data) -> str:
    """Return the table and the verdict of a check."""
    lines = [DRY, ""] if data.get("dry_run") else []
    lines += [*table(data), "", *verdict(data)]
    lines += [f"Not complete: {part} ({why})." for part, why in data.get("skipped", {}).items()]
    return "\n".join(lines) + "\n"


def table(data: Data) -> Iterator[str]:
    """Yield the lines of a table of all numbers of pictures at once."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"| {' | '.join(['---'] * len(COLUMNS))} |"
    for name, measured in data.get("pictures", {}).items():
        facts = measured.get("facts", {})
        called = f"default ({facts.get('precision')})" if name == "default" else name
        for row in sorted(measured["rows"], key=lambda row: row["pictures"]):
            cells = [called, str(row["pictures"]), *_cells(row)]
            yield f"| {' | '.join(cells)} |"


def _cells(row: Data) -> list[str]:
    if "error" in row:
        return [row["error"].replace("|", "/")[:80], "", "", "", ""]
    return [
        f"{row['units_a_minute']:.1f}",
        f"{1000 * row['step_seconds']:.1f}",
        f"{row['compile_seconds']:.1f}",
        _gigabytes(row["memory_peak_bytes"]),
        _gigabytes(row["memory_estimate_bytes"]),
    ]


def _gigabytes(count: int | None) -> str:
    return "?" if count is None else f"{count / 1e9:.2f}"


def verdict(data: Data) -> Iterator[str]:
    """Yield a line for everything that was found out."""
    for name, scores in data.get("scores", {}).items():
        yield _scores(name, scores)
    default = data.get("pictures", {}).get("default", {})
    rows = [row for row in default.get("rows", ()) if "error" not in row]
    best = best_of(rows)
    if best is not None:
        yield f"Best: {best['pictures']} pictures at once, {best['units_a_minute']:.1f} units a minute."
    yield from _default(data, default.get("facts", {}), rows)
    yield from _others(data.get("pictures", {}), rows)
    yield from _bytes(data.get("same_bytes") or {}, rows)
    yield from _sharing(data.get("sharing") or {})


def best_of(rows: Sequence[Data]) -> Data | None:
    """Return the fewest pictures at once that are about as fast as the fastest."""
    most = max((row["units_a_minute"] for row in rows), default=0.0)
    near = [row for row in rows if row["units_a_minute"] >= NEAR * most]
    return min(near, key=lambda row: row["pictures"], default=None)


def _scores(name: str, scores: Data) -> str:
    if not scores["compared"]:
        return f"Scores, {name}: nothing could be compared."
    worst, middle = scores["worst"], scores["median"]
    good = worst <= GOOD_WORST and middle <= GOOD_MEDIAN
    said = "as rounding explains" if good else "MORE THAN ROUNDING EXPLAINS: look at the pictures"
    return (
        f"Scores, {name}: of {scores['compared']} units the GPU's differ from the CPU's by "
        f"{100 * middle:.2f} % (median) and {100 * worst:.2f} % (worst), {said}."
    )


def _default(data: Data, facts: Data, rows: Sequence[Data]) -> Iterator[str]:
    """Tell whether the plan's own number fits, by what was measured of it and by the render of the scores."""
    planned = facts.get("gpu_pictures")
    if planned is None:
        return
    out = data.get("scores", {}).get("default", {}).get("out_of_memory", [])
    row = next((row for row in rows if row["pictures"] == planned), None)
    if out:
        yield f"The default of {planned} pictures at once DOES NOT FIT: {out[0]}."
    elif row is None:
        yield f"The default of {planned} pictures at once was not measured by itself."
    else:
        yield f"The default of {planned} pictures at once fits: {row['units_a_minute']:.1f} units a minute."
    shares = [_share(row) for row in rows if row["memory_peak_bytes"]]
    if shares:
        yield (
            f"Memory: {min(shares):.2f} to {max(shares):.2f} of the estimate (image_bytes a picture); "
            f"{'it is too low' if max(shares) > 1 else 'it is on the safe side'}."
        )


def _share(row: Data) -> float:
    """Return the memory that pictures took, without what was there before, as a share of the estimate."""
    taken = row["memory_peak_bytes"] - (row["memory_before_bytes"] or 0)
    return float(taken / row["memory_estimate_bytes"])


def _others(pictures: Data, rows: Sequence[Data]) -> Iterator[str]:
    """Compare other precisions with the default, at each number that both have."""
    speeds = {row["pictures"]: row["units_a_minute"] for row in rows}
    for name, measured in pictures.items():
        if name in {"default", "again"}:
            continue
        both = [row for row in measured["rows"] if "error" not in row and row["pictures"] in speeds]
        for row in both:
            ratio = speeds[row["pictures"]] / row["units_a_minute"]
            yield f"The default is {ratio:.2f} times as fast as {name}, at {row['pictures']} at once."


def _bytes(same: Data, rows: Sequence[Data]) -> Iterator[str]:
    found = {"rendered twice": all(row["same_bytes_twice"] for row in rows)} if rows else {}
    found |= {name.replace("_", " "): value for name, value in same.items() if isinstance(value, bool)}
    if found:
        said = ", ".join(f"{name}: {'yes' if value else 'NO'}" for name, value in found.items())
        yield f"Same bytes? {said}."


def _sharing(sharing: Data) -> Iterator[str]:
    one, two = sharing.get("seconds_with_1"), sharing.get("seconds_with_2")
    if one and two:
        yield (
            f"One worker took {one:.0f} s for {sharing['units']} units, two that share the GPU {two:.0f} s, "
            f"start-up and compiling in it: {one / two:.2f} times as fast."
        )
