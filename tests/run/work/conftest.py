"""Runs that several workers may work on."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.app.plan_spec import PlannedSpec, plan_of_spec
from fvcli.run import RunFolder
from tests.helpers.running import write_spec

# Three programs in ten batches of two: 0-4 of a, 5-7 of b, 8 and 9 of c, the last of which has one unit.
SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 24, batch_size: 2}
jobs:
  - {name: a, layer: stem_bn, channels: 0-9}
  - {name: b, layer: block1_expand_bn, channels: 0-5}
  - {name: c, layer: block2_add, channels: 0-2}
"""


@pytest.fixture(scope="package")
def planned(tmp_path_factory: pytest.TempPathFactory) -> PlannedSpec:
    return plan_of_spec(str(write_spec(tmp_path_factory.mktemp("spec"), SPEC)), [])


@pytest.fixture
def run(planned: PlannedSpec, tmp_path: Path) -> RunFolder:
    with RunFolder.begin(tmp_path / "run", planned.plan, planned.text) as begun:
        return begun
