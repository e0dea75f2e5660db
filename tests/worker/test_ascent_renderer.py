"""Ascents on a network that reads colours: by how much each step changes a picture is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.worker import ascent_renderer
from fvcli.worker.device import Device
from tests.helpers.picture_files import save
from tests.helpers.red_and_blue import (
    BLUE,
    HEIGHT,
    NOTHING,
    PLAIN,
    RED,
    WIDTH,
    Make,
    by_signs,
    channels,
    mean,
    outcomes_of,
    rendered,
    save_network,
    save_of_one_pixel,
)

LARGE = [3 * HEIGHT, 3 * WIDTH]


def one_step_a_hundredth(*numbers: int, **more: Any) -> dict[str, Any]:
    """A job whose pictures become redder, or bluer, by a hundredth at each step."""
    return channels(*numbers, parameterization=PLAIN, optimizer=by_signs(0.01), redirect_steps=0, **more)


# ---- scores, steps and what is kept


def test_an_ascent_gives_each_unit_its_own_scores_and_pictures(renderer: Make) -> None:
    """Of three units in an ascent of four; a channel of nothing is silent."""
    outcomes, shares = rendered(renderer(channels(RED, BLUE, NOTHING, save_at=[0, 20])), size=4)
    assert outcomes is not None
    assert len(outcomes) == 3
    for outcome, channel in zip(outcomes, (RED, BLUE), strict=False):
        assert list(outcome.after_steps) == [0, 20]
        np.testing.assert_array_equal(outcome.after_steps[20], outcome.pixels)
        assert outcome.start == pytest.approx(mean(outcome.after_steps[0], channel), abs=2 / 255)
        assert outcome.saved == pytest.approx(mean(outcome.pixels, channel), abs=1e-5)
        assert outcome.end == pytest.approx(outcome.saved, abs=1 / 255)
        assert outcome.end != outcome.saved
        assert outcome.end > outcome.start + 0.05
        assert (outcome.silent, outcome.finite, outcome.steps) == (False, True, 20)
        assert not outcome.transparent
        assert (len(outcome.frames), outcome.fps) == (0, None)
    nothing = outcomes[2]
    assert (nothing.start, nothing.end, nothing.silent, nothing.finite) == (0.0, 0.0, True, True)
    assert shares == pytest.approx([0.8, 1.0])


def test_a_picture_goes_on_from_the_given_one_step_by_step(renderer: Make, photo: str) -> None:
    """Red begins at a fifth, 51 of 255, and rises by 2.55 a step; blue stays at 102."""
    job = one_step_a_hundredth(RED, start="picture", pictures=photo, save_at=[0, 5, 16, 17, 20])
    (outcome,) = outcomes_of(renderer(job))
    assert (outcome.start, outcome.end) == pytest.approx((0.2, 0.4), abs=1e-5)
    assert outcome.saved == pytest.approx(102 / 255, abs=1e-6)
    kept = {step: pixels[0, 0].tolist() for step, pixels in outcome.after_steps.items()}
    assert kept == {
        0: [51, 0, 102],
        5: [64, 0, 102],
        16: [92, 0, 102],
        17: [94, 0, 102],
        20: [102, 0, 102],
    }
    assert outcome.pixels.shape == (HEIGHT, WIDTH, 3)
    assert np.unique(outcome.pixels).tolist() == [0, 102]


def test_minimising_has_scores_of_the_other_sign(renderer: Make, photo: str) -> None:
    job = one_step_a_hundredth(RED, BLUE, start="picture", pictures=photo, sign="negative", steps=15)
    red, blue = outcomes_of(renderer(job), size=2)
    assert (red.start, red.end, red.saved) == pytest.approx((-0.2, -0.05, -13 / 255), abs=1e-5)
    assert (blue.start, blue.end, blue.saved) == pytest.approx((-0.4, -0.25, -64 / 255), abs=1e-5)
    assert (red.pixels[0, 0].tolist(), blue.pixels[0, 0].tolist()) == ([13, 0, 102], [51, 0, 64])


def test_each_unit_begins_with_its_own_picture(renderer: Make, tmp_path: Path) -> None:
    """A picture whose right half is redder, and the same upside down and mirrored, in an ascent of four."""
    halves = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    halves[:, WIDTH // 2 :, 0] = 51
    for name, pixels in (("a", halves), ("b", halves[:, ::-1])):
        save(tmp_path / f"{name}.png", pixels)
    pictures = [str(tmp_path / f"{name}.png") for name in "ab"]
    job = one_step_a_hundredth(RED, start="picture", pictures=pictures, save_at=[0])
    first, second = outcomes_of(renderer(job), size=4)
    np.testing.assert_array_equal(first.after_steps[0], halves)
    np.testing.assert_array_equal(second.after_steps[0], halves[:, ::-1])
    assert (first.pixels[0, 0, 0], first.pixels[0, -1, 0]) == (51, 102)


def test_each_unit_is_compared_with_its_own_picture(renderer: Make, tmp_path: Path) -> None:
    """Mid grey is 0.3 from a fifth, and 0.1 from two fifths, in each of three channels but the last."""
    for name, value in (("a", 51), ("b", 102)):
        save(tmp_path / f"{name}.png", np.full((HEIGHT, WIDTH, 3), value, np.uint8))
    pictures = [str(tmp_path / f"{name}.png") for name in "ab"]
    job = {"name": "a", "layer": "conv", "objective": "match", "pictures": pictures}
    how = {"parameterization": PLAIN, "optimizer": by_signs(0.01), "steps": 5}
    first, second = outcomes_of(renderer(job | how), size=2)
    assert (first.start, second.start) == pytest.approx((-0.09 * 2 / 3, -0.01 * 2 / 3), abs=1e-5)
    assert (first.end, second.end) == pytest.approx((-(0.25**2) * 2 / 3, -(0.05**2) * 2 / 3), abs=1e-5)


def test_arrays_of_files_are_compared_with_and_aimed_at(renderer: Make, tmp_path: Path) -> None:
    """Activations that are 0.3 below grey; and a tensor of which only one position counts, at the right."""
    np.save(tmp_path / "acts.npy", np.full((HEIGHT, WIDTH, 3), 0.2))
    tensor = np.zeros((HEIGHT, WIDTH, 3))
    tensor[5, WIDTH - 1, BLUE] = HEIGHT * WIDTH
    np.save(tmp_path / "tensor.npy", tensor)
    how = {"parameterization": PLAIN, "optimizer": by_signs(0.01), "redirect_steps": 0, "steps": 10}
    near = {"kind": "match", "activations": str(tmp_path / "acts.npy"), "norm": "l1"}
    (outcome,) = outcomes_of(renderer({"name": "a", "layer": "conv", "objective": near} | how))
    assert outcome.start == pytest.approx(-(0.3 + 0.3 + 0.2) / 3, abs=1e-5)
    assert outcome.end == pytest.approx(-(0.2 + 0.2 + 0.2) / 3, abs=1e-5)
    along = {"kind": "tensor_direction", "tensor": str(tmp_path / "tensor.npy")}
    (outcome,) = outcomes_of(renderer({"name": "a", "layer": "conv", "objective": along} | how))
    assert (outcome.start, outcome.end) == pytest.approx((0.5, 0.6), abs=1e-5)
    assert np.argwhere(outcome.pixels[..., 2] > 130).tolist() == [[5, WIDTH - 1]]


def test_an_ascent_that_is_stopped_leaves_nothing(renderer: Make) -> None:
    outcomes, shares = rendered(renderer(channels(RED)), stop_at=0.5)
    assert outcomes is None
    assert shares == pytest.approx([0.8])


def test_frames_and_single_pictures_do_not_disturb_an_ascent(renderer: Make) -> None:
    """Whose views are at another place at each step: steps that are cut use the same draws."""
    jitter = {"transforms": [{"kind": "jitter", "px": 4}], "steps": 36}
    film = {"format": "webp", "every": 7}
    outcomes, shares = rendered(renderer(channels(BLUE, animation=film, save_at=[3], **jitter)))
    assert outcomes is not None
    (outcome,) = outcomes
    assert shares == pytest.approx([n / 36 for n in (3, 7, 14, 16, 21, 28, 32, 35, 36)])
    assert len(outcome.frames) == 7  # after 0, 7, ... 35 and 36 steps
    assert list(outcome.after_steps) == [3]
    (plain,) = outcomes_of(renderer(channels(BLUE, **jitter)))
    np.testing.assert_array_equal(plain.pixels, outcome.pixels)
    assert (plain.start, plain.end, plain.saved) == (outcome.start, outcome.end, outcome.saved)


def test_views_are_drawn_anew_every_16_steps(renderer: Make) -> None:
    """A pixel moves at the steps whose view has it: not as often in the second 16 as in the first."""
    views = {"transforms": [{"kind": "jitter", "px": 4}], "steps": 32, "save_at": [0, 16]}
    (outcome,) = outcomes_of(renderer(one_step_a_hundredth(RED, **views)))
    red = [pixels[..., 0].astype(int) for pixels in (*outcome.after_steps.values(), outcome.pixels)]
    first, second = red[1] - red[0], red[2] - red[1]
    assert first[6, 10] == pytest.approx(16 * 2.55, abs=1)
    assert second[6, 10] == pytest.approx(16 * 2.55, abs=1)
    assert first[:, 0].max() < 38
    assert np.abs(first - second).max() > 4


def test_one_compiled_ascent_takes_steps_and_seeds_from_what_it_renders(renderer: Make) -> None:
    noise = {"kind": "pixel", "std": 0.5}
    made = renderer(
        channels(RED, parameterization=noise),
        channels(RED, name="b", parameterization=noise, steps=3),
        channels(RED, name="c", parameterization=noise, seed=9, early_stop=0.01),
    )
    (first,), (short,), (other,) = (outcomes_of(made, program=i) for i in range(3))
    assert (first.steps, short.steps, other.steps) == (20, 3, 20)
    assert first.start == short.start != other.start
    assert first.end > short.end > first.start


# ---- early ends


def test_what_rises_no_more_skips_to_its_last_steps(renderer: Make) -> None:
    """Red is white within the first 16 steps, and flat after 64; it then takes its last 16.

    Nothing is silent from the start, and its film ends after 16 steps.
    """
    how = {"optimizer": {"kind": "adam", "learning_rate": 2.0}, "redirect_steps": 0}
    film = {"format": "webp", "every": 8}
    made = renderer(channels(RED, NOTHING, steps=200, early_stop=0.01, animation=film, **how))
    outcomes, shares = rendered(made, size=2)
    assert outcomes is not None
    assert [(o.steps, o.silent, len(o.frames)) for o in outcomes] == [(80, False, 11), (16, True, 3)]
    assert shares == pytest.approx([8 * n / 200 for n in range(1, 11)])
    np.testing.assert_array_equal(outcomes[0].frames[-1], outcomes[0].pixels)
    _, shares = rendered(renderer(channels(RED, steps=200, early_stop=0.01, **how)))
    assert shares == pytest.approx([0.08, 0.16, 0.24, (64 + 120) / 200, 1.0])


def test_what_has_ended_changes_no_more_while_others_go_on(renderer: Make) -> None:
    """Though every step would move it towards grey."""
    how = {
        "parameterization": {"kind": "pixel", "std": 0.5},
        "regularizers": [{"kind": "decay", "rate": 0.05}],
    }
    ends = {"steps": 48, "early_stop": 0.01, "redirect_steps": 0, "save_at": [0, 16]}
    red, nothing = outcomes_of(renderer(channels(RED, NOTHING, **how, **ends)), size=2)
    assert (red.steps, nothing.steps) == (48, 16)
    np.testing.assert_array_equal(nothing.after_steps[16], nothing.pixels)
    assert nothing.after_steps[0].std() > nothing.pixels.std() > 2
    assert (red.after_steps[16] != red.pixels).any()


def test_a_silent_unit_has_until_redirection_ends(renderer: Make) -> None:
    (outcome,) = outcomes_of(renderer(channels(NOTHING, steps=64, early_stop=0.01, redirect_steps=20)))
    assert outcome.steps == 32


def test_what_is_optimised_together_ends_together(renderer: Make) -> None:
    """Red and nothing, once as a group of two and once as units that do not matter to each other."""
    ends = [{"kind": "channel", "layer": "conv", "channel": n} for n in (RED, NOTHING)]
    line = {"kind": "interpolate", "from": ends[0], "to": ends[1], "count": 2}
    align = {"alignment": {"layers": ["conv"], "weight": 0.0}}
    how = {"steps": 32, "early_stop": 0.01, "redirect_steps": 0, "parameterization": "pixel"}
    for options, expected in ((align, [32, 32]), ({}, [32, 16])):
        made = renderer({"name": "a", "objective": line | options, **how})
        assert [outcome.steps for outcome in outcomes_of(made, size=2)] == expected


# ---- what is no number


def test_a_picture_that_is_no_number_is_told_and_leaves_the_others_alone(
    renderer: Make, tmp_path: Path
) -> None:
    job = channels(RED, NOTHING, BLUE)
    made = renderer(job, model=save_network(tmp_path / "broken.keras", nothing=np.nan))
    red, nothing, blue = outcomes_of(made, size=3)
    assert (red.finite, nothing.finite, blue.finite) == (True, False, True)
    assert nothing.pixels.max() == 0
    assert red.end > red.start
    assert blue.end > blue.start


# ---- sizes


def test_a_picture_without_resolution_is_saved_and_scored_as_large_as_asked(renderer: Make) -> None:
    """Its film is of the ascent's size; pictures after some steps are as large as the last one."""
    places = [{"row": 2, "column": 3}, {"row": 9, "column": 16, "weight": -1}]
    terms = [{"kind": "neuron", "channel": 0, **place} for place in places]
    image = {"kind": "cppn", "layers": 2, "width": 4}
    job = {"name": "a", "layer": "wide", "objective": {"kind": "sum", "terms": terms}}
    how = {"parameterization": image, "save_px": LARGE, "optimizer": {"kind": "adam", "learning_rate": 0.1}}
    how |= {"steps": 8, "save_at": [0, 8]}
    (outcome,) = outcomes_of(renderer(job | how | {"animation": {"format": "webp", "every": 4}}))
    assert outcome.pixels.shape == (*LARGE, 3)
    assert {pixels.shape for pixels in outcome.after_steps.values()} == {(*LARGE, 3)}
    np.testing.assert_array_equal(outcome.after_steps[8], outcome.pixels)
    assert {frame.shape for frame in outcome.frames} == {(HEIGHT, WIDTH, 3)}
    first, second = (
        outcome.pixels[0:15, 3:18, 0],
        outcome.pixels[21:36, 42:57, 0],
    )  # 5 x 5, three times as large
    assert outcome.saved == pytest.approx((first.mean() - second.mean()) / 255, abs=1e-6)
    assert outcome.saved > 0.1
    assert np.abs(outcome.pixels[1::3, 1::3] - outcome.frames[-1].astype(int)).mean() < 2


