"""How two computers differ: the widest difference counts, and what one of them does not tell is no excuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.golden.computers import change_between, words_for
from fvcli.golden.results import CHANGES

CPU: dict[str, Any] = {"machine": "x86_64", "name": "Xeon", "instructions": ["fma", "avx2"]}
VERSIONS = {
    **{"python": "3.11.7", "fvcli": "0.3.0", "tensorflow": "2.21.0", "keras": "3.11.1", "numpy": "2.1.0"},
    **{"pillow": "11.0", "imageio": "2.36"},
}
DEVICE: dict[str, Any] = {"kind": "cpu", "name": "cpu", "onednn": True, "xla": ""}
GPU: dict[str, Any] = {
    **{"kind": "gpu", "name": "gpu: A100", "onednn": True, "xla": "", "compute_capability": [8, 0]},
    **{"cuda": "12.5.1", "cudnn": "9", "tf32": True},
}
ONE: dict[str, Any] = {"versions": VERSIONS, "cpu": CPU, "device": DEVICE}


def other(**parts: dict[str, Any]) -> dict[str, Any]:
    """Return the fingerprint with some values of its parts changed."""
    return {name: ONE[name] | parts.get(name, {}) for name in ONE}


@pytest.mark.parametrize(
    ("changed", "change"),
    [
        ({}, "same"),
        ({"versions": {"python": "3.12.0", "fvcli": "0.4.0", "pillow": "12", "imageio": "3"}}, "same"),
        ({"cpu": {"name": "EPYC"}}, "cpu"),
        ({"cpu": {"instructions": ["fma", "avx2", "avx512f"]}}, "cpu"),
        ({"cpu": {"machine": "aarch64"}}, "cpu"),
        ({"device": {"onednn": False}}, "cpu"),
        ({"device": {"xla": "--tf_xla_auto_jit=2"}}, "cpu"),
        ({"versions": {"tensorflow": "2.22.0"}}, "tensorflow"),
        ({"versions": {"keras": "3.12.0"}}, "tensorflow"),
        ({"versions": {"numpy": "2.2.0"}}, "tensorflow"),
        ({"device": {"kind": "gpu"}}, "device"),
        ({"device": {"name": "gpu: A100"}}, "device"),
        ({"versions": {"tensorflow": "2.22.0"}, "cpu": {"name": "EPYC"}}, "tensorflow"),
        ({"versions": {"tensorflow": "2.22.0"}, "device": {"onednn": False}}, "tensorflow"),
        ({"versions": {"tensorflow": "2.22.0"}, "device": {"kind": "gpu"}}, "device"),
    ],
)
def test_the_widest_difference_is_told(changed: dict[str, Any], change: str) -> None:
    assert change_between(ONE, other(**changed)) == change
    assert change_between(other(**changed), ONE) == change


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "gpu: T4"),
        ("compute_capability", [7, 5]),
        ("cuda", "12.3"),
        ("cudnn", "8"),
        ("tf32", False),
    ],
)
def test_gpus_are_told_apart(key: str, value: Any) -> None:
    assert change_between(ONE | {"device": GPU}, ONE | {"device": GPU}) == "same"
    assert change_between(ONE | {"device": GPU}, ONE | {"device": GPU | {key: value}}) == "device"


def test_what_one_does_not_tell_counts_as_another_cpu() -> None:
    without_cpu = {"versions": VERSIONS, "device": {"name": "cpu"}}  # all that an old run knows
    assert change_between(None, None) == "cpu"
    assert change_between(ONE, None) == "cpu"
    assert change_between(None, ONE) == "cpu"
    assert change_between(without_cpu, without_cpu) == "cpu"
    assert change_between(without_cpu, ONE) == "cpu"
    assert change_between(ONE | {"cpu": {}}, ONE | {"cpu": {}}) == "cpu"


def test_what_one_does_tell_counts() -> None:
    old = {"versions": {"tensorflow": "2.18.0"}, "device": {"name": "cpu"}}
    assert change_between(old, ONE) == "tensorflow"
    assert change_between(ONE, old | {"versions": {}, "device": {"name": "gpu: T4"}}) == "device"


@pytest.mark.parametrize("part", [None, "cpu", 3, ["kind"]])
def test_a_part_that_is_no_mapping_tells_nothing(part: Any) -> None:
    assert change_between(ONE | {"device": part}, ONE) == "same"
    assert change_between(ONE | {"cpu": part}, ONE) == "cpu"
    assert change_between(ONE | {"cpu": part}, ONE | {"cpu": part}) == "cpu"
    assert change_between(ONE | {"versions": part}, other(versions={"numpy": "1"})) == "same"


values = st.sampled_from(["a", "b"])
parts = st.fixed_dictionaries(
    {},
    optional={
        "versions": st.dictionaries(st.sampled_from(["tensorflow", "numpy", "python"]), values),
        "cpu": st.dictionaries(st.just("name"), values),
        "device": st.dictionaries(st.sampled_from(["kind", "onednn", "tf32"]), values),
    },
)


@given(parts, parts)
def test_it_does_not_matter_which_is_the_golden(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert change_between(one, two) == change_between(two, one)
    assert change_between(one, one) == ("same" if one.get("cpu") else "cpu")


def test_each_change_has_words() -> None:
    assert [words_for(change) for change in CHANGES] == [
        "the same machine",
        "another CPU",
        "another TensorFlow",
        "another device",
    ]
