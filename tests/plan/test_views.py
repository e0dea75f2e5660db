"""Sizes of views and batches, and the memory that they take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.models import ModelFacts
from fvcli.models.graph import Node, Window
from fvcli.plan import Plan, Program
from fvcli.plan.views import (
    GPU_GB,
    MAX_AUTO_BATCH,
    MAX_GPU_PICTURES,
    batch_size_for,
    gigabytes,
    gpu_batches_for,
    image_bytes,
    input_size,
    view_size,
)
from fvcli.spec.transforms import Affine, Crop, Jitter, Pad, Rotate, Scale
from tests.helpers.plans import EVERY_KIND, ONE, Data, plan_of

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


def test_without_a_limit_a_batch_does_not_depend_on_the_machine_and_nothing_is_refused(
    facts: ModelFacts,
) -> None:
    """Batches are part of keys: those of runs from before memory_gb had no default stay as they are."""

    def program(**render: Any) -> Program:
        return plan_of(facts, [ONE | {"layer": "head_bn"}], render=render).programs[0]

    assert program(size_px=224) == program(size_px=224, memory_gb=0.4)
    (maco,) = plan_of(facts, [ONE], render={"recipe": "maco"}).programs
    (limited,) = plan_of(facts, [ONE], render={"recipe": "maco", "memory_gb": 1.5}).programs
    assert maco == limited
    assert maco.batch_size * maco.image_bytes > 0.4e9
    for large in ({"recipe": "maco"}, {"size_px": 4096}):
        assert program(**large).batch_size == 1
        assert program(**large).image_bytes > 0.4e9


@given(memory_gb=st.floats(1e-6, 4096), bytes_an_image=st.integers(1, 10**12), batch_size=st.integers(1, 300))
def test_a_gpu_takes_as_many_batches_as_fit(memory_gb: float, bytes_an_image: int, batch_size: int) -> None:
    batches = gpu_batches_for(memory_gb, bytes_an_image, batch_size)
    pictures = batches * batch_size
    assert batches & (batches - 1) == 0
    if batches > 1:
        assert pictures <= MAX_GPU_PICTURES
        assert pictures * bytes_an_image <= memory_gb * 1e9
    more_fit = 2 * pictures * bytes_an_image <= memory_gb * 1e9 * (1 - 1e-9)
    assert batches >= 1
    assert not (more_fit and 2 * pictures <= MAX_GPU_PICTURES)


def test_what_a_gpu_takes_follows_its_memory_or_what_the_spec_says(facts: ModelFacts) -> None:
    def program(**render: Any) -> Program:
        return plan_of(facts, [ONE | {"layer": "head_bn"}], render=render).programs[0]

    small = program(size_px=64)
    assert (small.batch_size, small.gpu_pictures) == (MAX_AUTO_BATCH, MAX_GPU_PICTURES)
    for size_px in (224, 448):
        large = program(size_px=size_px)
        assert large.gpu_pictures < MAX_GPU_PICTURES
        assert 0.5 * GPU_GB * 1e9 < large.gpu_pictures * large.image_bytes <= GPU_GB * 1e9
    for memory_gb in (0.2, 2.0):
        held = program(memory_gb=memory_gb)
        assert 0.5 * memory_gb * 1e9 < held.gpu_pictures * held.image_bytes <= memory_gb * 1e9
    assert program(batch_size=7).gpu_pictures == 7
    assert program(batch_size=7, memory_gb=4).gpu_pictures == 7
    dream = ONE | {"octaves": {}}
    assert plan_of(facts, [dream]).programs[0].gpu_batches == 1  # one picture after the other


def test_groups_stay_whole_on_a_gpu(facts: ModelFacts) -> None:
    (program,) = plan_of(facts, [ONE | {"diversity": {"count": 3}}]).programs
    assert (program.members, program.batch_size, program.gpu_pictures) == (3, 6, 192)


def test_what_a_gpu_takes_is_in_no_key_and_parts_no_programs(facts: ModelFacts) -> None:
    plain = plan_of(facts, [ONE])
    little = plan_of(facts, [ONE | {"memory_gb": 0.5}])
    assert plain.programs[0].gpu_batches > little.programs[0].gpu_batches
    assert plain.programs == little.programs
    assert [unit.key for unit in plain.units] == [unit.key for unit in little.units]
    for jobs in ([ONE, ONE | {"name": "z", "memory_gb": 0.5}], [ONE | {"name": "z", "memory_gb": 0.5}, ONE]):
        (program,) = plan_of(facts, jobs).programs
        assert program.gpu_batches == little.programs[0].gpu_batches  # what fits both


def test_an_older_plan_has_a_gpu_work_on_one_batch(facts: ModelFacts) -> None:
    plan = plan_of(facts, [ONE])
    assert Plan.from_json(plan.to_json()).programs[0].gpu_pictures == 256
    data = json.loads(plan.to_json())
    del data["programs"][0]["gpu_batches"]
    (program,) = Plan.from_json(json.dumps(data)).programs
    assert program.gpu_pictures == program.batch_size
    assert "gpu_batches" not in plan_of(facts, [ONE], render={"batch_size": 2}).to_json()


@pytest.mark.parametrize("job", EVERY_KIND, ids=lambda job: job["name"])
def test_memory_is_held(facts: ModelFacts, job: Data) -> None:
    plan = plan_of(facts, [job], render={"memory_gb": 0.5})
    batches = [program.batch_size * program.image_bytes for program in plan.programs]
    assert 0 < max(batches) <= plan.gpu_memory_bytes <= 0.5e9


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


@pytest.mark.parametrize(
    ("layer", "side", "seen"),
    [
        ("early", 32, None),
        ("early", 28, None),
        ("pool", 32, (32, 32)),  # its views have 28 px
        ("pool", 28, (32, 32)),
        ("pool", 40, None),
        ("flat", 28, (32, 32)),
    ],
)
def test_views_are_resized_for_a_pooling_of_the_whole_map_and_behind(
    facts: ModelFacts, layer: str, side: int, seen: tuple[int, int] | None
) -> None:
    """A network for 32 px that pools all of its map; before that it takes any size."""
    nodes = (
        Node("early", "conv", ("input",), 4, Window((3, 3))),
        Node("pool", "average_pool", ("early",), 4, Window((32, 32), (32, 32), padding="valid")),
        Node("flat", "flatten", ("pool",), 4, None, bound=True),
    )
    pooled = replace(facts, nodes=nodes, native_size_px=(32, 32), logits=None, aliases={}, branches={})
    job = {"name": "a", "layer": layer, "channels": [0]}
    render = {"size_px": side, "transforms": [{"kind": "jitter", "px": 4}]}
    assert [program.input_px for program in plan_of(pooled, [job], render=render).programs] == [seen]


def test_a_bound_layer_has_its_own_size_and_others_that_of_the_picture(facts: ModelFacts) -> None:
    nodes = (
        Node("conv", "conv", ("input",), 4),
        Node("tokens", "reshape", ("conv",), 4, None, (1024, 1), bound=True),
    )
    bound = replace(facts, nodes=nodes, native_size_px=(32, 32))
    at = bound.layers_at(40, 48)
    assert (at["conv"].height, at["conv"].width) == (40, 48)
    assert (at["tokens"].height, at["tokens"].width) == (1024, 1)
