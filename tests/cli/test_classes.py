"""``fvcli classes`` and ``fvcli layers --match``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from fvcli.cli import main


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words])


def test_classes_with_a_word() -> None:
    lines = run("classes", "efficientnet-lite0", "retriever").stdout.splitlines()
    assert lines[0].split() == ["index", "name"]
    assert [line.split()[0] for line in lines[1:]] == ["205", "206", "207", "208", "209"]


def test_all_classes_as_json() -> None:
    found = json.loads(run("classes", "efficientnet-lite0", "--json").stdout)
    assert len(found) == 1000
    assert found[207] == {"index": 207, "name": "Golden Retriever"}


def test_no_class_has_the_word() -> None:
    result = run("classes", "efficientnet-lite0", "qqq")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: no class of efficientnet-lite0 has 'qqq': list them with: fvcli classes efficientnet-lite0\n"
    )


def test_a_class_that_is_spelled_wrongly_is_offered() -> None:
    result = run("classes", "efficientnet-lite0", "espreso")
    assert result.exit_code == 2
    assert "has 'espreso': did you mean espresso = 967 or " in result.stderr
    assert result.stderr.endswith("? Or list them with: fvcli classes efficientnet-lite0\n")


def test_layers_that_match() -> None:
    result = run("layers", "efficientnet-lite0", "--match", "block4_*bn", "--json")
    assert [layer["name"] for layer in json.loads(result.stdout)] == [
        *("block4_expand_bn", "block4_dw_bn", "block4_project_bn")
    ]


def test_no_layer_matches() -> None:
    result = run("layers", "efficientnet-lite0", "--match", "block4")
    assert result.exit_code == 2
    assert "the best first: block4_expand_bn" in result.stderr


@pytest.mark.parametrize(
    ("classes", "count"),
    [("all", 1000), ("0-3", 4), ("[0-3, 207]", 5), ("['281']", 1), ("golden_retriever", 1)],
)
def test_notations_of_classes(classes: str, count: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    spec = tmp_path_factory.mktemp("spec") / "spec.yaml"
    spec.write_text(
        f"model: efficientnet-lite0\njobs:\n  - {{name: a, objective: class_logit, classes: {classes}}}\n"
    )
    assert json.loads(run("plan", str(spec), "--json").stdout)["totals"]["units"] == count
