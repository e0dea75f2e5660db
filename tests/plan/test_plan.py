"""Plans: units, batches, shards, and keys that change with the picture and with nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fvcli.cli import main
from fvcli.models import ModelFacts
from fvcli.models.graph import Node, Window
from fvcli.plan import Plan, Unit, make_plan
from fvcli.plan.views import MAX_AUTO_BATCH, batch_size_for, gigabytes, image_bytes, input_size, view_size
from fvcli.spec import parse_document, validate
from fvcli.spec.recipes import RECIPES
from fvcli.spec.transforms import Affine, Crop, Jitter, Pad, Rotate, Scale

Data = dict[str, Any]
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

CHANNELS: Data = {"name": "a", "layer": "stem_bn", "channels": [1, 2, 5]}
NEURON: Data = {"name": "b", "layer": "block2_add", "channels": 3, "objective": "neuron"}
PLACED: Data = NEURON | {"objective": {"kind": "neuron", "row": 0, "column": 7}}
LAYER: Data = {"name": "c", "layer": "block4_expand_bn", "objective": "layer"}
LOGITS: Data = {"name": "d", "objective": "class_logit", "classes": ["tabby", 207]}
PROBABILITIES: Data = LOGITS | {"objective": "class_probability"}
SUM: Data = {
    "name": "e",
    "objective": {
        "kind": "sum",
        "terms": [
            {"kind": "channel", "layer": "stem_bn", "channel": 3, "weight": 0.5},
            {"kind": "neuron", "layer": "block2_add", "channel": 0, "row": 0, "column": 1},
            {"kind": "neuron", "layer": "block2_add", "channel": 1},
            {"kind": "layer", "layer": "block0_dw", "weight": -1e-3},
            {"kind": "class_logit", "class": "tabby"},
            {"kind": "class_probability", "class": 0, "weight": 2},
        ],
    },
}
SWEPT: Data = {
    "name": "f",
    "layer": "stem_bn",
    "channels": [0, 4],
    "objective": {
        "kind": "sum",
        "terms": [{"kind": "channel"}, {"kind": "channel", "layer": "block0_project_bn", "weight": -1}],
    },
}
SWEPT_CLASSES: Data = {
    "name": "g",
    "classes": [3, "tabby"],
    "objective": {
        "kind": "sum",
        "terms": [{"kind": "class_logit"}, {"kind": "channel", "layer": "stem", "channel": 1}],
    },
}
NEGATIVE: Data = CHANNELS | {"name": "h", "sign": "negative"}
EVERY_KIND = [CHANNELS, NEURON, PLACED, LAYER, LOGITS, PROBABILITIES, SUM, SWEPT, SWEPT_CLASSES, NEGATIVE]


def plan_of(facts: ModelFacts, jobs: Iterable[Data], **top: Any) -> Plan:
    data = {"model": "efficientnet-lite0", "jobs": list(jobs)} | top
    document = parse_document(json.dumps(data), "spec.yaml")
    spec, positions = validate(document)
    document.raise_problems()
    assert spec is not None
    plan, problems = make_plan(spec, positions, facts)
    assert problems == []
    return plan


def only_unit(facts: ModelFacts, job: Data, **render: Any) -> Unit:
    (unit,) = plan_of(facts, [job], render=render).units
    return unit


ONE: Data = CHANNELS | {"channels": 2}
DEFAULT: Data = RECIPES["default"].model_dump(mode="json", exclude_none=True)


# ---- units, batches, shards


@st.composite
def job_lists(draw: st.DrawFn) -> list[Data]:
    """Draw jobs of all kinds; some share programs, some do not."""
    jobs = draw(st.lists(st.sampled_from(EVERY_KIND), min_size=1, max_size=6))
    channels = st.lists(st.integers(0, 15), min_size=1, max_size=16, unique=True)
    drawn = []
    for i, job in enumerate(jobs):
        changes: Data = {"name": f"job{i}"}
        if "channels" in job:
            changes["channels"] = draw(channels)
        if draw(st.booleans()):
            changes["batch_size"] = draw(st.integers(1, 9))
        if draw(st.booleans()):
            changes["size_px"] = draw(st.sampled_from([64, [64, 96], 224]))
        drawn.append(job | changes)
    return drawn


@quick
@given(jobs=job_lists(), count=st.integers(1, 12))
def test_every_unit_is_in_one_batch_and_every_batch_in_one_shard(
    facts: ModelFacts, jobs: list[Data], count: int
) -> None:
    plan = plan_of(facts, jobs)
    assert sorted(i for batch in plan.batches for i in batch) == list(range(len(plan.units)))
    shards = [plan.shard(index, count) for index in range(1, count + 1)]
    assert sorted(number for shard in shards for number in shard) == list(range(len(plan.batches)))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    for number, batch in enumerate(plan.batches):
        assert 1 <= len(batch) <= plan.program_of(number).batch_size
        assert {plan.units[i].program for i in batch} == {plan.units[batch[0]].program}
    assert len({unit.path for unit in plan.units}) == len(plan.units)


@quick
@given(jobs=job_lists())
def test_only_the_last_batch_of_a_program_is_short(facts: ModelFacts, jobs: list[Data]) -> None:
    plan = plan_of(facts, jobs)
    for position, program in enumerate(plan.programs):
        sizes = [len(batch) for batch in plan.batches if plan.units[batch[0]].program == position]
        assert all(size == program.batch_size for size in sizes[:-1])


@quick
@given(jobs=job_lists())
def test_json_and_back(facts: ModelFacts, jobs: list[Data]) -> None:
    plan = plan_of(facts, jobs)
    text = plan.to_json()
    back = Plan.from_json(text)
    assert back == plan
    assert back.to_json() == text
    assert [unit.identity for unit in back.units] == [unit.identity for unit in plan.units]


@quick
@given(jobs=job_lists())
def test_same_spec_same_plan(facts: ModelFacts, jobs: list[Data]) -> None:
    assert plan_of(facts, jobs).to_json() == plan_of(facts, jobs).to_json()


@pytest.mark.parametrize(
    "text", ["{}", '{"version": 2}', "[]", "", '{"version": 1}', '{"version": 3}', "null"]
)
def test_no_plan(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Plan.from_json(text)


def test_jobs_share_batches(facts: ModelFacts) -> None:
    plan = plan_of(facts, [CHANNELS, NEGATIVE, CHANNELS | {"name": "x", "steps": 8}])
    assert [len(batch) for batch in plan.batches] == [6, 3]
    assert len(plan.programs) == 2


def test_names_and_labels(facts: ModelFacts) -> None:
    plan = plan_of(facts, [job | {"name": f"j{i}"} for i, job in enumerate(EVERY_KIND)])
    assert [(unit.path, unit.label) for unit in plan.units] == [
        ("j0/channel-0001", "1"),
        ("j0/channel-0002", "2"),
        ("j0/channel-0005", "5"),
        ("j1/neuron-0003", "3"),
        ("j2/neuron-0003-r000-c007", "3 @ 0,7"),
        ("j3/layer", "block4_expand_bn"),
        ("j4/class_logit-0281", "tabby cat"),
        ("j4/class_logit-0207", "Golden Retriever"),
        ("j5/class_probability-0281", "tabby cat"),
        ("j5/class_probability-0207", "Golden Retriever"),
        ("j6/sum", "sum"),
        ("j7/sum-channel-0000", "0"),
        ("j7/sum-channel-0004", "4"),
        ("j8/sum-class-0003", "tiger shark"),
        ("j8/sum-class-0281", "tabby cat"),
        ("j9/channel-0001-negative", "1"),
        ("j9/channel-0002-negative", "2"),
        ("j9/channel-0005-negative", "5"),
    ]


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (None, list(range(32))),
        ("all", list(range(32))),
        ({"every": 10}, [0, 10, 20, 30]),
        ({"every": 100}, [0]),
        ("3-5, 1", [3, 4, 5, 1]),
        ([31, "0-1"], [31, 0, 1]),
    ],
)
def test_channels(facts: ModelFacts, channels: Any, expected: list[int]) -> None:
    plan = plan_of(facts, [CHANNELS | {"channels": channels}])
    assert [unit.terms[0].index for unit in plan.units] == expected


def test_all_classes(facts: ModelFacts) -> None:
    assert len(plan_of(facts, [{"name": "a", "objective": "class_logit"}]).units) == 1000


def test_swept_sum_takes_the_channels_that_all_layers_have(facts: ModelFacts) -> None:
    plan = plan_of(facts, [{key: value for key, value in SWEPT.items() if key != "channels"}])
    assert len(plan.units) == 16  # stem_bn has 32, block0_project_bn 16
    assert all(unit.terms[0].index == unit.terms[1].index for unit in plan.units)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("a", 3),
        ("a/*", 3),
        ("*/channel-0001*", 2),
        ("channel-0001", 1),
        ("*", 6),
        ("A", 0),
        ("", 0),
        ("a/", 0),
    ],
)
def test_only(facts: ModelFacts, pattern: str, count: int) -> None:
    assert len(plan_of(facts, [CHANNELS, NEGATIVE]).only(pattern)) == count


# ---- keys


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda job: [job | {"name": "renamed"}], id="name"),
        pytest.param(lambda job: [job | {"channels": [7, 2]}], id="neighbours"),
        pytest.param(lambda job: [NEURON, job], id="order"),
        pytest.param(lambda job: [job, LOGITS, SUM], id="jobs"),
        pytest.param(lambda job: [job | {"memory_gb": DEFAULT["memory_gb"]}], id="same-memory"),
        pytest.param(lambda job: [job | DEFAULT | {"size_px": [224, 224]}], id="defaults"),
        pytest.param(lambda job: [job | {"recipe": "default"}], id="recipe"),
        pytest.param(lambda job: [job | {"objective": {"kind": "channel"}}], id="mapping"),
    ],
)
def test_key_does_not_change_with(facts: ModelFacts, change: Callable[[Data], list[Data]]) -> None:
    units = [unit for unit in plan_of(facts, change(ONE)).units if unit.label == "2"]
    assert [unit.key for unit in units] == [only_unit(facts, ONE).key]
    assert units[0].identity == only_unit(facts, ONE).identity


def test_key_does_not_change_with_grids(facts: ModelFacts) -> None:
    plan = plan_of(facts, [ONE], output={"grid": {"columns": 3, "labels": False}})
    assert plan.units[0].key == only_unit(facts, ONE).key


AFFINE: Data = {"kind": "affine", "degrees": 10, "scales": [0.9, 1.1], "shift_px": 8, "crop_px": 16}
PICTURE_CHANGES: list[Data] = [
    {"steps": 191},
    {"seed": 1},
    {"size_px": 223},
    {"size_px": [224, 223]},
    {"batch_size": 1},
    {"batch_size": 5},
    {"redirect_steps": 0},
    {"early_stop": 0},
    {"early_stop": 0.5},
    {"canvas": "whole"},
    {"precision": "float32"},
    {"precision": "float16"},
    {"parameterization": "pixel"},
    {"parameterization": {"kind": "fourier", "decorrelate": False}},
    {"parameterization": {"kind": "fourier", "std": 0.02}},
    {"parameterization": {"kind": "fourier", "decay_power": 0.5}},
    {"parameterization": {"kind": "fourier", "coarse_until": 0.3}},
    {"parameterization": {"kind": "fourier", "coarse_until": 0.3, "coarse_from": 0.1}},
    {"transforms": []},
    *({"transforms": [AFFINE | {key: value}]} for key, value in [
        ("degrees", 9),
        ("scales", [0.9, 1.2]),
        ("shift_px", 7),
        ("crop_px", 15),
        ("fill", 0.4),
    ]),
    {"transforms": [{"kind": "pad", "px": 3}, AFFINE]},
    {"transforms": [AFFINE, {"kind": "pad", "px": 3}]},
    {"transforms": [AFFINE, {"kind": "crop", "px": 3}]},
    {"transforms": [AFFINE, {"kind": "crop", "px": 4}]},
    {"transforms": [AFFINE, {"kind": "pad", "px": 3, "mode": "reflect"}]},
    {"transforms": [{"kind": "rotate", "degrees": [0]}, AFFINE]},
    {"transforms": [{"kind": "scale", "factors": [1]}, AFFINE]},
    {"optimizer": "adam"},
    *({"optimizer": {"kind": "lion", key: 0.4}} for key in ("learning_rate", "beta1", "beta2")),
    {"optimizer": {"kind": "lion", "anneal_from": 0.4}},
    {"optimizer": {"kind": "adam", "epsilon": 1e-7}},
    {"optimizer": {"kind": "adam", "second_moment": "band"}},
    {"recipe": "lucid"},
    {"recipe": "distill"},
]  # fmt: skip
OTHER_UNITS: list[Data] = [
    {"sign": "negative"},
    {"channels": 3},
    {"layer": "stem"},
    {"objective": "neuron"},
    {"objective": {"kind": "neuron", "row": 0, "column": 0}},
    {"objective": {"kind": "neuron", "row": 0, "column": 1}},
]


@pytest.mark.parametrize("change", [*PICTURE_CHANGES, *OTHER_UNITS], ids=str)
def test_key_changes_with(facts: ModelFacts, change: Data) -> None:
    assert only_unit(facts, ONE | change).key != only_unit(facts, ONE).key


def test_all_keys_differ(facts: ModelFacts) -> None:
    keys = [only_unit(facts, ONE | change).key for change in [*PICTURE_CHANGES, *OTHER_UNITS]]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("change", PICTURE_CHANGES, ids=str)
def test_render_and_job_give_the_same_key(facts: ModelFacts, change: Data) -> None:
    assert only_unit(facts, ONE, **change).key == only_unit(facts, ONE | change).key


@pytest.mark.parametrize("change", PICTURE_CHANGES, ids=str)
def test_identity_does_not_change_with_how_it_is_rendered(facts: ModelFacts, change: Data) -> None:
    """The start of an ascent is the same for 64 steps and for 512, in batches of 8 and of 16."""
    assert only_unit(facts, ONE | change).identity == only_unit(facts, ONE).identity


@pytest.mark.parametrize("change", OTHER_UNITS, ids=str)
def test_identity_changes_with_what_is_rendered(facts: ModelFacts, change: Data) -> None:
    assert only_unit(facts, ONE | change).identity != only_unit(facts, ONE).identity


def test_key_changes_with_weights_and_model(facts: ModelFacts) -> None:
    key = only_unit(facts, ONE).key
    assert only_unit(replace(facts, weights_sha256="0" * 64), ONE).key != key
    assert only_unit(replace(facts, name="efficientnet-lite9"), ONE).key != key
    assert only_unit(replace(facts, weights="/elsewhere/same.pth"), ONE).key == key


@pytest.mark.parametrize(
    "change",
    [
        {"value_range": (0.0, 1.0)},
        {"mean": (0.1, 0.2, 0.3)},
        {"std": (0.5, 0.5, 0.5)},
        {"channel_order": "BGR"},
    ],
    ids=str,
)
def test_key_changes_with_preprocessing(facts: ModelFacts, change: dict[str, Any]) -> None:
    """What the network gets of a picture decides what its picture is."""
    other = replace(facts, preprocessing=replace(facts.preprocessing, **change))
    assert only_unit(other, ONE).key != only_unit(facts, ONE).key


def test_key_changes_with_the_weight_of_a_term(facts: ModelFacts) -> None:
    terms = SUM["objective"]["terms"]
    heavier = SUM | {"objective": {"kind": "sum", "terms": [terms[0] | {"weight": 0.6}, *terms[1:]]}}
    assert only_unit(facts, heavier).key != only_unit(facts, SUM).key


def test_keys_are_short_hex(facts: ModelFacts) -> None:
    for unit in plan_of(facts, [job | {"name": f"j{i}"} for i, job in enumerate(EVERY_KIND)]).units:
        assert len(unit.key) == 16
        assert int(unit.key, 16) >= 0


def test_key_of_today(facts: ModelFacts) -> None:
    """Keys stay what they are from version to version, or ALGORITHM is raised and this line changed."""
    assert only_unit(facts, ONE, recipe="lucid", batch_size=8).key == "bfed71f4b7099894"


# ---- sizes and memory


@pytest.mark.parametrize(
    ("transforms", "smallest", "largest"),
    [
        ([], (100, 201), (100, 201)),
        ([Pad(px=12)], (124, 225), (124, 225)),
        ([Jitter(px=8)], (92, 193), (92, 193)),
        ([Crop(px=8)], (84, 185), (84, 185)),
        ([Crop(px=50)], (0, 0), (0, 0)),
        ([Pad(px=16), Scale(factors=(0.5,)), Crop(px=16)], (34, 84), (34, 84)),
        ([Scale(factors=(0.9, 1.1))], (90, 180), (110, 221)),
        ([Rotate(degrees=(45.0,))], (100, 201), (100, 201)),
        ([Affine(degrees=10, scales=(0.9, 1.1), shift_px=8, crop_px=16)], (84, 185), (84, 185)),
        ([Pad(px=10), Scale(factors=(0.5,)), Jitter(px=5)], (55, 105), (55, 105)),
        ([Jitter(px=100), Pad(px=100)], (0, 0), (0, 0)),
    ],
)
def test_view_size(transforms: list[Any], smallest: tuple[int, int], largest: tuple[int, int]) -> None:
    assert view_size(transforms, 100, 201, min) == smallest
    assert view_size(transforms, 100, 201, max) == pytest.approx(largest, abs=1)


def test_lucid_views(facts: ModelFacts) -> None:
    """At 128 px Lucid's network sees 125 to 154 px."""
    transforms = [Pad(px=12), Jitter(px=8), Scale(factors=tuple(1 + (i - 5) / 50 for i in range(11)))]
    transforms.append(Jitter(px=4))
    assert view_size(transforms, 128, 128, min) == (125, 125)
    assert view_size(transforms, 128, 128, max) == (154, 154)


