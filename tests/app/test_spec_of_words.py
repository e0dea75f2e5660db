"""Rendering without a spec: a model and layers in the words of a command, and where a run is without -o."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fvcli.app.spec_of_words import plan_of_words, run_of_words, spec_of_words
from fvcli.errors import UsageError
from fvcli.plan.written_keys import overrides
from fvcli.run import RunFolder
from fvcli.spec import SpecError
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec

SMALL = ("--set", "render.size_px=64", "--set", "render.steps=3")


def test_a_job_for_each_layer() -> None:
    words = ("my net.keras", "stem_bn:0-3", "a/b", "stem_bn:3,7-9", "x: y:all", "block*_bn:5")
    text, written_by = spec_of_words(words)
    assert text == (
        "model: my net.keras\n"
        "jobs:\n"
        "  - {name: stem_bn, layer: stem_bn, channels: 0-3}\n"
        "  - {name: a-b, layer: a/b}\n"
        "  - {name: stem_bn-2, layer: stem_bn, channels: '3,7-9'}\n"
        "  - {name: x-y, layer: 'x: y', channels: all}\n"
        "  - {name: block-_bn, layer: block*_bn, channels: '5'}\n"
    )
    assert {line: word for line, word in written_by.items() if line > 2} == dict(
        enumerate(words[1:], start=3)
    )


def test_jobs_of_one_layer_have_names_of_their_own() -> None:
    text, _ = spec_of_words(("net", "x:0", "x-2:0", "X:1", "x:2"))
    assert re.findall(r"name: ([^,]+)", text) == ["x", "x-2", "X-3", "x-4"]


def test_what_was_set_is_told_even_where_yaml_cannot_hold_it() -> None:
    odd = 'output.figure.title="a\\x85b"'  # a line break of YAML 1.1
    text = plan_of_words(("efficientnet-lite0", "stem_bn:0"), [odd]).text
    assert overrides(text) == [odd]


def test_the_units_are_those_of_a_spec(tmp_path: Path) -> None:
    planned = plan_of_words(("efficientnet-lite0", "stem_bn:0-2,7", "head_bn:4"), ["render.steps=9"])
    spec = """
        model: efficientnet-lite0
        render: {steps: 9}
        jobs:
          - {name: a, layer: stem_bn, channels: [0, 1, 2, 7]}
          - {name: b, layer: head_bn, channels: [4]}
    """
    again = plan_of_words((str(write_spec(tmp_path, spec)),), ())
    assert [unit.key for unit in planned.plan.units] == [unit.key for unit in again.plan.units]
    assert planned.remarks == ()


def test_mistakes_name_the_word() -> None:
    with pytest.raises(SpecError) as caught:
        plan_of_words(
            ("efficientnet-lite0", "stem_bn:30-40", "stembn", "head_bn:3-x"), ["jobs.head_bn.stepz=1"]
        )
    lines = caught.value.lines
    assert [line.split(": ")[:2] for line in lines] == [
        ["stem_bn:30-40", "jobs[0].channels"],
        ["stembn", "jobs[1].layer"],
        ["head_bn:3-x", "jobs[2].channels"],
        ["--set jobs.head_bn.stepz=1", "jobs[2].stepz"],
    ]
    with pytest.raises(SpecError, match=r"^effnet: model: there is no model 'effnet'"):
        plan_of_words(("effnet", "stem_bn"), ())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give a SPEC, or MODEL LAYER"),
        (("vgg16",), "vgg16 is a model, and no layer is named: fvcli render vgg16 LAYER:0-7"),
        (("a.yaml", "b.yaml"), "a.yaml is a spec, and b.yaml stands behind it"),
    ],
)
def test_words_that_are_neither(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_of_words(words, ())
    assert str(caught.value).startswith(message)


# ---- without -o


def test_where_the_run_is() -> None:
    assert run_of_words(("specs/dogs.v2.yaml",)) == Path("runs/dogs.v2")
    assert run_of_words(("efficientnet-lite0", "a/b:0-3,7", "c")) == Path(
        "runs/efficientnet-lite0-a-b-0-3,7-c"
    )
    assert run_of_words(("nets/my.keras", "conv:0")) == Path("runs/my-conv-0")
    long = [run_of_words(("vgg16", *(f"block{i}_conv1:{last}" for i in range(9)))) for last in (1, 1, 2)]
    assert long[0] == long[1] != long[2]
    assert all(len(path.name) < 100 for path in long)
    with pytest.raises(UsageError, match="give -o RUN"):
        run_of_words(("-",))


def test_render_without_a_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, easel: PaintingEngine
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("efficientnet-lite0", "stem_bn:0-1", *SMALL)
    made = fvcli("render", *words)
    assert made.exit_code == 0, made.stderr
    run = Path("runs/efficientnet-lite0-stem_bn-0-1")
    assert f"Note: no -o is given, and the run is {run}\n" in made.stderr
    assert made.stdout.endswith(f"{run}: 2 done\n")
    again = f"fvcli render {run}/spec.yaml -o RUN"
    assert f"the spec of this is {run}/spec.yaml, which renders the same again: {again}\n" in made.stderr
    assert fvcli("render", run / "spec.yaml", "-o", "copy").exit_code == 0
    keys = [[unit.key for unit in RunFolder.read(Path(place)).plan.units] for place in (run, "copy")]
    assert keys[0] == keys[1]
    assert fvcli("render", *words).stdout.endswith(f"{run}: nothing was left to render, 2 of 2 in the run\n")
    planned = fvcli("plan", *words).stdout.splitlines()
    assert planned[1].split()[:3] == ["stem_bn", "2", "stem_bn"]
    assert "3" in planned[1].split()


def test_a_spec_without_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, easel: PaintingEngine) -> None:
    monkeypatch.chdir(tmp_path)
    spec = write_spec(tmp_path)
    prepared = fvcli("prepare", spec)
    assert prepared.stdout.splitlines()[-1] == "next: fvcli work runs/spec"
    assert fvcli("render", spec).exit_code == 0
    assert RunFolder.read(Path("runs/spec")).plan.units
    picture = next(Path("runs/spec/units").glob("*/*.png"))
    assert (
        fvcli("render", "--from", picture).stderr == "Error: a picture has no name for its run: give -o RUN\n"
    )


def test_a_layer_behind_a_relu_is_remarked_on() -> None:
    (remark,) = plan_of_words(("efficientnet-lite0", "block9_expand:0-3"), ()).remarks
    assert remark.startswith("block9_expand is behind a ReLU6, ")
    assert remark.endswith("layer: block9_expand_bn")
