"""Two real networks that fvcli knows nothing of, with the specs that docs/models.md shows for them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from fvcli.models import ModelChoice, load
from fvcli.plan.suggest import suggest_layers
from tests.helpers.running import fvcli, write_spec

PAGE = (Path(__file__).parents[3] / "docs/models.md").read_text()
SPECS = {
    name: text
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for name in re.findall(r"path: (\w+)\.keras", text)
    if "jobs:" in text
}
GOOGLENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
SQUEEZENET = {"value_range": (0.0, 255.0), "mean": (104.0, 117.0, 123.0), "channel_order": "BGR"}
NETWORKS = {"bn_googlenet_abm": GOOGLENET, "squeezenet_v10_dc": SQUEEZENET}
TOP_1 = {"bn_googlenet_abm": 0.66, "squeezenet_v10_dc": 0.62}  # of 50 photos, measured
ALL_AWAKE = {"bn_googlenet_abm"}  # its channels need no redirected steps, which take long to compile
SUGGESTED = {
    "bn_googlenet_abm": ["pre_layers_6", "a3", "a4", "c4", "a5", "b5"],
    "squeezenet_v10_dc": [f"fire{number}_concat" for number in (2, 4, 5, 6, 8, 9)],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_spec_of_the_docs_renders(name: str, data_dir: Path, tmp_path: Path) -> None:
    """Under ten lines; small and short, one channel of each depth, and all scores rise."""
    text = SPECS[name].replace(f"{name}.keras", str(data_dir / f"models/{name}.keras"))
    assert len(text.splitlines()) < 10
    spec = write_spec(tmp_path, text)
    quick = [f"render.{key}" for key in ("size_px=64", "steps=8", "early_stop=0")]
    if name in ALL_AWAKE:
        quick.append("render.redirect_steps=0")
    channels = [f"jobs.{job}.channels=[3]" for job in ("early", "middle", "late")]
    changes = [word for change in (*quick, *channels) for word in ("--set", change)]
    result = fvcli("render", spec, "-o", tmp_path / "run", *changes)
    assert result.exit_code == 0, result.output
    assert "fits badly" not in result.stderr
    sidecars = [json.loads(path.read_text()) for path in (tmp_path / "run/units").glob("*/*.json")]
    assert len(sidecars) == 3
    for known in sidecars:
        assert known["score"]["end"] > known["score"]["start"], known


@pytest.mark.parametrize("name", NETWORKS)
def test_photos_are_named_right_and_joins_of_modules_are_suggested(name: str, data_dir: Path) -> None:
    loaded = load(ModelChoice(path=str(data_dir / f"models/{name}.keras"), **NETWORKS[name]))
    side = loaded.facts.native_size_px[0]
    with (data_dir / "images/labels.csv").open() as file:
        rows = list(csv.DictReader(file))[::40]
    begin = (256 - side) // 2
    photos = np.stack([iio.imread(data_dir / "images" / row["file"]) for row in rows])
    photos = photos[:, begin : begin + side, begin : begin + side] / np.float32(255)
    assert [one.layer.name for one in suggest_layers(loaded.facts)] == SUGGESTED[name]
    logits = loaded.activations(photos, loaded.facts.logits)[:, 0, 0]
    right = logits.argmax(axis=1) == [int(row["class_index"]) for row in rows]
    assert right.mean() > TOP_1[name] - 0.15


def test_a_wrong_range_is_noticed(data_dir: Path, tmp_path: Path) -> None:
    text = f"model: {{path: {data_dir}/models/squeezenet_v10_dc.keras, value_range: [0, 1]}}\n"
    assert "fits badly" in fvcli("inspect", write_spec(tmp_path, text)).stdout