@settings(deadline=None)
@given(st.floats(1e-6, 4096), st.integers(1, 10**12))
def test_batch_size_fits_the_memory(memory_gb: float, bytes_an_image: int) -> None:
    size = batch_size_for(memory_gb, bytes_an_image)
    assert 0 <= size <= MAX_AUTO_BATCH
    assert size & (size - 1) == 0
    assert size * bytes_an_image <= memory_gb * 1e9
    if size < MAX_AUTO_BATCH:
        assert max(1, 2 * size) * bytes_an_image > memory_gb * 1e9 * (1 - 1e-9)


def test_batch_size_follows_memory(facts: ModelFacts) -> None:
    def batch(**render: Any) -> int:
        return plan_of(facts, [ONE | {"layer": "head_bn"}], render=render).programs[0].batch_size

    assert 1 < batch(memory_gb=0.2) < MAX_AUTO_BATCH
    assert batch(memory_gb=0.2) == 2 * batch(memory_gb=0.1)
    assert batch(memory_gb=4000) == MAX_AUTO_BATCH
    assert batch(memory_gb=0.4, size_px=448) < batch(memory_gb=0.4)
    assert batch(memory_gb=4000, batch_size=64) == 64
    assert batch(memory_gb=1e-3, batch_size=7) == 7


