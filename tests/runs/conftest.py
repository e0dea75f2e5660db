"""These tests need TensorFlow; many read one run of the small spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fvcli.worker import render_batches
from tests.helpers.running import OnDevice, fvcli, write_spec
from tests.helpers.slurm_cluster import SlurmCluster, slurm_cluster
from tests.helpers.tensorflow_setup import model  # noqa: F401


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> OnDevice:
    """Render as on another device: with other lanes, or with whole batches as on a GPU."""

    set_up_device = render_batches.set_up_device

    def change(**changes: object) -> None:
        monkeypatch.setattr(
            render_batches, "set_up_device", lambda threads: replace(set_up_device(threads), **changes)
        )

    return change


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run of the small spec."""
    folder = tmp_path_factory.mktemp("whole")
    result = fvcli("render", write_spec(folder), "-o", folder / "run")
    assert result.exit_code == 0, result.stderr
    return folder / "run"


@pytest.fixture(scope="module")
def started_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with slurm_cluster(tmp_path_factory.mktemp("slurm") / "cluster") as cluster:
        yield cluster


@pytest.fixture
def cluster(started_slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> SlurmCluster:
    """A real Slurm. Commands of this test reach it, and their calls are counted from here."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, started_slurm.env[name])
    started_slurm.forget_calls()
    return started_slurm
