"""The spec inside a picture: it renders this picture, and does not tell what stood around it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fvcli.models import ModelFacts
from fvcli.plan import Plan, make_plan, standalone_spec, title_of
from fvcli.spec.recipes import RECIPES
from fvcli.spec.schema import Render, Spec
from tests.helpers.plans import spec_and_plan_of
from tests.plan.test_keys import ALIGNMENT, CASES, FILES, INTERPOLATION, base, lite0

Data = dict[str, Any]


def plan_of(*jobs: Data, **top: Any) -> Plan:
    spec = Spec.model_validate({"model": "efficientnet-lite0", **top, "jobs": list(jobs)})
    carried = frozenset(Render.model_fields) if "render" in top else frozenset()
    plan, problems = make_plan(spec, range(len(jobs)), lite0(), FILES, carried=carried)
    assert problems == []
    return plan


def carried(plan: Plan, path: str) -> tuple[str, str]:
    """Return the text that a unit's picture would carry: its spec and its title."""
    unit = plan.units[plan.positions[path]]
    written = json.dumps(standalone_spec(plan, unit), sort_keys=True)
    return written, title_of(unit, plan.programs[unit.program])


@pytest.mark.parametrize("name", CASES)
def test_the_spec_of_every_kind_gives_the_same_unit(name: str) -> None:
    plan = plan_of(CASES[name][0])
    for unit in plan.units:
        data = standalone_spec(plan, unit)
        again = plan_of(*json.loads(json.dumps(data))["jobs"], render=data["render"], model=data["model"])
        group = plan.group_of(unit)
        assert [other.key for other in again.units] == [mate.key for mate in group]
        same = again.units[group.index(unit)]
        assert (same.identity, same.sign) == (unit.identity, unit.sign)
        assert standalone_spec(again, same) == data


CHANNEL = base()
AROUND: dict[str, tuple[Data, str]] = {
    "other channels": (base(channels="0-7"), "a/channel-0003"),
    "another name and title": (base(name="other", title="T"), "other/channel-0003"),
    "several layers": (base(layer=["stem_bn", "block2_add"]), "a/block2_add-channel-0003"),
    "inside the objective": (
        base(channels=None, objective={"kind": "channel", "channel": [1, 3]}),
        "a/channel-0003",
    ),
    "the objective's own layer": (
        {"name": "a", "objective": {"kind": "channel", "layer": "block2_add"}, "channels": [3]},
        "a/channel-0003",
    ),
    "a sum of one": (
        base(objective={"kind": "sum", "terms": [{"kind": "channel"}]}),
        "a/sum-channel-0003",
    ),
    "a variant": (base(variants=[{"name": "x", "steps": 9}, {"name": "y"}]), "a/channel-0003-y"),
    "all written out": (base(steps=160, seed=0, recipe="default", early_stop=0.01), "a/channel-0003"),
    "only": (base(channels="0-7", only=["channel-0003"]), "a/channel-0003"),
}


@pytest.mark.parametrize("name", AROUND)
def test_what_stands_around_a_unit_does_not_change_its_text(name: str) -> None:
    job, path = AROUND[name]
    plain = plan_of(CHANNEL)
    assert carried(plan_of({**base(), "name": "before"}, job), path) == carried(plain, "a/channel-0003")


def test_the_text_of_a_channel_in_full() -> None:
    text = standalone_spec(plan_of(CHANNEL), plan_of(CHANNEL).units[0])
    assert text["jobs"] == [
        {"name": "channel", "objective": {"kind": "channel", "layer": "block2_add", "channel": 3}}
    ]
    assert text["model"] == {"name": "efficientnet-lite0", "value_range": [-1.0, 1.0], "channel_order": "RGB"}
    assert text["render"]["recipe"] == "default"
    assert text["render"]["size_px"] == [224, 224]


@pytest.mark.parametrize("recipe", ["default", "lucid", "distill", "yosinski-2", "deepdraw"])
def test_the_recipe_is_the_one_that_most_settings_are_of(recipe: str) -> None:
    steps = {} if recipe == "deepdraw" else {"steps": 7}  # whose octaves say their steps
    plan = plan_of(base(recipe=recipe, **steps))
    assert standalone_spec(plan, plan.units[0])["render"]["recipe"] == recipe


