"""The memory of a worker stays the same, however many programs it compiles one after the other."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import keras

from fvcli.app.plan_spec import plan_of_spec
from fvcli.run import RunFolder
from fvcli.worker.device import set_up_device
from fvcli.worker.render_batches import Worker
from tests.helpers.red_and_blue import CPU

PROGRAMS = 6
GROWTH_MB = 60  # of other things
# 1.9 MB of weights in a layer: of a kernel that is not large yet a compiled program has many copies
CHANNELS, LAYERS = 230, 3


def save_network(path: Path) -> None:
    image = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(CHANNELS, 1, activation="relu", name="narrow")(image)
    for i in range(LAYERS):
        layer = keras.layers.Conv2D(CHANNELS, 3, padding="same", activation="relu", name=f"wide-{i}")
        features = layer(features)
    keras.Model(image, keras.layers.Conv2D(1, 1, name="last")(features)).save(path)


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def test_memory_stays_flat_over_programs(tmp_path: Path) -> None:
    """Optimizers differ, so each program is compiled anew. Not freed, each would keep some 40 MB.

    In a process of its own, as workers are: in one that has run a thousand tests other memory comes and goes.
    """
    save_network(tmp_path / "net.keras")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        after = process.submit(resident_mb_after_each_program, tmp_path).result()
    early, late = after[1:3], after[3:]
    assert min(late) < min(early) + GROWTH_MB, after


def resident_mb_after_each_program(folder: Path) -> list[float]:
    set_up_device()
    model = {"path": str(folder / "net.keras"), "size_px": 8, "value_range": [0, 1]}
    how = {"size_px": 8, "steps": 2, "redirect_steps": 1, "early_stop": 0}
    how |= {"transforms": [], "parameterization": "pixel"}
    jobs = [
        {
            "name": f"job-{i}",
            "layer": "last",
            "channels": 0,
            "optimizer": {"kind": "adam", "learning_rate": 0.01 * (i + 1)},
        }
        for i in range(PROGRAMS)
    ]
    spec = folder / "spec.yaml"
    spec.write_text(json.dumps({"model": model, "render": how, "jobs": jobs}))
    plan = plan_of_spec(str(spec), ()).plan
    assert len({program.compilation for program in plan.programs}) == PROGRAMS
    after = []
    with RunFolder.begin(folder / "run", plan, "{}\n") as run:
        worker = Worker(run, device=CPU)
        for batch in range(PROGRAMS):
            for _ in worker.render([batch]):
                pass
            after.append(resident_mb())
    return after
