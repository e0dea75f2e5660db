"""What is recorded of a unit whose numbers are not finite, and of one that never fired."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.media import read_picture
from fvcli.models import ModelFacts
from fvcli.run import RunFolder
from fvcli.worker.ascent_renderer import Outcome
from fvcli.worker.concurrency import Cost
from fvcli.worker.recorder import Attempt, Recorder
from tests.helpers.running import SMALL_SPEC, fvcli, write_spec

SPEC = """\
model: {path: FOLDER/net.keras, value_range: [-1, 1]}
render: {size_px: 16, steps: 4, batch_size: 3, transforms: [], early_stop: 0, save_at: [4]}
jobs: [{name: a, layer: norm, channels: 0-2}]
"""


@pytest.fixture
def not_a_number(tmp_path: Path) -> Path:
    """A folder with a network whose middle channel is NaN for every picture, but has a finite gradient."""
    image = keras.Input((16, 16, 3))
    norm = keras.layers.BatchNormalization(name="norm")
    made = keras.Model(image, norm(keras.layers.Conv2D(3, 3, name="conv")(image)))
    gamma, beta, _, variance = norm.get_weights()
    norm.set_weights([gamma, beta, np.float32([0.0, np.nan, 0.0]), variance])
    made.save(tmp_path / "net.keras")
    return tmp_path


def test_a_finite_picture_with_a_score_that_is_none_has_failed(not_a_number: Path) -> None:
    run = not_a_number / "run"
    spec = write_spec(not_a_number, SPEC.replace("FOLDER", str(not_a_number)))
    result = fvcli("render", spec, "-o", run)
    assert result.exit_code == 1, result.output
    assert "a/channel-0001 failed: " in result.stderr
    known = {path.stem: json.loads(path.read_text()) for path in sorted(run.glob("units/a/*.json"))}
    assert [sidecar["status"] for sidecar in known.values()] == ["done", "failed", "done"]
    assert "not finite" in known["channel-0001"]["error"]
    assert known["channel-0001"]["score"] is None
    names = sorted(path.name for path in run.glob("units/a/channel-*.png") if ".step" not in path.name)
    assert names == ["channel-0000.png", "channel-0002.png"]
    for name in names:
        assert read_picture(run / "units/a" / name).std() > 0


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (16, "the unit does not fire after 16 steps; 17 is how many are meant to wake it up"),
        (17, "the unit never fired: no gradient reached the picture"),
    ],
)
def test_too_few_steps_are_fewer_than_redirect(
    tmp_path: Path, facts: ModelFacts, steps: int, reason: str
) -> None:
    plan = plan_of_spec(str(write_spec(tmp_path)), []).plan
    black = np.zeros((64, 64, 3), np.uint8)
    outcome = Outcome(black, start=0.0, end=0.0, saved=0.0, silent=True, finite=True, steps=steps)
    with RunFolder.begin(tmp_path / "run", plan, SMALL_SPEC) as run:
        status = Recorder(run, facts, "cpu").commit(plan.units[0], outcome, Attempt(0, 2, 1, 1), Cost())
        sidecar = run.sidecar(plan.units[0])
    assert sidecar is not None
    assert (status, sidecar.error) == ("dead", reason)
