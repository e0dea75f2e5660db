"""Measure how fast this machine renders, and keep it for plans."""

from __future__ import annotations

import json
import socket
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from fvcli.app.describe_model import describe_model
from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.models import ModelChoice
from fvcli.plan.calibration_plan import calibration_plan
from fvcli.plan.cost import Speed
from fvcli.run import RunFolder, versions
from fvcli.run.cores import cores


def calibrate_machine(model: str, quick: bool, say: Callable[[str], None] = lambda what: None) -> Speed:
    """Render a few layers of a model and return what a step takes; about a minute.

    Args:
        model: Its name.
        quick: Measure small pictures only.
        say: Is told what is measured next.
    """
    facts = describe_model(ModelChoice(model), allow_code=False)
    plan = calibration_plan(facts, cores(), quick)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fvcli-calibrate-") as folder:
        spec_text = json.dumps({"model": model}) + "\n"
        with RunFolder.begin(Path(folder, "run"), plan, spec_text) as run:
            with importing_tensorflow():
                from fvcli.worker.measure_speed import Calibration  # brings TensorFlow

                calibration = Calibration(run, facts)
            speed = calibration.measure(socket.gethostname(), time.perf_counter() - began, say)
    measured = datetime.now(timezone.utc).isoformat(timespec="seconds")
    about = {name: version for name, version in versions().items() if name in {"fvcli", "tensorflow"}}
    return speed.model_copy(update={"about": {**about, "measured": measured}})
