"""Sidecars of every version that ever was, of versions to come, and of keys that nobody knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fvcli.run.sidecar import NewerSidecar, Sidecar, read_sidecar
from fvcli.run.sidecar_versions import SCHEMA_VERSION, UPGRADES
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec

# As the first versions wrote them, to the letter.
VERSION_1 = """{
 "key": "0123456789abcdef",
 "job": "edges",
 "model": "efficientnet-lite0",
 "layer": "stem_bn",
 "objective": "channel",
 "unit": {"channel": 3},
 "label": "3",
 "sign": 1,
 "recipe": "default",
 "seed": 0,
 "steps": 128,
 "score": {"start": 0.5, "end": 4.25, "saved": 4.125},
 "pixel_sha256": "7b82e1e429cb69dab73a6a17df2c93b0d7d071e6be1e6e873ad22b280cb08a11",
 "png_bytes": 6680,
 "weights_sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
 "seconds": 1.5,
 "batch": {"number": 2, "size": 4, "planned_size": 8},
 "attempt": 2,
 "device": "cpu",
 "status": "done",
 "error": null,
 "schema_version": 1
}
"""
VERSION_2 = VERSION_1.replace(
    ' "steps": 128,', ' "steps": 96,\n "planned_steps": 128,\n "canvas": null,'
).replace(' "seconds": 1.5,', ' "seconds": 1.5,\n "cpu_seconds": 2.75,')
VERSION_2 = VERSION_2.replace('"schema_version": 1', '"schema_version": 2')
VERSION_3 = VERSION_2.replace(
    ' "schema_version": 2', ' "extras": [{"name": "step-0001.png", "bytes": 4462}],\n "schema_version": 3'
)
VERSION_4 = VERSION_3.replace(
    ' "schema_version": 3',
    ' "fingerprint": "89abcdef01234567",\n "trace": [0.5, 0.75, 1.25],\n "schema_version": 4',
)


def read(tmp_path: Path, text: str) -> Sidecar | NewerSidecar | None:
    (tmp_path / "unit.json").write_text(text)
    return read_sidecar(tmp_path / "unit.json")


def without(text: str, *keys: str, **more: Any) -> str:
    data = json.loads(text)
    return json.dumps({**{key: value for key, value in data.items() if key not in keys}, **more})


def whole(tmp_path: Path, text: str) -> Sidecar:
    sidecar = read(tmp_path, text)
    assert isinstance(sidecar, Sidecar)
    return sidecar


@pytest.mark.parametrize(
    ("text", "steps", "cpu_seconds", "extras"),
    [
        (VERSION_1, (128, 128), 0.0, []),
        (VERSION_2, (96, 128), 2.75, []),
        (VERSION_3, (96, 128), 2.75, [{"name": "step-0001.png", "bytes": 4462}]),
        (VERSION_4, (96, 128), 2.75, [{"name": "step-0001.png", "bytes": 4462}]),
    ],
)
def test_every_version_is_read(
    tmp_path: Path, text: str, steps: tuple[int, int], cpu_seconds: float, extras: list[Any]
) -> None:
    sidecar = whole(tmp_path, text)
    assert (sidecar.steps, sidecar.planned_steps) == steps
    assert (sidecar.seconds, sidecar.cpu_seconds) == (1.5, cpu_seconds)
    assert sidecar.extras == extras
    assert (sidecar.key, sidecar.label, sidecar.unit) == ("0123456789abcdef", "3", {"channel": 3})
    assert sidecar.score == {"start": 0.5, "end": 4.25, "saved": 4.125}
    assert (sidecar.status, sidecar.canvas, sidecar.png_bytes) == ("done", None, 6680)
    early = (sidecar.fingerprint, sidecar.trace)
    assert early == (("89abcdef01234567", [0.5, 0.75, 1.25]) if text is VERSION_4 else ("", []))
    assert sidecar.schema_version == 4
    assert whole(tmp_path, sidecar.to_json()) == sidecar


def test_there_is_a_step_from_every_version() -> None:
    assert list(UPGRADES) == list(range(1, SCHEMA_VERSION))


def test_keys_that_nobody_knows_are_passed_over(tmp_path: Path) -> None:
    assert whole(tmp_path, without(VERSION_4, mood="good", more={"a": 1})) == whole(tmp_path, VERSION_4)


def test_what_may_be_left_out_has_a_default(tmp_path: Path) -> None:
    optional = ("label", "canvas", "error", "extras", "seconds", "cpu_seconds", "batch", "attempt", "device")
    sidecar = whole(tmp_path, without(VERSION_4, *optional, "trace", "fingerprint"))
    assert [getattr(sidecar, name) for name in optional] == ["", None, None, [], 0.0, 0.0, {}, 1, "unknown"]
    assert (sidecar.trace, sidecar.fingerprint) == ([], "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        VERSION_4[:200],
        without(VERSION_4, "key"),
        without(VERSION_4, "schema_version"),
        without(VERSION_4, schema_version=0),
        without(VERSION_4, schema_version="three"),
        without(VERSION_4, steps="many"),
        without(VERSION_4, extras=5),
    ],
)
def test_what_is_no_sidecar_says_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) is None


def test_a_newer_version_is_told_apart(tmp_path: Path) -> None:
    newer = read(tmp_path, without(VERSION_4, "key", schema_version=9))
    assert newer == NewerSidecar(9, ("step-0001.png",))
    assert newer.said == "written by a newer fvcli (sidecar version 9, this one reads 4)"
    assert read(tmp_path, without(VERSION_4, schema_version=5, extras="?")) == NewerSidecar(5)


# ---- in a run


@pytest.fixture
def run(tmp_path: Path, easel: PaintingEngine) -> Path:
    assert fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run").exit_code == 0
    easel.painted.clear()
    return tmp_path / "run"


def rewrite(run: Path, unit: str, *left_out: str, **more: Any) -> None:
    path = run / f"units/{unit}.json"
    path.write_text(without(path.read_text(), *left_out, **more))


def render(run: Path, *words: str) -> tuple[int, str]:
    result = fvcli("render", run.parent / "spec.yaml", "-o", run, *words)
    return result.exit_code, result.stderr


def test_a_unit_of_an_older_version_is_finished(run: Path, easel: PaintingEngine) -> None:
    (run / "units/edges/channel-0000.step-0001.png").unlink()  # there were none
    rewrite(run, "edges/channel-0000", "extras", "planned_steps", "canvas", "cpu_seconds", schema_version=1)
    rewrite(run, "edges/channel-0001", later=True)
    before = (run / "units/edges/channel-0000.json").read_bytes()
    assert render(run)[0] == 0
    assert easel.painted == []
    assert (run / "units/edges/channel-0000.json").read_bytes() == before
    assert json.loads(fvcli("status", run, "--json").stdout)["done"] == 7


def test_a_unit_of_a_newer_version_is_not_overwritten(run: Path, easel: PaintingEngine) -> None:
    for unit in ("edges/channel-0001", "edges/channel-0004"):
        rewrite(run, unit, schema_version=9)
    said = "written by a newer fvcli (sidecar version 9, this one reads 4)"
    status = fvcli("status", run)
    assert status.exit_code == 0
    assert status.stdout.splitlines()[0].split() == (
        ["job", "done", "dead", "failed", "newer", "running", "lost", "pending"]
    )
    assert f"edges/channel-0001 is newer: {said}" in status.stdout.splitlines()
    assert "other specs" not in status.stdout
    counts = json.loads(fvcli("status", run, "--json").stdout)
    assert (counts["newer"], counts["done"], counts["of_other_specs"]) == (2, 5, 0)
    before = (run / "units/edges/channel-0001.json").read_bytes()
    for words in ([], ["--again"], ["--only", "edges/channel-0001"]):
        code, errors = render(run, *words)
        assert code == 2, words
        count = "1 picture" if "--only" in words else "2 pictures"
        assert f"Error: jobs.edges: {said}: {count} would go" in errors.splitlines()
    assert (run / "units/edges/channel-0001.json").read_bytes() == before
    assert easel.painted == []
    assert render(run, "--only", "textures")[0] == 0  # the others are not concerned
    code, errors = render(run, "--force")
    assert code == 0
    moved = sorted(path.name for path in (run / "replaced-1/units/edges").glob("channel-0001*"))
    assert moved == ["channel-0001.json", "channel-0001.png", "channel-0001.step-0001.png"]
    assert (run / "replaced-1/units/edges/channel-0001.json").read_bytes() == before


def test_merge_does_not_pretend_to_know_a_newer_version(run: Path, tmp_path: Path) -> None:
    rewrite(run, "edges/channel-0001", schema_version=9)
    result = fvcli("merge", run, "-o", tmp_path / "merged")
    assert result.exit_code == 2
    assert "channel-0001.json: written by a newer fvcli (sidecar version 9" in result.stderr
    assert not (tmp_path / "merged").exists()
