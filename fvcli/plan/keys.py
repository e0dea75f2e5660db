"""What decides the bytes of a picture, and the key that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fvcli.models import ModelFacts
from fvcli.plan.data import Program, Unit, digest
from fvcli.plan.source_files import without_paths
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.spec.recipes import ALGORITHM
from fvcli.spec.schema import Render

# What a program keeps of the resolved recipe; size and batch size have fields of their own.
SETTINGS = (
    *("steps", "seed", "parameterization", "transforms", "optimizer", "redirect_steps"),
    *("early_stop", "canvas", "precision"),
)
# What it keeps where it is set; most recipes do nothing of it.
RARE_SETTINGS = {
    **{"penalties": [], "regularizers": [], "views": 1, "start": "noise", "attention": False},
    **{"octaves": None, "steepest": None, "save_at": None, "animation": None, "save_px": None},
}
# Of pictures with these, pixels changed once while those of all others did not.
REVISED = frozenset({"octaves", "attention", "views", "penalties"})
RARE_OPTIONS = {"squash": "sigmoid", "alpha": False, "shared": None}  # of parameterizations


def kept_settings(settings: Render) -> dict[str, Any]:
    """Return what decides the pictures as plain data; what few recipes have is there only where it is set."""
    kept = settings.model_dump(mode="json", include={*SETTINGS, *RARE_SETTINGS})
    for key, plain in RARE_SETTINGS.items():
        if kept[key] == plain or kept[key] is None:
            del kept[key]
    options = kept["parameterization"]
    kept["parameterization"] = {
        key: value for key, value in options.items() if key not in RARE_OPTIONS or value != RARE_OPTIONS[key]
    }
    return kept


def unit_key(unit: Unit, program: Program, facts: ModelFacts, group: Sequence[UnitDraft]) -> str:
    """Return the key of a unit.

    Args:
        unit: What it shows.
        program: How it is rendered.
        facts: Of the model.
        group: What the pictures show that it is optimised with, itself among them.
    """
    together = program.members > 1
    decides: dict[str, Any] = {
        "algorithm": ALGORITHM,
        "model": program.model,
        "weights_sha256": program.weights_sha256,
        "preprocessing": asdict(facts.preprocessing),
        "size_px": [program.height_px, program.width_px],
        "batch_size": program.batch_size,
        "settings": without_paths(program.settings),
        "sign": unit.sign,
        "terms": [term.facts() for term in unit.terms],
    }
    if REVISED & program.settings.keys():
        decides["revision"] = 1
    more = {
        "formula": unit.formula,
        "picture": unit.picture,
        "member": unit.member if together else None,
        "group": [[term.facts() for term in draft.terms] for draft in group] if together else None,
        "couplings": [asdict(coupling) for coupling in program.couplings] or None,
    }
    return digest({**decides, **{key: value for key, value in more.items() if value is not None}})
