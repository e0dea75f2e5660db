"""What a plan would do to a run, said before anything is done."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from fvcli.app.plan_for_run import PlanForRun
from fvcli.app.plan_spec import plan_of_spec
from fvcli.app.prepare_run import prepare_run
from fvcli.plan import head
from tests.helpers.pages import page
from tests.helpers.painted_runs import painted
from tests.helpers.painting import PaintingEngine, paint
from tests.helpers.running import SMALL_SPEC, fvcli, write_spec


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path)


@pytest.fixture
def run(spec: Path, tmp_path: Path) -> Path:
    return painted(spec, tmp_path / "run").path


def files(folder: Path) -> dict[Path, tuple[bytes, int]]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def said(*words: str | Path) -> list[str]:
    """Return what a plan says after memory and time; nothing may be written."""
    run = Path(words[words.index("-o") + 1])
    before = files(run)
    done = fvcli("plan", *words)
    assert done.exit_code == 0, done.stderr
    assert files(run) == before
    lines = done.stdout.splitlines()
    (time,) = (i for i, line in enumerate(lines) if line.startswith("time: "))
    return lines[time + 1 :]


def test_a_run_that_is_not_there(spec: Path, tmp_path: Path) -> None:
    run = tmp_path / "new"
    assert said(spec, "-o", run) == [f"{run}: no run is there yet, and 7 units would be rendered"]
    assert not run.exists()


def test_what_a_grown_and_renamed_spec_keeps(run: Path, tmp_path: Path) -> None:
    grown = SMALL_SPEC.replace("channels: 0-4", "channels: 0-6").replace("name: textures", "name: fine")
    assert said(write_spec(tmp_path, grown, "grown.yaml"), "-o", run) == [
        f"{run}: 7 would be kept (2 under another name), 2 rendered, 0 lost"
    ]


def test_what_would_be_lost_is_what_a_render_refuses(spec: Path, run: Path, easel: PaintingEngine) -> None:
    (run / "units/edges/channel-0000.json").unlink()
    assert said(spec, "-o", run) == [f"{run}: 6 would be kept, 1 rendered, 0 lost"]
    words = (spec, "-o", run, "--set", "jobs.edges.steps=9")
    first, *reasons, last = said(*words)
    assert first == f"{run}: 2 would be kept, 5 rendered, 4 lost"
    assert reasons == ["  jobs.edges.steps: 24 -> 9: 4 pictures would go"]
    assert last == (
        f"  fvcli render refuses to lose finished pictures; with --force it moves them to {run}/replaced-1/"
    )
    refused = fvcli("render", *words)
    assert refused.exit_code == 2
    assert all(reason.strip() in refused.stderr for reason in reasons)
    assert fvcli("render", *words, "--force").exit_code == 0
    assert len(list((run / "replaced-1/units").rglob("*.json"))) == 4
    assert len(easel.painted) == 5
    assert said(*words) == [f"{run}: 7 would be kept, 0 rendered, 0 lost"]


def test_it_is_in_the_json_with_the_keys_of_the_manual(spec: Path, run: Path) -> None:
    found = json.loads(fvcli("plan", spec, "-o", run, "--json").stdout)["in_run"]
    assert found == PlanForRun(str(run), True, 7, 0, 0, 0, "", ()).to_dict() | {"reasons": []}
    _, _, after = page("json-files").partition("### in_run of plan --json\n")
    section = after.partition("\n### ")[0]
    assert [field.name for field in fields(PlanForRun) if f"| `{field.name}` |" not in section] == []
    assert "in_run" not in json.loads(fvcli("plan", spec, "--json").stdout)


def test_what_is_no_run_is_refused(spec: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/a.txt").write_text("dear")
    refused = fvcli("plan", spec, "-o", tmp_path / "letters")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "is not empty and holds no run" in refused.stderr


def test_of_a_large_plan_units_are_counted_as_well(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fvcli.plan.head", "fvcli.run.growing.growth"):
        monkeypatch.setattr(f"{name}.is_large", lambda _: True)
    assert head.is_large(None)  # type: ignore[arg-type]
    run = tmp_path / "run"
    prepare_run(plan_of_spec(str(spec), []), run)
    begun = painted_two(run)
    assert said(spec, "-o", run) == [f"{run}: {begun} would be kept, {7 - begun} rendered, 0 lost"]


def painted_two(run: Path) -> int:
    from fvcli.run import RunFolder

    folder = RunFolder.read(run)
    for unit in folder.plan.units[:2]:
        paint(folder, unit)
    return 2