@pytest.mark.parametrize("job", EVERY_KIND, ids=lambda job: job["name"])
def test_memory_is_held(facts: ModelFacts, job: Data) -> None:
    plan = plan_of(facts, [job], render={"memory_gb": 0.5})
    assert 0 < plan.memory_bytes <= 0.5e9


@pytest.mark.parametrize(
    ("count", "text"), [(1_404_000_000, "1.40 GB"), (10_000_000, "0.01 GB"), (85_000, "0.000085 GB")]
)
def test_gigabytes(count: int, text: str) -> None:
    assert gigabytes(count) == text


def test_image_bytes_grow(facts: ModelFacts) -> None:
    def needed(layer: str, side: int, *transforms: Any) -> int:
        return image_bytes(facts, [layer], transforms, (side, side))

    assert needed("stem_bn", 224) < needed("block4_add", 224) < needed("logits", 224)
    assert needed("logits", 112) < needed("logits", 224) / 3
    assert needed("logits", 224) < needed("logits", 224, Pad(px=16))
    assert needed("logits", 224) == needed("logits", 224, Jitter(px=16))


# ---- what is said of a plan


@pytest.mark.parametrize(
    ("channels", "said"), [("2", "1 unit in 1 batch;"), ("0-1", "2 units in 2 batches;")]
)
def test_counts(tmp_path, channels: str, said: str) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps({"model": "efficientnet-lite0", "jobs": [CHANNELS | {"batch_size": 1}]}))
    result = CliRunner().invoke(main, ["plan", str(spec), "--set", f"jobs.a.channels='{channels}'"])
    assert said in result.output


