"""What jobs of joint objectives, directions, pictures, variants and groups become: names, weights, keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fvcli.media import ArrayFacts, NamedFiles, PictureFacts
from fvcli.models import ModelFacts
from fvcli.plan import Plan
from tests.helpers.plans import spec_and_plan_of

Data = dict[str, Any]
FILES = NamedFiles(
    pictures={
        "photos": [
            PictureFacts("cat", "/p/cat.jpg", "aa" * 32, 256, 384),
            PictureFacts("cup", "/p/cup.jpg", "bb" * 32, 100, 120),
        ],
        "/p/cup.jpg": [PictureFacts("cup", "/p/cup.jpg", "bb" * 32, 100, 120)],
        "/p/cat.jpg": [PictureFacts("cat", "/p/cat.jpg", "aa" * 32, 256, 384)],
    },
    arrays={"rows.npy": ArrayFacts("rows", "/p/rows.npy", "cc" * 32, (2, 32))},
)
CHANNEL: Data = {"name": "a", "layer": "stem_bn", "channels": [3]}
FACETS: Data = CHANNEL | {"diversity": {"count": 2}}
LINE: Data = {
    "name": "a",
    "objective": {
        "kind": "interpolate",
        "count": 3,
        "from": {"kind": "channel", "layer": "stem_bn", "channel": 3},
        "to": {
            "kind": "product",
            "weight": 4,
            "terms": [
                {"kind": "channel", "layer": "stem_bn", "channel": 5},
                {"kind": "layer", "layer": "stem"},
            ],
        },
    },
}
CARICATURE: Data = {"name": "a", "layer": "stem_bn", "objective": "caricature", "pictures": "photos"}


def plan_of(facts: ModelFacts, *jobs: Data, **render: Any) -> Plan:
    return spec_and_plan_of(text_of(*jobs, **render), facts, FILES)[1]


def text_of(*jobs: Data, **render: Any) -> str:
    return json.dumps({"model": "efficientnet-lite0", "jobs": list(jobs), "render": render})


def names(plan: Plan) -> list[str]:
    return [unit.name for unit in plan.units]


# ---- names, labels, order


def test_layers_pictures_and_variants_are_in_the_name(facts: ModelFacts) -> None:
    job = CARICATURE | {"layer": ["stem_bn", "stem"], "variants": [{"name": "x"}, {"name": "y", "steps": 3}]}
    plan = plan_of(facts, job)
    assert names(plan) == [
        f"{picture}-{layer}-caricature-{variant}"
        for variant in "xy"
        for layer in ("stem_bn", "stem")
        for picture in ("cat", "cup")
    ]
    assert plan.units[0].unit == {"picture": "cat", "variant": "x"}
    assert plan.units[0].label == "cat stem_bn x"


def test_one_layer_is_not_in_the_name(facts: ModelFacts) -> None:
    assert names(plan_of(facts, CHANNEL | {"layer": ["stem_bn"]})) == ["channel-0003"]


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        ({"random": "0-1"}, ["direction-random-0000", "direction-random-0001"]),
        ({"channels": [3, 17], "weights": [1, -0.5]}, ["direction-1x3-m0.5x17"]),
        ({"file": "rows.npy"}, ["direction-rows-0000", "direction-rows-0001"]),
        ([0.5] * 32, ["direction-0000"]),
        ([[0.5] * 32, {"random": 4}], ["direction-0000", "direction-random-0004"]),
    ],
)
def test_directions(facts: ModelFacts, vectors: Any, expected: list[str]) -> None:
    job = {"name": "a", "layer": "stem_bn", "objective": "direction", "vectors": vectors}
    assert names(plan_of(facts, job)) == expected


def test_lists_of_terms_make_every_pair(facts: ModelFacts) -> None:
    terms = [{"kind": "channel", "channel": [1, 2]}, {"kind": "channel", "channel": [3, 4, 5]}]
    plan = plan_of(facts, {"name": "a", "layer": "stem_bn", "objective": {"kind": "sum", "terms": terms}})
    pairs = [(first, second) for first in (1, 2) for second in (3, 4, 5)]
    assert names(plan) == [f"sum-{first:04d}-{second:04d}" for first, second in pairs]
    assert [tuple(term.index for term in unit.terms) for unit in plan.units] == pairs


def test_a_term_with_a_list_and_one_that_takes_the_jobs_channels(facts: ModelFacts) -> None:
    terms = [{"kind": "channel", "channel": [1, 2]}, {"kind": "channel"}]
    job = {"name": "a", "layer": "stem_bn", "channels": [7], "objective": {"kind": "sum", "terms": terms}}
    assert names(plan_of(facts, job)) == ["sum-0001-channel-0007", "sum-0002-channel-0007"]


# ---- weights and formulas


def test_steps_go_from_one_side_to_the_other(facts: ModelFacts) -> None:
    plan = plan_of(facts, LINE)
    assert [unit.label for unit in plan.units] == ["0 %", "50 %", "100 %"]
    weights = [[term.weight for term in unit.terms] for unit in plan.units]
    assert weights == [[1, 0, 1], [0.5, 2, 1], [0, 4, 1]]  # the first factor carries its product's weight
    assert {unit.formula for unit in plan.units} == {("sum", 0, ("product", 1, 2))}
    assert Plan.from_json(plan.to_json()) == plan


def test_sums_of_sums_are_sums(facts: ModelFacts) -> None:
    inner = {"kind": "sum", "weight": 3, "terms": [{"kind": "channel", "channel": 1, "weight": 2}]}
    terms = [inner, {"kind": "channel", "channel": 2}]
    job = {"name": "a", "layer": "stem_bn", "objective": {"kind": "sum", "terms": terms, "weight": 5}}
    (unit,) = plan_of(facts, job).units
    assert unit.formula is None
    assert [term.weight for term in unit.terms] == [30, 5]


# ---- groups


def test_members_of_a_group_are_together_in_every_batch(facts: ModelFacts) -> None:
    plan = plan_of(facts, FACETS | {"channels": "0-8", "diversity": {"count": 3}}, batch_size=8)
    (program,) = plan.programs
    assert (program.members, program.batch_size) == (3, 6)
    for number in range(len(plan.batches)):
        for group in plan.groups_of(number):
            assert [unit.member for unit in group] == [0, 1, 2]
            assert len({unit.terms for unit in group}) == 1
    assert len({unit.key for unit in plan.units}) == len({unit.identity for unit in plan.units}) == 27


def test_steps_that_nothing_couples_are_rendered_one_by_one(facts: ModelFacts) -> None:
    assert plan_of(facts, LINE).programs[0].members == 1
    aligned = LINE | {"objective": LINE["objective"] | {"alignment": {"layers": ["stem"]}}}
    assert plan_of(facts, aligned).programs[0].members == 3
    shared = LINE | {"parameterization": {"kind": "fourier", "shared": {}}}
    assert plan_of(facts, shared).programs[0].members == 3


def test_only_keeps_the_whole_group(facts: ModelFacts) -> None:
    plan = plan_of(facts, FACETS | {"channels": [3, 4], "only": ["channel-0004-d2"]})
    assert names(plan) == ["channel-0004-d1", "channel-0004-d2"]


# ---- keys


@pytest.mark.parametrize(
    ("job", "change"),
    [
        (FACETS, {"diversity": {"count": 3}}),
        (FACETS, {"diversity": {"count": 2, "weight": 2}}),
        (FACETS, {"diversity": {"count": 2, "layer": "stem"}}),
        (CHANNEL, {"diversity": {"count": 2}}),
        (CHANNEL, {"penalties": ["blur"]}),
        (CHANNEL, {"views": 2}),
        (CHANNEL, {"parameterization": {"kind": "fourier", "alpha": True}}),
        (CHANNEL, {"regularizers": ["gaussian_blur"], "parameterization": "pixel"}),
        (CARICATURE, {"objective": {"kind": "caricature", "power": 1}}),
        (CARICATURE, {"objective": "style"}),
        (CARICATURE, {"objective": {"kind": "match", "norm": "l1"}}),
        (LINE, {"objective": LINE["objective"] | {"alignment": {"layers": ["stem"]}}}),
    ],
)
def test_the_key_changes_with(facts: ModelFacts, job: Data, change: Data) -> None:
    assert plan_of(facts, job | change).units[0].key != plan_of(facts, job).units[0].key


def test_the_key_is_of_what_is_in_a_picture_and_not_of_its_name(facts: ModelFacts) -> None:
    first, second = plan_of(facts, CARICATURE).units
    assert first.key != second.key
    (alone,) = plan_of(facts, CARICATURE | {"pictures": "/p/cat.jpg"}).units
    assert alone.key == first.key


@pytest.mark.parametrize(
    "change", [{"diversity": None}, {"title": "T"}, {"penalties": []}, {"views": 1}, {"start": "noise"}]
)
def test_the_key_does_not_change_with(facts: ModelFacts, change: Data) -> None:
    assert plan_of(facts, CHANNEL | change).units[0].key == plan_of(facts, CHANNEL).units[0].key


def test_each_layer_is_diverse_at_itself(facts: ModelFacts) -> None:
    plan = plan_of(facts, FACETS | {"layer": ["stem_bn", "block1_expand_bn"]})
    found = {unit.layer: plan.programs[unit.program].couplings[0].layer for unit in plan.units}
    assert found == {"stem_bn": "stem_bn", "block1_expand_bn": "block1_expand_bn"}


def test_the_key_of_a_step_knows_what_it_is_aligned_with(facts: ModelFacts) -> None:
    """The last step has nothing of where the line begins, but is optimised with what has."""
    line = {**LINE, "objective": {**LINE["objective"], "alignment": {"layers": ["stem_bn"]}}}
    heavy = {**line["objective"], "from": {**line["objective"]["from"], "weight": 2}}
    last, other = (plan_of(facts, {**line, "objective": o}).units[-1] for o in (line["objective"], heavy))
    assert last.terms[0].weight == other.terms[0].weight == 0
    assert last.key != other.key


def test_labels_say_what_is_subtracted(facts: ModelFacts) -> None:
    terms = [{"kind": "channel", "channel": [1]}, {"kind": "channel", "channel": [3], "weight": -1}]
    plan = plan_of(facts, {"name": "a", "layer": "stem_bn", "objective": {"kind": "sum", "terms": terms}})
    assert plan.units[0].label == "1 - 3"


def of(channel: int, **more: Any) -> Data:
    return {"kind": "channel", "channel": channel, **more}


RANDOM: Data = {"kind": "direction", "vector": {"random": 3}, "weight": -2}
MIXED: Data = {"kind": "direction", "vector": {"channels": [1, 2], "weights": [1, -0.5]}, "weight": 0.1}


@pytest.mark.parametrize(
    ("kind", "terms", "label"),
    [
        ("sum", [of(17, weight=0.5), of(3, weight=-0.5)], "0.5·17 - 0.5·3"),
        ("sum", [of(3, weight=-1), of(4)], "-3 + 4"),
        ("sum", [of(3), of(4, layer="block2_add", weight=2)], "stem_bn 3 + 2·block2_add 4"),
        ("sum", [of(3), {"kind": "layer", "layer": "stem_bn"}], "3 + stem_bn"),
        ("sum", [RANDOM, MIXED], "-2·random 3 + 0.1·(1 - 0.5·2)"),
        ("sum", [{"kind": "neuron", "channel": 1, "row": 2, "column": 3}, of(4)], "1 @ 2,3 + 4"),
        ("product", [of(3), of(4)], "3 \u00d7 4"),
        ("product", [{"kind": "sum", "terms": [of(3), of(4)]}, of(5)], "(3 + 4) \u00d7 5"),
        ("sum", [of(i) for i in range(30)], f"{' + '.join(map(str, range(12)))} and 18 more"),
    ],
)
def test_labels_of_sums_say_all_terms_and_weights(
    facts: ModelFacts, kind: str, terms: list[Data], label: str
) -> None:
    plan = plan_of(facts, {"name": "a", "layer": "stem_bn", "objective": {"kind": kind, "terms": terms}})
    assert [(unit.name, unit.label) for unit in plan.units] == [(kind, label)]


def test_what_differs_from_unit_to_unit_is_never_left_out_of_a_label(facts: ModelFacts) -> None:
    terms = [*(of(i, weight=0.25) for i in range(12)), {"kind": "channel"}]
    job = {"name": "a", "layer": "stem_bn", "channels": [30, 31]}
    plan = plan_of(facts, job | {"objective": {"kind": "sum", "terms": terms}})
    first, second = (unit.label for unit in plan.units)
    assert first.startswith("30 + 0.25·0 + 0.25·1")
    assert second == first.replace("30", "31")
    assert first.endswith("more")
    assert len(first) <= 60
    vectors = {"vectors": [{"random": 0}, {"channels": [1, 2]}], "channels": None}
    terms = [{"kind": "direction"}, of(3)]
    swept = {key: value for key, value in (job | vectors).items() if value is not None}
    plan = plan_of(facts, swept | {"objective": {"kind": "sum", "terms": terms}})
    assert [unit.label for unit in plan.units] == ["random 0 + 3", "1 + 2 + 3"]


def test_all_variants_have_the_pictures_that_one_starts_from(facts: ModelFacts) -> None:
    job = CHANNEL | {"pictures": "photos", "variants": [{"name": "x", "start": "picture"}, {"name": "y"}]}
    assert names(plan_of(facts, job)) == [
        f"{picture}-channel-0003-{variant}" for variant in "xy" for picture in ("cat", "cup")
    ]


# ---- dreams and directions of pictures among other jobs and variants

DREAM: Data = {"name": "a", "layer": "stem_bn", "objective": "layer", "pictures": "photos"}


def test_dreams_and_directions_do_not_heed_what_they_inherit(facts: ModelFacts) -> None:
    of_ascents = {
        "parameterization": {"kind": "fourier", "shared": {}},
        "transforms": [{"kind": "crop", "px": 40}],
        "penalties": ["l2"],
        "save_at": [0],
        "size_px": 64,
    }
    jobs = [DREAM | {"recipe": "deepdream"}, DREAM | {"name": "b", "steepest": "l2"}]
    ascent = DREAM | {"name": "c", "objective": "caricature", "diversity": {}, "size_px": 128}
    dream, direction, _ = plan_of(facts, *jobs, ascent, **of_ascents).programs
    for program in (dream, direction):
        assert program.settings.parameterization.kind == "pixel"
        assert program.settings.transforms == ()
        assert program.settings.penalties == ()
    assert dream.settings.save_at == (0,)
    assert direction.settings.save_at is None


def test_octaves_are_counted_at_the_size_of_the_picture(facts: ModelFacts) -> None:
    """The first photo has five octaves of 64 px and more, the second one three."""
    dream = DREAM | {"recipe": "deepdream"}
    assert len(plan_of(facts, dream | {"pictures": "/p/cat.jpg", "save_at": [60]}).units) == 1
    with pytest.raises(AssertionError, match="step 60 is beyond the last, which is 24"):
        plan_of(facts, dream | {"save_at": [60]})


def test_what_one_variant_heeds_the_job_may_have(facts: ModelFacts) -> None:
    variants = [{"name": "x", "steepest": "l2"}, {"name": "y", "start": "picture"}]
    plan = plan_of(facts, DREAM | {"optimizer": "lion", "variants": variants})
    assert [program.settings.optimizer.kind for program in plan.programs] == ["lion", "lion"]


def test_directions_of_steps_that_nothing_couples(facts: ModelFacts) -> None:
    plan = plan_of(facts, LINE | {"pictures": "photos", "steepest": "l2"})
    assert {program.members for program in plan.programs} == {1}
    assert len(plan.units) == 6


# ---- sources


def test_sources_are_what_units_read(facts: ModelFacts) -> None:
    vectors = {"name": "b", "layer": "stem_bn", "objective": "direction", "vectors": {"file": "rows.npy"}}
    plan = plan_of(facts, CARICATURE, vectors)
    assert [(source.name, source.file) for source in plan.sources] == [
        ("cat", "cat-aaaaaaaa.jpg"),
        ("cup", "cup-bbbbbbbb.jpg"),
        ("rows", "rows-cccccccc.npy"),
    ]
    assert plan_of(facts, CHANNEL).sources == ()
