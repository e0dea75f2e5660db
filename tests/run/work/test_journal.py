"""What workers have finished, a line for each batch."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from fvcli.errors import FvcliError
from fvcli.run.sidecar import Record
from fvcli.run.work.journal import Entry, Finished, Journal, batches_done, read_journals
from fvcli.run.work.notes import Note, write_note
from fvcli.run.work.rounds import Round

ROUND = Round("0002", "abc", (3, 4), {})
DONE = Record("a/one", "key1", "done", {"png": 10, "json": 20}, 123)
TWICE = Record("a/two", "key2", "failed", {"json": 30}, 456, "equal")


def test_lines_are_written_and_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "me", ROUND)
    journal.add(3, 1.23456, [DONE, TWICE])
    journal.add(4, 2.0, [DONE], is_part=True)
    assert list(read_journals(tmp_path)) == [
        Entry("me", "abc", "0002", 3, 1.235, (DONE, TWICE)),
        Entry("me", "abc", "0002", 4, 2.0, (DONE,), True),
    ]
    first, second = (tmp_path / "workers/me.jsonl").read_text().splitlines()
    assert json.loads(first) == {
        **{"plan": "abc", "round": "0002", "batch": 3, "seconds": 1.235},
        "units": {
            "a/one": ["key1", "done", {"png": 10, "json": 20}, 123],
            "a/two": ["key2", "failed", {"json": 30}, 456, "equal"],
        },
    }
    assert json.loads(second)["part"] is True


def test_a_line_of_an_object_store_has_its_time_though_there_is_none(tmp_path: Path) -> None:
    stored = Record("a/one", "key1", "done", {"png": 10, "json": 20}, 0)
    odd = Record("a/two", "key2", "done", {"json": 30}, 0, remarks=["burnt"])
    Journal(tmp_path, "me", ROUND).add(3, 1.0, [stored, odd])
    (entry,) = read_journals(tmp_path)
    assert entry.records == (stored, odd)


def test_journals_of_all_workers_are_read_by_their_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        Journal(tmp_path, name, ROUND).add(3, 0.0, [])
    assert [entry.worker for entry in read_journals(tmp_path)] == ["a", "b"]
    assert list(read_journals(tmp_path / "nowhere")) == []


def test_lines_that_were_cut_short_are_passed_over(tmp_path: Path) -> None:
    """At every byte; whatever stands in their place."""
    journal = Journal(tmp_path, "me", ROUND)
    journal.add(3, 0.0, [DONE])
    journal.add(4, 0.0, [DONE])
    path = tmp_path / "workers/me.jsonl"
    text = path.read_bytes()
    first = text.index(b"\n") + 1
    for end in range(first, len(text) - 1):
        path.write_bytes(text[:end])
        assert [entry.batch for entry in read_journals(tmp_path)] == [3]
        assert batches_done(tmp_path, ROUND) == {3}
    path.write_bytes(text[:-1])  # only the end of the line is missing
    assert [entry.batch for entry in read_journals(tmp_path)] == [3, 4]
    assert batches_done(tmp_path, ROUND) == {3, 4}


def test_notes_that_are_replaced_meanwhile_hide_no_journal(tmp_path: Path) -> None:
    """Every worker rewrites its note all the time."""
    for number in range(8):
        Journal(tmp_path, f"w{number}", ROUND).add(number, 0.0, [DONE])
    over = threading.Event()

    def rewrite(name: str) -> None:
        while not over.is_set():
            write_note(tmp_path, Note(name, {}, "2026-01-01"))

    threads = [threading.Thread(target=rewrite, args=(f"n{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        looks = [batches_done(tmp_path, ROUND) for _ in range(400)]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert looks == [set(range(8))] * 400


def test_a_second_look_reads_what_was_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished, journal = Finished(tmp_path), Journal(tmp_path, "me", ROUND)
    assert finished.look() == {}
    for batch in range(3):
        journal.add(batch, 0.0, [DONE])
        assert finished.look() == {ROUND.name: set(range(batch + 1))}
    path = tmp_path / "workers/me.jsonl"
    text = path.read_bytes()
    path.write_bytes(text + text[:40])  # a line is being written
    assert finished.look() == {ROUND.name: {0, 1, 2}}
    path.write_bytes(text)
    journal.add(7, 0.0, [])
    assert finished.look() == {ROUND.name: {0, 1, 2, 7}}


@pytest.mark.parametrize(
    "line", ["", "null", "[]", "7", "{}", '{"plan": 1}', '{"units": []}', '{"units": {"a": []}}', "\x00\x00"]
)
def test_what_is_no_line_is_passed_over(tmp_path: Path, line: str) -> None:
    journal = Journal(tmp_path, "me", ROUND)
    journal.add(3, 0.0, [])
    with (tmp_path / "workers/me.jsonl").open("a") as file:
        file.write(line + "\n")
    journal.add(4, 0.0, [])
    assert [entry.batch for entry in read_journals(tmp_path)] == [3, 4]
    assert batches_done(tmp_path, ROUND) == {3, 4}


def test_a_journal_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("in the way")
    with pytest.raises(FvcliError, match=r"workers/me\.jsonl cannot be written: "):
        Journal(tmp_path, "me", ROUND).add(3, 0.0, [])
