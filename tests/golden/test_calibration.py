"""From trials to tolerances, and how well these tell changes from noise; of looks that are made by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fvcli.golden import Golden, Look
from fvcli.golden.calibration import (
    FLOORS,
    Calibration,
    Row,
    Trial,
    calibrated,
    confusion,
    judged,
    propose,
)
from fvcli.golden.compare import Measured
from fvcli.golden.pairs import Pair
from fvcli.golden.results import Change, Side
from fvcli.golden.tolerances import DEFAULTS, Tolerances
from fvcli.golden.variants import Kind, Variant
from fvcli.models import ModelFacts
from fvcli.plan import Plan, Unit
from fvcli.run import RunFolder
from tests.helpers.plans_of_files import plan_of

Values = Mapping[str, float]
SIDE = Side(status="done", size_px=(64, 64, 3))
EDGES = {"name": "edges", "layer": "stem_bn", "channels": "0-5"}
SLOW = {"name": "slow", "layer": "stem_bn", "channels": [0, 1], "steps": 24}
LIMITS = Tolerances(
    first_steps_of_all=1e-4,
    first_steps=0.01,
    response=1e-5,
    score=0.1,
    texture=0.1,
    structure=0.9,
    drift=0.05,
)
WIDE = Tolerances(
    first_steps_of_all=0.01, first_steps=0.1, response=0.1, score=0.5, texture=0.5, structure=0.5, drift=0.3
)


@pytest.fixture(scope="module")
def plan(facts: ModelFacts) -> Plan:
    """Six units of one program, and two of another."""
    found = plan_of(facts, EDGES, SLOW)
    assert [unit.program for unit in found.units] == [0] * 6 + [1] * 2
    return found


def look(unit: Unit, values: Values | None, **more: Any) -> Look:
    """Return what was measured of a unit; without values it has the same pixels on both sides."""
    pixels = ("a", "a" if values is None else "b")
    return Look(Pair(unit, unit), SIDE, SIDE, pixels=pixels, values=dict(values or {}), **more)


def trial(
    plan: Plan,
    *values: Values | None,
    kind: Kind = "same",
    name: str = "noise",
    units: Sequence[str] | None = None,
) -> Trial:
    """Return a trial of the first units of a plan."""
    looks = [look(unit, each) for unit, each in zip(plan.units, values, strict=False)]
    concerned = frozenset([one.pair.path for one in looks] if units is None else units)
    run = RunFolder(Path("/variant"), plan)
    return Trial(Variant(name, kind), concerned, Measured(tuple(looks), "asked"), run)


def of_many(found: Trial, count: int = 100) -> Trial:
    """Return a trial that concerns more units, of which nothing was measured."""
    more = [f"more/{i}" for i in range(count - len(found.units))]
    return replace(found, units=found.units.union(more))


def every(**values: float) -> Values:
    return {"first_steps": 0.0, "score": 0.0, "texture": 0.0, "structure": 1.0, "rms": 3.0} | values


def golden(plan: Plan, **tolerances: Tolerances) -> Golden:
    return Golden(RunFolder(Path("/base"), plan), {**DEFAULTS, **tolerances})  # type: ignore[dict-item]


# ---- what a trial measured


def test_values_are_of_concerned_units_that_both_have(plan: Plan) -> None:
    found = trial(plan, every(score=0.2), every(score=-0.3), None, every(score=9.0))
    missing = Look(Pair(plan.units[5], plan.units[5]), values={"score": 7.0})
    looks = (*found.measured.looks, missing)
    units = frozenset(unit.path for unit in (*plan.units[:3], plan.units[5]))
    values = Trial(found.variant, units, Measured(looks, "asked"), found.run).values()
    assert values == {
        "first_steps": [0.0, 0.0],
        "score": [0.2, -0.3],
        "texture": [0.0, 0.0, 0.0],
        "structure": [1.0, 1.0, 1.0],
        "rms": [3.0, 3.0],
    }


def test_equal_pixels_are_no_difference_whatever_was_measured(plan: Plan) -> None:
    one = look(plan.units[0], None)
    one.values.update(first_steps=1e-9, structure=0.5, texture=0.5, score=0.0)
    path = frozenset([plan.units[0].path])
    found = Trial(Variant("x", "same"), path, Measured((one,), "asked"), RunFolder(Path("/v"), plan))
    assert found.values() == {"first_steps": [1e-9], "structure": [1.0], "texture": [0.0], "score": [0.0]}


def test_what_all_of_a_program_have_in_common_is_of_concerned_units_alone(plan: Plan) -> None:
    """Of the sorted values of n units it is number (n - 1) / 5, from 0."""
    steps = [0.5, 0.1, 0.4, 0.2, 0.3, 0.0]
    values = [every(first_steps=step) for step in steps]
    assert trial(plan, *values).values()["first_steps_of_all"] == [0.1]
    of_four = trial(plan, *values, units=[unit.path for unit in plan.units[:4]])
    assert of_four.values()["first_steps_of_all"] == [0.1]
    of_some = trial(plan, *values, units=[unit.path for unit in plan.units[:3]])
    assert "first_steps_of_all" not in of_some.values()


# ---- tolerances


def test_without_noise_the_floors_are_proposed(plan: Plan) -> None:
    found = propose([of_many(trial(plan, *[None] * 8))], safety=2.0)
    assert list(found) == ["same", "cpu", "tensorflow", "device"]
    assert found["same"] == found["cpu"] == FLOORS
    assert list(found["tensorflow"].model_dump().values()) == [
        *(1.5e-6, 1.5e-5, 1e-5, 1.5e-3, 1.5e-3, 0.9985, 1.5e-4),
    ]
    assert list(found["device"].model_dump().values()) == [1e-3, 3e-5, 1e-5, 3e-3, 3e-3, 0.997, 3e-4]


def test_the_floors() -> None:
    assert list(FLOORS.model_dump().values()) == [1e-6, 1e-5, 1e-5, 1e-3, 1e-3, 0.999, 1e-4]


def test_noise_is_multiplied(plan: Plan) -> None:
    """The worst unit by safety, the drift's mean by safety, what most have in common by ten."""
    noise = trial(
        plan,
        every(first_steps=0.004, score=-0.04, texture=0.03, structure=0.95),
        every(first_steps=0.001, score=0.02, texture=0.01, structure=0.99),
        every(first_steps=0.002, score=0.0),
        every(first_steps=0.0001, score=0.0),
    )
    found = propose([of_many(noise)], safety=2.0)
    assert list(found["same"].model_dump().values()) == [
        *(0.001, 0.008, 1e-5, 0.08, 0.06, 0.9, 0.01),  # ten times 0.0001; the mean score is -0.005
    ]
    assert list(found["tensorflow"].model_dump().values()) == [
        *(0.0015, 0.012, 1e-5, 0.12, 0.09, 0.85, 0.015),
    ]
    assert list(found["device"].model_dump().values()) == [0.003, 0.024, 1e-5, 0.24, 0.18, 0.7, 0.03]
    thrice = propose([noise], safety=3.0)["same"]
    assert (thrice.first_steps_of_all, thrice.first_steps, thrice.score) == (0.001, 0.012, 0.12)
    assert (thrice.texture, thrice.structure, thrice.drift) == (0.09, 0.85, 0.015)


