"""Pictures of a site that processes write: the same bytes, and what becomes of processes that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fvcli.atlas.site import SiteOptions, build_site, pictures
from fvcli.atlas.site.sheet_process import SheetProcess
from fvcli.atlas.site.sheets import Sheet
from fvcli.errors import FvcliError
from fvcli.run import RunFolder
from tests.helpers.atlas_runs import contents, paint_one

MARK = "FVCLI_TEST_MARK"
KILLED = """
import os, signal, sys
from pathlib import Path
from fvcli.atlas.site import SiteOptions, build_site, pictures
from fvcli.run import RunFolder
pictures.MANY = 0
def told(_what, count, _total):
    if count >= 6:
        os.kill(os.getpid(), signal.SIGKILL)
build_site(RunFolder.read(Path(sys.argv[1])), SiteOptions(Path(sys.argv[2])), told)
"""


def build(run: RunFolder, site: Path) -> list[str]:
    return list(build_site(RunFolder.read(run.path), SiteOptions(site)).damaged)


def marked(mark: str) -> list[int]:
    """Return the processes that were started with a mark."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            is_marked = f"{MARK}={mark}\0".encode() in (place / "environ").read_bytes()
        except OSError:  # it has ended, or is another's
            continue
        found += [int(place.name)] if is_marked else []
    return found


@pytest.mark.parametrize("count", [1, 3])
def test_processes_write_what_threads_write(
    small: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    build(small, tmp_path / "threads")
    monkeypatch.setattr(pictures, "MANY", 0)
    monkeypatch.setattr(pictures, "cores", lambda: count)
    build(small, tmp_path / "processes")
    assert contents(tmp_path / "processes") == contents(tmp_path / "threads")


def test_processes_tell_what_cannot_be_read(
    small: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = small.plan.units[1]
    paint_one(small, unit, 50)
    small.png(unit).write_bytes(b"x" * small.png(unit).stat().st_size)
    monkeypatch.setattr(pictures, "MANY", 0)
    assert build(small, tmp_path / "site") == ["edges/channel-0001"]


def test_processes_tell_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = SheetProcess()
    try:
        with pytest.raises(FvcliError, match=r"0\.webp cannot be written: Not a directory"):
            process.write(Sheet(tmp_path / "file/0.webp", []))
        assert process.write(Sheet(tmp_path / "0.webp", [])) == []  # and it goes on
    finally:
        process.close()


def test_processes_import_nothing_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('this is no module of fvcli')")
    monkeypatch.chdir(tmp_path)
    process = SheetProcess()
    try:
        assert process.write(Sheet(tmp_path / "0.webp", [])) == []
    finally:
        process.close()


def test_a_process_that_is_killed_is_said(tmp_path: Path) -> None:
    process = SheetProcess()
    os.kill(process.pid, signal.SIGKILL)
    for _ in range(2):  # another sheet may be given to it before the build ends
        with pytest.raises(FvcliError, match=r"writes the pictures of the site died \(exit code -9\)"):
            process.write(Sheet(tmp_path / "0.webp", []))
    process.close()


def test_a_build_that_is_killed_leaves_no_process_and_is_finished_by_the_next(
    small: RunFolder, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    words = [sys.executable, "-c", KILLED, str(small.path), str(site)]
    killed = subprocess.run(words, check=False, env={**os.environ, MARK: str(tmp_path)})
    assert killed.returncode == -signal.SIGKILL
    assert not (site / "index.html").exists()
    end = time.monotonic() + 30
    while marked(str(tmp_path)) and time.monotonic() < end:
        time.sleep(0.05)
    assert marked(str(tmp_path)) == []
    build(small, site)
    build(small, tmp_path / "fresh")
    assert contents(site) == contents(tmp_path / "fresh")
