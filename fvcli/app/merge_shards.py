"""Join the runs of shards into one and draw its sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcli.app.draw_sheets import draw_sheets
from fvcli.app.write_copies import write_copies
from fvcli.run import merge_runs, run_status
from fvcli.run.examples.merge_examples import choose_examples, take_examples
from fvcli.run.lacking import Lacking, lacking_of
from fvcli.run.scores import merge_run_scores
from fvcli.run.unit_links import copy_links


@dataclass(frozen=True)
class MergeOutcome:
    """The sheets of the joined run, what should be known of them, its units by status, and what it lacks."""

    sheets: tuple[Path, ...]
    remarks: tuple[str, ...]
    counts: Mapping[str, int]
    lacking: Lacking = Lacking()  # noqa: RUF009  # frozen


def merge_shards(runs: Sequence[Path], output: Path) -> MergeOutcome:
    """Join runs of one plan in a folder, which may have some of its units already.

    Links and finished dataset examples are taken over; parts of examples that are not finished are brought
    together. Remarks name the runs whose examples were left, and say why.

    Raises:
        UsageError: They are of different plans, damaged, have different pictures of one unit, or parts of
            examples of different pictures; nothing was written.
    """
    examples = choose_examples(runs, output)
    with merge_runs(runs, output) as merged:
        remarks = write_copies(merged)
        drawn = draw_sheets(merged)
        take_examples(examples, output)
        copy_links(runs, output)
        scores = merge_run_scores(runs, output)
    lacking = lacking_of(merged, runs)
    said = *remarks, *drawn.remarks, *examples.remarks, *([scores] if scores else [])
    return MergeOutcome(tuple(drawn.paths), said, run_status(merged).counts, lacking)
