"""Claims on batches, and what became of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.run.process import this_process
from fvcli.run.work.attempts import (
    Attempt,
    attempts_of,
    bury,
    end_attempt,
    forget_attempts,
    latest_attempts,
    make_attempt,
    read_attempt,
)
from fvcli.run.work.notes import Note


def file_of(run: Path, batch: int, number: int) -> Path:
    return run / f"attempts/{batch // 1000:04d}/{batch}.{number}.json"


def test_a_claim_is_made_once(tmp_path: Path) -> None:
    mine, theirs = Attempt(12345, 1, "me", (0, 2)), Attempt(12345, 1, "them")
    assert make_attempt(tmp_path, mine)
    assert not make_attempt(tmp_path, theirs)
    assert attempts_of(tmp_path, 12345) == [mine]
    assert file_of(tmp_path, 12345, 1).read_text() == (
        '{"batch": 12345, "number": 1, "worker": "me", "units": [0, 2], "outcome": null, "detail": ""}\n'
    )


def test_parts_have_a_thousand_batches(tmp_path: Path) -> None:
    for batch in (0, 999, 1000, 12345):
        make_attempt(tmp_path, Attempt(batch, 1))
    files = sorted(str(path.relative_to(tmp_path / "attempts")) for path in tmp_path.rglob("*.json"))
    assert files == ["0000/0.1.json", "0000/999.1.json", "0001/1000.1.json", "0012/12345.1.json"]


def test_what_became_of_a_claim_is_written_into_it(tmp_path: Path) -> None:
    attempt = Attempt(3, 1, "me", (1,))
    make_attempt(tmp_path, attempt)
    assert attempt.is_open
    end_attempt(tmp_path, attempt, "died", "signal 9")
    found = read_attempt(tmp_path, 3, 1)
    assert found == Attempt(3, 1, "me", (1,), "died", "signal 9")
    assert not found.is_open


def test_attempts_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in range(1, 12):
        make_attempt(tmp_path, Attempt(3, number, str(number)))
    make_attempt(tmp_path, Attempt(33, 1))
    assert [attempt.worker for attempt in attempts_of(tmp_path, 3)] == [str(i) for i in range(1, 12)]
    assert latest_attempts(tmp_path) == {3: 11, 33: 1}
    assert attempts_of(tmp_path, 4) == []
    assert read_attempt(tmp_path, 4, 1) is None


def test_gaps_are_passed_over_up_to_what_is_known(tmp_path: Path) -> None:
    for number in (2, 4, 5, 7):
        make_attempt(tmp_path, Attempt(3, number))
    assert [attempt.number for attempt in attempts_of(tmp_path, 3)] == []
    assert [attempt.number for attempt in attempts_of(tmp_path, 3, 2)] == [2]
    assert [attempt.number for attempt in attempts_of(tmp_path, 3, 3)] == [2, 4, 5]
    assert [attempt.number for attempt in attempts_of(tmp_path, 3, 7)] == [2, 4, 5, 7]


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", '{"units": 3}', '{"units": ["a"]}', b"\xff"])
def test_of_a_file_that_cannot_be_read_it_is_known_that_it_was_made(
    tmp_path: Path, content: str | bytes
) -> None:
    make_attempt(tmp_path, Attempt(3, 1, "me", (1,)))
    file_of(tmp_path, 3, 1).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert attempts_of(tmp_path, 3) == [Attempt(3, 1)]
    assert Attempt(3, 1).is_open


def test_what_an_old_version_wrote(tmp_path: Path) -> None:
    """It did not say who, and its files had no parts, which nobody reads."""
    make_attempt(tmp_path, Attempt(3, 1))
    file_of(tmp_path, 3, 1).write_text('{"batch": 3, "started": "2026-01-01"}')
    (tmp_path / "attempts/5.1.json").write_text("{}")
    assert attempts_of(tmp_path, 3) == [Attempt(3, 1)]
    assert latest_attempts(tmp_path) == {3: 1}


def test_other_files_are_no_attempts(tmp_path: Path) -> None:
    make_attempt(tmp_path, Attempt(3, 1))
    for name in ("notes.txt", "3.x.json", "a.1.json", "3", ".tmp-1-2"):
        (tmp_path / "attempts/0000" / name).write_text("")
    assert latest_attempts(tmp_path) == {3: 1}
    assert latest_attempts(tmp_path / "nowhere") == {}


def test_attempts_are_forgotten_of_some_batches_or_of_all(tmp_path: Path) -> None:
    for batch in (1, 2, 3):
        for number in (1, 2):
            make_attempt(tmp_path, Attempt(batch, number))
    forget_attempts(tmp_path, [2])
    assert latest_attempts(tmp_path) == {1: 2, 3: 2}
    forget_attempts(tmp_path, [])
    assert latest_attempts(tmp_path) == {1: 2, 3: 2}
    forget_attempts(tmp_path)
    assert not (tmp_path / "attempts").exists()
    forget_attempts(tmp_path)


def test_a_death_is_written_into_what_the_worker_was_at(tmp_path: Path) -> None:
    for batch, worker in ((1, "dead"), (2, "dead"), (3, "alive"), (4, "dead")):
        make_attempt(tmp_path, Attempt(batch, 1, worker))
    end_attempt(tmp_path, Attempt(2, 1, "dead"), "done")
    at = tuple({"batch": batch, "attempt": 1} for batch in (1, 2, 3, 7))
    bury(tmp_path, Note("dead", this_process(), "2026-01-01", at=at), "signal 9")
    found = [read_attempt(tmp_path, batch, 1) for batch in (1, 2, 3, 4, 7)]
    assert found == [
        Attempt(1, 1, "dead", outcome="died", detail="signal 9"),
        Attempt(2, 1, "dead", outcome="done"),
        Attempt(3, 1, "alive"),
        Attempt(4, 1, "dead"),
        None,
    ]