def test_the_title_tells_layer_kind_and_number() -> None:
    plan = plan_of(base(sign="negative"))
    title = title_of(plan.units[0], plan.programs[0])
    assert title == "block2_add channel 3, negative, efficientnet-lite0"


def test_no_folder_of_anybody_is_told() -> None:
    model = {"name": "efficientnet-lite0", "weights": "/home/a/secret/my.pth", "sha256": "0a" * 32}
    named = ("objective.caricature", "parameterization.maco.spectrum", "parameterization.generator")
    named = (*named, "references")
    jobs = [CASES[case][0] | {"name": name} for case, name in zip(named, "abcd", strict=True)]
    plan = plan_of(*jobs, model=model)
    for unit in plan.units:
        text = json.dumps(standalone_spec(plan, unit))
        assert "secret" not in text
        assert "photos/" not in text
    assert standalone_spec(plan, plan.units[0])["model"]["weights"] == "my.pth"
    assert standalone_spec(plan, plan.units[0])["jobs"][0]["pictures"] == ["chelsea.jpg"]


def test_a_group_keeps_its_mates_and_a_lone_step_does_not() -> None:
    aligned = base(channels=None, objective={**INTERPOLATION, "count": 3, "alignment": ALIGNMENT})
    plan = plan_of(aligned)
    (job,) = standalone_spec(plan, plan.units[1])["jobs"]
    assert (job["objective"]["kind"], job["objective"]["count"]) == ("interpolate", 3)
    plan = plan_of(base(channels=None, objective={**INTERPOLATION, "count": 3}))
    (job,) = standalone_spec(plan, plan.units[1])["jobs"]
    assert job["objective"] == {
        "kind": "sum",
        "terms": [
            {"kind": "channel", "layer": "block2_add", "channel": 1, "weight": 0.5},
            {"kind": "channel", "layer": "block2_add", "channel": 2, "weight": 0.5},
        ],
    }


def test_weights_inside_an_interpolation_come_back_exactly(facts: ModelFacts) -> None:
    """Sums inside have weights whose product with a step's share rounds in one order only."""
    of = {"kind": "sum", "weight": 0.3, "terms": [{"kind": "channel", "channel": 1, "weight": 0.7}, "layer"]}
    to = {"kind": "product", "weight": 1.1, "terms": [{"kind": "channel", "channel": 2, "weight": 0.7}, of]}
    objective = {"kind": "interpolate", "from": of, "to": to, "count": 7, "alignment": ALIGNMENT}
    plan = plan_of(base(channels=None, objective=objective))
    for unit in plan.units:
        data = standalone_spec(plan, unit)
        again = plan_of(*data["jobs"], render=data["render"])
        assert [other.key for other in again.units] == [other.key for other in plan.units]


def test_a_sum_of_many_terms_is_written_in_parts() -> None:
    inner = [{"kind": "sum", "terms": [{"kind": "channel", "channel": i % 24} for i in range(40)]}] * 3
    plan = plan_of(base(channels=None, objective={"kind": "sum", "terms": inner}))
    data = standalone_spec(plan, plan.units[0])
    assert [len(part["terms"]) for part in data["jobs"][0]["objective"]["terms"]] == [64, 56]
    assert plan_of(*data["jobs"], render=data["render"]).units[0].key == plan.units[0].key


DREAMS: dict[str, Data] = {
    "a recipe": {"recipe": "deepdraw"},
    "octaves": {"octaves": {"count": 2}},
    "of a photo": {"recipe": "deepdream", "pictures": ["chelsea.jpg"]},
    "a direction": {"steepest": "l2", "pictures": ["chelsea.jpg"]},
}


def read_again(data: Data, facts: ModelFacts) -> Plan:
    """Return the plan of a written spec that is read as any other: keys that nothing reads are refused."""
    return spec_and_plan_of(json.dumps(data), facts, FILES)[1]


