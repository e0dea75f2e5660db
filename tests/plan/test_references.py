"""Layers that are matched with the photos of a unit, and what is said of references that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.app.plan_spec import plan_of_spec
from fvcli.media.movie_writer import encode_movie
from fvcli.models import ModelFacts
from fvcli.models.graph import IMAGE, Node, Window
from fvcli.plan import standalone_spec
from fvcli.plan.references import chosen_layers, passed_by_all
from tests.helpers.picture_files import save
from tests.helpers.running import fvcli, write_spec

SPEC = """\
model: efficientnet-lite0
render: {recipe: vital, size_px: 96, steps: 2}
jobs:
  - {name: a, layer: block4_expand_bn, channels: [3, 50], references: {photos: photos, count: 2}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a spec, and three photos."""
    for i in range(3):
        save(tmp_path / f"photos/{i}.png", np.full((20, 30, 3), 60 * i, np.uint8))
    write_spec(tmp_path, SPEC)
    return tmp_path


def facts_of(facts: ModelFacts, nodes: Sequence[Node]) -> ModelFacts:
    return replace(facts, nodes=tuple(nodes))


# ---- layers


@given(st.lists(st.sets(st.integers(0, 9), min_size=1, max_size=3), min_size=1, max_size=10))
def test_layers_that_all_input_passes_are_those_without_which_none_arrives(
    facts: ModelFacts, inputs: list[set[int]]
) -> None:
    """Node i reads some of the nodes before it, or the picture; the last one is the target."""
    names = [f"n{i}" for i in range(len(inputs))]
    nodes = [
        Node(name, "conv", tuple(sorted({names[k] if k < i else IMAGE for k in some})), 4, Window())
        for i, (name, some) in enumerate(zip(names, inputs, strict=True))
    ]
    below = {node.name: node.inputs for node in nodes}

    def arrives(without: str) -> bool:
        todo, seen = [names[-1]], set()
        while todo:
            name = todo.pop()
            if name not in seen and name != without:
                seen.add(name)
                todo += below.get(name, ())
        return IMAGE in seen

    made = facts_of(facts, nodes)
    assert passed_by_all([names[-1]], made) == [name for name in names if not arrives(name)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("stem_conv", []),
        ("stem_bn", []),
        ("block1_dw_bn", ["block0_project_bn"]),
        ("block1_dw", ["block1_dw_bn"]),
        ("block4_expand_bn", ["block2_add", "block3_project_bn"]),
        ("block9_expand_bn", ["block2_add", "block4_add", "block6_add", "block7_add"]),
        ("logits", ["block2_add", "block4_add", "block10_add", "block14_add"]),
    ],
)
def test_of_each_size_the_last_layer_that_all_passes_is_matched(
    facts: ModelFacts, target: str, expected: list[str]
) -> None:
    for side in (96, 224, 512):
        assert list(chosen_layers([target], facts, (side, side))) == expected


def test_a_network_of_one_map_size_has_layers_spread_over_its_depth(facts: ModelFacts) -> None:
    nodes = [Node("patches", "conv", (IMAGE,), 8, Window((16, 16), (16, 16)))]
    for i in range(12):
        before = nodes[-1].name
        nodes.append(Node(f"mix{i}", "other", (before,), 8, Window()))
        nodes.append(Node(f"add{i}", "add", (before, f"mix{i}"), 8, Window()))
    found = chosen_layers(["add11"], facts_of(facts, nodes), (224, 224))
    assert list(found) == ["add2", "add5", "add7", "add10"]


# ---- plans


def test_the_plan_names_the_layers_and_what_the_photos_are(folder: Path) -> None:
    plan = plan_of_spec(str(folder / "spec.yaml"), []).plan
    references = plan.programs[0].settings.references
    assert references is not None
    assert references.layers == ("block2_add", "block3_project_bn", "block4_expand_bn")
    assert references.photos == str(folder / "photos")
    assert len(references.sha256 or "") == 64
    alone = standalone_spec(plan, plan.units[1])
    assert alone["render"]["recipe"] == "vital"
    assert alone["render"]["references"]["photos"] == "photos"


def keys(folder: Path, *overrides: str) -> list[str]:
    return [unit.key for unit in plan_of_spec(str(folder / "spec.yaml"), overrides).plan.units]


def test_the_photos_and_all_that_is_said_of_them_decide_the_key(folder: Path) -> None:
    before = keys(folder)
    written = "[block2_add, block3_project_bn, block4_expand_bn]"
    assert keys(folder, f"jobs.a.references.layers={written}") == before
    (folder / "photos").rename(folder / "moved")
    assert keys(folder, "jobs.a.references.photos=moved") == before
    for changed in ("count=3", "focus=0", "layers=[block2_add]"):
        others = keys(folder, "jobs.a.references.photos=moved", f"jobs.a.references.{changed}")
        assert set(others).isdisjoint(before), changed
    save(folder / "moved/2.png", np.full((20, 30, 3), 99, np.uint8))
    assert set(keys(folder, "jobs.a.references.photos=moved")).isdisjoint(before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("photos: photos, count: 2", "count: 2"),
            "4: jobs[0].references: this key lacks a folder of photos",
        ),
        ((", references: {photos: photos, count: 2}", ""), "jobs[0].references: this key lacks a folder"),
        (("photos: photos", "photos: nowhere"), "4: jobs[0].references.photos: nowhere: nothing there"),
        (
            ("count: 2", "count: 4"),
            "4: jobs[0].references: photos has 3 photos, and each unit is matched with 4; add photos, or "
            "write a lower references.count",
        ),
        (
            ("count: 2", "layers: [block2_ad], count: 2"),
            "4: jobs[0].references.layers[0]: efficientnet-lite0 has no layer 'block2_ad'; layers with",
        ),
        (
            ("count: 2", "layers: [block2_add, head], count: 2"),
            "4: jobs[0].references.layers[1]: head is not below block4_expand_bn, so it does not matter to "
            "the unit",
        ),
        (
            ("block4_expand_bn, channels: [3, 50]", "stem_bn, channels: 3"),
            "4: jobs[0].references: stem_bn of efficientnet-lite0 has no layer below it that could be "
            "matched; use another layer, or leave references out",
        ),
        (
            ("channels: [3, 50]", "objective: match, pictures: photos/1.png"),
            "4: jobs[0].references: match compares with a picture already, and references are photos of a "
            "unit; use another objective, or another recipe than vital",
        ),
        (
            ("recipe: vital", "recipe: deepdream"),
            "4: jobs[0].references: a dream does not use it; leave it out",
        ),
        (
            ("count: 2", f"count: 2, sha256: '{'0' * 64}'"),
            "4: jobs[0].references: photos: SHA-256 is ",
        ),
    ],
)
def test_references_that_cannot_be_matched_are_refused_before_anything_is_spent(
    folder: Path, change: tuple[str, str], said: str
) -> None:
    old, new = change
    assert old in SPEC
    write_spec(folder, SPEC.replace(old, new))
    result = fvcli("render", folder / "spec.yaml", "-o", folder / "run")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (folder / "run").exists()


def test_a_class_has_no_layer_of_its_own_to_match(folder: Path) -> None:
    spec = SPEC.replace("layer: block4_expand_bn, channels: [3, 50]", "objective: class_logit, classes: 207")
    write_spec(folder, spec)
    references = plan_of_spec(str(folder / "spec.yaml"), []).plan.programs[0].settings.references
    assert references is not None
    assert references.layers == (
        "block2_add",
        "block4_add",
        "block10_add",
        "block14_add",
    )


def test_a_shorthand_can_be_overridden_below(folder: Path) -> None:
    write_spec(folder, SPEC.replace("{photos: photos, count: 2}", "photos"))
    plan = plan_of_spec(str(folder / "spec.yaml"), ["jobs.a.references.count=3"]).plan
    references = plan.programs[0].settings.references
    assert references is not None
    assert references.count == 3


def test_films_among_the_photos_are_left_out_and_said(folder: Path) -> None:
    film = [np.full((16, 16, 3), 90 * i, np.uint8) for i in range(3)]
    (folder / "photos/film.gif").write_bytes(encode_movie(film, "gif", 5))
    planned = fvcli("plan", folder / "spec.yaml")
    assert "photos: left out 1 film (film.gif): films are not read here" in planned.stderr
