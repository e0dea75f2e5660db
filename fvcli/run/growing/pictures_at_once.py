"""How many pictures a GPU works on at once in a run that goes on: as many as when it was begun.

That number is in no key, because pictures of a CPU do not depend on it. Those of a GPU do: another number
rounds differently. It follows from memory_gb, so specs of the same keys may differ in it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from fvcli.plan import Plan, Program
from fvcli.run.fingerprint import fingerprints_of
from fvcli.run.work.notes import at_work

KEPT = (
    "a GPU goes on with {} pictures at once, as this run was begun, and not with {} as this spec has it: "
    "pictures depend on it. For other memory_gb or batch_size give another folder"
)


def as_begun(folder: Path, old: Plan | None, plan: Plan) -> tuple[Plan, str]:
    """Return a plan with the numbers of batches that a run was begun with, and what to tell of that.

    Args:
        folder: The run's.
        old: The plan that it has, if it has one.
        plan: The plan that is begun there.
    """
    if old is None:
        return plan, ""
    programs = tuple(map(_Known(old).as_there, plan.programs))
    changed = [
        (there.gpu_pictures, program.gpu_pictures)
        for there, program in zip(programs, plan.programs, strict=True)
        if there.gpu_batches != program.gpu_batches
    ]
    if not changed or not _matters(folder):
        return plan, ""
    return replace(plan, programs=programs), KEPT.format(*max(changed))


def _matters(folder: Path) -> bool:
    """Tell whether a GPU has rendered a part of a run, or somebody is at work who may."""
    devices = (one.get("device") for one in fingerprints_of(folder).values())
    return any(isinstance(device, dict) and device.get("kind") == "gpu" for device in devices) or bool(
        at_work(folder)
    )


class _Known:
    """The programs of a plan, found by what they are apart from the number of batches."""

    def __init__(self, plan: Plan) -> None:
        self._programs: defaultdict[object, list[Program]] = defaultdict(list)
        for program in plan.programs:
            self._programs[_place(program)].append(program)

    def as_there(self, program: Program) -> Program:
        found = next((one for one in self._programs[_place(program)] if one == program), program)
        return replace(program, gpu_batches=found.gpu_batches)


def _place(program: Program) -> object:
    return program.layers, program.height_px, program.width_px, program.settings.seed
