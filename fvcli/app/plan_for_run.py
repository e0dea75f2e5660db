"""What a plan would do to a run that is there: what is kept, rendered or lost. Nothing is written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fvcli.app.plan_spec import PlannedSpec
from fvcli.errors import counted
from fvcli.run import RunFolder
from fvcli.run.foreign import refuse_foreign
from fvcli.run.growing import Preparation
from fvcli.run.layout import REPLACED, next_numbered
from fvcli.run.look import count_finished


@dataclass(frozen=True)
class PlanForRun:
    """What would become of a run.

    run: Its folder.
    is_there: Whether a run is there.
    kept: Finished pictures that the plan still asks for.
    renamed: How many of them would be of another job, or have another name.
    to_render: Units that would be rendered.
    lost: Finished pictures that the plan does not ask for. A render refuses to begin, unless there are none.
    moved_to: Where ``--force`` would move them; empty if there are none.
    reasons: Why they would be lost, in the words of the spec.
    """

    run: str
    is_there: bool
    kept: int
    renamed: int
    to_render: int
    lost: int
    moved_to: str
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """Say it, a line for each fact."""
        if not self.is_there:
            units = counted(self.to_render, "unit")
            return [f"{self.run}: no run is there yet, and {units} would be rendered"]
        renamed = f" ({self.renamed} under another name)" if self.renamed else ""
        counts = f"{self.kept} would be kept{renamed}, {self.to_render} rendered, {self.lost} lost"
        lines = [f"{self.run}: {counts}"]
        if self.lost:
            moved = f"with --force it moves them to {self.moved_to}/"
            lines += [f"  {reason}" for reason in self.reasons]
            lines += [f"  fvcli render refuses to lose finished pictures; {moved}"]
        return lines


def plan_for_run(planned: PlannedSpec, run: Path) -> PlanForRun:
    """Compare a plan with the run in a folder.

    Raises:
        UsageError: The folder holds something else, or a plan that cannot be read.
    """
    refuse_foreign(run, planned.text)
    growth, reasons = Preparation(run, planned.plan, planned.text).foresee()
    kept = len(growth.kept) + len(growth.moves)
    # of a large plan that is the run's own, nothing else looked at the units
    kept = kept or count_finished(RunFolder(run, planned.plan))
    return PlanForRun(
        str(run),
        not growth.is_new or bool(kept or growth.lost),
        kept,
        sum(picture.path != unit.path for picture, unit in growth.moves),
        len(planned.plan.units) - kept,
        len(growth.at_stake),
        str(next_numbered(run, REPLACED)) if growth.at_stake else "",
        tuple(reasons),
    )
