"""Which units two networks disagree on, where the networks say what a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvcli.golden.model_diff import ModelDiff, UnitDiff, diff_models
from fvcli.run import RunFolder
from tests.helpers.goldens import Oracle, Painted, painted_run

EDGES = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 16}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-3}
"""
EIGHT = EDGES.replace("0-3", "0-7")
SIDE_PX = 8
OF_A, OF_B = 0, 100  # the shade of a run's first picture
Score = Callable[[str, str], float]


def paths(count: int = 4) -> list[str]:
    return [f"edges/channel-{i:04d}" for i in range(count)]


@dataclass
class Facts:
    """What a run's sidecars say of some units."""

    noise: float = 0.0
    status: str = "done"


def run_of(
    folder: Path, name: str, text: str = EDGES, facts: Mapping[str, Facts] | None = None, **more: Any
) -> RunFolder:
    """Paint a run; its pictures are told apart by their shades, which count up in the plan's order."""
    first = OF_B if name == "b" else OF_A
    shades = [np.full((SIDE_PX, SIDE_PX, 3), first + i, np.uint8) for i in range(20)]
    units = {path: Painted(pixels=shades[i]) for i, path in enumerate(more.pop("units", paths(20)))}
    run = RunFolder.read(painted_run(folder, name, units, text=text, **more))
    for path, about in (facts or {}).items():
        place = run.units / f"{path}.json"
        data = json.loads(place.read_text())
        data["score"]["start"] = about.noise
        data["status"] = about.status
        place.write_text(json.dumps(data))
    return run


@dataclass
class Network(Oracle):
    """A network that says a score, and means at a layer, of each picture by its shade.

    scores: By unit and shade.
    means: Of each channel at the layer, by shade; those of another layer stand before and behind.
    """

    scores: Mapping[tuple[str, int], float] = field(default_factory=dict)
    means: Callable[[int], list[float]] = lambda shade: [0.0] * 20
    others_behind: int = 0

    def __post_init__(self) -> None:
        odd = np.full((2, 3), np.nan)
        self.score = lambda unit, pixels: self.scores[unit.path, int(pixels[0, 0, 0])]
        self.textures = lambda unit, pixels: (
            odd,
            np.array([self.means(int(pixels[0, 0, 0])), [np.nan] * 20]),
            *[odd] * self.others_behind,
        )


def network(own: Mapping[str, float], other: Mapping[str, float], is_b: bool = False, **more: Any) -> Network:
    """Return a network that says something of its own run's pictures, and of the other's."""
    first, second = (OF_B, OF_A) if is_b else (OF_A, OF_B)
    scores = {(path, first + int(path[-4:])): score for path, score in own.items()}
    scores |= {(path, second + int(path[-4:])): score for path, score in other.items()}
    return Network(scores=scores, **more)


def diff(a: RunFolder, b: RunFolder, networks: tuple[Network, Network], *only: str) -> ModelDiff:
    return diff_models(a, b, lambda: networks, only)


def by_path(found: ModelDiff) -> dict[str, UnitDiff]:
    return {unit.path: unit for unit in found.units}


def same(value: float, count: int = 4) -> dict[str, float]:
    return dict.fromkeys(paths(count), value)


# ---- shared and changed


