"""The outside face: help, look-ups, and how fast and quietly they answer."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fvcli.cli import main
from tests.helpers.running import SMALL_SPEC, fvcli, write_spec

COMMANDS = sorted(main.commands)
NO_TENSORFLOW = """
import sys
from click.testing import CliRunner
from fvcli.cli import main
for words in {words!r}:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, (words, result.output)
    loaded = [name for name in ("tensorflow", "keras") if name in sys.modules]
    assert not loaded, (words, loaded)
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = main.commands[name]
    result = fvcli(name, "--help")
    assert result.exit_code == 0
    assert command.help
    assert f"fvcli {name}" in command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name


def test_nothing_that_needs_no_tensors_imports_tensorflow(tmp_path: Path) -> None:
    logits = "  - {name: classes, objective: class_logit, classes: [tabby]}\n"
    spec = str(write_spec(tmp_path, SMALL_SPEC + logits))
    words = [
        ["--help"],
        *[[name, "--help"] for name in COMMANDS],
        ["plan", spec],
        ["plan", spec, "--json"],
        ["schema"],
        ["models"],
        ["layers", "efficientnet-lite0"],
        ["init", str(tmp_path / "new.yaml")],
    ]
    subprocess.run([sys.executable, "-c", NO_TENSORFLOW.format(words=words)], check=True)


def test_help_is_quick() -> None:
    """Half a second is what a person takes for at once. CPU time: a busy machine does not count."""
    took = []
    for _ in range(3):
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "fvcli", "--help"], check=True, capture_output=True)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime)
    assert min(took) < 0.5


def test_layers_answers_what_newcomers_ask() -> None:
    layers = {
        layer["name"]: layer for layer in json.loads(fvcli("layers", "efficientnet-lite0", "--json").stdout)
    }
    assert layers["stem"] == {
        "name": "stem",
        "kind": "relu6",
        "shape": [112, 112, 32],
        "channels": 32,
        "receptive_field_px": [3, 3],
        "stride_px": [2.0, 2.0],
        "offset_px": [0, 0],
        "made_from": ["stem_bn"],
        "branches": {},
        "aliases": [],
    }
    assert layers["block4_add"]["made_from"] == ["block4_project_bn", "block3_project_bn"]
    assert layers["logits"]["receptive_field_px"] is None
    assert layers["logits"]["channels"] == 1000
    table = fvcli("layers", "efficientnet-lite0").stdout
    assert "pre-activation" in table
    assert "whole image" in table
    assert len(table.splitlines()) == len(layers) + 1


def test_layers_at_another_size() -> None:
    layers = json.loads(fvcli("layers", "efficientnet-lite0", "--size", "320", "--json").stdout)
    assert layers[0]["shape"] == [160, 160, 32]
    refused = fvcli("layers", "efficientnet-lite0", "--size", "8")
    assert refused.exit_code == 2
    assert "at least 32" in refused.stderr
    smallest = fvcli("layers", "efficientnet-lite0", "--size", "32", "--json")
    assert (smallest.exit_code, fvcli("layers", "efficientnet-lite0", "--size", "31").exit_code) == (0, 2)
    assert json.loads(smallest.stdout)[0]["shape"] == [16, 16, 32]


def test_models_lists_names_and_what_is_installed() -> None:
    listed = json.loads(fvcli("models", "--json").stdout)
    lite = [model for model in listed if model["name"].startswith("efficientnet-lite")]
    assert [model["name"] for model in lite] == [f"efficientnet-lite{i}" for i in range(3)]
    assert all(model["installed"] for model in lite)
    assert {"vgg16", "resnet50", "mobilenetv3small"} <= {model["name"] for model in listed}
    assert "efficientnet-lite0" in fvcli("models").stdout


def test_unknown_model_gets_a_suggestion() -> None:
    result = fvcli("layers", "eficientnet-lite0")
    assert result.exit_code == 2
    assert "did you mean efficientnet-lite0?" in result.stderr


def test_plan_tells_units_batches_and_memory(tmp_path: Path) -> None:
    spec = write_spec(tmp_path)
    text = fvcli("plan", spec).stdout
    assert "7 units in 4 batches" in text
    data = json.loads(fvcli("plan", spec, "--set", "render.steps=5", "--json").stdout)
    assert data["totals"]["units"] == 7
    assert data["programs"][0]["settings"]["steps"] == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spec.yaml"]


def test_a_spec_may_come_from_standard_input() -> None:
    done = CliRunner().invoke(main, ["plan", "-"], input=SMALL_SPEC)
    assert done.exit_code == 0
    assert "7 units" in done.stdout
    assert done.stderr == ""


def test_init_writes_once(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    assert "next: fvcli plan" in fvcli("init", path).stdout
    assert fvcli("plan", path).exit_code == 0
    before = path.read_text()
    refused = fvcli("init", path)
    assert refused.exit_code == 2
    assert path.read_text() == before == fvcli("init", "-").stdout


def test_schema_is_json() -> None:
    schema = json.loads(fvcli("schema").stdout)
    assert set(schema["properties"]) == {"version", "model", "render", "jobs", "output"}
    assert schema["required"] == ["model", "jobs"]


def test_errors_have_no_traceback_unless_asked(tmp_path: Path) -> None:
    words = ["status", tmp_path / "nowhere"]
    plain = fvcli(*words)
    assert plain.exit_code == 2
    said = f"{tmp_path}/nowhere: there is no run here: give a folder that fvcli rendered"
    assert plain.stderr == f"Error: {said}\n"
    for asked in ([*words, "--debug"], ["--debug", *words]):
        failed = fvcli(*asked)
        assert failed.exit_code == 2
        assert failed.stderr.startswith("Traceback")
        assert failed.stderr.endswith(plain.stderr)
