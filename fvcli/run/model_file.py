"""model.json: what is known of the run's model.

With it other machines can plan, compare and show, and need neither the model nor TensorFlow.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from fvcli.models import ModelFacts
from fvcli.run.layout import MODEL
from fvcli.run.objects import read_bytes

MODEL_VERSION = 1


def facts_as_json(facts: ModelFacts) -> str:
    """Write facts as the text of a model.json."""
    data = _adapter().dump_python(facts, mode="json")
    return json.dumps({"version": MODEL_VERSION, **data}) + "\n"


def read_facts(folder: Path) -> ModelFacts | None:
    """Return the facts in a run folder, or None if there are none that this version can read."""
    try:
        content = read_bytes(folder / MODEL)
        return _adapter().validate_json(content) if json.loads(content)["version"] <= MODEL_VERSION else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


@cache
def _adapter() -> TypeAdapter[ModelFacts]:
    return TypeAdapter(ModelFacts)
