"""A run gets links between the units that its plan reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.app.link_units import link_units, linked_channels
from fvcli.app.plan_spec import plan_of_spec
from fvcli.app.prepare_run import prepare_run
from fvcli.errors import UsageError
from fvcli.models import ModelChoice, load
from fvcli.run import RunFolder
from fvcli.run.unit_links import Neighbour, read_links
from tests.helpers.running import write_spec

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 1}
jobs:
  - {name: a, layer: block2_expand_bn, channels: [3, 1]}
  - {name: b, layer: block4_expand_bn, channels: [7], objective: neuron, sign: both}
  - {name: c, layer: head_bn, objective: layer}
  - {name: d, objective: class_logit, classes: [207]}
  - name: e
    objective:
      kind: sum
      terms:
        - {kind: channel, layer: block2_expand_bn, channel: 9}
        - {kind: direction, layer: head_bn, vector: {random: 1}}
"""


def test_links_of_a_run_are_those_of_its_channels(tmp_path: Path) -> None:
    planned = plan_of_spec(str(write_spec(tmp_path, SPEC)), ())
    prepare_run(planned, tmp_path / "run")
    run = RunFolder.read(tmp_path / "run")
    wanted = {"block2_expand_bn": {1, 3, 9}, "block4_expand_bn": {7}, "logits": {207}}
    assert linked_channels(run.plan) == wanted
    model = load(run.plan.model)
    links = link_units(run, model)
    again = read_links(run.path)
    assert again is not None
    assert again.weights_sha256 == links.weights_sha256 == model.facts.weights_sha256
    assert {name: set(layer.channels.tolist()) for name, layer in again.layers.items()} == wanted
    assert again.layers["block2_expand_bn"].above == (Neighbour("block4_expand_bn", 4),)
    assert again.layers["logits"].reason == "more than 8 layers of weights lie between"


def test_another_network_has_no_links_for_a_run(tmp_path: Path) -> None:
    planned = plan_of_spec(str(write_spec(tmp_path, SPEC)), ())
    prepare_run(planned, tmp_path / "run")
    run = RunFolder.read(tmp_path / "run")
    other = load(ModelChoice("efficientnet-lite0", weights="random"))
    with pytest.raises(UsageError, match="was planned with other weights of efficientnet-lite0"):
        link_units(run, other)
    assert not (run.path / "links").exists()