@pytest.mark.parametrize(("most", "size"), [(3 * WIDTH, LARGE), (WIDTH, [HEIGHT, WIDTH])])
def test_a_film_between_numbers_is_as_large_as_the_picture_up_to_a_limit(
    renderer: Make, monkeypatch: pytest.MonkeyPatch, most: int, size: list[int]
) -> None:
    monkeypatch.setattr(ascent_renderer, "FILM_PX", most)
    ends = [{"kind": "channel", "layer": "conv", "channel": n} for n in (RED, BLUE)]
    job = {"name": "a", "objective": {"kind": "interpolate", "from": ends[0], "to": ends[1], "count": 2}}
    film = {"format": "webp", "of": "numbers", "frames": 4}
    image = {"kind": "cppn", "layers": 2, "width": 4}
    first, second = outcomes_of(
        renderer(job | {"parameterization": image, "animation": film, "save_px": LARGE, "steps": 2}), size=2
    )
    assert [frame.shape for frame in first.frames] == [(*size, 3)] * 4
    assert (len(second.frames), second.pixels.shape) == (0, (*LARGE, 3))


def test_a_film_between_numbers_goes_through_the_pictures_of_its_group(renderer: Make) -> None:
    """Both begin alike, unlike pictures that each have a beginning of their own."""
    ends = [{"kind": "channel", "layer": "conv", "channel": n} for n in (RED, BLUE)]
    job = {"name": "a", "objective": {"kind": "interpolate", "from": ends[0], "to": ends[1], "count": 2}}
    film = {"format": "webp", "of": "numbers", "frames": 4}
    how = {"parameterization": {"kind": "pixel", "std": 0.5}, "save_at": [0]}
    red, blue = outcomes_of(renderer(job | how | {"animation": film}), size=2)
    np.testing.assert_array_equal(red.after_steps[0], blue.after_steps[0])
    np.testing.assert_array_equal(red.frames[0], red.pixels)
    np.testing.assert_array_equal(red.frames[2], blue.pixels)
    np.testing.assert_array_equal(red.frames[1], red.frames[3])
    assert len(blue.frames) == 0
    red, blue = outcomes_of(renderer(job | how), size=2)
    assert (red.after_steps[0] != blue.after_steps[0]).any()


