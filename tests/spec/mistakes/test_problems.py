"""How problems are written: dotted places, one line, and a suggestion."""

from __future__ import annotations

from fvcli.spec.mistakes.problems import did_you_mean, dotted, one_line

# ---- places and messages


def test_dotted() -> None:
    assert dotted(("jobs", 0, "objective", "terms", 1)) == "jobs[0].objective.terms[1]"
    assert dotted(()) == ""


def test_one_line() -> None:
    assert one_line("a\nb\x1b[0m\u2028 é") == "a\\nb\\x1b[0m\\u2028 é"


def test_did_you_mean() -> None:
    assert did_you_mean("stepz", ["steps", "seed"]) == " (did you mean steps?)"
    assert did_you_mean("xyz", ["steps"], "or else") == " (or else)"
    assert did_you_mean("xyz", []) == ""
