"""These tests need TensorFlow; many read one run of the small spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fvcli.models import ModelChoice, load
from fvcli.models.loaded.model import LoadedModel
from fvcli.worker import render_batches
from tests.helpers.running import OnDevice, fvcli, write_spec
from tests.helpers.slurm_cluster import SlurmCluster, slurm_cluster
from tests.helpers.tensorflow_setup import default_network, model  # noqa: F401


@pytest.fixture(scope="module", autouse=True)
def _default_network_is_built_once() -> Iterator[None]:
    """Runs in this process share the default network; those in processes of their own build it."""

    def load_or_share(choice: ModelChoice, allow_code: bool = False) -> LoadedModel:
        return default_network() if choice == ModelChoice("efficientnet-lite0") else load(choice, allow_code)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(render_batches, "load", load_or_share)
        yield


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
