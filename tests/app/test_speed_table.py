"""What was measured is found again: the latest of a machine, and nothing of others is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fvcli.app.speed_table import read_speed, speed_path, write_speed
from fvcli.plan.cost import Point, Speed


def speed(host: str, device: str, start_seconds: float = 1.0) -> Speed:
    point = Point(
        layer="a", size_px=64, multiplications=9, pixels=4096, layers=3, step_seconds=0.5, compile_seconds=1
    )
    about = {"host": host, "device": device, "model": "m", "lanes": 1, "whole_batches": False}
    return Speed.model_validate({**about, "start_seconds": start_seconds, "points": (point,)})


def test_the_latest_of_a_machine_is_found_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "folder/speed.json"
    assert read_speed(path, "here") is None
    for measured in (speed("here", "cpu"), speed("there", "cpu", 2.0), speed("here", "gpu", 3.0)):
        write_speed(path, measured)
    assert read_speed(path, "here") == speed("here", "gpu", 3.0)
    assert read_speed(path, "there") == speed("there", "cpu", 2.0)
    assert read_speed(path, "elsewhere") is None
    write_speed(path, speed("here", "cpu", 4.0))
    assert read_speed(path, "here") == speed("here", "cpu", 4.0)
    table = json.loads(path.read_text())
    assert table["version"] == 1
    starts = {
        host: {name: one["start_seconds"] for name, one in of.items()} for host, of in table["hosts"].items()
    }
    assert starts == {"here": {"gpu": 3.0, "cpu": 4.0}, "there": {"cpu": 2.0}}
    assert path.read_text().endswith("}\n")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"version": 2}', b'{"hosts": {"here": {}}}'])
def test_a_damaged_table_is_measured_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "speed.json"
    path.write_bytes(content)
    assert read_speed(path, "here") is None
    write_speed(path, speed("here", "cpu"))
    assert read_speed(path, "here") == speed("here", "cpu")


def test_it_is_kept_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert speed_path() == tmp_path / "cache/fvcli/speed.json"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert speed_path() == tmp_path / ".cache/fvcli/speed.json"