def test_shared_is_the_part_of_the_rise_that_the_others_picture_brings(tmp_path: Path) -> None:
    """Above the noise: (5 - 2) / (10 - 2) in A, (2.5 - 1) / (4 - 1) in B."""
    a = run_of(tmp_path, "a", facts=dict.fromkeys(paths(), Facts(noise=2.0)))
    b = run_of(tmp_path, "b", facts=dict.fromkeys(paths(), Facts(noise=1.0)))
    of_a = network(same(10.0), dict(zip(paths(), (5.0, 10.0, 12.0, 1.0), strict=True)))
    of_b = network(same(4.0), dict(zip(paths(), (2.5, 4.0, 9.0, -7.0), strict=True)), is_b=True)
    found = diff(a, b, (of_a, of_b))
    units = by_path(found)
    shared = {path[-1]: (unit.a.shared, unit.b.shared) for path, unit in units.items()}
    assert shared == {"0": (0.375, 0.5), "1": (1.0, 1.0), "2": (1.0, 1.0), "3": (0.0, 0.0)}
    assert {path[-1]: unit.changed for path, unit in units.items()} == {
        **{"0": 1 - 0.4375, "1": 0.0, "2": 0.0, "3": 1.0}
    }
    assert [unit.path[-1] for unit in found.units] == ["3", "0", "1", "2"]
    assert found.median == (0.5625 + 0.0) / 2
    first = units[paths()[0]]
    assert (first.a.noise, first.a.own, first.a.other) == (2.0, 10.0, 5.0)
    assert (first.b.noise, first.b.own, first.b.other) == (1.0, 4.0, 2.5)
    assert (first.a.picture, first.b.picture) == (
        str(tmp_path / f"a/units/{paths()[0]}.png"),
        str(tmp_path / f"b/units/{paths()[0]}.png"),
    )
    assert (first.job, first.unit, first.layer) == ("edges", "channel-0000", "stem_bn")
    assert first.label == a.plan.units[0].label


def test_what_is_minimised_falls(tmp_path: Path) -> None:
    """Scores are without sign: from -1 down to -9 is the whole way, -5 half of it, and +1 none."""
    text = EDGES.replace("channels: 0-3", "channels: 0-3, sign: negative")
    negative = [f"{path}-negative" for path in paths()]
    runs = [
        run_of(tmp_path, name, text, dict.fromkeys(negative, Facts(noise=-1.0)), units=negative)
        for name in "ab"
    ]
    others = dict(zip(negative, (-5.0, -9.0, -20.0, 1.0), strict=True))
    of_a = Network(
        scores={(path, OF_A + i): -9.0 for i, path in enumerate(negative)}
        | {(path, OF_B + i): others[path] for i, path in enumerate(negative)}
    )
    of_b = Network(scores={(path, shade): -9.0 for path in negative for shade in range(OF_B + 20)})
    found = by_path(diff(runs[0], runs[1], (of_a, of_b)))
    assert [found[path].a.shared for path in negative] == [0.5, 1.0, 1.0, 0.0]
    assert [found[path].b.shared for path in negative] == [1.0] * 4
    assert [found[path].changed for path in negative] == [0.25, 0.0, 0.0, 0.5]


def test_dead_units_have_nothing_to_share(tmp_path: Path) -> None:
    """Dead as the sidecar says, or because the own picture is no better than noise."""
    dead = Facts(status="dead")
    names = paths()
    a = run_of(tmp_path, "a", facts={names[0]: dead, names[1]: dead, names[2]: Facts(noise=10.0)})
    b = run_of(tmp_path, "b", facts={names[1]: dead})
    of_a, of_b = network(same(10.0), same(10.0)), network(same(10.0), same(10.0), is_b=True)
    found = by_path(diff(a, b, (of_a, of_b)))
    assert [(found[path].a.shared, found[path].b.shared) for path in names] == [
        (None, 1.0),
        (None, None),
        (None, 1.0),
        (1.0, 1.0),
    ]
    assert [found[path].changed for path in names] == [1.0, 0.0, 1.0, 0.0]


