"""What a golden needs and does not hold: the files of its network, and of what pictures are made with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fvcli.models.choice import IMAGENET
from fvcli.plan import Plan
from fvcli.plan.source_files import paths_outside
from fvcli.run.layout import SPEC


def said_of_files_outside(golden: Path, plan: Plan) -> str | None:
    """Say which files a golden does not hold, and what a CI job must have; None if it holds all."""
    files = list(dict.fromkeys(files_outside(plan)))
    if not files:
        return None
    these, them = ("this file", "it") if len(files) == 1 else ("these files", "them")
    said = (
        f"{golden} does not hold {', '.join(files)}: a CI job that renders {golden / SPEC} must have {these} "
        f"where the spec names {them}"
    )
    if plan.model.name is None:
        said += (
            "; to compare with a retrained network, it needs the old one as well, there or as --golden-model"
        )
    return said


def files_outside(plan: Plan) -> Iterator[str]:
    """Yield files that a spec names and that no run has a copy of, as the spec names them."""
    choice = plan.model
    labels = None if choice.labels == IMAGENET else choice.labels
    code = f"the code of {choice.factory}" if choice.factory else None
    yield from filter(None, (choice.path, code, choice.weights_path, labels))
    for program in plan.programs:
        yield from paths_outside(program.settings)
        yield from filter(None, (coupling.folder for coupling in program.couplings))