def test_another_cpu_is_given_what_this_machine_needs_too_and_real_changes_give_nothing(plan: Plan) -> None:
    trials = [
        of_many(trial(plan, every(score=0.01))),
        trial(plan, every(score=0.02, texture=0.005)),
        trial(plan, every(score=0.015, structure=0.5), kind="cpu"),
        trial(plan, every(score=0.9, texture=0.9, structure=0.0), kind="real"),
    ]
    found = propose(trials, safety=2.0)
    assert (found["same"].score, found["same"].texture, found["same"].structure) == (0.04, 0.01, 0.999)
    assert (found["cpu"].score, found["cpu"].texture, found["cpu"].structure) == (0.04, 0.01, 0.0)
    assert (found["same"].drift, found["cpu"].drift) == (0.04, 0.04)
    assert found["device"].structure == -1.0


def test_of_few_units_another_cpu_is_given_at_least_the_defaults(plan: Plan) -> None:
    """Of what each unit has for itself: of less than a hundred, the worst may not have been among them."""
    noise = trial(plan, *[every(first_steps=1e-7, score=0.15, texture=0.01, structure=0.8)] * 4)
    more = trial(plan, *[every(first_steps=0.1, score=0.3, texture=0.3, structure=0.2)] * 4)
    few = propose([of_many(noise, 99)], safety=2.0)
    assert list(few["cpu"].model_dump().values()) == [1e-6, 0.05, 1e-5, 0.3, 0.4, 0.0, 0.3]
    assert few["same"] == propose([of_many(noise)], safety=2.0)["same"]
    many = propose([of_many(noise)], safety=2.0)["cpu"]
    assert list(many.model_dump().values()) == [1e-6, 1e-5, 1e-5, 0.3, 0.02, 0.6, 0.3]
    wide = propose([of_many(more, 99)], safety=2.0)["cpu"]
    assert list(wide.model_dump().values()) == [1.0, 0.2, 1e-5, 0.6, 0.6, -0.6, 0.6]
    assert propose([], safety=2.0)["cpu"].score == DEFAULTS["cpu"].score
    real = of_many(trial(plan, None, kind="real"))
    assert propose([of_many(noise, 99), real], safety=2.0) == few


