"""A run compared with a golden: statuses, gates, and what makes the whole atlas fail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.errors import FvcliError, StoppedError
from fvcli.golden import Comparison, Golden, Judges, NothingToCompareError, Options, UnitResult, compare
from fvcli.golden.results import asked_network
from fvcli.run import RunFolder
from tests.helpers.goldens import (
    EDGES,
    ELSEWHERE,
    HERE,
    SPEC,
    TEXTURES,
    UNITS,
    Oracle,
    Painted,
    noise,
    painted_run,
)


def other_pixels(path: str, by: int = 1) -> np.ndarray:
    """Return pixels of a unit as it is painted, all but black ones darker by so much."""
    pixels = noise(UNITS.index(path))
    return np.where(pixels >= by, pixels - by, pixels).astype(np.uint8)


def changed(*paths: str, by: int = 1, **how: Any) -> dict[str, Painted]:
    """Paint units a little darker."""
    return {path: Painted(pixels=other_pixels(path, by), **how) for path in paths}


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return painted_run(tmp_path_factory.mktemp("golden"), "golden")


def compared(
    golden: Path, run: Path, judges: Judges | None = None, **options: Any
) -> tuple[Comparison, dict[str, UnitResult]]:
    found = compare(Golden.read(golden), RunFolder.read(run), Options(**options), lambda looks: judges)
    return found, {unit.path: unit for unit in found.units}


def statuses(units: Mapping[str, UnitResult]) -> dict[str, str]:
    return {path: unit.status for path, unit in units.items() if unit.status != "match"}


# ---- statuses


def test_the_same_pictures_match(golden: Path, tmp_path: Path) -> None:
    oracle = Oracle()
    found, units = compared(golden, painted_run(tmp_path), Judges(oracle))
    assert [units[path].status for path in UNITS] == ["match"] * 8
    assert {unit.gate for unit in found.units} == {"pixels"}
    assert (found.is_fine, found.networks, found.could_not_tell) == (True, "not needed", ())
    assert found.drift is not None
    assert (found.drift.units, found.drift.mean) == (8, 0.0)
    assert oracle.asked == []  # a network is asked only about what differs


def test_every_status_that_needs_no_measure(golden: Path, tmp_path: Path) -> None:
    how = {
        EDGES[1]: Painted(status="failed"),
        EDGES[2]: Painted(pixels=noise(2, side_px=24)),
        EDGES[3]: Painted(pixels=other_pixels(EDGES[3]), status="dead"),
    }
    text = SPEC.replace("[3, 17]", "[3, 18]")
    run = painted_run(tmp_path, units=how, text=text, leave_out=[EDGES[4]])
    found, units = compared(golden, run)
    assert {path: (unit.status, unit.why) for path, unit in units.items() if unit.status != "match"} == {
        EDGES[1]: ("error", "run: it failed: it broke"),
        EDGES[2]: ("size", "16 x 16 x 3 -> 24 x 24 x 3"),
        EDGES[3]: ("dead", "the unit is dead, and was not"),
        EDGES[4]: ("missing", "the run has not rendered it"),
        "textures/channel-0017": ("missing", "the run does not have it"),
        "textures/channel-0018": ("new", "the golden does not have it"),
    }
    assert [unit.status for unit in found.units] == (
        ["error", "missing", "missing", "size", "dead", "new", "match", "match", "match"]
    )
    assert not found.is_fine
    assert len(found.failed) == 6


def test_a_unit_that_came_to_life_is_told(golden: Path, tmp_path: Path) -> None:
    dead = painted_run(tmp_path, "dead", {EDGES[0]: Painted(status="dead")})
    _, units = compared(dead, painted_run(tmp_path, units=changed(EDGES[0])))
    assert (units[EDGES[0]].status, units[EDGES[0]].why) == ("dead", "the unit is not dead any more")
    _, units = compared(dead, dead)
    assert statuses(units) == {}


def test_new_units_pass_only_where_they_are_allowed(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, text=SPEC.replace("channels: 0-5", "channels: 0-6"))
    assert statuses(compared(golden, run)[1]) == {"edges/channel-0006": "new"}
    assert not compared(golden, run)[0].is_fine
    assert compared(golden, run, allow_new=True)[0].is_fine


def test_only_common_units_are_compared_where_that_is_asked(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, text=SPEC.replace("0-5", "2-6"), leave_out=[EDGES[5]])
    found, units = compared(golden, run, common=True)
    assert sorted(units) == [*EDGES[2:5], *TEXTURES]
    assert found.is_fine


def test_only_restricts_both_sides(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0], by=200), leave_out=EDGES[1:])
    _, units = compared(golden, run, only=["textures/*", EDGES[1]])
    assert {path: unit.status for path, unit in units.items()} == {
        EDGES[1]: "missing",
        TEXTURES[0]: "match",
        TEXTURES[1]: "match",
    }


def test_nothing_to_compare_is_an_error_of_its_own(golden: Path, tmp_path: Path) -> None:
    empty = painted_run(tmp_path, leave_out=UNITS)
    with pytest.raises(NothingToCompareError, match="have no finished unit in common: render"):
        compared(golden, empty)
    other = painted_run(tmp_path, "other", text=SPEC.replace("edges", "lines").replace("textures", "spots"))
    with pytest.raises(NothingToCompareError, match="compare a run of the golden's spec"):
        compared(golden, other)


def test_another_spec_is_compared_all_the_same_and_said(golden: Path, tmp_path: Path) -> None:
    how = {**changed(EDGES[0]), **changed(EDGES[1], by=200)}
    run = painted_run(tmp_path, units=how, sets=["jobs.edges.steps=15", "render.seed=1"])
    oracle = Oracle(lambda unit, pixels: 10.0 if pixels.mean() > 100 else 5.0)
    _, units = compared(golden, run, Judges(oracle))
    assert statuses(units) == {EDGES[0]: "settings", EDGES[1]: "settings"}  # the others have the same pixels
    assert list(units[EDGES[0]].settings) == ["steps: 16 -> 15", "seed: 0 -> 1"]
    assert (units[EDGES[0]].gate, units[EDGES[0]].why) == (
        None,
        "the spec changed; the picture is within the limits",
    )
    assert (units[EDGES[1]].gate, units[EDGES[1]].why) == (
        "score",
        "the spec changed; the picture is beyond the limits",
    )


# ---- gates


def test_rounding_passes_and_is_measured(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0], saved=10.01))
    oracle = Oracle(lambda unit, pixels: 10.0 + 0.01 * float(pixels.sum() < noise(0).sum()))
    found, units = compared(golden, run, Judges(oracle))
    unit = units[EDGES[0]]
    assert (unit.status, unit.gate, unit.why) == ("close", None, "other pixels, within all limits")
    assert unit.change == "same"
    assert unit.values["score"] == pytest.approx(0.001)
    assert unit.values["texture"] == unit.values["first_steps"] == unit.values["first_steps_of_all"] == 0
    assert 0.99 < unit.values["structure"] < 1
    assert 0.9 < unit.values["rms"] < 1
    assert unit.excess == pytest.approx(0.2)  # of the limit of 0.5 %
    assert (unit.golden.score, unit.run.score) == (10.0, 10.01)
    assert oracle.asked == [EDGES[0], EDGES[0]]
    assert found.is_fine
    assert found.drift is not None
    assert found.drift.mean == pytest.approx(0.001 / 8)


@pytest.mark.parametrize(
    ("beyond", "why"),
    [
        ({"score": 9.9}, "score -1 % (limit 0.5 %)"),
        ({"score": 10.1}, "score +1 % (limit 0.5 %)"),
        ({"texture": 0.02}, "texture 2 % apart (limit 1 %)"),
        ({"structure": 120}, "structural similarity "),
        ({"score": 9.9, "texture": 0.02, "structure": 120}, "score -1 % (limit 0.5 %)"),
        ({"texture": 0.02, "structure": 120}, "texture 2 % apart (limit 1 %)"),
    ],
)
def test_the_first_gate_that_decides_is_told(
    beyond: dict[str, float], why: str, golden: Path, tmp_path: Path
) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0], by=int(beyond.get("structure", 1))))
    is_new = lambda pixels: pixels.sum() < noise(0).sum()  # noqa: E731
    oracle = Oracle(
        lambda unit, pixels: beyond.get("score", 10.0) if is_new(pixels) else 10.0,
        lambda unit, pixels: (np.ones((2, 4)) * (1 + beyond.get("texture", 0.0) * is_new(pixels)),),
    )
    _, units = compared(golden, run, Judges(oracle))
    assert units[EDGES[0]].status == "diff"
    assert units[EDGES[0]].gate == next(iter(beyond))
    assert units[EDGES[0]].why.startswith(why)


def test_one_unit_whose_first_steps_differ_is_told(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0], trace=(1.0, 2.0, 3.001, 9.0)))
    _, units = compared(golden, run, Judges(Oracle()))
    assert (units[EDGES[0]].status, units[EDGES[0]].gate) == ("diff", "first_steps")
    assert units[EDGES[0]].why == "other scores after a few steps, by 0.01 % (limit 0.001 %)"


def test_only_the_first_three_steps_count(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0], trace=(1.0, 2.0, 3.0, 99.0)))
    golden = painted_run(tmp_path, "golden", {EDGES[0]: Painted(trace=(1.0, 2.0, 3.0, 4.0))})
    assert statuses(compared(golden, run, Judges(Oracle()))[1]) == {EDGES[0]: "close"}


def test_a_change_of_all_units_is_caught_in_those_that_rounding_leaves_alone(
    golden: Path, tmp_path: Path
) -> None:
    """On another CPU, whose limit for a single unit is wide: 0.004 % in each is no rounding."""
    apart = (1.0, 2.0, 3.0004)
    run = painted_run(
        tmp_path, units=changed(*EDGES, trace=apart) | changed(*TEXTURES), fingerprint=ELSEWHERE
    )
    found, units = compared(golden, run, Judges(Oracle()))
    assert {path: unit.status for path, unit in units.items()} == {
        **dict.fromkeys(EDGES, "diff"),
        **dict.fromkeys(TEXTURES, "close"),  # of another program
    }
    assert {units[path].gate for path in EDGES} == {"first_steps"}
    assert units[EDGES[0]].why == (
        "another computation: even the units that rounding leaves alone have other scores after a few steps, "
        "by 0.004 % (limit 0.001 %)"
    )
    assert units[EDGES[0]].values["first_steps_of_all"] == pytest.approx(4e-5)
    assert found.remarks[-1] == "8 units: rendered on another CPU, or with other kernels, than the golden"


def test_rounding_that_tips_over_in_some_units_passes(golden: Path, tmp_path: Path) -> None:
    how = changed(*EDGES[:4], trace=(1.0, 2.0, 3.04)) | changed(*EDGES[4:], trace=(1.0, 2.0, 3.0))
    run = painted_run(tmp_path, units=how, fingerprint=ELSEWHERE)
    _, units = compared(golden, run, Judges(Oracle()))
    assert statuses(units) == dict.fromkeys(EDGES, "close")


def test_the_limits_are_those_of_the_way_in_which_computers_differ(golden: Path, tmp_path: Path) -> None:
    how = changed(EDGES[0], saved=11.0)
    oracle = Oracle(lambda unit, pixels: 11.0 if pixels.sum() < noise(0).sum() else 10.0)
    tensorflow = {**HERE, "versions": {**HERE["versions"], "tensorflow": "2.22.0"}}
    device = {**HERE, "device": {**HERE["device"], "kind": "gpu", "name": "gpu: Loom"}}
    found = {}
    for name, computer in {
        "same": HERE,
        "cpu": ELSEWHERE,
        "tensorflow": tensorflow,
        "device": device,
    }.items():
        run = painted_run(tmp_path, name, how, fingerprint=computer)
        unit = compared(golden, run, Judges(oracle))[1][EDGES[0]]
        found[unit.change] = (unit.status, unit.limits["score"])
    assert found == {
        "same": ("diff", 0.005),
        "cpu": ("close", 0.3),
        "tensorflow": ("close", 0.3),
        "device": ("close", 0.45),
    }


def test_strict_lets_no_pixel_pass(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0]))
    _, units = compared(golden, run, Judges(Oracle()), strict=True)
    assert (units[EDGES[0]].status, units[EDGES[0]].gate) == ("diff", "pixels")
    assert units[EDGES[0]].why == "its pixels differ, and --strict lets nothing pass"


def test_the_worst_come_first(golden: Path, tmp_path: Path) -> None:
    scores = {EDGES[0]: 9.9, EDGES[1]: 8.0, EDGES[2]: 9.0, EDGES[3]: 10.01}
    run = painted_run(tmp_path, units=changed(*scores))
    oracle = Oracle(
        lambda unit, pixels: scores[unit.path] if pixels.sum() < noise(UNITS.index(unit.path)).sum() else 10.0
    )
    found, _ = compared(golden, run, Judges(oracle))
    assert [unit.path for unit in found.units[:4]] == [EDGES[1], EDGES[2], EDGES[0], EDGES[3]]


def test_many_small_changes_in_one_direction_are_a_drift(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(*UNITS))
    oracle = Oracle(
        lambda unit, pixels: 10.02 if pixels.sum() < noise(UNITS.index(unit.path)).sum() else 10.0
    )
    found, units = compared(golden, run, Judges(oracle))
    assert {unit.status for unit in units.values()} == {"close"}
    assert found.failed == ()
    assert found.drift is not None
    assert found.drift.mean == pytest.approx(0.002)
    assert (found.drift.limit, found.drift.is_beyond, found.is_fine) == (0.001, True, False)


# ---- two networks


def test_two_networks_are_asked_about_both_pictures(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0], trace=(5.0, 5.0, 5.0)))
    path = RunFolder.read(run).json(RunFolder.read(run).plan.units[0])
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights_sha256": "0" * 64}))
    now = Oracle(lambda unit, pixels: 10.0 if pixels.sum() < noise(0).sum() else 9.0)
    then = Oracle(lambda unit, pixels: 7.0 if pixels.sum() < noise(0).sum() else 10.0)
    _, units = compared(golden, run, Judges(now, then))
    unit = units[EDGES[0]]
    assert (unit.status, unit.gate) == ("diff", "response")
    assert unit.values["response"] == pytest.approx(0.3)  # to the new picture: 10 and 7
    assert unit.values["score"] == pytest.approx(-0.3)  # by the golden's network: 10 and 7
    assert "first_steps" not in unit.values
    assert (unit.golden.score, unit.golden.other_score) == (10.0, 9.0)
    assert (unit.run.score, unit.run.other_score) == (10.0, 7.0)
    assert asked_network(unit.golden, unit.run) == "golden"


def test_a_score_that_decides_says_by_whose_network_it_is(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0], trace=(5.0, 5.0, 5.0)))
    path = RunFolder.read(run).json(RunFolder.read(run).plan.units[0])
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights_sha256": "0" * 64}))
    of_new = lambda score: lambda unit, pixels: score if pixels.sum() < noise(0).sum() else 10.0  # noqa: E731
    found, units = compared(golden, run, Judges(Oracle(of_new(11.0)), Oracle(of_new(11.00001))))
    assert (units[EDGES[0]].status, units[EDGES[0]].gate) == ("diff", "score")
    assert units[EDGES[0]].why == "score +10 % by the golden's network (limit 0.5 %)"
    assert found.drift_words.endswith("each by the network that sees the larger change")
    assert (found.golden_model, found.run_model) == ("efficientnet-lite0", "efficientnet-lite0")


# ---- without a network


def test_without_a_network_the_sidecars_are_compared_and_the_rest_is_said(
    golden: Path, tmp_path: Path
) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0], saved=10.1) | changed(EDGES[1]))
    found, units = compared(golden, run)
    assert statuses(units) == {EDGES[0]: "diff", EDGES[1]: "close"}
    assert (units[EDGES[0]].gate, units[EDGES[0]].values["score"]) == ("score", pytest.approx(0.01))
    assert "texture" not in units[EDGES[0]].values
    assert found.networks == "not asked"
    assert found.could_not_tell == (
        "of 2 units with other pixels, textures were not compared, and scores only as they were recorded, "
        "because no network was asked",
    )


def test_a_golden_without_first_steps_says_so(tmp_path: Path) -> None:
    old = painted_run(tmp_path, "old", {EDGES[0]: Painted(trace=())})
    run = painted_run(tmp_path, units=changed(EDGES[0]))
    found, units = compared(old, run, Judges(Oracle()))
    assert statuses(units) == {EDGES[0]: "close"}
    assert found.could_not_tell == (
        "of 1 unit, the first steps were not compared, because they were not recorded",
    )


# ---- damage


def test_a_damaged_run_is_told_unit_by_unit(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path)
    (run / f"units/{EDGES[0]}.png").write_bytes(b"\x89PNG")
    (run / f"units/{EDGES[1]}.png").unlink()
    (run / f"units/{EDGES[2]}.png").write_bytes((run / f"units/{EDGES[3]}.png").read_bytes())
    (run / f"units/{EDGES[4]}.json").write_text("{")
    _, units = compared(golden, run)
    assert {path: (unit.status, unit.why) for path, unit in units.items() if unit.status != "match"} == {
        EDGES[0]: ("error", "run: channel-0000.png is damaged"),
        EDGES[1]: ("error", "run: channel-0001.png is missing"),
        EDGES[2]: ("error", "run: the pixels of channel-0002.png are not those that were rendered"),
        EDGES[4]: ("error", "run: channel-0004.json cannot be read"),
    }


def test_a_network_is_asked_about_one_program_after_the_other(tmp_path: Path) -> None:
    """So that each is compiled once: of three jobs the first and the last share theirs."""
    text = SPEC + "  - {name: more, layer: stem_bn, channels: [9]}\n"
    paths = [EDGES[0], TEXTURES[0], "more/channel-0009"]
    first = painted_run(tmp_path, "first", text=text)
    units = {path: Painted(pixels=noise(99 + i)) for i, path in enumerate(paths)}
    oracle = Oracle()
    found, _ = compared(first, painted_run(tmp_path, "run", units, text=text), Judges(oracle))
    assert oracle.asked == [*[paths[0], paths[2]] * 2, *[paths[1]] * 2]
    assert {unit.path for unit in found.units if unit.status != "match"} == {*paths}


@pytest.mark.parametrize("which", ["golden's picture", "run's picture", "textures", "other network"])
def test_a_network_that_answers_with_no_number_lets_nothing_pass(
    golden: Path, tmp_path: Path, which: str
) -> None:
    path, mine = EDGES[0], noise(UNITS.index(EDGES[0]))
    run = painted_run(tmp_path, "run", changed(path))

    def score(unit: Any, pixels: np.ndarray) -> float:
        return float("nan") if np.array_equal(pixels, mine) == (which == "golden's picture") else 10.0

    nan = Oracle(textures=lambda *_: (np.full((2, 4), np.nan),)) if which == "textures" else Oracle(score)
    judges = Judges(Oracle(), nan) if which == "other network" else Judges(nan)
    found, units = compared(golden, run, judges)
    gate = {"textures": "texture", "other network": "response"}.get(which, "score")
    assert (units[path].status, units[path].gate, found.is_fine) == ("diff", gate, False)
    assert units[path].excess == float("inf")


def test_a_picture_that_cannot_be_read_is_not_called_missing(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path)
    (run / f"units/{EDGES[0]}.png").unlink()
    (run / f"units/{EDGES[0]}.png").mkdir()
    (run / f"units/{EDGES[1]}.png").unlink()
    _, units = compared(golden, run)
    assert units[EDGES[0]].why == "run: channel-0000.png cannot be read: Is a directory"
    assert units[EDGES[1]].why == "run: channel-0001.png is missing"


# ---- what must not pass in silence


def failing(error: BaseException) -> Judges:
    def say(unit: object, pixels: np.ndarray) -> float:
        raise error

    return Judges(Oracle(say))


def test_a_network_that_fails_makes_an_error_of_each_unit(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(*EDGES[:2]))
    found, units = compared(golden, run, failing(FvcliError("cat.jpg is gone", "bring it back")))
    why = "the network cannot be asked about it: cat.jpg is gone: bring it back"
    assert {path: (unit.status, unit.why) for path, unit in units.items() if unit.status != "match"} == {
        EDGES[0]: ("error", why),
        EDGES[1]: ("error", why),
    }
    assert not found.is_fine


def test_a_signal_while_a_network_is_asked_ends_the_comparison(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0]))
    with pytest.raises(StoppedError, match="stopped by SIGTERM; to go on: fvcli compare"):
        compared(golden, run, failing(StoppedError("stopped by SIGTERM", "to go on: fvcli compare")))


# ---- remarks


def test_one_computer_is_one_computer_also_where_its_fingerprint_is_lost(
    golden: Path, tmp_path: Path
) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0]))
    shutil.rmtree(run / "fingerprints")
    found, units = compared(golden, run)
    assert {unit.change for unit in units.values()} == {"same"}
    assert not any("rendered on" in remark for remark in found.remarks)


def test_what_is_not_known_of_a_computer_is_not_said_of_it(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=changed(EDGES[0]), fingerprint=ELSEWHERE)
    shutil.rmtree(run / "fingerprints")
    found, units = compared(golden, run)
    assert {unit.change for unit in units.values()} == {"cpu"}
    what = "it is not known what they were rendered on, so they count as rendered on another CPU"
    assert found.remarks[1:] == (f"8 units: {what}",)


def test_a_job_with_another_name_is_told(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, text=SPEC.replace("name: textures", "name: cloth"))
    found, units = compared(golden, run)
    assert sorted(set(statuses(units).values())) == ["missing", "new"]
    example = "textures/channel-0003 is cloth/channel-0003 in the run"
    assert found.remarks[1:] == (f"2 missing units: there by another name, such as {example}",)


def test_a_unit_that_the_run_has_twice_is_not_renamed(golden: Path, tmp_path: Path) -> None:
    """The golden's own unit is there as it was, and once more by another name."""
    text = SPEC.replace("0-5", "0-4") + "  - {name: more, layer: stem_bn, channels: [0]}\n"
    found, units = compared(golden, painted_run(tmp_path, text=text))
    assert statuses(units) == {EDGES[5]: "missing", "more/channel-0000": "new"}
    assert len(found.remarks) == 1


