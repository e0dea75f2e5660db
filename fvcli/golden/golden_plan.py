"""The plan of a golden: of what was accepted, which may come from several plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fvcli.plan import JobPlan, Plan, Program, Source, Unit
from fvcli.plan.batches import batches_of
from fvcli.plan.source_files import read_by


def golden_plan(old: Plan | None, run: Plan, changed: Sequence[Unit], removed: Sequence[Unit] = ()) -> Plan:
    """Return the plan of a golden after units of a run were taken into it.

    Args:
        old: The golden's plan before, if it had one.
        run: The run's plan.
        changed: Its units that are taken.
        removed: Units of the golden that go; with both come whole groups, see ``whole_groups``.
    """
    taken = {unit.path for unit in changed}
    gone = {unit.path for unit in removed}
    kept = {} if old is None else {u.path: u for u in old.units if u.path not in taken | gone}
    programs = _Programs()
    found: dict[str, Unit] = {}
    for unit in (*run.units, *kept.values()):
        if unit.path in taken:
            found[unit.path] = programs.moved(run, unit)
        elif old is not None and unit.path in kept and unit.path not in found:
            members = (member for member in old.group_of(kept[unit.path]) if member.path in kept)
            found |= {member.path: programs.moved(old, member) for member in members}
    units = _by_job(list(found.values()))
    return Plan(
        model=run.model if old is None or changed else old.model,
        programs=tuple(programs.found),
        jobs=_jobs(old, run, units),
        units=tuple(units),
        batches=batches_of((unit.program for unit in units), [one.batch_size for one in programs.found]),
        output=run.output,
        sources=_sources(old, run, units),
    )


def whole_groups(
    old: Plan | None, run: Plan, units: Iterable[Unit]
) -> tuple[tuple[Unit, ...], tuple[Unit, ...]]:
    """Return units with all that they are optimised together with, in a run or in a golden.

    Args:
        old: The golden's plan, if there is one.
        run: The run's plan.
        units: Of either.

    Returns:
        Those that the run has, and those that only the golden has, in the order of their plans.
    """
    plans = [plan for plan in (run, old) if plan is not None]
    paths: set[str] = set()
    found = {unit.path for unit in units}
    while found - paths:  # a group of the one may touch several of the other
        paths |= found
        found = {m.path for plan in plans for u in plan.units if u.path in paths for m in plan.group_of(u)}
    of_run, of_old = ([u for u in plan.units if u.path in paths] for plan in (run, old or run))
    asked = {unit.path for unit in of_run}
    return tuple(of_run), tuple(unit for unit in of_old if unit.path not in asked)


class _Programs:
    """Collects programs, each once, in the order in which units need them."""

    def __init__(self) -> None:
        self.found: list[Program] = []

    def moved(self, plan: Plan, unit: Unit) -> Unit:
        """Return a unit of a plan with its program's position among those that are collected."""
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


def _sources(old: Plan | None, run: Plan, units: Sequence[Unit]) -> tuple[Source, ...]:
    """Return what the units read, without where it was: a golden is the same wherever it is made."""
    known = {source.sha256: source for plan in (old, run) if plan is not None for source in plan.sources}
    needed = dict.fromkeys(sha256 for unit in units for sha256 in read_by(unit))
    found = (known[sha256] for sha256 in needed)
    return tuple(replace(source, path=source.file_name, called=source.file_name) for source in found)
