"""The run folder: what counts as finished, what status says, and what merge refuses. No TensorFlow."""

from __future__ import annotations

import json
import platform
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.errors import FvcliError, UsageError
from fvcli.plan import Plan
from fvcli.run import Asked, RunFolder, find_damage, merge_runs, run_status, versions
from fvcli.run.work.attempts import attempts_of, end_attempt, latest_attempts
from fvcli.run.work.notes import WORKER, Presence
from tests.helpers.painting import claimed, paint
from tests.helpers.running import SMALL_SPEC, fvcli, pictures, write_spec


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of_spec(str(write_spec(tmp_path)), []).plan


def begun(path: Path, plan: Plan, units: list[int], value: int = 0, status: str = "done") -> RunFolder:
    with RunFolder.begin(path, plan, SMALL_SPEC) as run:
        for i in units:
            paint(run, plan.units[i], value + i, status)
    return RunFolder.read(path)


def merged(folder: Path, *sources: str, into: str) -> RunFolder:
    with merge_runs([folder / source for source in sources], folder / into) as run:
        return run


def test_status_counts_from_files_alone(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [0, 1])
    paint(run, plan.units[2], status="failed")
    paint(run, plan.units[3], status="dead")
    batch = next(number for number, batch in enumerate(plan.batches) if 5 in batch)
    attempt = claimed(run, batch)
    counts = run_status(run).counts
    assert counts == {
        "done": 2,
        "dead": 1,
        "failed": 1,
        "damaged": 0,
        "newer": 0,
        "running": 0,
        "lost": 2,
        "pending": 1,
    }
    end_attempt(run.path, attempt, "stopped")
    assert run_status(run).counts["lost"] == 0
    shown = fvcli("status", run.path).stdout
    assert "edges/channel-0002 is failed: it broke" in shown
    assert json.loads(fvcli("status", run.path, "--json").stdout)["jobs"]["edges"]["done"] == 2


def test_a_unit_counts_only_with_its_picture_and_its_key(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [0, 1, 2, 3])
    run.png(plan.units[0]).unlink()
    cut_short = run.png(plan.units[3])
    cut_short.write_bytes(cut_short.read_bytes()[:-9])
    broken = run.json(plan.units[1])
    broken.write_text(broken.read_text()[:100])
    other = run.json(plan.units[2])
    other.write_text(other.read_text().replace(plan.units[2].key, "0" * 16))
    assert run_status(run).counts["done"] == 0


def test_a_batch_that_was_claimed_is_running_while_its_worker_lives(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [0])
    with Presence(run.path).kept() as presence:
        presence.say(role=WORKER)
        claimed(run, 0, presence.id)
        counts = run_status(run).counts
        assert (counts["done"], counts["running"], counts["lost"]) == (1, 1, 0)
    counts = run_status(run).counts
    assert (counts["done"], counts["running"], counts["lost"]) == (1, 0, 1)


def test_a_failure_beside_an_older_picture_is_no_damage(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [0, 1])
    paint(run, plan.units[0], status="failed")
    assert run.png(plan.units[0]).exists()
    assert find_damage(run) == {}
    assert run_status(run, find_damage(run)).counts["failed"] == 1


def test_a_picture_that_was_cut_short_is_in_nobodys_way(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [0])
    png = run.png(plan.units[0])
    png.write_bytes(png.read_bytes()[:-1])
    other = plan_of_spec(str(tmp_path / "spec.yaml"), ["render.seed=1"])
    with RunFolder.begin(run.path, other.plan, other.text) as again:
        paint(again, other.plan.units[0], 9)
        assert run_status(again).counts["done"] == 1


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [])
    (run.path / "logs").write_text("a file is in the way")
    with pytest.raises(FvcliError, match=r"logs/render\.log cannot be written: "):
        run.log("a line")


def test_versions_name_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvcli.run.environment.PACKAGES", ("numpy", "no-such-package"))
    found = versions()
    assert list(found) == ["python", "numpy", "no-such-package"]
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["no-such-package"] == "not installed"


def test_sidecars_of_kept_pictures_say_what_the_plan_calls_them(tmp_path: Path, plan: Plan) -> None:
    """How a picture was rendered stays as it was written."""
    run = begun(tmp_path / "run", plan, [0, 1])
    path = run.json(plan.units[0])
    written = json.loads(path.read_text())
    old = {"label": "old", "objective": "old", "unit": {"channel": 0, "note": "old"}}
    path.write_text(json.dumps({**written, **old, "device": "elsewhere", "attempt": 7}))
    told = json.loads((run.path / "plan.json").read_text())
    told["units"][0] |= old  # as it was called when it was rendered
    (run.path / "plan.json").write_text(json.dumps(told))
    beside = run.json(plan.units[1]).stat().st_mtime_ns
    begun(tmp_path / "run", plan, [])
    assert json.loads(path.read_text()) == {**written, "device": "elsewhere", "attempt": 7}
    assert run.json(plan.units[1]).stat().st_mtime_ns == beside


def test_attempts_count_on(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [])
    assert [claimed(run, 0).number for _ in range(12)] == list(range(1, 13))
    assert [attempt.number for attempt in attempts_of(run.path, 0)] == list(range(1, 13))
    assert latest_attempts(run.path) == {0: 12}


def test_begin_removes_what_a_killed_process_left(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [0])
    leftover = run.png(plan.units[1]).with_name(".channel-0001.png.123.tmp")
    leftover.write_bytes(b"half")
    begun(tmp_path / "run", plan, [])
    assert not leftover.exists()


