"""What is known of models is kept, and never out of date."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.app.facts_cache import FACTS, cached_facts_path
from fvcli.models import ModelChoice, ModelFacts


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/fvcli/models"


def test_facts_of_known_networks_come_back(facts: ModelFacts) -> None:
    assert FACTS.validate_json(FACTS.dump_json(facts)) == facts


def test_everything_that_facts_come_from_is_in_the_key(tmp_path: Path) -> None:
    (tmp_path / "a.keras").write_bytes(b"1")
    choice = ModelChoice(path=str(tmp_path / "a.keras"))
    keys = [cached_facts_path(choice)]
    keys.append(cached_facts_path(ModelChoice(path=choice.path, logits="x")))
    keys.append(cached_facts_path(ModelChoice(path=choice.path, value_range=(0.0, 1.0))))
    (tmp_path / "a.keras").write_bytes(b"2")
    keys.append(cached_facts_path(choice))
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    with_labels = ModelChoice(path=choice.path, labels=str(tmp_path / "labels.txt"))
    keys.append(cached_facts_path(with_labels))
    (tmp_path / "labels.txt").write_text("dog\ncat\n")
    keys.append(cached_facts_path(with_labels))
    assert len(set(keys)) == len(keys)
    assert None not in keys


def test_what_may_change_unseen_is_not_kept(tmp_path: Path) -> None:
    assert cached_facts_path(ModelChoice(factory="some.module:build")) is None
    assert cached_facts_path(ModelChoice(path=str(tmp_path / "missing.keras"))) is None
