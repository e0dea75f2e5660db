"""Folders, locks and file names as they come: what systems leave, file systems without locks, long names."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from fvcli.errors import FvcliError
from fvcli.run import RunFolder, atomic, lock
from fvcli.run.atomic import remove_temporaries, share_file, write_atomic
from fvcli.run.work.attempts import attempts_of, end_attempt
from tests.helpers.painting import claimed, paint
from tests.helpers.running import at_work_elsewhere, fvcli, write_spec

pytestmark = pytest.mark.usefixtures("easel")


@pytest.mark.parametrize(
    "name", [".DS_Store", ".gitkeep", "Thumbs.db", "desktop.ini", "lost+found/", ".Trash-1000/", ".nfs0001"]
)
def test_what_systems_leave_does_not_make_a_folder_unusable(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    if name.endswith("/"):
        (folder / name).mkdir()
    else:
        (folder / name).write_text("")
    result = fvcli("render", write_spec(tmp_path), "-o", folder)
    assert result.exit_code == 0, result.stderr
    assert (folder / name).exists()


@pytest.mark.parametrize("name", ["thesis.txt", "model.json", "units", "Thumbs.db.txt"])
def test_somebodys_work_does(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / name).write_text("")
    (folder / ".DS_Store").write_text("")
    result = fvcli("render", write_spec(tmp_path), "-o", folder)
    assert result.exit_code == 2
    assert f"{folder} is not empty and holds no run ({name} is there)" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == sorted([name, ".DS_Store"])


# ---- locks


def test_a_lock_that_nobody_lets_go_of_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "WAIT_S", 0.3)
    with lock.hold_while_preparing(tmp_path):
        began = time.monotonic()
        with lock.hold_while_preparing(tmp_path):
            assert 0.2 < time.monotonic() - began < 5


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def flock(handle: int, how: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    run = tmp_path / "run"
    assert fvcli("render", write_spec(tmp_path), "-o", run, "--only", "textures").exit_code == 0
    with at_work_elsewhere(run):
        for words in ([], ["--shard", "1/2"]):
            result = fvcli("render", write_spec(tmp_path), "-o", run, *words)
            assert result.exit_code == 0, result.stderr
            assert "lock" not in result.stderr
        refused = fvcli("render", write_spec(tmp_path), "-o", run, "--set", "render.seed=1", "--force")
    assert refused.exit_code == 2
    assert "and this spec plans other pictures: wait for it" in refused.stderr
    assert json.loads(fvcli("status", run, "--json").stdout)["done"] == 7


# ---- a file at two places


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_stands_at_two_places_is_whole_at_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
    source, target = tmp_path / "a.png", tmp_path / "new/folder/b.png"
    source.write_bytes(b"whole")
    for _ in range(2):  # the second time it is there, as after a kill
        share_file(source, target)
        assert (source.read_bytes(), target.read_bytes()) == (b"whole", b"whole")
    assert source.samefile(target) == has_links
    third = tmp_path / "c.png"
    third.write_bytes(b"another")
    share_file(third, target)
    assert (source.read_bytes(), target.read_bytes()) == (b"whole", b"another")


def test_of_a_file_that_is_not_there_the_file_is_blamed(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"whole")
    with pytest.raises(FvcliError, match=r"a\.png cannot be read: No such file"):
        share_file(tmp_path / "a.png", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == b"whole"


# ---- names and order of writes


def test_names_may_be_as_long_as_they_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    write_atomic(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == [path.name]


def test_what_a_killed_process_left_is_removed_whoever_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: None)
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        write_atomic(tmp_path / "units/edges/channel-0001.png", b"half")
    (tmp_path / "units/edges/.channel-0002.png.host-123.tmp").write_bytes(b"half")  # of an older version
    assert len(list((tmp_path / "units/edges").iterdir())) == 2
    (tmp_path / "units/edges/.gitkeep").touch()
    remove_temporaries(tmp_path)
    assert os.listdir(tmp_path / "units/edges") == [".gitkeep"]


def test_content_is_on_the_disk_before_its_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut there must be no name without its content: file, name, folder, in this order."""
    steps = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        steps.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        fsync(handle)

    def renamed(self: Path, target: Path) -> Path:
        steps.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_atomic(tmp_path / "file", b"content")
    assert steps == ["file", "name", "folder"]


def test_a_sidecar_never_stands_beside_another_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is removed before its picture is replaced, and written after it and all that belongs to it."""
    assert fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run").exit_code == 0
    run = RunFolder.read(tmp_path / "run")
    unit = run.plan.units[0]
    seen = []

    def watched(path: Path, content: bytes) -> None:
        seen.append((path.name, run.json(unit).exists()))
        write_atomic(path, content)

    monkeypatch.setattr("fvcli.run.folder.write_atomic", watched)
    paint(run, unit, 77, extras=["step-0001.png"])
    assert seen == [
        ("channel-0000.step-0001.png", False),
        ("channel-0000.png", False),
        ("channel-0000.json", False),
    ]


def test_a_full_disk_between_picture_and_sidecar_leaves_the_unit_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run").exit_code == 0
    run = RunFolder.read(tmp_path / "run")
    unit = run.plan.units[0]
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.suffix == ".json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FvcliError, match="no space left"):
        paint(run, unit, 77)
    assert not run.is_finished(unit)
    assert not [path for path in run.path.rglob("*") if path.name.startswith(atomic.TEMPORARY)]


# ---- what status is told by


def test_status_goes_by_the_latest_attempt(tmp_path: Path) -> None:
    write_spec(tmp_path)
    assert (
        fvcli("render", tmp_path / "spec.yaml", "-o", tmp_path / "run", "--only", "textures").exit_code == 0
    )
    run = RunFolder.read(tmp_path / "run")
    first = claimed(run, 0)
    assert '"lost": 2' in fvcli("status", run.path, "--json").stdout
    for _ in range(10):  # 10 and 11 come after 9, not after 1
        attempt = claimed(run, 0)
        end_attempt(run.path, attempt, "stopped")
    assert (first.number, attempt.number) == (1, 11)
    assert '"lost": 0' in fvcli("status", run.path, "--json").stdout
    claimed(run, 0)
    assert '"lost": 2' in fvcli("status", run.path, "--json").stdout


def test_an_attempt_may_end_after_somebody_tidied_up(tmp_path: Path) -> None:
    assert fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run").exit_code == 0
    run = RunFolder.read(tmp_path / "run")
    attempt = claimed(run, 0)
    shutil.rmtree(run.path / "attempts")
    end_attempt(run.path, attempt, "done")
    assert [one.outcome for one in attempts_of(run.path, 0, attempt.number)] == ["done"]
