"""How long a plan takes: the cost model against made-up machines, and the commands that show it."""

from __future__ import annotations

import itertools
import json
import math
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.app.plan_spec import plan_of_spec
from fvcli.app.speed_table import read_speed, speed_path, write_speed
from fvcli.cli.plan import UNKNOWN
from fvcli.media.movie_writer import encode_movie
from fvcli.models import ModelFacts
from fvcli.plan import Plan
from fvcli.plan.calibration_plan import calibration_plan
from fvcli.plan.cost import (
    Cost,
    Curve,
    Point,
    Speed,
    Work,
    estimate,
    looks,
    non_negative_fit,
    places,
    work_of,
)
from tests.helpers.running import SMALL_SPEC, fvcli, write_spec

SECONDS = {"a_multiplication": 2e-10, "a_pixel": 1e-7, "a_step": 5e-4, "a_layer": 0.03}


def point(multiplications: int, pixels: int, layers: int, **measured: float) -> Point:
    """Return what a machine on which everything is linear would show."""
    step = SECONDS["a_step"] + SECONDS["a_multiplication"] * multiplications + SECONDS["a_pixel"] * pixels
    made_up = {"step_seconds": step, "compile_seconds": 1 + SECONDS["a_layer"] * layers, **measured}
    work = {"multiplications": multiplications, "pixels": pixels, "layers": layers}
    return Point(layer="some_bn", size_px=math.isqrt(pixels), **work, **made_up)


POINTS = (
    point(500_000, 64**2, 3),
    point(9_000_000, 224**2, 3),
    point(19_000_000, 112**2, 36),
    point(88_000_000, 224**2, 36),
    point(350_000_000, 224**2, 143),
)


def machine(points: tuple[Point, ...] = POINTS, **other: Any) -> Speed:
    about = {"host": "here", "device": "cpu", "model": "efficientnet-lite0", "lanes": 2}
    return Speed(**{**about, "whole_batches": False, "start_seconds": 4.0, "points": points, **other})


def plan_of(folder: Path, *overrides: str, text: str = SMALL_SPEC) -> Plan:
    return plan_of_spec(str(write_spec(folder, text)), overrides).plan


def test_the_measured_points_come_back_exactly() -> None:
    cost = Cost(machine())
    for p in POINTS:
        assert cost.step_s(Work(p.multiplications, p.pixels, p.layers)) == pytest.approx(p.step_seconds)


def test_a_linear_machine_is_known_between_the_points_too() -> None:
    cost = Cost(machine())
    for multiplications, side, layers in ((40_000_000, 160, 50), (200_000_000, 300, 100)):
        true = point(multiplications, side**2, layers)
        assert cost.step_s(Work(multiplications, side**2, layers)) == pytest.approx(
            true.step_seconds, rel=1e-3
        )


@given(
    st.lists(st.floats(0.2, 5.0), min_size=len(POINTS), max_size=len(POINTS)),
    st.lists(st.integers(1, 10**9), min_size=2, max_size=2),
    st.lists(st.integers(1, 10**6), min_size=2, max_size=2),
)
def test_more_work_never_costs_less_however_noisy_the_measurement(
    noise: list[float], multiplications: list[int], pixels: list[int]
) -> None:
    noisy = tuple(
        p.model_copy(update={"step_seconds": p.step_seconds * n}) for p, n in zip(POINTS, noise, strict=True)
    )
    cost = Cost(machine(noisy))
    less = cost.step_s(Work(min(multiplications), min(pixels), 3))
    assert 0.0 <= less <= cost.step_s(Work(max(multiplications), max(pixels), 3))


def test_a_curve_is_level_before_its_points_and_in_proportion_behind_them() -> None:
    curve = Curve(np.array([4.0, 1.0, 2.0, 2.0]), np.array([6.0, 3.0, 1.0, 2.0]))
    found = [curve(x) for x in (0.1, 1.0, 2.0, 3.0, 4.0, 8.0)]
    assert found == [3.0, 3.0, 3.0, 4.5, 6.0, 12.0]  # at 2 the mean, 1.5, is raised


@given(st.lists(st.lists(st.floats(0.1, 10.0), min_size=4, max_size=4), min_size=3, max_size=8))
def test_the_fit_is_the_best_of_a_grid_of_non_negative_ones(rows: list[list[float]]) -> None:
    table = np.array(rows)
    columns, values = table[:, :3], table[:, 3]
    found = non_negative_fit(columns, values)
    assert (found >= 0).all()

    def error(coefficients: np.ndarray) -> float:
        return float(((columns @ coefficients / values - 1) ** 2).sum())

    grid = itertools.product(np.linspace(0, 2, 6), repeat=3)
    assert error(found) <= min(error(np.array(coefficients)) for coefficients in grid) + 1e-9


