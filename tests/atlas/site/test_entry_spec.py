"""The spec on a page plans to the pictures of the page: the same keys, and so the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from pydantic import TypeAdapter

from fvcli.atlas.site.collect import collect
from fvcli.atlas.site.entry_spec import entry_spec
from fvcli.models import ModelFacts
from fvcli.plan import Plan, Unit
from fvcli.run import RunFolder
from tests.helpers.plans import EVERY_KIND, plan_of, spec_and_plan_of


def keys_of(text: str, facts: ModelFacts) -> list[str]:
    return [unit.key for unit in spec_and_plan_of(text, facts)[1].units]


def test_every_page_of_a_run_has_a_spec_of_its_pictures(run: RunFolder, facts: ModelFacts) -> None:
    for chapter in collect(run, None, {}).chapters:
        for entry in chapter.entries[:9]:
            units = [run.plan.units[picture.position] for picture in entry.pictures]
            found = keys_of(entry_spec(run.plan, units), facts)
            assert sorted(found) == sorted(picture.key for picture in entry.pictures), entry.name


def subjects(plan: Plan) -> list[Sequence[Unit]]:
    return [[unit] for unit in plan.units]


@pytest.mark.parametrize("job", EVERY_KIND, ids=lambda job: str(job["name"]))
def test_every_kind_of_objective_is_written(job: dict[str, object], facts: ModelFacts) -> None:
    plan = plan_of(facts, [job])
    for units in subjects(plan):
        assert keys_of(entry_spec(plan, units), facts) == [unit.key for unit in units]


WAYS = {
    "seed": {"seed": 3},
    "recipe": {"recipe": "lucid"},
    "size": {"size_px": [48, 96]},
    "steps": {"steps": 7, "early_stop": 0},
    "grey": {"parameterization": {"kind": "fourier", "decorrelate": False}},
    "penalties": {"penalties": [{"kind": "total_variation", "weight": 0.5}]},
    "octaves": {"octaves": {"count": 2}},
    "dream": {"recipe": "deepdraw"},
    "diversity": {"diversity": {"count": 3}},
    "negative": {"sign": "negative"},
}


@pytest.mark.parametrize("first", WAYS)
def test_pictures_that_are_rendered_in_different_ways_stand_in_one_spec(
    first: str, facts: ModelFacts
) -> None:
    ways = [WAYS[first], *WAYS.values()]
    jobs = [{"name": f"j{i}", "layer": "stem_bn", "channels": 4, **way} for i, way in enumerate(ways)]
    plan = plan_of(facts, jobs)
    units = list(plan.units)
    assert keys_of(entry_spec(plan, units), facts) == [unit.key for unit in units]
    for unit in units:  # with the first one alone, too, which decides what the others inherit
        pair = [units[0], *([] if unit.path == units[0].path else plan_group(plan, unit))]
        assert set(keys_of(entry_spec(plan, pair), facts)) >= {one.key for one in pair}


def plan_group(plan: Plan, unit: Unit) -> list[Unit]:
    return list(plan.group_of(unit))


def test_a_spec_says_once_what_pictures_share(run: RunFolder) -> None:
    atlas = collect(run, None, {})
    chapter = next(one for one in atlas.chapters if one.name == "block4_expand_bn")
    units = [run.plan.units[picture.position] for picture in chapter.entries[0].pictures]
    text = entry_spec(run.plan, units)
    lines = text.splitlines()
    jobs = [line for line in lines if line.startswith("  - {name: ")]
    assert len(jobs) == 6  # four pictures of one group, and one job for each of the others
    assert text.count("size_px") == 1
    names = [line.split("name: ")[1].split(",")[0] for line in jobs]
    assert len(set(names)) == 6
    assert max(map(len, lines)) < 600


@pytest.mark.parametrize(
    "layer",
    [
        "yes",
        "null",
        "1e5",
        "a: b",
        "- x",
        "#",
        "'\"",
        "{a}",
        "\u202e\u05e9",
        "x" * 300,
        "\u2028\x85\ufeff\U0001f600",
        "a/b",
    ],
)
def test_a_layer_may_be_called_anything(layer: str, facts: ModelFacts) -> None:
    text = json.dumps(facts_json(facts)).replace('"stem_bn"', json.dumps(layer))
    strange = facts_of(text)
    plan = plan_of(strange, [{"name": "a", "layer": layer, "channels": 1}])
    assert keys_of(entry_spec(plan, list(plan.units)), strange) == [plan.units[0].key]


def facts_json(facts: ModelFacts) -> object:
    return TypeAdapter(ModelFacts).dump_python(facts, mode="json")


def facts_of(text: str) -> ModelFacts:
    return TypeAdapter(ModelFacts).validate_json(text)
