"""Many files that change together, wherever a process dies."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fvcli.errors import FvcliError, UsageError
from fvcli.golden.staging import Staging, finish, is_cut_off, refuse_cut_off

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


def staged(place: Path) -> Staging:
    staging = Staging(place)
    for name, text in NEW.items():
        staging.write(name, text.encode())
    return staging


def test_all_of_it_happens(place: Path) -> None:
    staged(place).put_in_place([GONE, "units/never/there.png"])
    assert files(place) == NEW
    assert not (place / "units/b").exists()  # nothing is left in it
    assert not (place / ".accepting").exists()


def test_a_file_is_found_as_it_is_to_be(place: Path) -> None:
    staging = staged(place)
    assert staging.find("plan.json").read_text() == "new plan"
    assert staging.find(GONE) == place / GONE
    assert staging.names() == NEW.keys()
    assert (place / "plan.json").read_text() == "old plan"


def test_until_all_is_written_nothing_changes(place: Path) -> None:
    staged(place)  # and the process dies
    refuse_cut_off(place)
    finish(place)
    assert {name: text for name, text in files(place).items() if ".accepting" not in name} == OLD
    Staging(place).put_in_place([])
    assert files(place) == OLD


def dying_at(count: int, do: Callable[..., object]) -> Callable[..., object]:
    """Return a function that does what another does, but not the count-th time."""
    calls = iter(range(count))

    def act(*arguments: object) -> object:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return do(*arguments)

    return act


@pytest.mark.parametrize("count", range(3))
def test_what_was_cut_off_is_refused_and_finished(
    place: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = staged(place)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dying_at(count + 1, Path.replace))  # the first is that of ready.json
        with pytest.raises(KeyboardInterrupt):
            staging.put_in_place([GONE])
    with pytest.raises(UsageError, match=f"{place}: an acceptance was cut off half way: finish it: "):
        refuse_cut_off(place)
    finish(place)
    assert files(place) == NEW
    assert not is_cut_off(place)


def test_what_cannot_be_written_is_told_before_anything_changes(place: Path) -> None:
    (place / "units/c").write_text("a file where a folder should be")
    before = files(place)
    with pytest.raises(UsageError) as caught:
        staged(place).put_in_place([GONE])
    message = f"{place}/units/c cannot be written, so nothing is accepted: allow writing there"
    assert str(caught.value) == message
    assert {name: text for name, text in files(place).items() if ".accepting" not in name} == before
    assert not is_cut_off(place)


def test_what_fails_half_way_says_how_to_go_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = staged(place)
    (place / "plan.json").unlink()
    (place / "plan.json").mkdir()  # which no file can take the place of
    with pytest.raises(FvcliError, match=r"plan\.json cannot be written: .* run the same fvcli accept again"):
        staging.put_in_place([GONE])
    os.rmdir(place / "plan.json")
    finish(place)
    assert files(place) == NEW
