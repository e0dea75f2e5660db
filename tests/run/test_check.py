"""``fvcli status --check``: every picture is what was rendered, or it is said which is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from fvcli.media import encode_movie
from fvcli.run import RunFolder, find_damage
from fvcli.run.objects import open_address, put
from fvcli.spec.output import FilmFormat
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec


@pytest.fixture
def run(tmp_path: Path, easel: PaintingEngine) -> Path:
    assert fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run").exit_code == 0
    easel.painted.clear()
    return tmp_path / "run"


def repaint(path: Path) -> None:
    """Paint a picture in another colour, in a file of the same length."""
    pixels = iio.imread(path)
    pixels[:] = (1, 2, 3)
    size = path.stat().st_size
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes().ljust(size, b"\0"))
    assert path.stat().st_size == size


def test_a_whole_run_is_fine(run: Path) -> None:
    result = fvcli("status", run, "--check")
    assert result.exit_code == 0
    assert "damaged" not in result.stdout


def test_another_picture_of_equal_size_is_found(run: Path) -> None:
    repaint(run / "units/edges/channel-0003.png")
    assert fvcli("status", run).exit_code == 0
    result = fvcli("status", run, "--check")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["job", "done", "dead", "failed", "damaged", "running", "lost", "pending"]
    assert lines[1].split() == ["edges", "4", "0", "0", "1", "0", "0", "0"]
    assert lines[-2:] == [
        "edges/channel-0003 is damaged: its pixels are not those that were rendered",
        f"  to render it anew: fvcli render SPEC -o {run} --again --only edges/channel-0003",
    ]
    as_json = fvcli("status", run, "--check", "--json")
    assert as_json.exit_code == 1
    found = json.loads(as_json.stdout)
    assert (found["done"], found["damaged"], found["jobs"]["edges"]["damaged"]) == (6, 1, 1)
    assert found["notable"] == [
        {
            "unit": "edges/channel-0003",
            "status": "damaged",
            "error": "its pixels are not those that were rendered",
        }
    ]


def test_the_hint_repairs_it(run: Path, easel: PaintingEngine) -> None:
    repaint(run / "units/edges/channel-0003.png")
    words = ["--again", "--only", "edges/channel-0003"]
    assert fvcli("render", run / "spec.yaml", "-o", run, *words).exit_code == 0
    assert easel.painted == ["edges/channel-0003"]
    assert fvcli("status", run, "--check").exit_code == 0


def test_files_that_cannot_be_read_are_found(run: Path) -> None:
    garbled, cut, extra = (run / f"units/edges/channel-000{i}" for i in (0, 1, 2))
    for path in (garbled.with_suffix(".png"), extra.with_suffix(".step-0001.png")):
        path.write_bytes(b"x" * path.stat().st_size)
    cut = cut.with_suffix(".png")
    cut.write_bytes(cut.read_bytes()[:-9])
    (run / "units/edges/channel-0004.png").unlink()  # the next render makes it
    found = json.loads(fvcli("status", run, "--check", "--json").stdout)
    assert {one["unit"][-4:]: one["error"] for one in found["notable"]} == {
        "0000": "its pixels are not those that were rendered",
        "0001": "channel-0001.png is not as long as it was written",
        "0002": "channel-0002.step-0001.png cannot be read",
    }
    assert (found["done"], found["damaged"], found["pending"]) == (3, 3, 1)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_unit_counts_only_with_all_that_stands_beside_its_picture(
    run: Path, easel: PaintingEngine, is_there: bool
) -> None:
    step = run / "units/edges/channel-0003.step-0001.png"
    whole = step.read_bytes()
    step.unlink()
    if is_there:
        step.write_bytes(whole[:-1])
    assert json.loads(fvcli("status", run, "--json").stdout)["pending"] == 1
    result = fvcli("status", run, "--check")
    said = "edges/channel-0003 is damaged: channel-0003.step-0001.png is not as long as it was written"
    assert (result.exit_code, said in result.stdout) == (int(is_there), is_there)
    assert fvcli("render", run / "spec.yaml", "-o", run).exit_code == 0
    assert easel.painted == ["edges/channel-0003"]
    assert step.read_bytes() == whole


@pytest.mark.parametrize(("kind", "head"), [("gif", b"GIF89a"), ("webp", b"RIFF"), ("mp4", b"\0\0\0 ftyp")])
def test_films_are_read_to_their_end(run: Path, kind: FilmFormat, head: bytes) -> None:
    unit = run / "units/edges/channel-0000"
    frames = [np.full((16, 16, 3), value, np.uint8) for value in (0, 100, 200)]
    film = encode_movie(iter(frames), kind, 5.0)
    unit.with_suffix(f".{kind}").write_bytes(film)
    sidecar = json.loads(unit.with_suffix(".json").read_text())
    sidecar["extras"] = [{"name": kind, "bytes": len(film)}]
    unit.with_suffix(".json").write_text(json.dumps(sidecar))
    assert fvcli("status", run, "--check").exit_code == 0
    unit.with_suffix(f".{kind}").write_bytes(head.ljust(len(film), b"?"))
    result = fvcli("status", run, "--check")
    assert result.exit_code == 1
    assert f"edges/channel-0000 is damaged: channel-0000.{kind} cannot be read" in result.stdout


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_films_in_an_object_store_are_read_as_well(run: Path, kind: FilmFormat) -> None:
    unit = run / "units/edges/channel-0000"
    film = encode_movie((np.full((16, 16, 3), value, np.uint8) for value in (0, 100)), kind, 5.0)
    unit.with_suffix(f".{kind}").write_bytes(film)
    sidecar = json.loads(unit.with_suffix(".json").read_text())
    sidecar["extras"] = [{"name": kind, "bytes": len(film)}]
    unit.with_suffix(".json").write_text(json.dumps(sidecar))
    store = open_address(f"memory://{uuid4()}/run")
    for file in filter(Path.is_file, run.rglob("*")):
        put(store / str(file.relative_to(run)), file.read_bytes())
    stored = RunFolder.read(store)
    assert find_damage(stored) == {}
    put(store / f"units/edges/channel-0000.{kind}", b"?" * len(film))
    assert find_damage(stored) == {"edges/channel-0000": f"channel-0000.{kind} cannot be read"}


def test_it_needs_no_tensorflow(run: Path) -> None:
    program = f"""
import sys
from click.testing import CliRunner
from fvcli.cli import main
assert CliRunner().invoke(main, ["status", {str(run)!r}, "--check"]).exit_code == 0
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_merge_refuses_it_and_says_how_to_repair_it(run: Path, tmp_path: Path) -> None:
    repaint(run / "units/edges/channel-0003.png")
    result = fvcli("merge", run, "-o", tmp_path / "merged")
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {run}/units/edges/channel-0003.png is damaged: its pixels are not those that were rendered: "
        f"render it anew: fvcli render SPEC -o {run} --again --only edges/channel-0003\n"
    )
    assert not (tmp_path / "merged").exists()
