"""Render a run a little differently, in a process of its own.

    python -m fvcli.worker.variant RUN '{"lanes": 1}'

What can only be changed before TensorFlow starts, such as oneDNN, stands in the environment of the process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fvcli.models.loaded.model import LoadedModel
from fvcli.optvis.perturb import linear_layers, perturbed
from fvcli.run import RunFolder
from fvcli.worker.device import set_up_device
from fvcli.worker.options import WorkerOptions
from fvcli.worker.render_batches import Worker


@dataclass(frozen=True)
class Difference:
    """What is different.

    lanes, threads: See ``set_up_device``; None for what is usual.
    other_batches: Whether an ascent on a CPU takes a whole batch where it usually takes one picture.
    layer: Whose weights are changed, by ``share`` of each.
    allow_code: Whether the model may be a Python factory.
    """

    lanes: int | None = None
    threads: int = 1
    other_batches: bool = False
    layer: str | None = None
    share: float = 0.0
    allow_code: bool = False

    def of_network(self, model: LoadedModel) -> LoadedModel:
        """Return a network with the weights that it is rendered with."""
        if self.layer is None:
            return model
        return replace(model, graph=perturbed(model.graph, self.layer, self.share))


def layer_to_change(model: LoadedModel, layers: Sequence[str]) -> str | None:
    """Return a layer with weights, half-way to what some layers are all made from, if there is one."""
    shared = linear_layers(model.graph, layers)
    return shared[len(shared) // 2] if shared else None


def render_variant(run: Path, difference: Difference) -> None:
    """Render all that a run lacks."""
    device = set_up_device(difference.lanes, difference.threads)
    if difference.other_batches:
        device = replace(device, whole_batches=True)
    folder = RunFolder.read(run)

    options = WorkerOptions(allow_code=difference.allow_code, mixed=True)
    worker = Worker(folder, options, device=device, change=difference.of_network)
    for _ in worker.render(range(len(folder.plan.batches))):
        pass


if __name__ == "__main__":
    render_variant(Path(sys.argv[1]), Difference(**json.loads(sys.argv[2])))
