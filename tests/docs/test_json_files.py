"""The page of JSON files has every key that fvcli writes, and no other."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from fvcli.atlas.site import SiteOptions, build_site
from fvcli.models import ModelChoice, ModelFacts
from fvcli.models.graph import Node
from fvcli.models.graph import Window as LayerWindow
from fvcli.plan.data import JobPlan, Program, Source, Unit, Window
from fvcli.plan.head import PlanHead
from fvcli.plan.parted_units import Stretch
from fvcli.plan.plan import PLAN_VERSION, WITHOUT_FOLDERS, Plan
from fvcli.plan.terms import Coupling, TermPlan, TermShape
from fvcli.run.examples import ExamplesHead, LayerArrays, LayerHead
from fvcli.run.examples.head import EXAMPLES_VERSION
from fvcli.run.model_file import MODEL_VERSION
from fvcli.run.scores import SCORES_VERSION, RunScores, Strength, Survival, Transfer, TwoAfc, UnitScores, Way
from fvcli.run.sidecar import SCHEMA_VERSION, Sidecar
from fvcli.run.status import run_status
from fvcli.run.unit_links import LINKS_VERSION, LayerLinks, Links, Neighbour, strongest, write_links
from fvcli.run.unit_table import UnitRow
from fvcli.spec.settings import Settings
from tests.helpers.pages import page
from tests.helpers.painting import begun_run, paint

PAGE = page("json-files")
WRITTEN = {
    "Sidecar": Sidecar,
    "plan.json": Plan,
    "model in plan.json": ModelChoice,
    "programs": Program,
    "terms of a program": TermShape,
    "window": Window,
    "couplings": Coupling,
    "jobs": JobPlan,
    "units": Unit,
    "terms of a unit": TermPlan,
    "sources": Source,
    "stretches": Stretch,
    "model.json": ModelFacts,
    "examples.json": ExamplesHead,
    "layers of examples.json": LayerHead,
    "arrays of a layer": LayerArrays,
    "nodes": Node,
    "UNIT.scores.json": UnitScores,
    "two_afc": TwoAfc,
    "strength": Strength,
    "path": Way,
    "survival": Survival,
    "transfer": Transfer,
    "scores.json": RunScores,
}


def rows(heading: str) -> list[tuple[str, str]]:
    """Return keys and meanings of the table below a heading, in order."""
    _, _, after = PAGE.partition(f"# {heading}\n")
    section = re.split(r"^##+ ", after, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert found, heading
    return found


def keys(heading: str) -> list[str]:
    return [key for key, _ in rows(heading)]


@pytest.mark.parametrize("heading", WRITTEN)
def test_a_table_has_the_keys_of_what_is_written(heading: str) -> None:
    names = [field.name for field in fields(WRITTEN[heading]) if field.repr]
    assert sorted({*keys(heading)} - {"version"}) == sorted({*names} - {"version"})


def test_settings_and_the_head_of_large_plans() -> None:
    assert keys("settings") == list(Settings.model_fields)
    head = {field.name for field in fields(PlanHead)}
    assert head - set(keys("plan.json of a large run")) == {"model", "programs", "jobs", "output", "sources"}
    assert set(keys("plan.json of a large run")) <= head
    [window] = [text for key, text in rows("nodes") if key == "window"]
    assert all(f"`{field.name}`" in window for field in fields(LayerWindow))


def test_an_atlas_has_just_these_keys(tmp_path: Path) -> None:
    run = begun_run(tmp_path / "run")
    paint(run, run.plan.units[0])
    build_site(run, SiteOptions(out=tmp_path / "site"))
    atlas = json.loads((tmp_path / "site" / "atlas.json").read_text())
    assert list(atlas) == keys("atlas.json")
    [layer] = [one for one in atlas["layers"] if one["is_layer"]][:1]
    assert list(layer) == keys("layers of atlas.json")
    told = json.loads((tmp_path / "site" / layer["data"][0]).read_text())
    assert list(told["units"][0]) == keys("units of atlas.json")
    assert list(told["units"][0]["pictures"][0]) == keys("pictures of atlas.json")


def test_a_finished_unit_and_a_status_have_just_these_keys(tmp_path: Path) -> None:
    run = begun_run(tmp_path / "run")
    unit = run.plan.units[0]
    paint(run, unit)
    assert list(json.loads(run.json(unit).read_text())) == keys("Sidecar")
    assert list(run_status(run).to_dict()) == keys("status --json")
    assert list(UnitRow._fields) == keys("status --csv")
    plan = json.loads((run.path / "plan.json").read_text())
    assert list(plan) == keys("plan.json")
    assert list(plan["units"][0]) == [key for key in keys("units") if key != "folder"]
    assert set(json.loads((run.path / "model.json").read_text())) == set(keys("model.json"))


def test_links_have_just_these_keys_and_arrays(tmp_path: Path) -> None:
    one = strongest(np.ones((2, 3)), np.zeros(3, int), np.arange(3))
    near = (Neighbour("b", 1),)
    layer = LayerLinks(
        "a", np.arange(2), near, near, one, one, strongest(np.ones((2, 3)), *[np.arange(3)] * 2, 5)
    )
    written = json.loads(write_links(tmp_path, Links("0" * 64, {"a": layer})).read_text())
    assert list(written["layers"][0]) == keys("links/links.json")[:8]
    with np.load(tmp_path / "links/a.npz") as arrays:
        assert list(arrays) == keys("links/links.json")[8:]
    assert f"`version` is {LINKS_VERSION}, `weights_sha256`" in PAGE


def test_versions_are_those_of_the_code() -> None:
    assert f"`schema_version` is {SCHEMA_VERSION}." in PAGE
    assert f"`version` is {WITHOUT_FOLDERS}, or {PLAN_VERSION} if" in PAGE
    assert f"has `version` {PLAN_VERSION}," in PAGE
    assert f"the version of this file, {MODEL_VERSION} |" in PAGE
    assert f"written last by `fvcli examples`. `version` is {EXAMPLES_VERSION}." in PAGE
    assert PAGE.count(f"by `fvcli score`. `version` is {SCORES_VERSION}.") == 2


def test_every_key_has_a_meaning() -> None:
    told = re.findall(r"^\| `\w+` \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(told) > 150
    assert all(len(meaning) > 3 for meaning in told)
