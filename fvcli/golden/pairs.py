"""Which pictures are compared with which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fvcli.plan import Plan, Unit, choose_units


@dataclass(frozen=True)
class Pair:
    """A unit as the golden has it and as the run has it; None where one does not have it."""

    golden: Unit | None
    run: Unit | None

    @property
    def unit(self) -> Unit:
        """The unit as the run has it, or else the golden."""
        unit = self.run or self.golden
        assert unit is not None  # a pair has one of them
        return unit

    @property
    def path(self) -> str:
        return self.unit.path


def pairs_of(golden: Sequence[Unit], run: Plan, golden_plan: Plan, only: Sequence[str] = ()) -> list[Pair]:
    """Return each unit that the golden or the run has, in the order of the golden, then of the run.

    Args:
        golden: The units of the golden.
        run: The run's plan.
        golden_plan: The golden's plan.
        only: Patterns of job/unit, job or unit; all units without any.

    Raises:
        UsageError: With a line for each pattern that names no unit of either.
    """
    of_run = {unit.path: unit for unit in run.units}
    of_golden = {unit.path: unit for unit in golden}
    paths = dict.fromkeys([*of_golden, *of_run])
    wanted = choose_units((golden_plan, run), only)
    if wanted is not None:
        paths = dict.fromkeys(path for path in paths if path in wanted)
    return [Pair(of_golden.get(path), of_run.get(path)) for path in paths]
