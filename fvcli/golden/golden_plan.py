"""The plan of a golden: of what was accepted, which may come from several plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fvcli.plan import JobPlan, Plan, Program, Source, Unit
from fvcli.plan.source_files import read_by


def golden_plan(old: Plan | None, run: Plan, changed: Sequence[Unit], removed: Sequence[Unit] = ()) -> Plan:
    """Return the plan of a golden after units of a run were taken into it.

    Args:
        old: The golden's plan before, if it had one.
        run: The run's plan.
        changed: Its units that are taken.
        removed: Units of the golden that go.
    """
    taken = {unit.path for unit in changed}
    gone = {unit.path for unit in removed}
    kept = {} if old is None else {u.path: u for u in old.units if u.path not in taken | gone}
    programs = _Programs()
    units = [
        programs.moved(run, unit) if unit.path in taken else programs.moved(old, kept[unit.path])
        for unit in run.units
        if unit.path in taken or unit.path in kept
    ]
    asked = {unit.path for unit in run.units}
    units += [programs.moved(old, unit) for path, unit in kept.items() if path not in asked]
    units = _by_job(units)
    return Plan(
        model=run.model if old is None or changed else old.model,
        programs=tuple(programs.found),
        jobs=_jobs(old, run, units),
        units=tuple(units),
        batches=_batches(units, programs.found),
        output=run.output,
        sources=_sources(old, run, units),
    )


def whole_groups(run: Plan, units: Iterable[Unit]) -> tuple[Unit, ...]:
    """Return units with all that they are optimised together with, in the order of the plan."""
    paths = {member.path for unit in units for member in run.group_of(unit)}
    return tuple(unit for unit in run.units if unit.path in paths)


class _Programs:
    """Collects programs, each once, in the order in which units need them."""

    def __init__(self) -> None:
        self.found: list[Program] = []

    def moved(self, plan: Plan | None, unit: Unit) -> Unit:
        """Return a unit of a plan with its program's position among those that are collected."""
        assert plan is not None  # or there is no unit
        program = plan.programs[unit.program]
        if program not in self.found:
            self.found.append(program)
        return replace(unit, program=self.found.index(program))


def _by_job(units: Sequence[Unit]) -> list[Unit]:
    """Return units so that those of a job stand together, jobs in the order in which they first come."""
    jobs = {job: number for number, job in enumerate(dict.fromkeys(unit.job for unit in units))}
    return sorted(units, key=lambda unit: jobs[unit.job])


def _jobs(old: Plan | None, run: Plan, units: Sequence[Unit]) -> tuple[JobPlan, ...]:
    known = {job.name: job for plan in (old, run) if plan is not None for job in plan.jobs}
    return tuple(known[name] for name in dict.fromkeys(unit.job for unit in units))


def _batches(units: Sequence[Unit], programs: Sequence[Program]) -> tuple[tuple[int, ...], ...]:
    """Return batches of neighbours that share a program."""
    batches: list[list[int]] = []
    for i, unit in enumerate(units):
        last = batches[-1] if batches else []
        is_full = len(last) >= programs[unit.program].batch_size
        if not last or is_full or units[last[0]].program != unit.program:
            batches.append([])
        batches[-1].append(i)
    return tuple(map(tuple, batches))


def _sources(old: Plan | None, run: Plan, units: Sequence[Unit]) -> tuple[Source, ...]:
    """Return what the units read, without where it was: a golden is the same wherever it is made."""
    known = {source.sha256: source for plan in (old, run) if plan is not None for source in plan.sources}
    needed = dict.fromkeys(sha256 for unit in units for sha256 in read_by(unit))
    found = (known[sha256] for sha256 in needed)
    return tuple(replace(source, path=source.file_name, called=source.file_name) for source in found)
