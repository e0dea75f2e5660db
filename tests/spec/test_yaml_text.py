"""YAML 1.2 as people mean it: numbers, words, equal keys, lines, and nothing that runs or explodes."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvcli.spec.yaml_text import MAX_DEPTH, MAX_VALUES, parse_yaml


def messages(text: str) -> list[tuple[int, str]]:
    return [(line, problem.message) for line, problem in parse_yaml(text).problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-2", 0.05),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-1.5E+2", -150.0),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1:30", "1:30"),
        ("0-15", "0-15"),
        ("'5'", "5"),
        ('"no"', "no"),
        ("2026-01-31", "2026-01-31"),
        ("[1, a, 2.0]", [1, "a", 2.0]),
        ("{a: {b: [1]}}", {"a": {"b": [1]}}),
        ("{1: a, no: b, 5e-2: c}", {"1": "a", "no": "b", "5e-2": "c"}),
    ],
)
def test_value(text: str, value: object) -> None:
    parsed = parse_yaml(text)
    assert parsed.problems == []
    assert parsed.data == value
    assert type(parsed.data) is type(value)


ODD = {"a\U0001f600": "\U0001f98a!", "halves": ["\ud83d", "\ude00\ud83d"], "plain": "\u00e9\u2028"}


def test_json_with_escaped_characters_is_what_json_says() -> None:
    assert parse_yaml(json.dumps(ODD)).data == ODD
    assert "\\ud83e\\udd8a" in json.dumps(ODD)


@settings(max_examples=40)
@given(st.text(max_size=20))
def test_any_text_that_json_escapes(text: str) -> None:
    whole = json.loads(json.dumps(text))
    parsed = parse_yaml(json.dumps([text]))
    assert (parsed.problems, parsed.data) == ([], [whole])


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parse_yaml(".nan").data)
    assert parse_yaml("-.inf").data == -math.inf


def test_value_is_the_same_under_an_old_version() -> None:
    """A %YAML directive does not bring back octals and the Norwegian no."""
    parsed = parse_yaml("%YAML 1.1\n---\n{a: no, b: 010}\n")
    assert parsed.problems or parsed.data == {"a": "no", "b": 10}


def test_lines() -> None:
    parsed = parse_yaml("# a spec\na:\n  b: 1\n  c:\n    - x\n    -\n      d: 2\ne: {f: 3,\n  g: 4}\n")
    assert parsed.lines == {
        (): 2,
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "c"): 4,
        ("a", "c", 0): 5,
        ("a", "c", 1): 7,
        ("a", "c", 1, "d"): 7,
        ("e",): 8,
        ("e", "f"): 8,
        ("e", "g"): 9,
    }


def test_lines_behind_an_alias() -> None:
    parsed = parse_yaml("a: &x\n  b: 1\nc: *x\n")
    assert parsed.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert parsed.lines[("c",)] == 3
    assert parsed.lines[("c", "b")] == 2


def test_lines_after_windows_ends() -> None:
    assert parse_yaml("a: 1\r\nb: 2\r\n").lines[("b",)] == 2


def test_aliases_are_copies() -> None:
    data = parse_yaml("a: &x {b: 1}\nc: *x\n").data
    assert data["a"] is not data["c"]


def test_equal_keys_name_both_lines() -> None:
    text = "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n"
    parsed = parse_yaml(text)
    assert [(line, problem.path) for line, problem in parsed.problems] == [(5, ("b", "c")), (6, ("a",))]
    assert [text for _, text in messages(text)] == [
        "the key is there twice (first on line 3); remove one",
        "the key is there twice (first on line 1); remove one",
    ]
    assert parsed.data == {"a": 1, "b": {"c": 1, "d": 2}}


def test_keys_that_are_written_differently_may_be_equal() -> None:
    assert messages("a: 1\n'a': 2\n") == [(2, "the key is there twice (first on line 1); remove one")]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: \x00", 1, "not a YAML file: U+0000 may not stand in it"),
        ("? [a]\n: 1\n", 1, "a key must be plain text"),
        ("a: !mine 3\n", 1, "the tag or type !mine is not allowed"),
        ("a: 1\nb: !!binary aGk=\n", 2, "the tag or type tag:yaml.org,2002:binary is not allowed"),
        ("a: !!int x\n", 1, "unreadable value"),
        ("a: !!float x\n", 1, "unreadable value"),
        ("a: !mine [3]\n", 1, "the tag or type !mine is not allowed"),
        ("a: !!set {3}\n", 1, "the tag or type tag:yaml.org,2002:set is not allowed"),
        ("!!python/object:os.system {}\n", 1, "is not allowed"),
    ],
)
def test_mistake(text: str, line: int, words: str) -> None:
    ((found, message),) = messages(text)
    assert found == line
    assert words in message


def test_core_tags_are_allowed() -> None:
    assert parse_yaml("a: !!str 5\nb: !!float 5\n").data == {"a": "5", "b": 5.0}


def test_depth() -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "]" * depth

    assert messages(nested(MAX_DEPTH)) == []
    assert len(messages(nested(MAX_DEPTH + 2))) == 1
    assert messages("[" * 600) == [(1, "the YAML is nested too deeply")]


def test_aliases_are_counted() -> None:
    ten = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))
    assert messages(ten) == [(1, f"more than {MAX_VALUES:,} values once aliases are expanded")]


def test_alias_of_itself() -> None:
    ((_, message),) = messages("a: &a [*a]\n")
    assert "an alias that contains itself" in message


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    """Whatever the text, the answer is plain data or a message."""
    parsed = parse_yaml(text)
    for line, problem in parsed.problems:
        assert line >= 1
        assert problem.message


@settings(deadline=None)
@given(st.text(alphabet="a:-[]{}&*!#|>?%@`'\",.\n 01<~\t", max_size=40))
def test_any_punctuation(text: str) -> None:
    parse_yaml(text)
