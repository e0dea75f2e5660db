"""The table of networks: which there are, and that asking needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.errors import UsageError
from fvcli.models import ModelChoice, describe, list_models, model_names, weights_in_use

NAMES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")


def test_registry() -> None:
    assert model_names()[:3] == list(NAMES)
    assert [listing.name for listing in list_models()] == model_names()
    assert all(listing.installed for listing in list_models()[:3]), "pip install -e .[test]"
    assert all(Path(str(place)).is_file() for place in weights_in_use().values())


@pytest.mark.parametrize("name", ["efficientnet-lite", "inception", ""])
def test_unknown_model(name: str) -> None:
    with pytest.raises(UsageError, match="there is no model"):
        describe(ModelChoice(name))