def test_a_gpu_takes_as_long_for_one_unit_as_for_all_that_it_works_on_at_once(
    tmp_path: Path, facts: ModelFacts
) -> None:
    program = plan_of(tmp_path, text=SMALL_SPEC.replace(", batch_size: 2", "")).programs[0]
    assert program.gpu_pictures > program.batch_size
    cost, work = Cost(machine(device="gpu: some", whole_batches=True)), work_of(program, facts)
    full = program.gpu_pictures * looks(program) * cost.step_s(work)
    assert cost.render_s(program, work, 1) == pytest.approx(full)
    assert cost.render_s(program, work, program.gpu_pictures + 1) == pytest.approx(2 * full)


def test_places_without_a_unit_take_as_long_as_one_with() -> None:
    assert [places(units, 8, lanes=2, whole_batches=False) for units in (1, 2, 5)] == [2, 2, 6]
    assert [places(units, 8, lanes=1, whole_batches=True) for units in (1, 8, 9)] == [8, 8, 16]


def test_more_steps_units_and_pixels_take_longer(tmp_path: Path, facts: ModelFacts) -> None:
    def total(*overrides: str) -> float:
        return estimate(plan_of(tmp_path, *overrides), facts, machine()).total_s

    assert total("render.steps=12") < total() < total("render.steps=48")
    assert total() < total("jobs.edges.channels=0-31")
    assert total() < total("render.size_px=96") < total("render.size_px=[96, 160]")
    assert total() < total("jobs.textures.layer=block4_expand_bn") < total("jobs.textures.layer=head_bn")


def test_an_estimate_is_the_sum_of_what_it_says(tmp_path: Path, facts: ModelFacts) -> None:
    plan = plan_of(tmp_path)
    found = estimate(plan, facts, machine())
    cost = Cost(machine())
    edges, textures = plan.programs
    for job, program, count in (("edges", edges, 5), ("textures", textures, 2)):
        work = work_of(program, facts)
        whole = cost.compile_s(work) + cost.render_s(program, work, count)
        assert found.jobs[job] == pytest.approx(whole)
    assert found.total_s == pytest.approx(4.0 + sum(found.jobs.values()))
    compiling = 1 + SECONDS["a_layer"] * 3  # as the made-up machine takes for stem_bn
    climbing = 6 * 24 * cost.step_s(work_of(edges, facts))  # five units on two lanes: three rounds
    assert found.jobs["edges"] == pytest.approx(compiling + climbing)


@pytest.mark.parametrize(
    ("views", "looked_at", "pixels", "seconds"), [(1, 24, 4096, 1.24646), (4, 96, 1024, 1.53890)]
)
def test_every_view_is_looked_at_and_the_picture_is_made_once_a_step(
    views: int, looked_at: int, pixels: int, seconds: float, tmp_path: Path, facts: ModelFacts
) -> None:
    """By hand: 1.09 s of compiling, and 6 places x looks x (0.5 ms + 884,736 x 0.2 ns + pixels x 0.1 us)."""
    plan = plan_of(tmp_path, f"render.views={views}", "render.transforms=[{kind: flip}]")
    edges = plan.programs[0]
    assert looks(edges) == looked_at
    assert work_of(edges, facts) == Work(884_736, pixels, 3)
    assert estimate(plan, facts, machine()).jobs["edges"] == pytest.approx(seconds, abs=1e-5)


def test_jobs_that_share_a_program_share_its_time_by_units(tmp_path: Path, facts: ModelFacts) -> None:
    text = SMALL_SPEC + "  - {name: more, layer: stem_bn, channels: 10-12}\n"
    found = estimate(plan_of(tmp_path, text=text), facts, machine())
    assert found.jobs["edges"] / 5 == pytest.approx(found.jobs["more"] / 3)


def test_a_film_takes_as_long_as_its_frames(tmp_path: Path, facts: ModelFacts) -> None:
    photo = Path(__file__).parents[2] / "configs" / "photos" / "coffee.jpg"
    frames = [np.full((64, 96, 3), shade, np.uint8) for shade in (10, 90, 170)]
    (tmp_path / "film.gif").write_bytes(encode_movie(frames, "gif", 10))
    jobs = "".join(
        f"  - {{name: {name}, layer: stem_bn, objective: layer, recipe: deepdream, pictures: {path}}}\n"
        for name, path in (("still", photo), ("film", "film.gif"))
    )
    text = f"model: efficientnet-lite0\nrender: {{size_px: 128}}\njobs:\n{jobs}"
    found = estimate(plan_of(tmp_path, text=text), facts, machine()).jobs
    assert found["still"] < found["film"] <= 3 * found["still"]


def test_what_is_compiled_once_is_charged_once(tmp_path: Path, facts: ModelFacts) -> None:
    longer = "  - {name: longer, layer: stem_bn, channels: 0-4, steps: 48}\n"
    without = estimate(plan_of(tmp_path), facts, machine()).jobs
    plan = plan_of(tmp_path, text=SMALL_SPEC + longer)
    found = estimate(plan, facts, machine()).jobs
    compiling = 1 + SECONDS["a_layer"] * 3
    climbing = without["edges"] - compiling
    assert len(plan.programs) == 3
    assert found["edges"] + found["longer"] == pytest.approx(compiling + 3 * climbing)


