"""A picture renders itself again, wherever it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.running import fvcli, rendered


@pytest.mark.parametrize(
    "job",
    [
        "{name: a, layer: stem_bn, channels: [3], recipe: maco, views: 1, attention: false, transforms: []}",
        "{name: a, layer: stem_bn, channels: [3], recipe: yosinski-1, regularizers: []}",
        "{name: a, layer: stem_bn, channels: [3], recipe: frequency-penalized, penalties: []}",
        "{name: a, layer: stem_bn, objective: caricature, pictures: photos}",
    ],
)
def test_a_picture_renders_itself_again_from_anywhere(
    job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given"
    (given / "photos").mkdir(parents=True)
    for suffix, value in (("png", 40), ("bmp", 200)):  # two pictures with one name
        picture = np.full((48, 64, 3), value, np.uint8)
        tf.keras.utils.save_img(given / "photos" / f"grey.{suffix}", picture, scale=False)
    run = rendered(given, f"  - {job}\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    last = sorted((run / "units").rglob("*.png"))[-1]
    again = fvcli("render", "--from", last, "-o", "again")
    assert again.exit_code == 0, again.stderr
    found = [json.loads(path.read_text()) for path in Path("again/units").rglob("*.json")]
    kept = json.loads(last.with_suffix(".json").read_text())
    assert [(one["key"], one["pixel_sha256"]) for one in found] == [(kept["key"], kept["pixel_sha256"])]
