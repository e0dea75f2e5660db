"""What decides the bytes of a picture, and the key that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fvcli.models import ModelChoice, ModelFacts
from fvcli.plan.data import Program
from fvcli.plan.source_files import without_paths
from fvcli.plan.terms import canonical, digest_of_text
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.spec.recipes import ALGORITHM

# Of pictures with these, pixels changed once while those of all others did not.
REVISED = frozenset({"octaves", "attention", "views", "penalties"})
# What a spec may say of a network that changes what is computed, and that nothing else in a key tells.
OF_NETWORK = ("input", "fill", "data_format", "size_px", "signature")


class UnitKeys:
    """Makes the keys of a program's units: of everything that decides their pictures, and of nothing else.

    A key is the digest of one canonical JSON text. What all units of the program share is written only once.

    Args:
        program: How the units are rendered.
        choice: The model, as the spec names it.
        facts: Of the model.
    """

    def __init__(self, program: Program, choice: ModelChoice, facts: ModelFacts) -> None:
        self._together = program.members > 1
        self._shared = {name: canonical(value) for name, value in _shared(program, choice, facts).items()}
        self._group: tuple[Sequence[UnitDraft], str] = ((), "[]")
        self._around: tuple[dict[str, str], tuple[str, str]] | None = None

    def key(self, draft: UnitDraft, sign: int, group: Sequence[UnitDraft]) -> str:
        """Return the key of a unit.

        Args:
            draft: What it shows.
            sign: 1 to maximise the objective, -1 to minimise it.
            group: What the pictures show that it is optimised with, itself among them.
        """
        own = {"sign": str(sign)}
        if draft.formula is not None:
            own["formula"] = canonical(draft.formula)
        if draft.picture is not None:
            own["picture"] = canonical(draft.picture)
        if self._together:
            own |= {"member": str(draft.member), "group": self._written_group(group)}
        before, behind = self._without_terms(own)
        return digest_of_text(before + canonical([term.facts() for term in draft.terms]) + behind)

    def _without_terms(self, own: dict[str, str]) -> tuple[str, str]:
        """Return the text of a key before and behind its terms; it mostly is as for the unit before."""
        if self._around is None or self._around[0] != own:
            parts = {**self._shared, **own, "terms": "\n"}  # which no JSON text has inside
            text = ",".join(f'"{name}":{parts[name]}' for name in sorted(parts))
            before, _, behind = f"{{{text}}}".partition("\n")
            self._around = own, (before, behind)
        return self._around[1]

    def _written_group(self, group: Sequence[UnitDraft]) -> str:
        if self._group[0] is not group:
            self._group = group, canonical([[term.facts() for term in draft.terms] for draft in group])
        return self._group[1]


def _shared(program: Program, choice: ModelChoice, facts: ModelFacts) -> dict[str, Any]:
    """Return what decides the picture of every unit of a program."""
    settings = program.settings.model_dump(mode="json")
    decides: dict[str, Any] = {
        "algorithm": ALGORITHM,
        "model": program.model,
        "weights_sha256": program.weights_sha256,
        "preprocessing": asdict(facts.preprocessing),
        "size_px": [program.height_px, program.width_px],
        "batch_size": program.batch_size,
        "settings": without_paths(settings, program.settings),
    }
    if REVISED & settings.keys():
        decides["revision"] = 1
    if any(term.kind == "caricature" and dict(term.options).get("power") for term in program.terms):
        decides["revision of caricature"] = 1  # since then its power is one of a cosine
    more = {
        "couplings": [coupling.facts() for coupling in program.couplings] or None,
        "network": _of_network(choice),
    }
    return {**decides, **{key: value for key, value in more.items() if value is not None}}


def _of_network(choice: ModelChoice) -> dict[str, Any] | None:
    given = {key: getattr(choice, key) for key in OF_NETWORK}
    return {key: value for key, value in given.items() if value is not None} or None
