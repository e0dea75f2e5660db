"""Make a run without rendering it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fvcli.app.plan_spec import PlannedSpec
from fvcli.app.render_run import Observer, RenderOptions, begun_run


@dataclass(frozen=True)
class PreparedRun:
    """A run that workers can be started on.

    round_name: What they work on; empty if nothing is missing.
    batches, units: How many are missing.
    """

    path: Path
    round_name: str
    batches: int
    units: int


def prepare_run(
    planned: PlannedSpec, output: Path, options: RenderOptions | None = None, observer: Observer | None = None
) -> PreparedRun:
    """Make the run of a plan, or go on with the one that is there, and write down what it lacks.

    Args:
        planned: The plan, its text, and what is known of the model.
        output: The run folder; it need not be there.
        options: What is to be rendered, and what may be done to what is there.
        observer: Is told what became of pictures that were there.

    Raises:
        UsageError: See ``render_run``; nothing was written.
    """
    with begun_run(planned, output, options or RenderOptions(), observer or Observer()) as (run, round_, _):
        missing = round_.missing_in(run.plan)
        return PreparedRun(run.path, round_.name, len(missing), sum(missing.values()))