def test_a_unit_whose_own_picture_is_worse_than_noise_is_dead(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a"), run_of(tmp_path, "b")
    of_a, of_b = network(same(-1.0), same(-2.0)), network(same(1.0), same(1.0), is_b=True)
    assert {unit.a.shared for unit in diff(a, b, (of_a, of_b)).units} == {None}


def test_each_network_sees_both_pictures_of_each_unit(tmp_path: Path) -> None:
    """Four units at a time, which are eight pictures."""
    text = EIGHT.replace("0-7", "0-4")
    a, b = run_of(tmp_path, "a", text), run_of(tmp_path, "b", text)
    of_a, of_b = network(same(1.0, 5), same(1.0, 5)), network(same(1.0, 5), same(1.0, 5), is_b=True)
    counts: list[tuple[int, int]] = []
    diff_models(a, b, lambda: (of_a, of_b), (), lambda count, total: counts.append((count, total)))
    names = paths(5)
    assert of_a.asked == of_b.asked == [*names[:4], *names[:4], *names[4:], *names[4:]]
    assert counts == [(5, 5)]


def test_units_of_a_program_are_asked_about_together_wherever_they_stand(tmp_path: Path) -> None:
    """A network is compiled for one program at a time."""
    text = EDGES.replace("0-3", "[0, 1]") + "".join(
        f"  - {{name: {name}, layer: {layer}, channels: [2]}}\n"
        for name, layer in (("deep", "block1_expand_bn"), ("more", "stem_bn"))
    )
    names = [*paths(2), "deep/channel-0002", "more/channel-0002"]
    a, b = run_of(tmp_path, "a", text, units=names), run_of(tmp_path, "b", text, units=names)
    scores = {(path, shade): 1.0 for path in names for shade in range(OF_B + 20)}
    one, other = Network(scores=scores), Network(scores=scores)
    found = diff(a, b, (one, other))
    first = [*paths(2), "more/channel-0002"]
    assert one.asked == other.asked == [*first, *first, *["deep/channel-0002"] * 2]
    assert len(found.units) == 4


# ---- ranks


def ranked(tmp_path: Path, text: str = EIGHT, count: int = 8, **more: Any) -> tuple[RunFolder, RunFolder]:
    return run_of(tmp_path, "a", text, **more), run_of(tmp_path, "b", text, **more)


def answers(best: Mapping[int, int]) -> Callable[[int], list[float]]:
    """Return means by which a channel is most excited by some pictures, which are given by their shades."""

    def means(shade: int) -> list[float]:
        return [10.0 if best.get(shade) == channel else float(shade == channel) for channel in range(20)]

    return means


def test_a_rank_is_the_place_of_the_others_picture_among_all_of_the_others(tmp_path: Path) -> None:
    """In A channel 0 is more excited by B's pictures of channels 3 and 4 than by B's of channel 0."""
    a, b = ranked(tmp_path)
    of_a = network(same(1.0, 8), same(1.0, 8), means=answers({OF_B + 3: 0, OF_B + 4: 0, OF_B + 5: 5}))
    of_b = network(same(1.0, 8), same(1.0, 8), is_b=True, means=answers({OF_A + 6: 7, OF_B + 6: 2}))
    found = by_path(diff(a, b, (of_a, of_b)))
    assert [found[path].a.rank for path in paths(8)] == [3, 1, 1, 1, 1, 1, 1, 1]
    assert [found[path].b.rank for path in paths(8)] == [1, 1, 1, 1, 1, 1, 1, 2]
    assert {unit.ranked for unit in found.values()} == {8}


def test_equal_pictures_share_the_first_place(tmp_path: Path) -> None:
    a, b = ranked(tmp_path)
    networks = network(same(1.0, 8), same(1.0, 8)), network(same(1.0, 8), same(1.0, 8), is_b=True)
    assert {(unit.a.rank, unit.b.rank) for unit in diff(a, b, networks).units} == {(1, 1)}


def test_ranks_of_what_is_minimised_begin_at_the_lowest(tmp_path: Path) -> None:
    text = EIGHT.replace("channels: 0-7", "channels: 0-7, sign: negative")
    negative = [f"{path}-negative" for path in paths(8)]
    a, b = ranked(tmp_path, text, units=negative)
    scores = {(path, shade): -1.0 for path in negative for shade in range(OF_B + 20)}
    of_a = Network(scores=scores, means=lambda shade: [float(shade - OF_B)] * 20)
    of_b = Network(scores=scores, means=lambda shade: [-float(shade)] * 20)
    found = by_path(diff(a, b, (of_a, of_b)))
    assert [found[path].a.rank for path in negative] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [found[path].b.rank for path in negative] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_a_negative_weight_turns_ranks_round(tmp_path: Path) -> None:
    jobs = "".join(
        f"  - {{name: j{i}, objective: {{kind: sum, terms: [{term}]}}}}\n"
        for i in range(8)
        for term in [f"{{kind: channel, layer: stem_bn, channel: {i}, weight: -2}}"]
    )
    text = EIGHT[: EIGHT.index("  - ")] + jobs
    names = [f"j{i}/sum" for i in range(8)]
    a, b = ranked(tmp_path, text, units=names)
    scores = {(path, shade): 1.0 for path in names for shade in range(OF_B + 20)}
    of_a = Network(scores=scores, means=lambda shade: [float(shade - OF_B)] * 20)
    of_b = Network(scores=scores, means=lambda shade: [-float(shade)] * 20)
    found = by_path(diff(a, b, (of_a, of_b)))
    assert [found[path].a.rank for path in names] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [found[path].b.rank for path in names] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_ranks_are_of_the_layer_that_is_read_not_of_one_that_couples(tmp_path: Path) -> None:
    """Diversity at another layer stands behind the units' own among the textures."""
    text = EIGHT.replace(
        "channels: 0-7", "channels: 0-3, diversity: {count: 2, layer: block1_expand_bn, weight: 1}"
    )
    names = [f"edges/channel-{i:04d}-d{k}" for i in range(4) for k in (1, 2)]
    a, b = ranked(tmp_path, text, units=names)
    assert a.plan.programs[0].layers == ("stem_bn", "block1_expand_bn")
    scores = {(path, shade): 1.0 for path in names for shade in range(OF_B + 20)}
    means = answers({OF_B + 7: 0})
    of_a = Network(scores=scores, means=means, others_behind=1)
    of_b = Network(scores=scores, others_behind=1)
    found = by_path(diff(a, b, (of_a, of_b)))
    assert [found[path].a.rank for path in names] == [2, 2, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "text",
    [
        EIGHT.replace("0-7", "0-6"),
        EIGHT.replace("channels: 0-7", "channels: 0-7, objective: neuron"),
        EIGHT.replace(
            "channels: 0-7",
            "channels: 0-7, objective: {kind: sum, terms: [channel, "
            "{kind: channel, layer: stem_conv, channel: 1}]}",
        ),
        EIGHT.replace("layer: stem_bn, channels: 0-7", f"objective: class_logit, classes: {[*range(8)]}"),
    ],
    ids=["seven", "neurons", "sums", "classes"],
)
def test_only_many_channels_of_a_layer_are_ranked(tmp_path: Path, text: str) -> None:
    a, b = ranked(tmp_path, text)
    two_layers = Oracle(textures=lambda unit, pixels: (np.ones((2, 32)), np.ones((2, 32))))
    found = diff_models(a, b, lambda: (two_layers, two_layers))
    assert {(unit.a.rank, unit.b.rank, unit.ranked) for unit in found.units} == {(None, None, None)}


# ---- words and data


def test_all_of_it_as_data(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a"), run_of(tmp_path, "b")
    networks = network(same(2.0), same(1.0)), network(same(2.0), same(1.0), is_b=True)
    data = json.loads(json.dumps(diff(a, b, networks).to_dict()))
    assert (data["version"], data["median_changed"]) == (1, 0.5)
    assert (data["a"], data["b"]) == (str(tmp_path / "a"), str(tmp_path / "b"))
    assert (data["model_a"], data["model_b"]) == ("efficientnet-lite0", "efficientnet-lite0")
    assert data["units"][0]["a"] == {
        **{"picture": str(tmp_path / f"a/units/{paths()[0]}.png"), "noise": 0.0, "own": 2.0, "other": 1.0},
        **{"shared": 0.5, "rank": None},
    }
    assert list(data) == [
        *("version", "fvcli", "median_changed", "a", "b", "model_a", "model_b", "units", "remarks"),
    ]
