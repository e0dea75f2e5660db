"""Render several numbers of pictures at once in one process; print a line of JSON for each number.

python -m benchmark.gpu_check_pictures FOLDER '{"layer": "block6_expand_bn", "at_once": [64, 256], ...}'
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tensorflow as tf

from benchmark.units import MODEL
from fvcli.app.plan_spec import plan_of_spec
from fvcli.media import pixel_sha256
from fvcli.models import load
from fvcli.plan import Program, Unit
from fvcli.run import RunFolder
from fvcli.worker.assets import Assets
from fvcli.worker.device import Device, set_up_device
from fvcli.worker.renderers import Renderer, renderer_of

SPARE = 8  # units beside those of the largest number, as other batch mates


@dataclass(frozen=True)
class Asked:
    """What is measured: see ``gpu_check_run.Sizes``.

    precision: auto, float32 or float16. xla: Whether all is compiled with XLA; a CPU never does.
    compares_bytes: Whether pictures are rendered again in other company.
    """

    layer: str
    size_px: int
    at_once: Sequence[int]
    steps: Sequence[int]
    precision: str = "auto"
    xla: bool = True
    compares_bytes: bool = False


class Bench:
    """A compiled ascent and what it renders; see ``Asked``."""

    def __init__(self, asked: Asked, folder: Path, device: Device) -> None:
        chosen = device.precision if asked.precision == "auto" else asked.precision
        setting = "auto" if asked.xla else chosen  # only auto is compiled with XLA
        render = {"size_px": asked.size_px, "early_stop": 0, "precision": setting}
        count = max(asked.at_once) + SPARE
        job = {"name": "units", "layer": asked.layer, "channels": f"0-{count - 1}"}
        path = folder / "pictures.yaml"
        path.write_text(json.dumps({"model": MODEL, "render": render, "jobs": [job]}))
        plan = plan_of_spec(str(path), ()).plan
        self.asked = asked
        self.program: Program = plan.programs[0]
        self.units: Sequence[Unit] = plan.units
        model = load(plan.model)
        assets = Assets(RunFolder(folder, plan), model.facts.input_channels)
        self._renderer: Renderer = renderer_of(self.program, model, replace(device, precision=chosen), assets)
        self.precision = chosen

    def render(self, units: Sequence[Unit], at_once: int, steps: int) -> tuple[list[str], float]:
        """Render units; return the sums of their pixels, and the seconds that it took."""
        program = replace(self.program, settings=self.program.settings.model_copy(update={"steps": steps}))
        began = time.perf_counter()
        made = self._renderer.render(program, units, at_once, lambda _: None, lambda: False)
        assert made is not None  # it is not stopped
        return [pixel_sha256(one.pixels) for one in made], time.perf_counter() - began

    def measure(self, at_once: int) -> dict[str, Any]:
        """Return what a number of pictures at once takes."""
        few, many = self.asked.steps
        units, before = self.units[:at_once], memory()
        first, first_s = self.render(units, at_once, few)
        again, few_s = self.render(units, at_once, few)
        _, many_s = self.render(units, at_once, many)
        a_step_s = max(0.0, many_s - few_s) / (many - few)
        whole_s = few_s + max(0, self.program.settings.steps - few) * a_step_s
        return {
            "pictures": at_once,
            "units_a_minute": 60 * at_once / whole_s,
            "step_seconds": a_step_s,
            "compile_seconds": max(0.0, first_s - few_s),
            "same_bytes_twice": first == again,
            "sha256": first[0],
            "memory_before_bytes": before.get("current"),
            "memory_peak_bytes": memory().get("peak"),
            "memory_estimate_bytes": at_once * self.program.image_bytes,
            "nvidia_smi_used_mb": used_mb(),
        }

    def in_other_company(self, at_once: int) -> dict[str, bool]:
        """Tell whether a picture has the same bytes among other pictures."""
        few = self.asked.steps[0]
        units = list(self.units[:at_once])
        others = {
            "other_mates": ([units[0], *self.units[-(at_once - 1) :]][:at_once], 0),
            "other_place": (units[::-1], -1),
            "alone": (units[:1], 0),
        }
        usual = self.render(units, at_once, few)[0][0]
        return {name: self.render(them, at_once, few)[0][i] == usual for name, (them, i) in others.items()}


def memory() -> dict[str, int]:
    """Return bytes of the GPU that TensorFlow has and had at most since the last call; nothing on a CPU."""
    if not tf.config.list_physical_devices("GPU"):
        return {}
    found = dict(tf.config.experimental.get_memory_info("GPU:0"))
    tf.config.experimental.reset_memory_stats("GPU:0")
    return found


def used_mb() -> int | None:
    """Return the memory of the first GPU that is taken, as nvidia-smi says."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    with contextlib.suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        return int(listed.stdout.splitlines()[0])
    return None


def facts_of(bench: Bench) -> dict[str, Any]:
    return {
        "precision": bench.precision,
        "gpu_pictures": bench.program.gpu_pictures,
        "recipe_steps": bench.program.settings.steps,
        "image_bytes": bench.program.image_bytes,
    }


def _tried(what: Callable[[], dict[str, Any]], **facts: Any) -> dict[str, Any]:
    """Return what a function returns, or with which error it ended: the next number may fit."""
    try:
        return what()
    except Exception as error:  # whatever TensorFlow raises is a result
        return {**facts, "error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}


def _main(folder: str, text: str) -> None:
    asked = Asked(**json.loads(text))
    bench = Bench(asked, Path(folder), set_up_device())
    print(json.dumps({"facts": facts_of(bench)}), flush=True)
    for i, at_once in enumerate(asked.at_once):
        row = _tried(lambda n=at_once: bench.measure(n), pictures=at_once)  # type: ignore[misc]
        print(json.dumps({"row": row}), flush=True)
        if i == 0 and asked.compares_bytes:
            same = _tried(lambda n=at_once: bench.in_other_company(n))  # type: ignore[misc]
            print(json.dumps({"same_bytes": same}), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
