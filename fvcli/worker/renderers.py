"""What makes the pictures of a program: an ascent, a dream, or a single look at the gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from fvcli.models.loaded.model import LoadedModel
from fvcli.plan import Program, Unit
from fvcli.spec.settings import Method
from fvcli.worker.ascent_renderer import AscentRenderer, Outcome, Report, Stopped
from fvcli.worker.assets import Assets
from fvcli.worker.device import Device
from fvcli.worker.dream_renderer import DreamRenderer
from fvcli.worker.steepest_renderer import SteepestRenderer


class Renderer(Protocol):
    """Makes the pictures of units, and scores saved ones; see ``AscentRenderer``."""

    def render(
        self, program: Program, units: Sequence[Unit], size: int, report: Report, stopped: Stopped
    ) -> list[Outcome] | None: ...

    def score(self, program: Program, units: Sequence[Unit], pixels: np.ndarray) -> np.ndarray: ...


RENDERERS: dict[Method, Callable[[Program, LoadedModel, Device, Assets], Renderer]] = {
    "ascent": AscentRenderer,
    "dream": DreamRenderer,
    "steepest": SteepestRenderer,
}


def renderer_of(program: Program, model: LoadedModel, device: Device, assets: Assets) -> Renderer:
    """Return what makes the pictures of a program, compiled."""
    return RENDERERS[program.settings.method](program, model, device, assets)
