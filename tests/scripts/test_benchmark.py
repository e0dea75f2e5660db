"""What scripts/bench computes from what it measured; the measuring itself is not tested here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benchmark.headline import cpu_to_reach, geometric_mean, ratios
from benchmark.score import high_frequency_energy, robust_score
from benchmark.search import Row, Unit, summary, units_of
from benchmark.trust import HELD_OUT
from benchmark.units import DEPTHS

CURVE = [(1.0, 2.0), (2.0, 4.0), (3.0, 3.0), (4.0, 6.0)]


@pytest.mark.parametrize(
    ("target", "cpu"),
    [(1.0, 1.0), (2.0, 1.0), (3.0, 1.5), (4.0, 2.0), (5.0, 3.5), (6.0, 4.0), (6.1, None)],
)
def test_the_time_to_a_score_lies_on_the_running_maximum_of_the_curve(
    target: float, cpu: float | None
) -> None:
    assert cpu_to_reach(CURVE, target) == cpu


def results_of(tool: str, *units: dict[str, Any]) -> dict[str, Any]:
    return {"tool": tool, "layer": "some_bn", "repeat": 0, "units": [{"channel": 3, **u} for u in units]}


def test_a_ratio_is_the_others_time_over_that_to_its_score() -> None:
    curve = [
        {"steps": steps, "own": False, "cpu_seconds": cpu, "score": score}
        for steps, (cpu, score) in zip((64, 16, 32), (CURVE[3], CURVE[0], CURVE[1]), strict=True)
    ]
    reached = {"steps": 512, "own": True, "cpu_seconds": 30.0, "score": 4.0}
    missed = {"steps": 512, "own": True, "cpu_seconds": 30.0, "score": 7.0}
    results = [
        results_of("fvcli-default", *curve),
        results_of("lucent", reached),
        results_of("xplique", missed),
    ]
    [near], [far] = ratios(results, "lucent"), ratios(results, "xplique")
    assert (near.ratio, near.reached) == (15.0, True)
    assert (far.ratio, far.reached) == (7.5, False)
    assert geometric_mean([near.ratio, far.ratio]) == pytest.approx(112.5**0.5)


def test_a_line_of_the_search_has_means_by_depth_and_silent_units_have_no_relative_score() -> None:
    pixels = np.full((2, 2, 3), 128, np.uint8)
    pixels[0, 0] = 0, 255, 9  # two of twelve values
    units = [Unit("net", layer, 0) for layer in ("a", "a", "b")]

    def rows(*pairs: tuple[float, float]) -> list[Row]:
        return [
            Row(unit, share, score, energy=0.25, cpu_s=2.0, pixels=pixels)
            for unit, (share, score) in zip(units, pairs, strict=True)
        ]

    cells = summary(
        "some", rows((0.5, 2.0), (0.7, 5.0), (0.9, 0.5)), rows((0.6, 1.0), (0.6, 0.0), (0.6, 1.0))
    )
    # changes of -0.1, 0.1 and 0.3: their standard deviation is 0.163
    assert cells == ["some", "0.700", "+0.100 +- 0.094", "0.60 0.90", "1.000", "2.00 0.50"] + [
        *("0.250", "0.167", "2.0")
    ]


def test_the_halves_share_no_unit_and_have_54_each_at_six_depths_of_three_networks() -> None:
    halves = [units_of(half) for half in ("tune", "report")]
    assert [len(half) for half in halves] == [54, 54]
    assert len({*halves[0], *halves[1]}) == 108
    assert len({(unit.network, unit.layer) for unit in halves[1]}) == 18
    held_out = {("lite0", layer, channel) for layer, channels in HELD_OUT.items() for channel in channels}
    compared = {("lite0", layer, channel) for layer, channels in DEPTHS.items() for channel in channels}
    searched = {(unit.network, unit.layer, unit.channel) for half in halves for unit in half}
    assert not searched & held_out
    assert searched & compared == {("lite0", "block12_expand_bn", 401)}


def wave(cycles_a_pixel: float) -> np.ndarray:
    row = 127.5 + 100.0 * np.cos(2 * np.pi * cycles_a_pixel * np.arange(224))
    return np.broadcast_to(row[None, :, None], (224, 224, 3)).astype(np.uint8)


def test_noise_is_what_is_above_a_quarter_cycle_a_pixel() -> None:
    assert high_frequency_energy(wave(0.125)) < 0.01
    assert high_frequency_energy(wave(0.375)) > 0.99
    assert high_frequency_energy(np.full((224, 224, 3), 7, np.uint8)) < 1e-9


def test_the_score_is_that_of_changed_views_of_the_better_canvas() -> None:
    seen = []

    def network(views: Any) -> Any:
        seen.append(views.shape[1:])
        return views

    square = np.zeros((448, 448, 3), np.uint8)
    square[112:336, 112:336, 1] = 255  # fills the centre, a quarter of the whole
    assert robust_score(network, 1, square) > 0.8
    assert robust_score(network, 0, square) < -0.9
    assert seen == [(208, 208, 3)] * 4
    detail = wave(0.5)
    assert abs(robust_score(network, 0, detail)) < 0.05
    power = robust_score(lambda views: views**2, 0, detail)  # what no shift changes would keep all of it
    assert 0.0 < power < 0.75 * np.mean((detail / 127.5 - 1) ** 2)
    assert np.ptp(detail) > 150
