"""What the look-ups say of a network that no list names: grey, wide, with remarks, and without classes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fvcli.models import ModelChoice, ModelFacts
from fvcli.models.choice import Preprocessing
from fvcli.models.graph import Node, Window
from tests.helpers.running import fvcli, write_spec

NODES = (
    Node("conv", "conv", ("input",), 4, Window((3, 5), (2, 1))),
    Node("bias", "add", ("conv",), 4),
    Node("act", "relu", ("bias",), 4),
    Node("norm", "batch_norm", ("act",), 4),
    Node("sum", "add", ("norm", "act"), 4),
    Node("pool", "pool", ("sum",), 4, None),
)
MINE = ModelFacts(
    name="mine",
    nodes=NODES,
    input_channels=1,
    native_size_px=(20, 30),
    preprocessing=Preprocessing((0.0, 255.0), mean=(5.0,), std=(10.0,), channel_order="BGR"),
    labels=(),
    logits=None,
    weights="/a/mine.h5",
    weights_sha256="0123456789abcdef" * 4,
    parameters=1234567,
    aliases={"first": "act", "second": "act", "third": "sum"},
    branches={"sum": {"left": 0, "right": 3}},
    remarks=("its range is a guess", "half of it is dead"),
)
NOTES = ["Note: mine: its range is a guess", "Note: mine: half of it is dead"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[ModelChoice, bool]]:
    """Let every model be MINE; returns what is asked for, and whether its code may run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    heard: list[tuple[ModelChoice, bool]] = []

    def known(choice: ModelChoice, allow_code: bool) -> ModelFacts:
        heard.append((choice, allow_code))
        return MINE

    def load(choice: ModelChoice, allow_code: bool) -> SimpleNamespace:
        heard.append((choice, allow_code))
        return SimpleNamespace(parameters=1234567, sanity_lines=lambda: ["it works"])

    monkeypatch.setattr("fvcli.app.describe_model.describe_model", known)
    monkeypatch.setattr("fvcli.models.load", load)
    device = SimpleNamespace(set_up_device=lambda: None)
    monkeypatch.setitem(sys.modules, "fvcli.worker.device", device)
    return heard


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_layers_of_a_wide_picture(asked: list[tuple[ModelChoice, bool]]) -> None:
    result = fvcli("layers", "my.keras")
    assert asked == [(ModelChoice(path="my.keras"), False)]
    assert [cells(line) for line in result.stdout.splitlines()[1:]] == [
        ["conv", "conv", "10x30x4", "3x5 px", "2x1 px", "0x-2", "input"],
        ["bias", "add", "10x30x4", "3x5 px", "2x1 px", "0x-2", "conv"],
        ["act", "relu", "10x30x4", "3x5 px", "2x1 px", "0x-2", "bias", "activation (also: first, ...)"],
        ["norm", "batch_norm", "10x30x4", "3x5 px", "2x1 px", "0x-2", "act"],
        [
            *("sum", "add", "10x30x4", "3x5 px", "2x1 px", "0x-2", "norm, act"),
            "residual sum, left 0-2, right 3-3 (also: third)",
        ],
        ["pool", "pool", "1x1x4", "whole image", "-", "-", "sum"],
    ]
    square = json.loads(fvcli("layers", "my.keras", "--size", "64", "--json", "--allow-code").stdout)
    assert asked[1] == (ModelChoice(path="my.keras"), True)
    assert square[0]["shape"] == [32, 64, 4]
    assert square[4] == {
        "name": "sum",
        "kind": "add",
        "shape": [32, 64, 4],
        "channels": 4,
        "receptive_field_px": [3, 5],
        "stride_px": [2.0, 1.0],
        "offset_px": [0, -2],
        "made_from": ["norm", "act"],
        "branches": {"left": [0, 3], "right": [3, 4]},
        "aliases": ["third"],
    }
    assert square[5]["stride_px"] is square[5]["offset_px"] is square[5]["receptive_field_px"] is None


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("add", ["bias", "sum"]), ("re*", ["act"]), ("*oo*", ["pool"]), ("norm", ["norm"])],
)
def test_layers_match_by_name_or_kind(
    asked: list[tuple[ModelChoice, bool]], pattern: str, found: list[str]
) -> None:
    layers = json.loads(fvcli("layers", "my.keras", "--match", pattern, "--json").stdout)
    assert [layer["name"] for layer in layers] == found


def test_inspect_says_what_is_unusual(asked: list[tuple[ModelChoice, bool]]) -> None:
    lines = fvcli("inspect", "my.keras", "--allow-code").stdout.splitlines()
    assert asked == 2 * [(ModelChoice(path="my.keras"), True)]
    assert lines[: lines.index("")] == [
        "model          mine",
        "weights        /a/mine.h5 (SHA-256 0123456789abcdef...)",
        "input          20 x 30 px (height x width), 1 channel",
        "preprocessing  from 0 to 255, minus (5), divided by (10)",
        "parameters     1,234,567",
        "classes        none",
        "sanity         it works",
        "note           its range is a guess",
        "note           half of it is dead",
    ]
    page = json.loads(fvcli("inspect", "my.keras", "--json").stdout)
    assert asked[2:] == 2 * [(ModelChoice(path="my.keras"), False)]
    assert [layer["name"] for layer in page.pop("layers")] == [node.name for node in NODES]
    page.pop("suggested")
    assert page == {
        "model": "mine",
        "weights": "/a/mine.h5",
        "weights_sha256": MINE.weights_sha256,
        "input_px": [20, 30],
        "input_channels": 1,
        "preprocessing": {"zero": [-0.5], "one": [25.0], "channel_order": "BGR"},
        "parameters": 1234567,
        "classes": 0,
        "logits": None,
        "sanity": ["it works"],
        "findings": [],
        "notes": list(MINE.remarks),
    }


def test_a_spec_names_its_model_before_it_has_jobs(
    tmp_path: Path, asked: list[tuple[ModelChoice, bool]]
) -> None:
    spec = write_spec(tmp_path, "model: {path: a.keras, value_range: [0, 255]}\n", "early.YAML")
    for command in ("layers", "inspect"):
        assert fvcli(command, spec).exit_code == 0
    choice = ModelChoice(path="a.keras", value_range=(0.0, 255.0))
    assert asked == 3 * [(choice, False)]


def test_weights_that_would_be_downloaded_are_not_needed_for_a_look(
    asked: list[tuple[ModelChoice, bool]],
) -> None:
    for command in ("layers", "inspect"):
        assert fvcli(command, "vgg16").exit_code == 0
    assert asked == 3 * [(ModelChoice(name="vgg16", weights="random"), False)]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_plan_says_on_standard_error_what_was_guessed(
    tmp_path: Path, asked: list[tuple[ModelChoice, bool]], as_json: bool
) -> None:
    spec = write_spec(tmp_path, "model: {path: a.keras}\njobs: [{name: a, layer: norm, channels: 0-2}]\n")
    words = ["--json"] if as_json else []
    result = fvcli("plan", spec, "--allow-code", *words)
    assert (result.exit_code, result.stderr.splitlines()) == (0, NOTES)
    assert asked == [(ModelChoice(path="a.keras"), True)]
    if as_json:
        assert json.loads(result.stdout)["totals"]["units"] == 3
    fvcli("plan", spec)
    assert asked[1][1] is False
