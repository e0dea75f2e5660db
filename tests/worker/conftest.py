"""These tests need TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.models import ModelFacts, load
from fvcli.run import RunFolder
from fvcli.worker.assets import Assets
from fvcli.worker.device import Device
from fvcli.worker.renderers import renderer_of
from tests.helpers.painter import painter, worker_of  # noqa: F401
from tests.helpers.picture_files import save
from tests.helpers.plans import plan_of
from tests.helpers.red_and_blue import CPU, HEIGHT, WIDTH, Made, save_network
from tests.helpers.tensorflow_setup import model  # noqa: F401


@pytest.fixture
def begin(tmp_path: Path, facts: ModelFacts) -> Iterator[Callable[..., RunFolder]]:
    """Make the folder of jobs on the default network, with nothing rendered."""
    with ExitStack() as stack:

        def make(*jobs: dict[str, Any], **top: Any) -> RunFolder:
            plan = plan_of(facts, jobs, **top)
            return stack.enter_context(RunFolder.begin(tmp_path / "run", plan, "{}\n", facts))

        yield make


# ---- renderers of a network that reads colours


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("net") / "net.keras")


@pytest.fixture
def renderer(network: Path, tmp_path: Path) -> Iterator[Callable[..., Made]]:
    """Compile the first program of some jobs."""
    with ExitStack() as stack:
        numbers = count()

        def make(
            *jobs: dict[str, Any], device: Device = CPU, model: Path = network, input_px: int | None = 64
        ) -> Made:
            choice = {"path": str(model), "size_px": input_px, "value_range": [0, 1]}
            how = {"size_px": [HEIGHT, WIDTH], "steps": 20, "early_stop": 0, "transforms": []}
            if "recipe" in jobs[0]:
                del how["transforms"], how["early_stop"]
            if all("steepest" in job for job in jobs):  # which is one look at the gradient
                how = {"size_px": [HEIGHT, WIDTH]}
            spec = tmp_path / "spec.yaml"
            spec.write_text(json.dumps({"model": choice, "render": how, "jobs": jobs}))
            plan = plan_of_spec(str(spec), ()).plan
            run = stack.enter_context(RunFolder.begin(tmp_path / f"run{next(numbers)}", plan, "{}\n"))
            return renderer_of(plan.programs[0], load(plan.model), device, Assets(run, 3)), run

        yield make


@pytest.fixture
def photo(tmp_path: Path) -> str:
    """A picture of a fifth red and two fifths blue."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 0], pixels[..., 2] = 51, 102
    return str(save(tmp_path / "photo.png", pixels))
