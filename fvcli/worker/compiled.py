"""What makes the pictures of a program: an ascent, a dream, or a single look at the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fvcli.models.loaded.model import LoadedModel
from fvcli.plan import Program, Unit
from fvcli.worker.ascend import Compiled, Outcome, Report, Stopped
from fvcli.worker.device import Device
from fvcli.worker.dreams import Dreamer
from fvcli.worker.materials import Materials
from fvcli.worker.steepest import SteepestDirection


class Climber(Protocol):
    """Makes the pictures of units; see ``Compiled.climb``."""

    def climb(
        self, program: Program, units: Sequence[Unit], size: int, report: Report, stopped: Stopped
    ) -> list[Outcome] | None: ...


def compiled_program(program: Program, model: LoadedModel, device: Device, materials: Materials) -> Climber:
    """Return what a program is compiled to."""
    if program.settings.get("octaves") is not None:
        return Dreamer(program, model, materials)
    if program.settings.get("steepest") is not None:
        return SteepestDirection(program, model, materials)
    return Compiled(program, model, device, materials)
