"""summary.md: what a comparison found, for the summary of a CI job and for comments.

GitHub shows what a step appends to the file ``$GITHUB_STEP_SUMMARY``, up to 1 MiB a step, and nothing of more
("Workflow commands for GitHub Actions"). A comment there may have 65,536 characters.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from fvcli.errors import counted
from fvcli.golden.reports.markdown_text import as_code_block, as_name, as_text
from fvcli.golden.results import Comparison, UnitResult
from fvcli.run.atomic import write_atomic

LIMIT_BYTES = 1_000_000  # GitHub's 1 MiB, with room for what else the step says
MOST_UNITS = 50
MOST_SENTENCES = 20


def summary(comparison: Comparison, limit_bytes: int = LIMIT_BYTES, most_units: int = MOST_UNITS) -> str:
    """Return a summary in Markdown that names the worst units and counts all.

    Args:
        comparison: What was found, the worst units first.
        limit_bytes: The size in UTF-8 that it never exceeds; fewer units are named to keep it.
        most_units: How many units are named.
    """
    while True:
        text = "\n".join(_lines(comparison, most_units))
        size = len(text.encode())
        if size <= limit_bytes or not most_units:
            break
        most_units //= 2
    return text if size <= limit_bytes else _cut(text, limit_bytes)


def write_summary(comparison: Comparison, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Write the summary to a file.

    Raises:
        FvcliError: The file cannot be written.
    """
    write_atomic(path, summary(comparison, limit_bytes).encode())


def _lines(comparison: Comparison, most_units: int) -> Iterator[str]:
    yield f"## fvcli compare: {'no regression' if comparison.is_fine else 'regression'}"
    yield ""
    yield from _verdict(comparison)
    yield from _worst(comparison.failed, most_units)
    most = min(MOST_SENTENCES, most_units)
    yield from _sentences("What could not be told", comparison.could_not_tell, most)
    yield from _sentences("Remarks", comparison.remarks, most)
    if not comparison.is_fine:
        yield from _what_to_do(comparison)


def _verdict(comparison: Comparison) -> Iterator[str]:
    """Yield how many pictures there are of each status, and the drift."""
    total, failed = len(comparison.units), len(comparison.failed)
    between = f"{as_name(comparison.run)} with {as_name(comparison.golden)}"
    counts = ", ".join(f"{count} {status}" for status, count in comparison.counts.items() if count)
    yield f"Compared {counted(total, 'picture')} of {between}: {counts or 'nothing'}."
    yield f"**{counted(failed, 'picture fails', 'pictures fail')}.**" if failed else "No picture fails."
    yield ""
    drift = comparison.drift
    if drift is not None:
        change = f"{_percent(drift.mean, '+')} over {counted(drift.units, 'picture')}"
        verdict = "**beyond the limit**" if drift.is_beyond else "within the limit"
        yield f"Mean change of the scores: {change} (limit {_percent(drift.limit)}), {verdict}."
        yield ""


def _worst(failed: Sequence[UnitResult], most: int) -> Iterator[str]:
    """Yield the table of the worst units, and how many it leaves out."""
    if not failed:
        return
    if most:
        yield "| picture | status | decided by | finding | times the limit |"
        yield "|---|---|---|---|---:|"
        yield from (_row(unit) for unit in failed[:most])
        yield ""
    if len(failed) > most:
        yield f"... and {len(failed) - most} more; `results.json` and `report.html` have all."
        yield ""


def _row(unit: UnitResult) -> str:
    gate = (unit.gate or "").replace("_", " ")
    excess = f"{unit.excess:,.2f}" if unit.excess > 1 and math.isfinite(unit.excess) else ""
    finding = as_text("; ".join(filter(None, (unit.why, *unit.settings))))
    return f"| {as_name(unit.path)} | {unit.status} | {gate} | {finding} | {excess} |"


def _sentences(title: str, sentences: Sequence[str], most: int) -> Iterator[str]:
    if not sentences:
        return
    yield f"### {title}"
    yield ""
    yield from (f"- {as_text(sentence)}" for sentence in sentences[:most])
    if len(sentences) > most:
        yield f"- ... and {len(sentences) - most} more in `results.json`"
    yield ""


def _what_to_do(comparison: Comparison) -> Iterator[str]:
    yield "### What to do"
    yield ""
    yield "Look at the pictures in `report.html`, which stands beside this summary in the report folder."
    yield "If the change is wanted, accept it and commit the golden:"
    yield ""
    run, golden = shlex.quote(comparison.run), shlex.quote(comparison.golden)
    yield from as_code_block(f"fvcli accept {run} --golden {golden} --reason 'why it changed'", "sh")
    yield ""


def _percent(share: float, sign: str = "") -> str:
    return f"{100 * share:{sign}.3g} %"


def _cut(text: str, limit_bytes: int) -> str:
    """Return whole lines from the beginning, as many as the limit lets pass."""
    head = text.encode()[:limit_bytes].decode(errors="ignore")
    return head[: head.rfind("\n") + 1] or head
