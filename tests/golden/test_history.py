"""What was accepted: lines there and back, which pictures count, two branches, damage."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.errors import UsageError
from fvcli.golden.history import Acceptance, History, Picture, Step

UNIT = "edges/channel-0001"
OTHER = "edges/channel-0002"
LINE = (
    '{"version": 1, "when": "2026-02-03T04:05:06+00:00", "who": "Ada", "why": "TensorFlow 2.22", '
    '"fvcli": "0.3.0", "units": {"edges/channel-0001": {"from": {"key": "k", "pixels": "aa", '
    '"fingerprint": "f"}, "to": {"key": "k", "pixels": "bb", "fingerprint": ""}}, '
    '"edges/channel-0002": {"from": null, "to": {"key": "m", "pixels": "cc", "fingerprint": "f"}}}}\n'
)
READ = Acceptance(
    "2026-02-03T04:05:06+00:00",
    "Ada",
    "TensorFlow 2.22",
    "0.3.0",
    {
        UNIT: Step(Picture("k", "aa", "f"), Picture("k", "bb")),
        OTHER: Step(None, Picture("m", "cc", "f")),
    },
)


def line(step: str, unit: str = UNIT, why: str = "because", when: str = "2026-01-01") -> Acceptance:
    """Return an acceptance of a step such as A->B; a dot stands for nothing."""
    was, now = (None if name == "." else Picture("k", name) for name in step.split("->"))
    return Acceptance(when, "Ada", why, "0.3.0", {unit: Step(was, now)})


def history(*steps: str) -> History:
    return History(tuple(line(step, when=f"2026-01-{i + 1:02d}") for i, step in enumerate(steps)))


def accepted(found: History, pictures: str = "ABCD") -> str:
    """Return those of some pictures that count as accepted."""
    return "".join(name for name in pictures if found.accepted(UNIT, name) is not None)


def write(path: Path, *lines: str) -> Path:
    (path / "history.jsonl").write_bytes("".join(lines).encode())
    return path / "history.jsonl"


# ---- there and back


def test_a_line_is_written_and_read(tmp_path: Path) -> None:
    assert READ.to_json() == LINE
    assert History.read(write(tmp_path, LINE)).acceptances == (READ,)
    assert History.read(write(tmp_path, LINE, "\n", "  \r\n", line("A->B").to_json())).acceptances == (
        READ,
        line("A->B"),
    )


def test_there_need_be_no_history(tmp_path: Path) -> None:
    assert History.read(tmp_path / "history.jsonl") == History()
    assert History.read(write(tmp_path)) == History()


texts = st.text(st.sampled_from('aB1 "\\\n\r\t\x0c\x1c\x85\u2028ß変🎨'), max_size=4)
pictures = st.none() | st.builds(Picture, texts, texts, texts)
steps = st.dictionaries(texts, st.builds(Step, pictures, pictures), max_size=2)
acceptances = st.builds(Acceptance, texts, texts, texts, texts, steps)


@given(st.lists(acceptances, max_size=2, unique_by=Acceptance.to_json))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, given: list[Acceptance]) -> None:
    path = write(tmp_path_factory.mktemp("history"), *(one.to_json() for one in given))
    assert History.read(path).acceptances == tuple(given)


@pytest.mark.parametrize("why", ["Größe geändert, 変更 🎨", "one\u2028two\x85three", "a\nb\tc", '"\\'])
def test_a_reason_is_one_line_that_people_can_read(tmp_path: Path, why: str) -> None:
    """Also where it has separators at which Python, but not JSON, would begin a line."""
    written = line("A->B", why=why).to_json()
    assert written.count("\n") == 1
    if why.startswith("Größe"):
        assert why in written
    assert History.read(write(tmp_path, written, LINE)).acceptances == (line("A->B", why=why), READ)


def test_more_keys_are_passed_over_and_a_fingerprint_may_be_missing(tmp_path: Path) -> None:
    data = json.loads(LINE) | {"mood": "good"}
    del data["units"][UNIT]["from"]["fingerprint"]
    data["units"][UNIT]["to"]["mood"] = "better"
    (found,) = History.read(write(tmp_path, json.dumps(data))).acceptances
    assert found.units[UNIT] == Step(Picture("k", "aa", ""), Picture("k", "bb", ""))


# ---- which pictures count


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        ((), ""),
        ((".->A",), "A"),
        ((".->A", "A->B"), "B"),
        ((".->A", "A->B", "B->C"), "C"),
        ((".->A", "A->B", "B->A"), "A"),
        ((".->A", "A->B", "B->A", "A->B"), "B"),
        ((".->A", "A->B", "B->."), ""),
        ((".->A", "A->.", ".->B"), "B"),
        ((".->A", "A->A"), "A"),
        ((".->A", "A->B", "A->C"), "BC"),
        ((".->A", "A->C", "A->B"), "BC"),
        ((".->A", "A->B", "B->C", "A->D"), "CD"),
        ((".->A", "A->D", "A->B", "B->C"), "CD"),
        ((".->A", "A->B", "A->D", "B->C"), "CD"),
        ((".->A", "A->B", "A->B", "B->C"), "C"),
        ((".->A", "A->B", "A->C", "B->D", "C->D"), "D"),
        (("A->B",), "B"),
    ],
    ids="; ".join,
)
def test_a_picture_counts_until_another_takes_its_place(steps: tuple[str, ...], count: str) -> None:
    assert accepted(history(*steps)) == count


def test_the_latest_acceptance_is_told_and_each_unit_has_its_own() -> None:
    found = History((line("A->B", why="one"), line("A->C", OTHER), line("B->A"), line("A->B", why="two")))
    latest = found.accepted(UNIT, "B")
    assert latest is not None
    assert latest.why == "two"
    assert found.accepted(OTHER, "B") is None
    assert found.accepted(OTHER, "C") == line("A->C", OTHER)
    assert found.accepted("edges/channel-0003", "B") is None


branches = st.lists(st.sampled_from("ABCD"), min_size=0, max_size=4)


def steps_of(branch: list[str]) -> list[str]:
    """Return the steps of a branch that begins with A."""
    return [f"{was}->{now}" for was, now in zip(["A", *branch], branch, strict=False)]


@given(branches, st.sampled_from("EFG"))
def test_lines_of_two_branches_may_stand_in_any_order_that_keeps_each(one: list[str], end: str) -> None:
    """One branch goes anywhere; the other takes one picture that the first does not have."""
    first = [line(step, when=f"1-{i}") for i, step in enumerate(steps_of(one))]
    second = [line(f"A->{end}", when="2-0"), line(f"{end}->H", when="2-1")]
    found = set()
    for places in combinations(range(len(first) + 2), 2):
        rest, others = iter(first), iter(second)
        merged = [next(others) if i in places else next(rest) for i in range(len(first) + 2)]
        found.add(accepted(History((line(".->A"), *merged)), "BCDEFGH"))
    alone = accepted(History((line(".->A"), *first)), "BCD")
    assert found == {alone + "H"}


# ---- lines of several files


def test_lines_of_another_history_are_added_once() -> None:
    main, branch = history(".->A", "A->B"), history(".->A", "A->C")
    both = main.with_lines_of(branch)
    assert both.acceptances == (*main.acceptances, branch.acceptances[1])
    assert accepted(both) == "BC"
    assert accepted(branch.with_lines_of(main)) == "BC"
    assert main.with_lines_of(main) == main
    assert main.with_lines_of(History()) == main
    assert History().with_lines_of(main) == main


def test_what_was_reverted_here_does_not_come_back_from_where_it_was_not() -> None:
    """The main branch still has B; this one has it, and went back to A."""
    here, main = history(".->A", "A->B", "B->A"), history(".->A", "A->B")
    assert accepted(here.with_lines_of(main)) == "A"
    assert accepted(main.with_lines_of(here)) == "A"


def test_a_line_that_stands_twice_counts_where_it_stands_first(tmp_path: Path) -> None:
    """As git leaves it where a commit was taken over into another branch before both were merged."""
    lines = [one.to_json() for one in history(".->A", "A->B", "B->A").acceptances]
    found = History.read(write(tmp_path, *lines, lines[1]))
    assert found.acceptances == history(".->A", "A->B", "B->A").acceptances
    assert accepted(found) == "A"


# ---- damage


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        History.read(path)
    return str(caught.value)


MARKS = "remove git's conflict marks, and keep the lines of both sides"
OTHER = "give a history.jsonl that fvcli accept wrote, or take it from an earlier commit"


@pytest.mark.parametrize(
    ("damaged", "hint"),
    [
        *((f"{mark}\n", MARKS) for mark in ("<<<<<<< HEAD", "=======", ">>>>>>> branch", "||||||| base")),
        (LINE[:-30] + "\n", OTHER),
        ("[]\n", OTHER),
        ("7\n", OTHER),
        ("{}\n", OTHER),
        ('{"version": "one"}\n', OTHER),
        ('{"version": 1}\n', OTHER),
        (LINE.replace('"who": "Ada", ', ""), OTHER),
        (LINE.replace('"from": null, ', ""), OTHER),
        (LINE.replace('"from": null', '"from": "cc"'), OTHER),
        (LINE.replace('"from": null', '"from": {"key": "k"}'), OTHER),
        ('{"version": 1, "units": []}\n', OTHER),
        ('{"version": 1, "units": {"a/b": null}}\n', OTHER),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, damaged: str, hint: str) -> None:
    path = write(tmp_path, LINE, "\n", damaged)
    assert refusal(path) == f"{path}:3: not a line of a history: {hint}"


def test_a_damaged_line_that_stands_twice_is_named_where_it_stands_first(tmp_path: Path) -> None:
    path = write(tmp_path, LINE, "[]\n", LINE, "[]\n")
    assert refusal(path) == f"{path}:2: not a line of a history: {OTHER}"


def test_a_newer_line_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, LINE, LINE.replace('"version": 1', '"version": 2'))
    assert refusal(path) == f"{path}:2: written by a newer fvcli: compare with that version"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_bytes(b"\xff\xfe\x00")
    assert refusal(tmp_path / "history.jsonl").startswith(
        f"{tmp_path}/history.jsonl: not a readable history ('utf-8' codec can't decode byte 0xff"
    )
    (tmp_path / "folder").mkdir()
    assert "not a readable history ([Errno 21] Is a directory" in refusal(tmp_path / "folder")