# ---- networks that do not take every size


def test_views_are_resized_where_branches_would_not_meet(facts: ModelFacts) -> None:
    """A network that halves its picture and doubles it again takes even sides only."""
    half = Window((2, 2), (2, 2), padding="valid")
    nodes = (
        Node("down", "conv", ("input",), 4, half),
        Node("up", "upsample", ("down",), 4, Window(up=(2, 2))),
        Node("sum", "add", ("up", "input"), 4),
        Node("flat", "flatten", ("sum",), 4, None, bound=True),
    )
    odd = replace(facts, nodes=nodes, native_size_px=(32, 32))
    jitter = (Jitter(px=8),)
    assert input_size(odd, ["sum"], jitter, (40, 48)) is None
    assert input_size(odd, ["down"], jitter, (41, 48)) is None
    assert input_size(odd, ["sum"], (Jitter(px=7),), (40, 48)) == (40, 48)
    assert input_size(odd, ["sum"], jitter, (41, 48)) == (32, 32)
    assert input_size(odd, ["flat"], (), (40, 40)) == (32, 32)
    scaled = (Scale(factors=(1.0, 1.1)),)
    assert input_size(odd, ["sum"], scaled, (40, 40)) is None
    assert input_size(odd, ["sum"], scaled, (50, 50)) == (50, 50)


def test_a_bound_layer_has_its_own_size_and_others_that_of_the_picture(facts: ModelFacts) -> None:
    nodes = (
        Node("conv", "conv", ("input",), 4),
        Node("tokens", "reshape", ("conv",), 4, None, (1024, 1), bound=True),
    )
    bound = replace(facts, nodes=nodes, native_size_px=(32, 32))
    at = bound.layers_at(40, 48)
    assert (at["conv"].height, at["conv"].width) == (40, 48)
    assert (at["tokens"].height, at["tokens"].width) == (1024, 1)
