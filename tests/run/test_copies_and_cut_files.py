"""What a sync client and a full disk leave in a run: copies beside files, and files that are cut short."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fvcli.run.layout import ATTEMPTS
from fvcli.run.work.attempts import latest_attempts
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, pictures, write_spec

COPIES = (" (1)", " (conflicted copy 2026-01-01)", "-LAPTOP", ".sync-conflict-20260101-120000-ABCDEFG")

ALL_THERE = "run: nothing was left to render, 7 of 7 in the run\n"


@pytest.fixture
def run(tmp_path: Path, easel: PaintingEngine) -> Path:
    assert fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run").exit_code == 0
    return tmp_path / "run"


def state(run: Path) -> dict:
    found = json.loads(fvcli("status", run, "--json").stdout)
    assert len({worker["id"] for worker in found["workers"]}) == len(found["workers"])
    return {**found, "workers": None}


@pytest.mark.parametrize("added", COPIES)
def test_copies_change_nothing(added: str, run: Path, tmp_path: Path) -> None:
    before = state(run)
    for path in [*run.rglob("*.*"), run / ATTEMPTS / "0000"]:
        copy = path.with_name(f"{path.stem}{added}{path.suffix}")
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copy2(path, copy)
    assert state(run) == before
    assert "nothing was left to do" in fvcli("work", run).stdout
    assert fvcli("render", tmp_path / "spec.yaml", "-o", run).stdout.endswith(ALL_THERE)
    merged = fvcli("merge", run, "-o", tmp_path / "merged")
    assert merged.stdout.endswith("merged: 7 done\n")
    assert len(pictures(tmp_path / "merged")) == 14  # of each unit the picture and a step


@pytest.mark.parametrize("added", COPIES)
def test_a_copy_of_a_claim_is_none(added: str, run: Path) -> None:
    claim = run / ATTEMPTS / "0000" / "0.1.json"
    claim.unlink()
    shutil.copy2(run / ATTEMPTS / "0000" / "1.1.json", claim.with_name(f"0.1{added}.json"))
    assert sorted(latest_attempts(run)) == [1, 2, 3]


@pytest.mark.parametrize("left", [0, 200])
def test_a_plan_that_was_cut_says_how_to_go_on(left: int, run: Path) -> None:
    plan = run / "plan.json"
    whole = plan.read_bytes()
    plan.write_bytes(whole[:left])
    for command in ("status", "grid", "work"):
        result = fvcli(command, run)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"Error: {plan}: not a readable plan (")
        assert line.endswith(
            f"fvcli render {run}/spec.yaml -o {run} --force writes it anew and keeps the pictures"
        )
    mended = fvcli("render", run / "spec.yaml", "-o", run, "--force")
    assert mended.stdout.endswith(ALL_THERE)
    assert plan.read_bytes() == whole
    assert not (run / "replaced-1").exists()


def test_other_files_that_were_cut_cost_no_picture(run: Path, tmp_path: Path) -> None:
    for name in ("model.json", "run.json", "rounds/0001.json", "workers/*", "attempts/*/*", "fingerprints/*"):
        for path in run.glob(name):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert state(run)["done"] == 7
    assert fvcli("render", tmp_path / "spec.yaml", "-o", run).stdout.endswith(ALL_THERE)
    assert fvcli("work", run).exit_code == 0


def test_a_unit_whose_sidecar_was_cut_is_rendered_again(
    run: Path, tmp_path: Path, easel: PaintingEngine
) -> None:
    (run / "rounds/0001.json").write_bytes(b"{")
    sidecar = run / "units/edges/channel-0001.json"
    sidecar.write_bytes(sidecar.read_bytes()[:100])
    assert state(run)["pending"] == 1
    easel.painted.clear()
    assert fvcli("render", tmp_path / "spec.yaml", "-o", run).exit_code == 0
    assert len(easel.painted) == 1
    assert state(run)["done"] == 7