def test_the_drift_is_the_worst_of_all_trials_and_scores_that_go_either_way_make_none(plan: Plan) -> None:
    trials = [trial(plan, every(score=0.1), every(score=-0.1)), trial(plan, every(score=-0.2), None)]
    found = propose(trials, safety=2.0)["same"]
    assert (found.score, found.drift) == (0.4, 0.4)  # equal pixels without a score are not averaged


def test_another_device_may_differ_in_its_first_steps_as_the_defaults_say(plan: Plan) -> None:
    values = [every(first_steps=0.02)] * 4
    assert propose([trial(plan, *values)], 2.0)["device"].first_steps_of_all == pytest.approx(0.6)
    assert (
        propose([trial(plan)], 2.0)["device"].first_steps_of_all
        == DEFAULTS["device"].first_steps_of_all
        == 1e-3
    )


def test_limits_have_few_digits_and_let_the_noise_pass(plan: Plan) -> None:
    noise = trial(plan, *[every(first_steps=0.0123412, score=0.1234123, structure=0.876512)] * 4)
    found = propose([noise], safety=1.0)["same"]
    assert (found.first_steps_of_all, found.first_steps, found.score) == (0.124, 0.0124, 0.124)
    assert (found.structure, found.drift) == (0.8765, 0.124)


shares = st.floats(0, 0.3)
some_values = st.fixed_dictionaries(
    {
        "first_steps": shares,
        "score": st.floats(-0.3, 0.3),
        "texture": shares,
        "structure": st.floats(0.5, 1),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.none() | some_values, min_size=1, max_size=8), min_size=1, max_size=3),
    st.sampled_from([1.0, 1.7, 2.0]),
)
def test_noise_always_passes_by_what_it_gave(
    plan: Plan, values: list[list[Values | None]], safety: float
) -> None:
    trials = [trial(plan, *each, kind="cpu" if i else "same", name=str(i)) for i, each in enumerate(values)]
    tolerances = propose(trials, safety)
    base = golden(plan, **{str(change): limits for change, limits in tolerances.items()})
    rows = confusion(base, trials)
    assert [(row.caught, row.atlas_fails, row.wrong) for row in rows] == [(0, False, 0)] * len(trials)
    for name in Tolerances.model_fields:
        same, cpu, other, device = (getattr(limits, name) for limits in tolerances.values())
        steps = [same, cpu, other, device]
        assert steps == sorted(steps, reverse=name == "structure")


# ---- how well they tell


def test_a_trial_is_judged_as_if_the_computers_differed(plan: Plan) -> None:
    found = trial(plan, every(score=0.2), None, every(score=0.6), every(score=0.05), kind="real")
    base = golden(plan, same=LIMITS, cpu=WIDE)
    same, cpu = judged(base, found, "same"), judged(base, found, "cpu")
    assert [(unit.path, unit.status, unit.gate) for unit in same.units] == [
        ("edges/channel-0002", "diff", "score"),
        ("edges/channel-0000", "diff", "score"),
        ("edges/channel-0003", "close", None),
        ("edges/channel-0001", "match", "pixels"),
    ]
    assert [unit.status for unit in cpu.units] == ["diff", "close", "close", "match"]
    assert (same.golden, same.run) == ("/base", "/variant")
    assert {unit.change for unit in same.units} == {"same"}
    assert {unit.change for unit in cpu.units} == {"cpu"}
    assert (same.drift.mean if same.drift else None) == pytest.approx((0.2 + 0.6 + 0.05) / 3)
    assert (same.drift.limit if same.drift else None) == 0.05


def test_units_that_a_variant_does_not_concern_are_not_judged(plan: Plan) -> None:
    """Neither for themselves nor among what all of a program have in common."""
    values = [every(first_steps=0.0)] * 5 + [every(first_steps=0.005)]
    found = trial(plan, *values, kind="real", units=[plan.units[5].path])
    comparison = judged(golden(plan, same=LIMITS), found, "same")
    assert [(unit.path, unit.status) for unit in comparison.units] == [(plan.units[5].path, "close")]
    assert comparison.units[0].values["first_steps"] == 0.005
    assert "first_steps_of_all" not in comparison.units[0].values