def test_what_the_network_sees_of_a_picture_has_the_networks_own_size(renderer: Make, tmp_path: Path) -> None:
    """A network of 6 x 10 pixels, whose class is red in the upper left: four pixels of the picture."""
    job = {"name": "a", "layer": "classes", "channels": [1], "parameterization": PLAIN}
    how = {"optimizer": by_signs(0.01), "redirect_steps": 0}
    made = renderer(job | how, model=save_of_one_pixel(tmp_path / "fixed.keras"), input_px=None)
    (outcome,) = outcomes_of(made)
    assert outcome.pixels.shape == (HEIGHT, WIDTH, 3)
    assert (outcome.start, outcome.end) == pytest.approx((0.5, 0.7), abs=1e-4)
    moved = np.argwhere(outcome.pixels[..., 0] > 130)
    assert moved.max(axis=0).tolist() == [1, 1]


# ---- windows


def neuron(name: str, row: int, column: int, **more: Any) -> dict[str, Any]:
    """A neuron of `wide`, whose views are shifted a little, so that its canvas is 7 x 7."""
    place = {"kind": "neuron", "row": row, "column": column}
    shift = {"kind": "affine", "degrees": 0, "scales": [1, 1], "shift_px": 1, "crop_px": 2}
    how = {"canvas": "seen", "transforms": [shift], "steps": 10, "redirect_steps": 0}
    how |= {"parameterization": PLAIN, "optimizer": by_signs(0.02)}
    return {"name": name, "layer": "wide", "channels": [0], "objective": place, **how, **more}


