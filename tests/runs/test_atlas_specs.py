"""The spec of an atlas can be planned without a remark for networks of all kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.models import ModelChoice, ModelFacts, load
from fvcli.plan.atlas_jobs import atlas_spec, kind_of_job
from tests.helpers.atlas_specs import planned
from tests.helpers.running import fvcli
from tests.helpers.user_models import BUILDERS


def facts_of(path: Path) -> ModelFacts:
    return load(ModelChoice(path=str(path))).facts


@pytest.mark.parametrize(
    ("name", "size", "kinds"),
    [
        ("small_pictures", (64, 64), 4),
        ("grey", (64, 64), 4),
        ("channels_first", (53, 64), 4),
        ("stock_transformer", (32, 32), 4),
        ("encoder_decoder", (224, 224), 4),
    ],
)
def test_networks_of_users(name: str, size: tuple[int, int], kinds: int, tmp_path: Path) -> None:
    BUILDERS[name]().save(tmp_path / "net.keras")
    facts = facts_of(tmp_path / "net.keras")
    plan, remarks = planned(atlas_spec("net.keras", facts), facts)
    assert remarks == []
    assert {(program.height_px, program.width_px) for program in plan.programs} == {size}
    assert len({kind_of_job(unit.job) for unit in plan.units}) == kinds


@pytest.mark.parametrize("name", ["bn_googlenet_abm", "squeezenet_v10_dc"])
def test_real_networks(name: str, data_dir: Path) -> None:
    facts = facts_of(data_dir / "models" / f"{name}.keras")
    plan, remarks = planned(atlas_spec(f"{name}.keras", facts), facts)
    assert remarks == []
    assert len({unit.layer for unit in plan.units}) in {8, 9}


def test_the_spec_of_a_file_is_planned_where_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    BUILDERS["grey"]().save(tmp_path / "net.keras")
    assert fvcli("init", "atlas.yaml", "--atlas", "net.keras").exit_code == 0
    assert "# Cost: 112 pictures." in Path("atlas.yaml").read_text()
    found = fvcli("plan", "atlas.yaml", "--set", "model.value_range=[0, 1]")
    assert found.exit_code == 0, found.stderr
    assert [line[:44] for line in found.stderr.splitlines()] == [
        "Note: net: these weights look untrained, so "
    ]
    rows = [line.split()[:2] for line in found.stdout.splitlines()[1:5]]
    kinds = [("channel", "16"), ("neuron", "16"), ("negative", "16"), ("diversity", "64")]
    assert rows == [[f"second-{kind}", count] for kind, count in kinds]
