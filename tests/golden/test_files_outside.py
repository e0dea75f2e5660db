"""What a golden needs and does not hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fvcli.golden.files_outside import files_outside, said_of_files_outside
from fvcli.golden.model_names import model_names
from fvcli.models import ModelChoice
from tests.helpers.painting import small_plan

PLAN = small_plan().plan


@pytest.mark.parametrize(
    ("choice", "files"),
    [
        (ModelChoice("efficientnet-lite0"), []),
        (ModelChoice("efficientnet-lite0", weights="random", labels="imagenet"), []),
        (ModelChoice("efficientnet-lite0", weights="own.pth", labels="own.txt"), ["own.pth", "own.txt"]),
        (ModelChoice(path="own.keras"), ["own.keras"]),
        (ModelChoice(path="own.json", weights="own.h5"), ["own.json", "own.h5"]),
        (ModelChoice(factory="own:build", weights="own.h5"), ["the code of own:build", "own.h5"]),
    ],
)
def test_files_of_the_network_are_not_in_a_golden(choice: ModelChoice, files: list[str]) -> None:
    plan = replace(PLAN, model=choice)
    assert list(files_outside(plan)) == files
    said = said_of_files_outside(Path("golden"), plan)
    assert (said is None) == (not files)
    if said is not None:
        these = (
            "this file where the spec names it"
            if len(files) == 1
            else "these files where the spec names them"
        )
        start = f"golden does not hold {', '.join(files)}: a CI job that renders golden/spec.yaml must have "
        assert said.startswith(start + these)


def test_networks_that_differ_only_in_their_weights_are_told_apart() -> None:
    program = replace(PLAN.programs[0], weights_sha256="0123456789abcdef")
    other = replace(PLAN, programs=(program, *PLAN.programs[1:]))
    own = PLAN.programs[0].weights_sha256[:8]
    assert model_names(PLAN, PLAN) == ("efficientnet-lite0", "efficientnet-lite0")
    assert model_names(PLAN, other) == (
        f"efficientnet-lite0, weights {own}",
        "efficientnet-lite0, weights 01234567",
    )
    named = replace(other, model=ModelChoice("efficientnet-lite0", weights="own.pth"))
    assert model_names(PLAN, named) == ("efficientnet-lite0", "efficientnet-lite0 (own.pth)")