def test_views_of_changing_size_take_longer_by_what_was_measured(tmp_path: Path, facts: ModelFacts) -> None:
    work = Work(POINTS[3].multiplications, POINTS[3].pixels, POINTS[3].layers)
    changing = POINTS[3].model_copy(
        update={"changes_size": True, "step_seconds": 1.5 * POINTS[3].step_seconds}
    )
    with_it, without = Cost(machine((*POINTS, changing))), Cost(machine())
    assert with_it.step_s(work) == pytest.approx(without.step_s(work))
    resized = work._replace(changes_size=True)
    assert with_it.step_s(resized) == pytest.approx(1.5 * with_it.step_s(work))
    assert without.step_s(resized) == pytest.approx(without.step_s(work))  # a table from before
    [program, _] = plan_of(tmp_path, "render.recipe=lucid").programs
    assert work_of(program, facts).changes_size


def test_a_neuron_costs_what_it_sees(tmp_path: Path, facts: ModelFacts) -> None:
    text = (
        "model: efficientnet-lite0\n"
        "jobs: [{name: one, layer: block4_expand_bn, objective: neuron, channels: 0-3}]\n"
    )
    seen, whole = (plan_of(tmp_path, f"render.canvas={canvas}", text=text) for canvas in ("seen", "whole"))
    [window], [picture] = seen.programs, whole.programs
    assert window.window is not None
    assert work_of(window, facts).pixels == window.window.canvas_px**2
    assert work_of(picture, facts).pixels == 224**2
    assert work_of(window, facts).multiplications < work_of(picture, facts).multiplications / 5
    assert estimate(seen, facts, machine()).total_s < estimate(whole, facts, machine()).total_s / 2


@pytest.mark.parametrize("quick", [True, False])
def test_calibration_measures_deeper_and_larger_programs_in_turn(facts: ModelFacts, quick: bool) -> None:
    plan = calibration_plan(facts, lanes=2, quick=quick)
    jobs = [units for _, units in plan.by_job()]
    assert [len(units) for units in jobs] == [2, 4] * (len(jobs) // 2)
    assert len({units[0].program for units in jobs}) == len(jobs)  # none is rendered with another
    assert all(program.settings.early_stop == 0 for program in plan.programs)
    *timed, last = [work_of(plan.programs[units[0].program], facts) for units in jobs[1::2]]
    assert last.changes_size
    assert not any(work.changes_size for work in timed)
    assert [w.multiplications for w in timed] == sorted({w.multiplications for w in timed})
    assert timed[0].layers < timed[-1].layers


# ---- the file


def test_each_device_of_each_host_has_a_place_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "speed.json"
    gpu = machine(device="gpu: some", whole_batches=True)
    for speed in (machine(), machine(host="there"), gpu, machine(start_seconds=5.0)):
        write_speed(path, speed)
        assert read_speed(path, speed.host) == speed  # the latest counts
    assert read_speed(path, "there") == machine(host="there")
    assert read_speed(path, "nowhere") is None
    assert list(json.loads(path.read_text())["hosts"]["here"]) == ["gpu: some", "cpu"]


def good(folder: Path) -> dict[str, Any]:
    write_speed(folder / "good.json", machine())
    table: dict[str, Any] = json.loads((folder / "good.json").read_text())
    return table


def damaged(folder: Path) -> list[bytes]:
    texts = [b"", b"\xff\xfe", b"[]", b"null", b'{"version": 1', b"[" * 100_000, b'{"hosts": {"here": {}}}']
    changes = ({"version": 2}, {"hosts": []}, {"more": 1})
    texts += [json.dumps({**good(folder), **change}).encode() for change in changes]
    wrong = (
        {"step_seconds": 0},
        {"step_seconds": "1"},
        {"pixels": -1},
        {"compile_seconds": math.nan},
        {"x": 1},
    )
    for values in wrong:
        table = good(folder)
        table["hosts"]["here"]["cpu"]["points"][0].update(values)
        texts.append(json.dumps(table).encode())
    table = good(folder)
    table["hosts"]["here"]["cpu"]["points"] = []
    return [*texts, json.dumps(table).encode()]


def test_a_damaged_file_counts_as_none_and_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    for content in damaged(tmp_path):
        path.write_bytes(content)
        assert read_speed(path, "here") is None, content[:200]
        write_speed(path, machine())
        assert read_speed(path, "here") == machine()


# ---- the commands


def test_plan_without_a_table_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spec = write_spec(tmp_path)
    for content in (None, b"{", b'{"version": 1, "hosts": {}}'):
        if content is not None:
            (tmp_path / "cache" / "fvcli").mkdir(parents=True, exist_ok=True)
            (tmp_path / "cache" / "fvcli" / "speed.json").write_bytes(content)
        result = fvcli("plan", spec)
        assert result.exit_code == 0
        assert result.stdout.splitlines()[-1] == UNKNOWN
        assert json.loads(fvcli("plan", spec, "--json").stdout)["time"] is None


def test_plan_shows_the_estimate_of_a_machine_that_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_speed(speed_path(), machine(host=socket.gethostname()))
    spec = write_spec(tmp_path)
    assert "at most about" in fvcli("plan", spec).stdout
    assert '"seconds"' in fvcli("plan", spec, "--json").stdout