def test_merge_joins_and_refuses_clashes(tmp_path: Path, plan: Plan) -> None:
    begun(tmp_path / "a", plan, [0, 1, 2])
    begun(tmp_path / "b", plan, [2, 3, 4, 5, 6])
    merged(tmp_path, "a", "b", into="both")
    assert run_status(RunFolder.read(tmp_path / "both")).counts["done"] == 7
    begun(tmp_path / "c", plan, [2], value=100)
    with pytest.raises(UsageError, match="edges/channel-0002 differs"):
        merged(tmp_path, "a", "c", into="never")
    assert not (tmp_path / "never").exists()
    before = pictures(tmp_path / "both")
    with pytest.raises(UsageError, match="differs"):
        merged(tmp_path, "c", into="both")
    assert pictures(tmp_path / "both") == before


def test_merge_prefers_a_picture_to_a_failure(tmp_path: Path, plan: Plan) -> None:
    begun(tmp_path / "a", plan, [0], status="failed")
    begun(tmp_path / "b", plan, [0])
    counts = run_status(merged(tmp_path, "a", "b", into="both")).counts
    assert counts["done"] == 1
    assert run_status(merged(tmp_path, "a", into="both")).counts == counts


def test_merge_refuses_another_plan_and_damaged_pictures(tmp_path: Path, plan: Plan) -> None:
    a = begun(tmp_path / "a", plan, [0])
    other = plan_of_spec(str(tmp_path / "spec.yaml"), ["render.seed=1"]).plan
    begun(tmp_path / "b", other, [])
    with pytest.raises(UsageError, match="another plan"):
        merged(tmp_path, "a", "b", into="never")
    png = a.png(plan.units[0])
    content = bytearray(png.read_bytes())
    content[len(content) // 2] ^= 255
    png.write_bytes(content)
    with pytest.raises(UsageError, match="damaged"):
        merged(tmp_path, "a", into="never")
    assert not (tmp_path / "never").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path, plan: Plan) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(FvcliError), RunFolder.begin(path, plan, SMALL_SPEC):
            pass


def test_a_plan_that_cannot_be_read(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [])
    (run.path / "plan.json").write_text("{")
    result = fvcli("status", run.path)
    assert result.exit_code == 2
    assert "not a readable plan" in result.stderr
    shutil.rmtree(run.path)
    assert "there is no run here" in fvcli("status", run.path).stderr


def test_a_damaged_picture_is_shown_as_such(tmp_path: Path, plan: Plan) -> None:
    run = begun(tmp_path / "run", plan, [0, 1])
    png = run.png(plan.units[0])
    png.write_bytes(b"x" * png.stat().st_size)
    result = fvcli("grid", run.path)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == [str(run.grid("edges")), str(run.index)]


def test_a_foreign_spec_is_not_overwritten(tmp_path: Path, plan: Plan) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "spec.yaml").write_text("my notes")
    with pytest.raises(UsageError, match="holds no run"), RunFolder.begin(own, plan, SMALL_SPEC):
        pass
    assert (own / "spec.yaml").read_text() == "my notes"
    (own / "spec.yaml").write_text(SMALL_SPEC)  # what a process killed at the very start leaves
    with RunFolder.begin(own, plan, SMALL_SPEC):
        pass
    assert (own / "plan.json").exists()


def test_a_change_of_the_sheets_alone_keeps_the_run(tmp_path: Path, plan: Plan) -> None:
    begun(tmp_path / "run", plan, [0, 1])
    other = plan_of_spec(str(tmp_path / "spec.yaml"), ["output.grid.columns=2"]).plan
    again = begun(tmp_path / "run", other, [])
    assert again.plan.output.grid.columns == 2
    assert run_status(again).counts["done"] == 2


def test_a_change_of_the_sheets_alone_stops_nobody(tmp_path: Path, plan: Plan) -> None:
    spec = str(tmp_path / "spec.yaml")
    first = begun(tmp_path / "run", plan, [0])
    begun(tmp_path / "run", plan_of_spec(spec, ["output.grid.columns=2"]).plan, [])
    first.refuse_another_plan()
    grown = plan_of_spec(spec, ["jobs.edges.channels=0-5"]).plan
    begun(tmp_path / "run", grown, [])
    with pytest.raises(FvcliError, match="another spec was begun"):
        first.refuse_another_plan()


def test_force_keeps_what_both_specs_have(tmp_path: Path, plan: Plan) -> None:
    begun(tmp_path / "run", plan, [0, 1, 2])
    fewer = plan_of_spec(str(tmp_path / "spec.yaml"), ["jobs.edges.channels=[1, 2]"]).plan
    with RunFolder.begin(tmp_path / "run", fewer, SMALL_SPEC, asked=Asked(force=True)) as run:
        assert run_status(run).counts["done"] == 2
    assert sorted(path.name for path in (tmp_path / "run/units/edges").iterdir()) == [
        "channel-0001.json",
        "channel-0001.png",
        "channel-0002.json",
        "channel-0002.png",
    ]


def test_the_refusal_of_a_large_plan_is_quick_and_names_the_change(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "model: efficientnet-lite0\njobs: [{name: a, layer: head, channels: all}]\n")
    plans = [plan_of_spec(str(spec), [f"render.seed={seed}"]) for seed in (0, 1)]
    with RunFolder.begin(tmp_path / "run", plans[0].plan, plans[0].text) as run:
        for unit in plans[0].plan.units[:2]:
            paint(run, unit)
    began = time.perf_counter()
    with (
        pytest.raises(UsageError, match=r"render\.seed: 0 -> 1: 2 pictures would go"),
        RunFolder.begin(tmp_path / "run", plans[1].plan, plans[1].text),
    ):
        pass
    assert time.perf_counter() - began < 5