def test_two_old_runs_are_not_one_computer(tmp_path: Path) -> None:
    """Their sidecars name no fingerprint."""
    runs = [painted_run(tmp_path, name, how) for name, how in (("a", {}), ("b", changed(EDGES[0])))]
    for run in runs:
        shutil.rmtree(run / "fingerprints")
        for place in run.glob("units/*/*.json"):
            place.write_text(json.dumps({**json.loads(place.read_text()), "fingerprint": ""}))
    found, units = compared(*runs)
    assert {unit.change for unit in units.values()} == {"cpu"}
    assert "it is not known what they were rendered on" in found.remarks[-1]


def test_another_tensorflow_is_told_also_where_the_cpu_is_not_known(golden: Path, tmp_path: Path) -> None:
    versions = {**HERE["versions"], "tensorflow": "2.22.0"}
    run = painted_run(tmp_path, fingerprint={"versions": versions, "device": HERE["device"]})
    found, units = compared(golden, run)
    assert {unit.change for unit in units.values()} == {"tensorflow"}
    assert found.remarks[1:] == ("8 units: rendered on another TensorFlow than the golden",)


def test_what_is_passed_over_is_counted(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, text=SPEC.replace("0-5", "2-6"))
    found, _ = compared(golden, run, common=True)
    assert found.remarks[1:] == ("3 units: only in the golden or only in the run, passed over",)
    assert len(compared(golden, golden, common=True)[0].remarks) == 1


def test_a_golden_in_the_place_of_the_run_is_told(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path)
    for name in ("golden.json", "manifest.sha256"):
        (run / name).write_text('{"version": 1}')
    found, _ = compared(golden, run)
    assert found.remarks[1] == f"{run} is a golden, and {golden} is not: are they the wrong way round?"
    both, _ = compared(run, run)
    assert not any("wrong way round" in remark for remark in both.remarks)


def test_where_nothing_is_in_common_the_hint_fits(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, text=SPEC.replace("[3, 17]", "[3]"))
    with pytest.raises(NothingToCompareError, match="compare a run of the golden's spec"):
        compared(golden, run, only=[TEXTURES[1]])
    empty = painted_run(tmp_path, "empty", leave_out=UNITS)
    with pytest.raises(NothingToCompareError, match=f"render {empty} first"):
        compared(golden, empty)