OWN: dict[str, Data] = {
    "nothing": {},
    "scale": {"octaves": {"scale": 1.3}},
    "count": {"octaves": {"count": 2}},
    "each": {"octaves": {"each": [{"scale": 1, "steps": 3}]}},
    "no detail kept": {"octaves": {"keep_detail": False}},
    "octaves and steps": {"octaves": {"count": 2}, "steps": 5},
    "octaves and saved steps": {"octaves": {"count": 2}, "save_at": [1, 2]},
    "octaves and a film": {"octaves": {"count": 2}, "animation": {}},
    "octaves and noise": {"octaves": {"count": 2}, "start": "noise"},
    "octaves and pixels": {"octaves": {"count": 2}, "parameterization": "pixel"},
    "octaves and other noise": {
        **{"octaves": {"count": 2}, "start": "noise"},
        "parameterization": {"kind": "pixel", "std": 0.02},
    },
    "octaves, seed and size": {"octaves": {"scale": 1.3}, "seed": 3, "size_px": [96, 128]},
    "steepest": {"steepest": "l2"},
}


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_dream_of_any_recipe_has_a_spec_that_can_be_read(recipe: str, own: str, facts: ModelFacts) -> None:
    """What nothing reads is in the key, too, and only a recipe may have it."""
    given = OWN[own]
    photos = {"references": "photos"} if recipe == "vital" and not given else {}
    begins = ("steepest" in given or recipe == "deepdream") and given.get("start") != "noise"
    plan = plan_of(
        base(
            channels=4, recipe=recipe, **given, **photos, **({"pictures": ["chelsea.jpg"]} if begins else {})
        )
    )
    data = standalone_spec(plan, plan.units[0])
    again = read_again(data, facts)
    assert [unit.key for unit in again.units] == [plan.units[0].key]
    assert [program.batch_size for program in again.programs] == [plan.programs[0].batch_size]
    assert standalone_spec(again, again.units[0]) == data


def test_dreams_on_a_picture_keep_their_recipe() -> None:
    for octaves in ({"scale": 1.3}, {"count": 2}):
        plan = plan_of(base(channels=4, recipe="deepdream", octaves=octaves, pictures=["chelsea.jpg"]))
        assert standalone_spec(plan, plan.units[0])["render"]["recipe"] == "deepdream"


def test_deepdraw_on_a_picture_has_a_spec_that_can_be_read(facts: ModelFacts) -> None:
    """A picture has no std, which is in the key of the noise that the recipe begins with."""
    plan = plan_of(base(channels=4, recipe="deepdraw", start="picture", pictures=["chelsea.jpg"]))
    again = read_again(standalone_spec(plan, plan.units[0]), facts)
    assert [unit.key for unit in again.units] == [plan.units[0].key]


@pytest.mark.parametrize("name", DREAMS)
def test_a_spec_of_what_is_no_optimisation_has_no_key_that_nothing_reads(
    name: str, facts: ModelFacts
) -> None:
    """A copied spec is read as any other, and one with such keys is refused."""
    plan = plan_of(base(channels=4, **DREAMS[name]))
    data = standalone_spec(plan, plan.units[0])
    assert "optimizer" not in data["render"]
    again = read_again(data, facts)
    assert [unit.key for unit in again.units] == [plan.units[0].key]


def test_what_nothing_reads_and_is_part_of_the_key_stays(facts: ModelFacts) -> None:
    """An optimizer that other jobs of the spec read is in the key of a dream, too."""
    dream = base(channels=4, octaves={"count": 2})
    plan = plan_of(dream, base(name="other"), render={"optimizer": {"kind": "adam", "learning_rate": 0.3}})
    data = standalone_spec(plan, plan.units[0])
    assert data["render"]["optimizer"]["learning_rate"] == 0.3
    assert not {"transforms", "views", "early_stop"} & set(data["render"])
    again = plan_of(*data["jobs"], render=data["render"])
    assert [unit.key for unit in again.units] == [plan.units[0].key]