def test_what_a_neuron_sees_stands_at_its_place_and_is_cut_at_the_border(renderer: Make) -> None:
    """It moves the red of 5 x 5 pixels by 0.2, and some of what is around them; the rest stays grey."""
    made = renderer(
        neuron("middle", 5, 9), neuron("upper-left", 2, 2), neuron("lower-right", 9, 17, sign="negative")
    )
    assert [unit.place for unit in made[1].plan.units] == [(2, 6), (-1, -1), (6, 14)]
    outcomes = outcomes_of(made, size=4)
    corners = [(3, 7), (0, 0), (7, 15)]
    for outcome, (top, left), sign in zip(outcomes, corners, (1, 1, -1), strict=True):
        red = outcome.pixels[..., 0].astype(int)
        core = red[top : top + 5, left : left + 5]
        assert core.shape == (5, 5)
        assert np.abs(core - (127.5 + sign * 51)).max() <= 1
        around = np.zeros(red.shape, bool)
        around[max(0, top - 1) : top + 6, max(0, left - 1) : left + 6] = True
        assert set(np.unique(red[~around])) == {128}
        assert set(np.unique(outcome.pixels[..., 1:])) <= {127, 128}
        assert outcome.start == pytest.approx(sign * 0.5, abs=1e-4)
        assert outcome.end == pytest.approx(sign * (0.5 + sign * 0.2), abs=1e-4)


