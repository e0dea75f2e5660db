"""The memory of a worker stays the same, however many programs it compiles one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import keras

from fvcli.app.plan_spec import plan_of_spec
from fvcli.run import RunFolder
from fvcli.worker.render_batches import Worker
from tests.helpers.red_and_blue import CPU

PROGRAMS = 8
GROWTH_MB = 60  # of other things, in a process that has run a thousand tests
CHANNELS = 384  # 5.3 MB of weights in a layer, of which a compiled program has many copies


def save_network(path: Path) -> Path:
    image = keras.Input((None, None, 3))
    narrow = keras.layers.Conv2D(CHANNELS, 1, activation="relu", name="narrow")(image)
    wide = keras.layers.Conv2D(CHANNELS, 3, activation="relu", name="wide")(narrow)
    keras.Model(image, keras.layers.Conv2D(1, 1, name="last")(wide)).save(path)
    return path


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def test_memory_stays_flat_over_programs(tmp_path: Path) -> None:
    """Optimizers differ, so each program is compiled anew. Not freed, each would keep some 40 MB."""
    model = {"path": str(save_network(tmp_path / "net.keras")), "size_px": 8, "value_range": [0, 1]}
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
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps({"model": model, "render": how, "jobs": jobs}))
    plan = plan_of_spec(str(spec), ()).plan
    assert len({program.compilation for program in plan.programs}) == PROGRAMS
    after = []
    with RunFolder.begin(tmp_path / "run", plan, "{}\n") as run:
        worker = Worker(run, device=CPU)
        for batch in range(PROGRAMS):
            for _ in worker.render([batch]):
                pass
            after.append(resident_mb())
    early, late = after[2:5], after[5:]
    assert min(late) < min(early) + GROWTH_MB, after  # least, because others in the process come and go
