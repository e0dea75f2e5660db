"""The reference says of every key what it does and what happens without it, in words that a reader knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from reference_page import page
from reference_page.defaults import BY_RECIPE_HEADING, NONE, recipes_by_value

from fvcli.cli import main
from fvcli.spec import Spec, json_schema
from fvcli.spec.base import BY_RECIPE, WHEN_LEFT_OUT
from fvcli.spec.recipes import RECIPES, resolved
from fvcli.spec.schema import Render
from fvcli.spec.yaml_text import parse_yaml
from tests.helpers.specs import MINIMAL, spec_of, with_job

PAGE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
SHORTEST = 20  # characters of a description
UNKNOWN_WORDS = re.compile(r"\b(ascen[dt]\w*|burn\w*|climb\w*)\b", re.IGNORECASE)
SCHEMA = Spec.model_json_schema()
MODELS: dict[str, dict[str, Any]] = {"Spec": SCHEMA, **SCHEMA["$defs"]}


def keys() -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """Yield each key of each model, with its schema and whether it is needed."""
    for name, model in MODELS.items():
        for key, node in model.get("properties", {}).items():
            if key != "kind":
                yield name, key, node, key in model.get("required", ())


def test_the_page_is_up_to_date() -> None:
    assert page() == PAGE, "write it anew: .venv/bin/python scripts/reference"


def test_every_key_is_described_in_a_sentence() -> None:
    found = {f"{name}.{key}": node.get("description", "") for name, key, node, _ in keys()}
    assert len(found) > 250
    assert {where: said for where, said in found.items() if len(said) < SHORTEST or said[-1] != "."} == {}
    repeated = {where: said for where, said in found.items() if said.lower().split(".")[0] == where.lower()}
    assert repeated == {}


def test_every_key_says_what_happens_without_it() -> None:
    silent = [
        f"{name}.{key}"
        for name, key, node, needed in keys()
        if not (needed or node.get(WHEN_LEFT_OUT) or node.get("default") not in (None, "", []))
    ]
    assert silent == []


def test_no_cell_of_the_page_is_empty() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    assert len(rows) > 300
    assert [row for row in rows if any(not cell.strip("` ") for cell in row[1:-1].split("|"))] == []


def test_descriptions_have_no_words_that_only_we_know() -> None:
    said = [node["description"] for _, _, node, _ in keys()]
    said += [model["description"] for model in MODELS.values() if "description" in model]
    plain = [re.sub(r"`[^`]*`|^Example: .*", "", text, flags=re.MULTILINE) for text in said]
    assert [text for text in plain if UNKNOWN_WORDS.search(text)] == []


@pytest.mark.parametrize("name", [name for name in MODELS if name != "Spec"])
def test_the_example_of_a_model_is_valid_and_of_its_kind(name: str) -> None:
    _, _, example = MODELS[name]["description"].partition("Example: ")
    ((key, value),) = parse_yaml(example).data.items()
    spec_of(MINIMAL | {key: value} if key in Spec.model_fields else with_job(**{key: value}))
    kind = MODELS[name]["properties"].get("kind", {}).get("const")
    assert kind is None or f"kind: {kind}" in example
    assert f"`{example}`" in PAGE


def test_links_lead_to_headings() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(anchors) == len(set(anchors))
    linked = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert len(linked) > 60
    assert linked - set(anchors) == set()


# ---- defaults


def test_what_is_by_recipe_is_what_recipes_set() -> None:
    marked = {key for key, node in MODELS["Render"]["properties"].items() if BY_RECIPE in node[WHEN_LEFT_OUT]}
    assert marked == {key for key in Render.model_fields if recipes_by_value(key)}


def test_the_table_by_recipe_says_what_each_recipe_has() -> None:
    table = PAGE.partition(f"### {BY_RECIPE_HEADING}")[2].partition("## Jobs")[0]
    said: dict[str, dict[str, Any]] = {name: {} for name in RECIPES}
    for key, value, recipes in re.findall(r"^\| `(\w+)` \| `(.+)` \| (.+) \|$", table, re.MULTILINE):
        names = re.findall(r"`([^`]+)`", recipes) or [n for n, own in said.items() if key not in own]
        for name in names:
            said[name][key] = None if value == NONE else parse_yaml(f"x: {value}").data["x"]
    assert {name: Render.model_validate(own) for name, own in said.items()} == RECIPES


@pytest.mark.parametrize(
    ("optimizer", "parameterization", "line"),
    [
        ("nadam", "cppn", "| `nadam` | 0.1 | 0.1 | 0.1 | 0.003 | 0.02 | 1 | 0.1 |"),
        ("adam", "fourier", "| `adam` | 0.05 | 0.05 | 0.05 | 0.003 | 0.02 | 0.05 | 0.05 |"),
    ],
)
def test_learning_rates_are_those_of_a_spec_that_names_none(
    optimizer: str, parameterization: str, line: str
) -> None:
    assert line in PAGE
    own = Render.model_validate({"optimizer": optimizer, "parameterization": parameterization})
    chosen = resolved("default", own, (224, 224)).optimizer.learning_rate
    assert chosen == {"nadam": 0.003, "adam": 0.05}[optimizer]


def test_weights_are_those_of_a_spec_that_names_none() -> None:
    assert "| `l2` | 0.088 | 0.044 | 0.025 | 0.011 | 0.0055 |" in PAGE
    own = Render.model_validate({"penalties": ["l2"], "size_px": 512})
    assert resolved("default", own, (224, 224)).penalties[0].weight == 0.011


# ---- what editors show


def test_editors_show_descriptions_with_defaults() -> None:
    printed = CliRunner().invoke(main, ["schema"]).stdout
    schema = json.loads(printed)
    assert schema == json.loads(json.dumps(json_schema()))
    neuron = schema["$defs"]["NeuronObjective"]["properties"]
    assert neuron["row"]["description"].endswith("Write `column` as well. Default: the centre.")
    assert schema["$defs"]["Render"]["properties"]["steps"]["description"].endswith("Default: by recipe.")
    models = (schema, *schema["$defs"].values())
    nodes = [node for model in models for node in model.get("properties", {}).values()]
    assert not any("default" in node and node["default"] is None for node in nodes)