# ---- opacity


def test_opacity_is_where_the_gradient_was_large(renderer: Make) -> None:
    """That of red is the same everywhere. The colours are those of a picture without opacity."""
    outcomes = outcomes_of(renderer(channels(RED, NOTHING, attention=True, save_at=[0])), size=2)
    for outcome, opacity in zip(outcomes, (255, 0), strict=True):
        assert outcome.pixels.shape == (HEIGHT, WIDTH, 4)
        assert set(np.unique(outcome.pixels[..., 3])) == {opacity}
        assert outcome.transparent
    (plain,) = outcomes_of(renderer(channels(RED)))
    np.testing.assert_array_equal(outcomes[0].pixels[..., :3], plain.pixels)
    assert outcomes[0].saved == pytest.approx(plain.saved, abs=1e-6)


def test_a_transparent_picture_is_scored_on_grey(renderer: Make) -> None:
    image = {"kind": "pixel", "alpha": True, "std": 0.5}
    (outcome,) = outcomes_of(renderer(channels(RED, parameterization=image)))
    assert outcome.transparent
    colours, opacity = outcome.pixels[..., :3] / 255, outcome.pixels[..., 3:] / 255
    on_grey = colours * opacity + 0.5 * (1 - opacity)
    assert outcome.saved == pytest.approx(on_grey[..., 0].mean(), abs=1e-5)


