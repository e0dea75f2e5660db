"""``diversity: {weight: auto}``: what it costs, what it is refused with, and what its keys are made of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fvcli.media import NamedFiles
from fvcli.models import ModelFacts
from fvcli.plan import Plan
from fvcli.plan.cost import looks
from fvcli.plan.weight_trials import all_steps, finds_weight, trial_steps
from tests.helpers.picture_files import save
from tests.helpers.plans import spec_and_plan_of
from tests.helpers.running import fvcli, write_spec

FILES = NamedFiles(
    sums={"photos": "ab" * 32, "others": "cd" * 32}, places={"photos": "/here/photos", "others": "/others"}
)


def planned(facts: ModelFacts, files: NamedFiles = FILES, **diversity: Any) -> Plan:
    job = {"name": "a", "layer": "stem_bn", "channels": [3], "steps": 128, "diversity": diversity}
    return spec_and_plan_of(json.dumps({"model": "efficientnet-lite0", "jobs": [job]}), facts, files)[1]


@pytest.mark.parametrize(
    ("steps", "of_a_trial"), [(1, 1), (31, 31), (32, 32), (128, 32), (129, 48), (256, 64), (2560, 640)]
)
def test_a_trial_has_a_quarter_of_the_steps_in_whole_calls(steps: int, of_a_trial: int) -> None:
    assert trial_steps(steps) == of_a_trial


def test_trials_cost_what_they_cost(facts: ModelFacts) -> None:
    """Six of 32 steps before an ascent of 128."""
    (program,) = planned(facts, weight="auto", photos="photos").programs
    (plain,) = planned(facts, weight=5).programs
    assert finds_weight(program.couplings)
    assert not finds_weight(plain.couplings)
    assert all_steps(128, program.couplings) == 128 + 6 * 32
    assert looks(program) == 2.5 * looks(plain)


def test_photos_are_in_the_key_by_what_is_in_them(facts: ModelFacts) -> None:
    def key(files: NamedFiles = FILES, photos: str = "photos") -> str:
        return planned(facts, files, weight="auto", photos=photos).units[0].key

    moved = replace(FILES, places={name: f"/there/{name}" for name in FILES.places})
    changed = replace(FILES, sums=dict.fromkeys(FILES.sums, "ef" * 32))
    assert key() == key(moved)
    assert len({key(), key(changed), key(photos="others"), planned(facts, weight=5).units[0].key}) == 4


def test_a_plan_says_what_the_weight_is_measured_against(facts: ModelFacts) -> None:
    (program,) = planned(facts, weight="auto", photos="photos").programs
    (coupling,) = program.couplings
    assert (coupling.weight, coupling.photos, coupling.folder) == (None, "ab" * 32, "/here/photos")


# ---- what is refused

FOUR = "diversity: {count: 4, "
NO_PHOTOS = "weight: auto is measured against photos; add photos: FOLDER, or write a number"


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (f"channels: 3, {FOUR}weight: auto}}", f"diversity: {NO_PHOTOS}"),
        (
            f"channels: 3, {FOUR}weight: 5, photos: photos}}",
            "diversity: photos are read for weight: auto alone; write that, or leave photos out",
        ),
        (
            f"objective: caricature, pictures: photos/0.png, {FOUR}weight: auto, photos: photos}}",
            "diversity.weight: auto asks which photo excites a unit most, and caricature aims at one; "
            "write a number",
        ),
        (f"channels: 3, {FOUR}weight: auto, photos: empty}}", "diversity.photos: empty: no picture"),
        (f"channels: 3, {FOUR}weight: auto, photos: nowhere}}", "diversity.photos: nowhere: "),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, job: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    save(tmp_path / "photos" / "0.png")
    spec = write_spec(tmp_path, f"model: efficientnet-lite0\njobs:\n- {{name: a, layer: stem_bn, {job}}}\n")
    result = fvcli("plan", spec)
    assert result.exit_code == 2
    assert f":3: jobs[0].{said}" in result.stderr


def test_a_plan_of_photos_can_be_printed(tmp_path: Path) -> None:
    save(tmp_path / "photos" / "0.png")
    job = f"{{name: a, layer: stem_bn, channels: 3, {FOUR}weight: auto, photos: photos}}}}"
    result = fvcli("plan", write_spec(tmp_path, f"model: efficientnet-lite0\njobs:\n- {job}\n"), "--json")
    assert result.exit_code == 0, result.stderr
    (coupling,) = json.loads(result.stdout)["programs"][0]["couplings"]
    assert (coupling["weight"], coupling["folder"]) == (None, str(tmp_path / "photos"))
    assert len(coupling["photos"]) == 64
