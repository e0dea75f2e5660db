"""A model that must be loaded is loaded once: what is known of it is kept."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fvcli.app import describe_model as module
from fvcli.app.describe_model import describe_model
from fvcli.app.facts_cache import cached_facts_path, read_cached_facts, write_cached_facts
from fvcli.errors import UsageError
from fvcli.models import ModelChoice, ModelFacts
from fvcli.models.files.file_kinds import HDF5
from tests.helpers.running import fvcli, write_spec


class Loader:
    """Stands for the loading of models: writes down what it is asked for."""

    def __init__(self, facts: ModelFacts) -> None:
        self.facts = facts
        self.asked: list[tuple[ModelChoice | str, bool]] = []

    def describe(self, choice: ModelChoice, allow_code: bool) -> ModelFacts:
        self.asked.append((choice, allow_code))
        return self.facts

    def set_up_device(self) -> None:
        self.asked.append(("device", True))


@pytest.fixture
def loader(facts: ModelFacts, monkeypatch: pytest.MonkeyPatch) -> Loader:
    loader = Loader(replace(facts, name="mine"))
    monkeypatch.setattr(module, "describe", loader.describe)
    device = SimpleNamespace(set_up_device=loader.set_up_device)
    monkeypatch.setitem(sys.modules, "fvcli.worker.device", device)
    return loader


def test_what_is_known_of_a_file_is_kept_until_the_file_changes(
    tmp_path: Path, cache: Path, loader: Loader
) -> None:
    file = tmp_path / "a.keras"
    file.write_bytes(HDF5 + b"1")
    choice = ModelChoice(path=str(file))
    loaded = [("device", True), (choice, False)]
    assert describe_model(choice, False) == loader.facts
    assert loader.asked == loaded
    assert len(list((cache / "models").glob("*.json"))) == 1
    assert describe_model(choice, False) == loader.facts
    assert loader.asked == loaded
    file.write_bytes(HDF5 + b"2")
    describe_model(choice, True)
    assert loader.asked == [*loaded, ("device", True), (choice, True)]


def test_what_is_damaged_in_the_cache_is_worked_out_again(
    tmp_path: Path, cache: Path, loader: Loader
) -> None:
    (tmp_path / "a.keras").write_bytes(HDF5 + b"1")
    choice = ModelChoice(path=str(tmp_path / "a.keras"))
    describe_model(choice, False)
    for path in cache.rglob("*.json"):
        path.write_bytes(path.read_bytes()[:-9])
    loader.asked.clear()
    assert describe_model(choice, False) == loader.facts
    assert loader.asked == [("device", True), (choice, False)]


def test_a_factory_runs_every_time(cache: Path, loader: Loader) -> None:
    choice = ModelChoice(factory="some.module:build")
    for _ in range(2):
        assert describe_model(choice, True) == loader.facts
    assert loader.asked == 2 * [("device", True), (choice, True)]
    assert not cache.exists()


def test_networks_that_are_known_need_no_device_and_no_cache(cache: Path, loader: Loader) -> None:
    choice = ModelChoice("efficientnet-lite0")
    assert describe_model(choice, False) == loader.facts
    assert loader.asked == [(choice, False)]
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_costs_nothing_else(tmp_path: Path, facts: ModelFacts) -> None:
    (tmp_path / "file").write_text("in the way")
    write_cached_facts(tmp_path / "file/models/a.json", facts)
    write_cached_facts(None, facts)
    write_cached_facts(tmp_path / "folder/a.json", facts)
    assert read_cached_facts(tmp_path / "folder/a.json") == facts
    assert read_cached_facts(None) is None
    assert read_cached_facts(tmp_path / "nothing.json") is None


def test_versions_and_all_files_of_a_model_are_in_the_key(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "saved"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/a").write_bytes(b"1")
    weights = tmp_path / "w.h5"
    weights.write_bytes(b"1")
    of_folder = ModelChoice(path=str(folder))
    of_weights = ModelChoice(name="vgg16", weights=str(weights))
    keys = [cached_facts_path(of_folder), cached_facts_path(of_weights)]
    (folder / "inner/a").write_bytes(b"2")
    weights.write_bytes(b"2")
    keys += [cached_facts_path(of_folder), cached_facts_path(of_weights)]
    for name in ("keras", "tensorflow", "numpy"):
        versions = {"keras": "1", "tensorflow": "1", "numpy": "1", name: "2"}
        monkeypatch.setattr("fvcli.app.facts_cache.versions", lambda found=versions: found)
        keys.append(cached_facts_path(of_folder))
    assert len(set(keys)) == len(keys)
    assert {path.parent for path in keys if path} == {cache / "models"}
    assert cached_facts_path(replace(of_folder, labels=str(tmp_path / "missing.txt"))) is None
    assert cached_facts_path(replace(of_folder, labels="imagenet")) is not None


@pytest.mark.parametrize(
    ("model", "message", "said"),
    [
        ("efficientnet-lite0", "wrong: do it", "model: wrong: do it"),
        ("{name: efficientnet-lite0, weights: random}", "wrong: do it", "model.weights: wrong: do it"),
        ("{name: nothing}", "wrong: do it", "model.name: wrong: do it"),
        ("{path: a.keras}", "wrong: do it", "model.path: wrong: do it"),
        ("{factory: 'a.b:c'}", "wrong: do it", "model.factory: wrong: do it"),
        ("{path: a.keras, logits: x}", "model.logits: wrong: do it", "model.logits: wrong: do it"),
        ("{path: a.keras}", "model.logits: wrong: do it", "model: wrong: do it"),
    ],
)
def test_what_is_wrong_with_a_model_is_said_at_its_key(
    model: str, message: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(choice: ModelChoice, allow_code: bool) -> ModelFacts:
        raise UsageError(message)

    monkeypatch.setattr(module, "describe_model", refuse)
    spec = write_spec(tmp_path, f"model: {model}\njobs: [{{name: a, layer: stem}}]\n")
    result = fvcli("plan", spec)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {spec}:1: {said}\n"