# ---- how it is compiled


@pytest.mark.parametrize(
    ("asked", "device", "transforms", "dtype", "compiled"),
    [
        ("auto", Device("cpu", False, 1, whole_batches=False), [], "float32", False),
        ("auto", Device("gpu", True, 1, whole_batches=True, precision="float16"), [], "float16", True),
        ("float32", Device("gpu", True, 1, whole_batches=True, precision="float16"), [], "float32", False),
        ("bfloat16", Device("cpu", False, 1, whole_batches=False), [], "bfloat16", False),
        (
            "auto",
            Device("gpu", True, 1, whole_batches=True, precision="float16"),
            [{"kind": "scale", "factors": [1.0, 1.5]}],
            "float16",
            False,
        ),
    ],
)
def test_a_network_computes_in_what_is_asked_for_and_scores_in_float32(
    renderer: Make, asked: str, device: Device, transforms: list[Any], dtype: str, compiled: bool
) -> None:
    """XLA compiles views of one size on a GPU, where it was left to fvcli."""
    made, _ = renderer(channels(RED, precision=asked, transforms=transforms), device=device)
    assert made._ascent._network.dtype.name == dtype
    assert made._ascent._plain[0].dtype.name == "float32"
    assert hasattr(made._ascent._see, "get_concrete_function") == compiled


def test_the_curve_has_a_score_for_each_step_and_the_picture_is_exact(renderer: Make, photo: str) -> None:
    """Red begins at a fifth and rises by a hundredth a step, whatever calls the steps are taken in."""
    for kept in ([20], [0, 5, 17, 20]):
        job = one_step_a_hundredth(RED, start="picture", pictures=photo, save_at=kept)
        (outcome,) = outcomes_of(renderer(job))
        assert outcome.curve == pytest.approx([0.2 + 0.01 * step for step in range(20)], abs=1e-5)
        assert outcome.trace == outcome.curve[:16]
        assert outcome.exact is not None
        assert outcome.exact.dtype == np.float32
        assert outcome.exact[0, 0] == pytest.approx([0.4, 0.0, 0.4], abs=1e-5)
