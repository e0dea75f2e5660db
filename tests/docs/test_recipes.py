"""The page of recipes says what fvcli does with a piece that a spec sets, in words that a reader knows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.spec.recipes import resolved
from fvcli.spec.schema import Render
from tests.helpers.running import write_spec

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "recipes.md").read_text()
IN_ONE_LINE = " ".join(PAGE.split())
NATIVE_PX = (224, 224)


def default_with(**own: Any) -> Any:
    return resolved("default", Render.model_validate(own), NATIVE_PX)


def test_a_piece_that_is_set_replaces_the_entire_piece() -> None:
    said = "Setting a piece, such as `optimizer`, replaces the recipe's entire optimizer."
    assert said in IN_ONE_LINE.replace("**", "")
    assert "such as betas of 0.9 and 0.999 for `adam`" in IN_ONE_LINE
    adam = default_with(optimizer="adam").optimizer
    assert (adam.beta1, adam.beta2, adam.second_moment, adam.anneal_from) == (0.9, 0.999, "number", 1.0)


@pytest.mark.parametrize(
    ("own", "rate", "said"),
    [
        ({"optimizer": "nadam"}, 0.1, "`optimizer: nadam` takes 0.1 with `fourier` and 0.003 with `cppn`"),
        ({"optimizer": "nadam", "parameterization": "cppn"}, 0.003, "and 0.003 with `cppn`"),
        ({"parameterization": "cppn"}, 0.003, "with `parameterization: cppn` uses 0.003, not 0.12"),
        ({}, 0.12, "uses 0.003, not 0.12"),
    ],
)
def test_learning_rates_on_the_page_are_those_that_are_used(
    own: dict[str, Any], rate: float, said: str
) -> None:
    assert said in IN_ONE_LINE
    assert default_with(**own).optimizer.learning_rate == rate


def test_weights_on_the_page_are_those_that_are_used() -> None:
    assert "`penalties: [l1]` takes 1e-4 at 224 px and 1.9e-5 at 512 px" in IN_ONE_LINE
    weights = [default_with(penalties=["l1"], size_px=side).penalties[0].weight for side in (224, 512)]
    assert weights == [1e-4, 1.9e-5]


SOURCES = re.findall(r"^\| [^|]+ \| [^|]+ \| `(\{.+\})` \|$", PAGE, re.MULTILINE)


def test_many_sources_have_keys() -> None:
    assert (
        len(SOURCES) == PAGE.partition("## By year")[2].partition("\n## ")[0].count("\n| ") - 2
    )  # head, generator


@pytest.mark.parametrize("keys", SOURCES)
def test_the_keys_of_a_source_can_be_planned(keys: str, tmp_path: Path) -> None:
    shutil.copy(DOCS.parent / "configs/photos/chelsea.jpg", tmp_path / "photo.jpg")
    (tmp_path / "photos").mkdir()
    for i in range(9):
        shutil.copy(tmp_path / "photo.jpg", tmp_path / f"photos/{i}.jpg")
    spec = f"model: efficientnet-lite0\njobs:\n  - {{name: old, {keys.removeprefix('{')}\n"
    planned = plan_of_spec(str(write_spec(tmp_path, spec)), [])
    assert len(planned.plan.units) >= 1
    assert not planned.remarks


def test_the_page_has_no_words_that_only_we_know() -> None:
    prose = re.sub(r"```.*?```|`[^`]*`", "", PAGE, flags=re.DOTALL)
    assert re.findall(r"\b(?:ascen[dt]\w*|burn\w*|climb\w*)\b", prose, re.IGNORECASE) == []


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)]+)\)", PAGE)
    assert len(targets) > 4
    for target in targets:
        name, _, anchor = target.partition("#")
        text = (DOCS / name).read_text() if name.endswith(".md") else ""
        assert (DOCS / name).is_file(), target
        assert not anchor or anchor.replace("-", " ") in text.lower(), target
