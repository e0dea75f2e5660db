"""What decides the bytes of a picture, and the key that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fvcli.models import ModelChoice, ModelFacts
from fvcli.plan.data import Program, Unit
from fvcli.plan.source_files import without_paths
from fvcli.plan.terms import digest
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.spec.recipes import ALGORITHM

# Of pictures with these, pixels changed once while those of all others did not.
REVISED = frozenset({"octaves", "attention", "views", "penalties"})
# What a spec may say of a network that changes what is computed, and that nothing else in a key tells.
OF_NETWORK = ("input", "fill", "data_format", "size_px")


def unit_key(
    unit: Unit, program: Program, choice: ModelChoice, facts: ModelFacts, group: Sequence[UnitDraft]
) -> str:
    """Return the key of a unit: of everything that decides its picture, and of nothing else.

    Args:
        unit: What it shows.
        program: How it is rendered.
        choice: The model, as the spec names it.
        facts: Of the model.
        group: What the pictures show that it is optimised with, itself among them.
    """
    together = program.members > 1
    settings = program.settings.model_dump(mode="json")
    decides: dict[str, Any] = {
        "algorithm": ALGORITHM,
        "model": program.model,
        "weights_sha256": program.weights_sha256,
        "preprocessing": asdict(facts.preprocessing),
        "size_px": [program.height_px, program.width_px],
        "batch_size": program.batch_size,
        "settings": without_paths(settings, program.settings),
        "sign": unit.sign,
        "terms": [term.facts() for term in unit.terms],
    }
    if REVISED & settings.keys():
        decides["revision"] = 1
    more = {
        "formula": unit.formula,
        "picture": unit.picture,
        "member": unit.member if together else None,
        "group": [[term.facts() for term in draft.terms] for draft in group] if together else None,
        "couplings": [asdict(coupling) for coupling in program.couplings] or None,
        "network": _of_network(choice),
    }
    return digest({**decides, **{key: value for key, value in more.items() if value is not None}})


def _of_network(choice: ModelChoice) -> dict[str, Any] | None:
    given = {key: getattr(choice, key) for key in OF_NETWORK}
    return {key: value for key, value in given.items() if value is not None} or None
