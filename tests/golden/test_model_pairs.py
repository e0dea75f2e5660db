"""Which units of two runs are shown to both networks, what is refused, and what is remarked."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fvcli.errors import UsageError
from fvcli.golden import NothingToCompareError
from fvcli.golden.model_pairs import model_pairs
from fvcli.run import RunFolder
from tests.helpers.goldens import Painted, painted_run

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 16}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-3}
"""
UNITS = [f"edges/channel-{i:04d}" for i in range(4)]
SAME_WEIGHTS = "both runs were rendered with the same weights"


def run_of(folder: Path, name: str, text: str = SPEC, **more: object) -> RunFolder:
    return RunFolder.read(painted_run(folder, name, text=text, **more))  # type: ignore[arg-type]


def paths(a: RunFolder, b: RunFolder, *only: str) -> list[str]:
    return [pair.a.path for pair in model_pairs(a, b, only).pairs]


def refusal(a: RunFolder, b: RunFolder, *only: str) -> str:
    with pytest.raises(UsageError) as caught:
        model_pairs(a, b, only)
    return str(caught.value)


# ---- which units


def test_all_that_both_have(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a"), run_of(tmp_path, "b")
    found = model_pairs(a, b)
    assert [(pair.a.path, pair.b.path) for pair in found.pairs] == [(path, path) for path in UNITS]
    assert found.pairs[0].facts == (a.sidecar(a.plan.units[0]), b.sidecar(b.plan.units[0]))
    assert found.remarks == (SAME_WEIGHTS,)


def test_only_some(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a"), run_of(tmp_path, "b")
    assert paths(a, b, "channel-0001", "edges/*3") == [UNITS[1], UNITS[3]]


def test_a_pattern_that_names_nothing_is_refused_beside_one_that_does(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a"), run_of(tmp_path, "b", SPEC.replace("0-3", "[0, 9]"))
    assert refusal(a, b, "channel-0001", "corners", "dogs") == (
        "--only corners: no unit matches: units are named like edges/channel-0000\n"
        "--only dogs: no unit matches: units are named like edges/channel-0000"
    )
    assert paths(a, b, "channel-0000", "channel-0009") == [UNITS[0]]  # which the second run alone has


def test_what_one_of_both_lacks_is_passed_over_and_told(tmp_path: Path) -> None:
    failed = {UNITS[1]: Painted(status="failed")}
    a = run_of(tmp_path, "a", leave_out=[UNITS[0]])  # as where its picture was removed
    b = run_of(tmp_path, "b", SPEC.replace("0-3", "[0, 1, 2, 9, 10, 11, 12]"), units=failed)
    assert paths(a, b) == [UNITS[2]]
    assert model_pairs(a, b).remarks == (
        f"{UNITS[3]}: only in {tmp_path}/a, passed over",
        "edges/channel-0009, edges/channel-0010, edges/channel-0011 and 1 more unit: "
        f"only in {tmp_path}/b, passed over",
        "2 units not finished in both runs, passed over",
        SAME_WEIGHTS,
    )
    assert model_pairs(a, b, ["channel-0002"]).remarks == (SAME_WEIGHTS,)


def test_nothing_in_common(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a"), run_of(tmp_path, "b", SPEC.replace("edges", "corners"))
    with pytest.raises(NothingToCompareError) as caught:
        model_pairs(a, b)
    assert str(caught.value) == (
        f"nothing to compare: {tmp_path}/a and {tmp_path}/b have no finished unit in common: "
        "render one spec with both networks"
    )


# ---- what is refused


@pytest.mark.parametrize("change", ["layer: block0_dw_bn", "sign: negative"])
def test_units_of_one_name_that_show_something_else(tmp_path: Path, change: str) -> None:
    """A sign is a part of the name, so it has to be changed by hand."""
    a = run_of(tmp_path, "a")
    b = run_of(tmp_path, "b", SPEC.replace("layer: stem_bn", change) if "layer" in change else SPEC)
    if "sign" in change:
        b = RunFolder(b.path, replace(b.plan, units=tuple(replace(u, sign=-1) for u in b.plan.units)))
    assert refusal(a, b) == (
        f"{UNITS[0]}, {UNITS[1]}, {UNITS[2]} and 1 more unit: not the same unit in {a.path} and {b.path}: "
        "render one spec with both networks"
    )


def test_terms_that_are_put_together_otherwise_are_something_else(tmp_path: Path) -> None:
    """Both are called sum: a b + c, and a + b c."""
    first = SPEC[: SPEC.index("  - ")]
    a, b, c = (f"{{kind: channel, layer: stem_bn, channel: {i}}}" for i in range(3))
    terms = f"{{kind: product, terms: [{a}, {b}]}}, {c}", f"{a}, {{kind: product, terms: [{b}, {c}]}}"
    texts = (f"{first}  - {{name: j, objective: {{kind: sum, terms: [{each}]}}}}\n" for each in terms)
    one, other = (run_of(tmp_path, name, text) for name, text in zip("ab", texts, strict=True))
    assert refusal(one, other).startswith("j/sum: not the same unit in ")


def test_what_is_odd_elsewhere_does_not_matter_where_only_some_are_wanted(tmp_path: Path) -> None:
    text = SPEC + "  - {name: deep, layer: LAYER, channels: [0]}\n"
    a = run_of(tmp_path, "a", text.replace("LAYER", "block1_expand_bn"))
    b = run_of(tmp_path, "b", text.replace("LAYER", "block1_dw_bn"))
    assert paths(a, b, "edges") == UNITS
    assert refusal(a, b).startswith("deep/channel-0000: not the same unit")


def test_pictures_of_another_size(tmp_path: Path) -> None:
    text = SPEC + "  - {name: deep, layer: block1_expand_bn, channels: [0], size_px: SIZE}\n"
    a, b = (run_of(tmp_path, name, text.replace("SIZE", size)) for name, size in (("a", "64"), ("b", "48")))
    assert refusal(a, b) == (
        f"deep/channel-0000: 64 x 64 px in {a.path}, 48 x 48 px in {b.path}: "
        "render one spec with both networks"
    )
    assert paths(a, b, "edges") == UNITS


def test_pictures_that_are_not_those_that_were_rendered(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a"), run_of(tmp_path, "b")
    other = b.png(b.plan.units[0])
    for run, number in ((a, 3), (b, 1), (b, 2), (b, 3)):
        shutil.copy(other, run.png(run.plan.units[number]))
    message = refusal(a, b)
    what = "its pixels are not those that were rendered"
    assert message.splitlines() == [
        f"{tmp_path}/b/units/{UNITS[1]}.png: {what}",
        f"{tmp_path}/b/units/{UNITS[2]}.png: {what}",
        f"{tmp_path}/a/units/{UNITS[3]}.png: {what}",
        "and 1 more picture: render it again, or compare a part with --only",
    ]


# ---- what is remarked


def test_other_weights_in_one_unit_are_other_weights(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a"), run_of(tmp_path, "b")
    place = b.units / f"{UNITS[2]}.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"weights_sha256": "other"}))
    assert model_pairs(a, b).remarks == ()


def test_another_spec_is_told_key_by_key(tmp_path: Path) -> None:
    """The second job has settings of its own, which one of both changes leaves alone."""
    text = SPEC + "  - {name: deep, layer: block1_expand_bn, channels: [0], steps: 8}\n"
    a = run_of(tmp_path, "a", text)
    b = run_of(tmp_path, "b", text.replace("steps: 16", "steps: 24, seed: 3"))
    told = "not only the networks differ, but also the specs of"
    assert model_pairs(a, b).remarks == (
        SAME_WEIGHTS,
        f"{told} 4 units: steps: 16 -> 24",
        f"{told} 5 units: seed: 0 -> 3",
    )


def test_many_differences_are_counted(tmp_path: Path) -> None:
    jobs = "".join(f"  - {{name: j{i}, layer: stem_bn, channels: [{i}], seed: {i}}}\n" for i in range(13))
    text = SPEC[: SPEC.index("  - ")] + jobs
    a, b = run_of(tmp_path, "a", text), run_of(tmp_path, "b", text.replace("seed: ", "seed: 1"))
    remarks = model_pairs(a, b).remarks
    assert len(remarks) == 12
    assert remarks[1].endswith("the specs of 1 unit: seed: 0 -> 10")
    assert remarks[-1] == "and 3 more differences of the specs"


def test_another_network_is_no_other_spec(tmp_path: Path) -> None:
    a = run_of(tmp_path, "a")
    program = replace(a.plan.programs[0], model="vgg16", weights_sha256="f" * 64)
    model = replace(a.plan.model, mean=(1.0, 2.0, 3.0))
    b = RunFolder(run_of(tmp_path, "b").path, replace(a.plan, model=model, programs=(program,)))
    assert model_pairs(a, b).remarks == (SAME_WEIGHTS,)
