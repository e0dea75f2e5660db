"""With what the dreams of a film begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.media.movie_writer import encode_movie
from fvcli.models import ModelChoice, load
from fvcli.run import RunFolder
from fvcli.worker.assets import Assets
from fvcli.worker.device import set_up_device
from fvcli.worker.dream_renderer import DreamRenderer
from tests.helpers.running import write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: [48, 64], steps: 2}
jobs:
  - {name: film, layer: stem_bn, objective: layer, recipe: deepdream, pictures: film.gif,
     octaves: {count: 1, tile_px: 64, warm_start: 0.25}}
"""


class WhiteDream:
    """Stands in for Dream: whatever a dream begins with, it becomes white."""

    tile_px = 64

    def __init__(self) -> None:
        self.begun: list[float] = []

    def run(self, image: np.ndarray, *_: Any, **__: Any) -> np.ndarray:
        assert np.ptp(image) < 0.01
        self.begun.append(float(image.mean()))
        return np.ones_like(image)


def test_each_frame_begins_with_a_share_of_the_dream_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [np.full((48, 64, 3), value, np.uint8) for value in (51, 102, 0)]
    (tmp_path / "film.gif").write_bytes(encode_movie(frames, "gif", 10))
    planned = plan_of_spec(str(write_spec(tmp_path, SPEC)), [])
    plan, dream = planned.plan, WhiteDream()
    model = load(ModelChoice("efficientnet-lite0"))
    with RunFolder.begin(tmp_path / "run", plan, planned.text) as run:
        renderer = DreamRenderer(plan.programs[0], model, set_up_device(), Assets(run, 3))
        monkeypatch.setattr(renderer, "_dream", dream)
        monkeypatch.setattr(renderer, "_score_of", lambda *_: 0.0)
        [outcome] = renderer.render(plan.programs[0], plan.units, 1, lambda _: None, lambda: False) or []
    assert dream.begun == pytest.approx([0.2, 0.25 + 0.75 * 0.4, 0.25], abs=0.01)
    assert [int(frame.min()) for frame in outcome.frames] == [255, 255, 255]
    assert outcome.fps == pytest.approx(10)