def test_rows_count_what_is_caught_and_by_which_gate(plan: Plan) -> None:
    noise = trial(plan, every(), every(score=0.2), None, name="threads")
    cpu = trial(plan, every(score=0.2), every(texture=0.4), every(structure=0.4), kind="cpu", name="XLA")
    real = trial(
        plan,
        *(every(first_steps=0.002), every(first_steps=0.003), every(first_steps=0.004)),
        *(every(first_steps=0.2), every(first_steps=0.0), every(first_steps=0.005)),
        kind="real",
        name="seed",
    )
    few = trial(plan, every(texture=0.2), every(structure=0.8), None, kind="real", name="few")
    base = golden(plan, same=LIMITS, cpu=WIDE)
    rows = confusion(base, [noise, cpu, real, few])
    assert rows == [
        Row("threads", "same", False, 3, 1, {"score": 1}, True),
        Row("XLA", "cpu", False, 3, 1, {"structure": 1}, True),
        Row("seed", "same", True, 6, 6, {"first_steps": 6}, True),
        Row("seed", "cpu", True, 6, 1, {"first_steps": 1}, True),
        Row("few", "same", True, 3, 2, {"texture": 1, "structure": 1}, True),
        Row("few", "cpu", True, 3, 0, {}, False),
    ]
    assert [row.wrong for row in rows] == [1, 1, 0, 5, 1, 3]


def test_a_whole_atlas_may_fail_by_its_drift_alone(plan: Plan) -> None:
    found = trial(plan, *[every(score=0.08)] * 6, kind="real", name="drift")
    (same, cpu) = confusion(golden(plan, same=LIMITS, cpu=WIDE), [found])
    assert (same.caught, same.wrong, same.atlas_fails) == (0, 6, True)
    assert (cpu.caught, cpu.atlas_fails) == (0, False)


def test_without_a_gate_the_status_is_counted(plan: Plan) -> None:
    """A unit that is dead now, and one whose picture is missing."""
    dead = Look(
        *(Pair(plan.units[0], plan.units[0]), SIDE, Side(status="dead", size_px=(64, 64, 3))),
        pixels=("a", "b"),
    )
    gone = Look(Pair(plan.units[1], plan.units[1]), pending=True)
    paths = frozenset(unit.path for unit in plan.units[:2])
    run = RunFolder(Path("/v"), plan)
    found = Trial(Variant("x", "real"), paths, Measured((dead, gone), "asked"), run)
    (same, _) = confusion(golden(plan), [found])
    assert (same.caught, same.gates) == (2, {"dead": 1, "missing": 1})


# ---- all of it


def test_a_calibration_says_what_was_measured(plan: Plan) -> None:
    noise = trial(plan, every(score=-0.04), every(score=0.02), every(), None, name="threads")
    real = trial(plan, *[every(score=0.35)] * 2, kind="real", name="seed")
    found = calibrated(golden(plan, same=WIDE), [noise, real], 2.0, {"cpu": {"name": "Abacus"}})
    assert isinstance(found, Calibration)
    assert (found.steps, found.size_px) == ([16, 24], [(64, 64)])
    assert found.tolerances == propose([noise, real], 2.0)
    assert [(row.name, row.limits, row.caught) for row in found.rows] == [
        ("threads", "same", 0),
        ("seed", "same", 2),
        ("seed", "cpu", 2),
    ]
    data = json.loads(found.to_json())
    assert found.to_json().endswith("}\n")
    assert list(data) == [
        *("version", "safety", "steps", "size_px", "fingerprint", "tolerances", "confusion"),
        *("percentiles", "distributions"),
    ]
    assert (data["version"], data["safety"], data["steps"]) == (1, 2.0, [16, 24])
    assert data["size_px"] == [[64, 64]]
    assert data["fingerprint"] == {"cpu": {"name": "Abacus"}}
    assert data["tolerances"]["same"] == found.tolerances["same"].model_dump()
    assert data["confusion"][1] == {
        **{"name": "seed", "limits": "same", "is_real": True, "units": 2, "caught": 2},
        **{"gates": {"score": 2}, "atlas_fails": True, "wrong": 0},
    }
    assert data["percentiles"] == [0, 1, 50, 99, 100]
    assert list(data["distributions"]) == ["threads", "seed"]
    assert data["distributions"]["threads"]["score"] == [0.0, 0.0004, 0.02, 0.0396, 0.04]  # of 0, 0.02, 0.04
    assert data["distributions"]["seed"]["structure"] == [1.0] * 5


@pytest.mark.parametrize("change", ["same", "cpu", "tensorflow", "device"])
def test_its_tolerances_are_those_that_its_rows_are_judged_by(plan: Plan, change: Change) -> None:
    """Not those that the golden had before."""
    strict = Tolerances(**dict.fromkeys(Tolerances.model_fields, 0.0) | {"structure": 1.0})
    noise = trial(plan, every(score=0.1, structure=0.9))
    found = calibrated(golden(plan, **{change: strict}), [noise], 2.0, {})
    assert [row.caught for row in found.rows] == [0]
