"""What is known of models is kept, so that the next plan needs no TensorFlow, and never out of date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fvcli.app.facts_cache import cached_facts_path, read_cached_facts, write_cached_facts
from fvcli.models import ModelChoice, load
from tests.helpers.running import fvcli, write_spec
from tests.helpers.user_models import BUILDERS, plain, shared

NO_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from fvcli.cli import main
main({words!r})
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/fvcli/models"


def spec_of(folder: Path, model: str) -> Path:
    return write_spec(folder, f"model: {model}\njobs: [{{name: a, layer: twice@2, channels: 0-3}}]\n")


def test_the_second_plan_needs_no_tensorflow(tmp_path: Path, cache: Path) -> None:
    shared().save(tmp_path / "m.keras")
    spec = spec_of(tmp_path, f"{tmp_path}/m.keras")
    first = fvcli("plan", spec, "--json")
    assert first.exit_code == 0, first.output
    assert len(list(cache.glob("*.json"))) == 1
    words = ["plan", str(spec), "--json"]
    command = [sys.executable, "-c", NO_TENSORFLOW.format(words=words)]
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert second.stdout == first.stdout
    assert "preprocessing guessed" in second.stderr


@pytest.mark.parametrize("name", ["encoder_decoder", "stock_transformer"])
def test_facts_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    BUILDERS[name]().save(tmp_path / "m.keras")
    choice = ModelChoice(path=str(tmp_path / "m.keras"), value_range=(0.0, 1.0))
    facts = load(choice).facts
    path = cached_facts_path(choice)
    write_cached_facts(path, facts)
    again = read_cached_facts(path)
    assert again == facts
    assert again is not None
    assert again.layers_at(40, 56) == facts.layers_at(40, 56)


def test_damaged_and_unwritable_caches_do_no_harm(tmp_path: Path, cache: Path) -> None:
    plain().save(tmp_path / "m.keras")
    choice = ModelChoice(path=str(tmp_path / "m.keras"))
    path = cached_facts_path(choice)
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_text('{"name": "half')
    assert read_cached_facts(path) is None
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    write_cached_facts(blocked / "x.json", load(choice).facts)
