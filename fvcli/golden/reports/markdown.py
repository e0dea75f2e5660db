"""summary.md: what a comparison found, for the summary of a CI job and for comments.

GitHub shows what a step appends to the file ``$GITHUB_STEP_SUMMARY``, up to 1 MiB a step, and nothing of more
("Workflow commands for GitHub Actions"). A comment there may have 65,536 characters.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fvcli.errors import counted
from fvcli.golden.reports.markdown_text import as_code_block, as_name, as_text
from fvcli.golden.reports.page_words import times_said
from fvcli.golden.results import Comparison, UnitResult, in_groups, percent
from fvcli.run.atomic import write_atomic

LIMIT_BYTES = 1_000_000  # GitHub's 1 MiB, with room for what else the step says
MOST_ROWS = 50
MOST_SENTENCES = 20
TIMES = "times the limit"


def summary(
    comparison: Comparison,
    limit_bytes: int = LIMIT_BYTES,
    most_rows: int = MOST_ROWS,
    page: Path | None = None,
) -> str:
    """Return a summary in Markdown that names the worst units and counts all.

    Args:
        comparison: What was found, the worst units first.
        limit_bytes: The size in UTF-8 that it never exceeds; fewer units are named to keep it.
        most_rows: How many rows name units; those of which the same is to be said share one.
        page: The report.html that was written; None where none was.
    """
    while True:
        text = "\n".join(_lines(comparison, page, most_rows))
        size = len(text.encode())
        if size <= limit_bytes or not most_rows:
            break
        most_rows //= 2
    return text if size <= limit_bytes else _cut(text, limit_bytes)


def write_summary(
    comparison: Comparison, path: Path, page: Path | None = None, limit_bytes: int = LIMIT_BYTES
) -> None:
    """Write the summary to a file.

    Raises:
        FvcliError: The file cannot be written.
    """
    write_atomic(path, summary(comparison, limit_bytes, page=page).encode())


def _lines(comparison: Comparison, page: Path | None, most_rows: int) -> Iterator[str]:
    yield f"## fvcli compare: {'no regression' if comparison.is_fine else 'regression'}"
    yield ""
    yield from _verdict(comparison)
    yield from _worst(comparison.failed, page, most_rows)
    most = min(MOST_SENTENCES, most_rows)
    yield from _sentences("Could not be found out", comparison.could_not_tell, most)
    yield from _sentences("Remarks", comparison.remarks, most)
    if not comparison.is_fine:
        yield from _what_to_do(comparison, page)


def _verdict(comparison: Comparison) -> Iterator[str]:
    """Yield how many units there are of each status, and the drift."""
    total, failed = len(comparison.units), len(comparison.failed)
    between = f"{as_name(comparison.run)} with {as_name(comparison.golden)}"
    counts = ", ".join(f"{count} {status}" for status, count in comparison.counts.items() if count)
    yield f"Compared {counted(total, 'unit')} of {between}: {counts or 'nothing'}."
    yield f"**{counted(failed, 'unit fails', 'units fail')}.**" if failed else "No unit fails."
    yield ""
    drift = comparison.drift
    if drift is not None:
        change = f"{percent(drift.mean, '+')} over {counted(drift.units, 'unit')}"
        verdict = "**beyond the limit**" if drift.is_beyond else "within the limit"
        yield f"Mean change of the scores: {change} (limit {percent(drift.limit)}), {verdict}."
        yield f"It is {comparison.drift_words}."
        yield ""


def _worst(failed: Sequence[UnitResult], page: Path | None, most_rows: int) -> Iterator[str]:
    """Yield the table of the worst units, and how many it leaves out."""
    if not failed:
        return
    groups = in_groups(failed)
    if most_rows:
        yield from _table([_row(units) for units in groups[:most_rows]])
        yield ""
    left = sum(map(len, groups[most_rows:]))
    if left:
        where = f": {as_name(str(page))} has all" if page else ""
        yield f"... and {counted(left, 'more unit')}{where}."
        yield ""


def _table(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield a table; a column that is empty in all rows is left out."""
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('---:' if name == TIMES else '---' for name in columns)}|"
    for row in rows:
        yield f"| {' | '.join(row[name] for name in columns)} |"


def _row(units: Sequence[UnitResult]) -> dict[str, str]:
    """Return the cells of units of which the same is to be said."""
    unit = units[0]
    more = f" and {len(units) - 1} more" if len(units) > 1 else ""
    times = unit.times_limit_of(unit.decisive) if unit.decisive else 0.0
    return {
        "unit": as_name(unit.path) + more,
        "status": unit.status,
        "decided by": (unit.gate or "").replace("_", " "),
        "finding": as_text("; ".join(filter(None, (unit.why, *unit.settings)))),
        TIMES: times_said(times) if times else "",
    }


def _sentences(title: str, sentences: Sequence[str], most: int) -> Iterator[str]:
    if not sentences:
        return
    yield f"### {title}"
    yield ""
    yield from (f"- {as_text(sentence)}" for sentence in sentences[:most])
    if len(sentences) > most:
        yield f"- ... and {len(sentences) - most} more"
    yield ""


def _what_to_do(comparison: Comparison, page: Path | None) -> Iterator[str]:
    yield "### What to do"
    yield ""
    run, golden = shlex.quote(comparison.run), shlex.quote(comparison.golden)
    if page is None:
        yield "Look at the pictures: the option `--report DIR` writes a page."
    else:
        yield f"Look at the pictures in {as_name(str(page))}; a CI job has it among its artifacts."
    errors = sum(unit.status == "error" for unit in comparison.failed)
    if errors:
        yield "What could not be compared has to be mended or rendered again."
    if errors and errors == len(comparison.failed):
        yield ""
        return
    yield "If the change is wanted, accept it and commit the golden:"
    yield ""
    everything = (
        "" if comparison.failed else " --all"
    )  # a drift is of pictures that are each within the limits
    command = f"fvcli accept {run} --golden {golden}{everything} --reason 'why it changed'"
    yield from as_code_block(command, "sh")
    yield ""


def _cut(text: str, limit_bytes: int) -> str:
    """Return whole lines from the beginning, as many as the limit lets pass."""
    head = text.encode()[:limit_bytes].decode(errors="ignore")
    return head[: head.rfind("\n") + 1] or head
