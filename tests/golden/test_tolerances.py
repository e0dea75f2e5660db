"""golden.json, which people edit: what may be left out, and in which words a mistake is told."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fvcli.errors import UsageError
from fvcli.golden import Golden
from fvcli.golden.folder import write_tolerances
from fvcli.golden.results import CHANGES
from fvcli.golden.tolerances import DEFAULTS, Tolerances
from tests.helpers.goldens import painted_run

NAMES = ["first_steps_of_all", "first_steps", "response", "score", "texture", "structure", "drift"]
KEYS = "its keys are " + ", ".join(NAMES)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return painted_run(tmp_path_factory.mktemp("golden"))


@pytest.fixture
def place(run: Path) -> Path:
    for name in ("golden.json", "manifest.sha256"):
        (run / name).unlink(missing_ok=True)
    return run


def read(place: Path, data: Any) -> Golden:
    (place / "manifest.sha256").touch()
    (place / "golden.json").write_text(data if isinstance(data, str) else json.dumps(data))
    return Golden.read(place)


def refused(place: Path, data: Any) -> str:
    """Return the message without the file's name in front."""
    with pytest.raises(UsageError) as caught:
        read(place, data)
    message = str(caught.value)
    assert message.startswith(f"{place}/golden.json: ")
    return message.removeprefix(f"{place}/golden.json: ")


# ---- the defaults


def test_the_defaults(place: Path) -> None:
    """As the documentation has them."""
    rows = {change: list(limits.model_dump().values()) for change, limits in DEFAULTS.items()}
    assert rows == {
        "same": [1e-6, 1e-5, 1e-5, 0.005, 0.01, 0.98, 0.001],
        "cpu": [1e-5, 0.05, 1e-5, 0.3, 0.4, 0.0, 0.02],
        "tensorflow": [1e-5, 0.05, 1e-5, 0.3, 0.4, 0.0, 0.02],
        "device": [1e-3, 0.1, 1e-5, 0.45, 0.6, -0.2, 0.03],
    }
    assert list(Tolerances.model_fields) == NAMES
    assert Golden.read(place).tolerances == DEFAULTS


def test_a_wider_change_never_has_a_stricter_limit() -> None:
    for narrow, wide in pairwise(CHANGES):
        one, other = DEFAULTS[narrow].model_dump(), DEFAULTS[wide].model_dump()
        for name in NAMES:
            assert other[name] <= one[name] if name == "structure" else other[name] >= one[name]


# ---- what is written is read


def test_what_is_written_is_read_again(place: Path) -> None:
    limits = {
        change: Tolerances(**{name: (i + 1) / 100 + k / 1000 for k, name in enumerate(NAMES)})
        for i, change in enumerate(CHANGES)
    }
    text = write_tolerances(limits).decode()
    assert text.startswith(
        '{\n "version": 2,\n "tolerances": {\n  "same": {\n   "first_steps_of_all": 0.01,\n'
    )
    assert text.endswith("}\n")
    assert read(place, text).tolerances == limits


@pytest.mark.parametrize("data", [{"version": 1}, {"version": 1, "tolerances": {}}, {"version": 0}])
def test_all_may_be_left_out(place: Path, data: Any) -> None:
    assert read(place, data).tolerances == DEFAULTS


def test_a_part_may_be_left_out(place: Path) -> None:
    found = read(place, {"version": 1, "tolerances": {"cpu": {"score": 0.5, "structure": -1}, "same": {}}})
    assert found.tolerances == {
        **DEFAULTS,
        "cpu": DEFAULTS["cpu"].model_copy(update={"score": 0.5, "structure": -1.0}),
    }


def test_other_keys_beside_the_tolerances_are_passed_over(place: Path) -> None:
    assert read(place, {"version": 1, "note": "measured on a Sunday"}).tolerances == DEFAULTS


