"""Many files that change together, wherever a process dies."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fvcli.errors import FvcliError, StoppedError, UsageError
from fvcli.golden.staging import Staging, finish, is_cut_off, refuse_cut_off
from fvcli.run.lock import hold_alone

OLD = {"plan.json": "old plan", "units/a/x.png": "old x", "units/b/y.png": "old y"}
NEW = {"plan.json": "new plan", "units/a/x.png": "new x", "units/c/z.png": "new z"}
GONE = "units/b/y.png"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, text in OLD.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def files(place: Path) -> dict[str, str]:
    return {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}


@contextmanager
def staged(place: Path) -> Iterator[Staging]:
    with Staging(place) as staging:
        for name, text in NEW.items():
            staging.write(name, text.encode())
        yield staging


def test_all_of_it_happens(place: Path) -> None:
    with staged(place) as staging:
        staging.put_in_place([GONE, "units/never/there.png"], "two units by Ada")
    assert files(place) == NEW
    assert not (place / "units/b").exists()  # nothing is left in it
    assert not (place / ".accepting").exists()
    assert finish(place) is None


def test_a_file_is_found_as_it_is_to_be(place: Path) -> None:
    with staged(place) as staging:
        assert staging.find("plan.json").read_text() == "new plan"
        assert staging.find(GONE) == place / GONE
        assert staging.names() == NEW.keys()
        assert (place / "plan.json").read_text() == "old plan"


@pytest.mark.parametrize("error", [KeyboardInterrupt, FvcliError("no space left"), StoppedError("a", "b")])
def test_what_is_not_put_in_place_goes_again(place: Path, error: BaseException) -> None:
    with pytest.raises((KeyboardInterrupt, FvcliError, StoppedError)), staged(place):
        raise error
    assert not (place / ".accepting").exists()
    assert files(place) == OLD


def test_until_all_is_written_nothing_changes(place: Path) -> None:
    with staged(place):
        shutil.copytree(place / ".accepting", place / "kept")
    (place / "kept").rename(place / ".accepting")  # as a process leaves it that is killed
    refuse_cut_off(place)
    assert finish(place) is None
    assert {name: text for name, text in files(place).items() if ".accepting" not in name} == OLD
    with Staging(place) as staging:
        staging.put_in_place([], "nothing")
    assert files(place) == OLD


def dying_at(count: int, do: Callable[..., object]) -> Callable[..., object]:
    """Return a function that does what another does, but not the count-th time."""
    calls = iter(range(count))

    def act(*arguments: object, **named: object) -> object:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return do(*arguments, **named)

    return act


@pytest.mark.parametrize(
    ("name", "count"),  # the first to be replaced is ready.json, which is the last to be removed
    [*(("replace", count) for count in (1, 2, 3)), *(("unlink", count) for count in (0, 1))],
)
def test_what_was_cut_off_is_refused_and_finished(
    place: Path, name: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, staged(place) as staging:
        patched.setattr(Path, name, dying_at(count, getattr(Path, name)))
        with pytest.raises(KeyboardInterrupt):
            staging.put_in_place([GONE], "two units by Ada")
    with pytest.raises(UsageError, match=f"{place}: an acceptance was cut off half way: finish it: "):
        refuse_cut_off(place)
    with hold_alone(place, "accepting into"), pytest.raises(UsageError, match="another fvcli is accepting"):
        refuse_cut_off(place)
    assert finish(place) == "two units by Ada"
    assert files(place) == NEW
    assert not is_cut_off(place)


@pytest.mark.parametrize("where", ["units/c", "plan.json"])
def test_what_cannot_be_written_is_told_before_anything_changes(place: Path, where: str) -> None:
    """A file where a folder should be, and a folder where a file should be."""
    if where == "plan.json":
        (place / where).unlink()
        (place / where).mkdir()
    else:
        (place / where).write_text("a file")
    before = files(place)
    with pytest.raises(UsageError) as caught, staged(place) as staging:
        staging.put_in_place([GONE], "two units")
    message = f"{place}/{where} cannot be written, so nothing is accepted: allow writing there"
    assert str(caught.value) == message
    assert files(place) == before


def test_folders_of_files_that_go_are_looked_at_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the answer of the system is given."""
    monkeypatch.setattr(os, "access", lambda path, _mode: path != place / "units/b")
    with pytest.raises(UsageError, match="units/b cannot be written"), staged(place) as staging:
        staging.put_in_place([GONE], "two units")
    assert files(place) == OLD


def test_what_fails_half_way_says_how_to_go_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, target: Path) -> Path:
        if target.name == "x.png" and ".accepting" not in str(target):
            raise OSError(errno.EIO, "Input/output error", str(target))
        return replace(path, target)

    replace = Path.replace
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        what = r"units/a/x\.png cannot be written: Input/output error: .*run the same fvcli accept again"
        with pytest.raises(FvcliError, match=what), staged(place) as staging:
            staging.put_in_place([GONE], "two units")
    assert is_cut_off(place)
    finish(place)
    assert files(place) == NEW


def test_a_folder_on_another_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def apart(path: Path, target: Path) -> Path:
        if path.parent != target.parent and "units" in str(target):
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(path))
        return replace(path, target)

    replace = Path.replace
    monkeypatch.setattr(Path, "replace", apart)
    with staged(place) as staging:
        staging.put_in_place([GONE], "two units")
    assert files(place) == NEW


@pytest.mark.parametrize(
    ("ready", "said"),
    [
        ("", "not left by an acceptance"),
        ('["units/b/y.png"]', "not left by an acceptance"),
        ('{"what": "x", "remove": ["/etc/hosts"]}', "/etc/hosts may not be removed"),
        ('{"what": "x", "remove": ["units/../../x"]}', "units/../../x may not be removed"),
        ('{"what": "x", "remove": ["history.jsonl", "golden.json"]}', "history.jsonl, golden.json may not"),
    ],
)
def test_what_no_acceptance_left_is_not_done(place: Path, ready: str, said: str) -> None:
    (place / ".accepting").mkdir()
    (place / ".accepting/ready.json").write_text(ready)
    before = files(place)
    with pytest.raises(UsageError) as caught:
        finish(place)
    assert said in str(caught.value)
    assert str(caught.value).endswith(f": remove {place}/.accepting")
    assert files(place) == before