# ---- mistakes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"same": {"scores": 1}}, "tolerances.same.scores: Extra inputs are not permitted: " + KEYS),
        (
            {"cpu": {"score": "much"}},
            "tolerances.cpu.score: Input should be a valid number, unable to parse string as a number: "
            + KEYS,
        ),
        ({"cpu": {"score": None}}, "tolerances.cpu.score: Input should be a valid number: " + KEYS),
        (
            {"device": {"texture": -0.1}},
            "tolerances.device.texture: Input should be greater than or equal to 0: " + KEYS,
        ),
        (
            {"tensorflow": {"structure": 1.01}},
            "tolerances.tensorflow.structure: Input should be less than or equal to 1: " + KEYS,
        ),
        (
            {"tensorflow": {"structure": -1.01}},
            "tolerances.tensorflow.structure: Input should be greater than or equal to -1: " + KEYS,
        ),
        ({"same": 0.1}, "tolerances.same: 'float' object is not a mapping: " + KEYS),
        ({"same": None}, "tolerances.same: 'NoneType' object is not a mapping: " + KEYS),
        ({"same": ["score"]}, "tolerances.same: 'list' object is not a mapping: " + KEYS),
        (
            {"gpu": {"score": 0.1}},
            "tolerances.gpu: there is no such change: they are same, cpu, tensorflow, device",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(place: Path, given: Any, message: str) -> None:
    assert refused(place, {"version": 1, "tolerances": given}) == message


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_limit_is_a_number(place: Path, number: str) -> None:
    """One that is none would let everything pass in silence."""
    text = f'{{"version": 1, "tolerances": {{"same": {{"score": {number}}}}}}}'
    assert refused(place, text).startswith("tolerances.same.score: Input should be a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is no JSON"),
        ("[]", "it is not a mapping with a version"),
        ("{}", "version is missing"),
        ('{"version": "1"}', "it is not a mapping with a version"),
    ],
)
def test_what_is_no_golden_json(place: Path, text: str, message: str) -> None:
    message = f"not a readable golden ({message}): take it from an earlier commit"
    assert refused(place, text) == message


def test_tolerances_are_a_mapping(place: Path) -> None:
    message = "tolerances: not a mapping: its keys are same, cpu, tensorflow, device"
    assert refused(place, {"version": 1, "tolerances": []}) == message


def test_what_is_no_text(place: Path) -> None:
    (place / "golden.json").write_bytes(b"\xff{}")
    (place / "manifest.sha256").touch()
    with pytest.raises(UsageError, match=r"not a readable golden \(it is no JSON\)"):
        Golden.read(place)


def test_limits_of_version_1_are_read_by_their_old_names(place: Path) -> None:
    old = {"first_steps": 0.001, "first_steps_each": 0.01, "score": 0.1}
    found = read(place, {"version": 1, "tolerances": {"cpu": old}}).tolerances["cpu"]
    assert (found.first_steps_of_all, found.first_steps, found.score) == (0.001, 0.01, 0.1)
    new = {"first_steps": 0.02}
    found = read(place, {"version": 2, "tolerances": {"cpu": new}}).tolerances["cpu"]
    assert (found.first_steps_of_all, found.first_steps) == (DEFAULTS["cpu"].first_steps_of_all, 0.02)


def test_a_newer_one_is_refused(place: Path) -> None:
    for more in ({}, {"tolerances": []}, {"tolerances": {"moon": {}}}):
        assert refused(place, {"version": 3, **more}) == (
            "written by a newer fvcli (version 3, this one reads 2): compare with that version"
        )


MARKS = '<<<<<<< HEAD\n{"version": 1}\n=======\n{"version": 1}\n>>>>>>> branch\n'


@pytest.mark.parametrize("name", ["golden.json", "plan.json"])
def test_conflict_marks_are_told(place: Path, name: str) -> None:
    before = (place / "plan.json").read_bytes()
    (place / name).write_text(MARKS)
    (place / "manifest.sha256").touch()
    with pytest.raises(UsageError) as caught:
        Golden.read(place)
    (place / "plan.json").write_bytes(before)
    assert str(caught.value) == (
        f"{place / name}: git could not merge it: "
        "take either side (git checkout --ours or --theirs), then accept a run again"
    )


def test_tolerances_do_not_change() -> None:
    with pytest.raises(ValidationError):
        DEFAULTS["same"].score = 1.0  # type: ignore[misc]
