"""What is said of a text that is no YAML: the place, plain words, and a line that is right."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.spec import SpecError, parse_document
from fvcli.spec.mistakes.excerpts import excerpt
from fvcli.spec.yaml_text import parse_yaml

JOBS = "model: m\njobs:\n  - name: a\n    layer: x\n"
MEANT = {"model": "m", "jobs": [{"name": "a", "layer": "x"}]}


def titled(title: str) -> dict[str, Any]:
    return {**MEANT, "jobs": [{"name": "a", "layer": "x", "title": title}]}


# text, line and column, words, and what the text means with the line that is offered
MISTAKES = {
    "tab": (JOBS.replace("    layer", "\tlayer"), (4, 1), "a tab indents the line", MEANT),
    "tab before a dash": (JOBS.replace("  - name", "\t- name"), (3, 1), "a tab indents the line", MEANT),
    "space behind a tab": (JOBS.replace("    layer", " \t layer"), (4, 2), "a tab indents the line", MEANT),
    "too far left": (
        JOBS.replace("    layer", "   layer"),
        (4, 4),
        "indented by 3 spaces, and 4 would",
        MEANT,
    ),
    "too far right": (JOBS.replace("    layer", "     layer"), (4, 6), "indented by 5 spaces, and 4", MEANT),
    "top key indented": (JOBS.replace("jobs:", " jobs:"), (2, 2), "by 1 space, and 0 would fit", MEANT),
    "no-break spaces": (
        JOBS.replace("    layer", "\u00a0" * 4 + "layer"),
        (4, 1),
        "indented with U+00A0 (no-break space)",
        MEANT,
    ),
    "wide colon": (JOBS.replace("model: ", "model\uff1a"), (1, 6), "the wide one, U+FF1A", MEANT),
    "no space": (JOBS.replace("model: ", "model:"), (1, 7), "a space is missing after model:", MEANT),
    "no space below": (JOBS.replace("name: ", "name:"), (3, 10), "a space is missing after name:", MEANT),
    "no space at last": (
        JOBS + "    title:t\n    steps: 3\n",
        (5, 11),
        "a space is missing after title:",
        {**MEANT, "jobs": [{"name": "a", "layer": "x", "title": "t", "steps": 3}]},
    ),
    "no space in braces": (
        "model: m\njobs:\n  - {name:a, layer: x}\n",
        (3, 11),
        "a space is missing after name:",
        MEANT,
    ),
    "no colon": (JOBS.replace("jobs:", "jobs"), (2, 5), "a colon is missing after the key", MEANT),
    "no colon before a value": (JOBS.replace("model: m", "model m"), (1, 6), "a colon is missing", MEANT),
    "no space after the dash": (
        JOBS.replace("  - name", "  -name").replace("    layer", "    layer"),
        (3, 4),
        "a space is missing after the dash",
        MEANT,
    ),
    "open quote": (JOBS + '    title: "t\n', (5, 12), "the quote is not closed", titled("t")),
    "open quote above another": (
        JOBS + "    title: 't\n    sign: 'x'\n",
        (5, 12),
        "the quote is not closed",
        {**MEANT, "jobs": [{"name": "a", "layer": "x", "title": "t", "sign": "x"}]},
    ),
    "quote inside": (JOBS + "    title: 'it's'\n", (5, 16), "behind its closing quote", titled("it's")),
    "words behind a quote": (JOBS + '    title: "a" b\n', (5, 16), "behind its closing", titled('"a" b')),
    "backslash": (JOBS + '    title: "C:\\pi"\n', (5, 16), "\\ begins an escape", titled("C:\\pi")),
    "colon in a value": (JOBS + "    title: a: b\n", (5, 13), "with a colon and a space", titled("a: b")),
    "percent": (JOBS + "    title: %5\n", (5, 12), "cannot begin with % without quotes", titled("%5")),
    "at": (JOBS + "    title: @me # x\n", (5, 12), "cannot begin with @ without quotes", titled("@me")),
    "backtick": (JOBS + "    title: `t`\n", (5, 12), "cannot begin with ` without quotes", titled("`t`")),
    "star": (JOBS + "    title: */3\n", (5, 12), "* begins an alias", titled("*/3")),
    "star alone": (JOBS + "    title: *\n", (5, 12), "* begins an alias", titled("*")),
    "star in a list": (
        JOBS + "    only: [*_bn, b]\n",
        (5, 12),
        "nothing is named &_bn; quote a pattern",
        {**MEANT, "jobs": [{"name": "a", "layer": "x", "only": ["*_bn", "b"]}]},
    ),
    "bar": (JOBS + "    title: | t\n", (5, 12), "| begins a text of several lines", titled("| t")),
    "greater": (JOBS + "    title: >t\n", (5, 12), "> begins a text of several lines", titled(">t")),
    "question": (JOBS + "    title: ? t\n", (5, 12), "cannot begin with ? without quotes", titled("? t")),
    "dash": (JOBS + "    title: -\n", (5, 12), "a dash alone begins a list", titled("-")),
    "list on the key's line": (
        "model: m\njobs: - name: a\n    layer: x\n",
        (2, 7),
        "a list begins on a line of its own",
        MEANT,
    ),
    "open bracket": (
        JOBS + "    only: [a, b\n",
        (5, 11),
        "the [ is not closed with ]",
        {**MEANT, "jobs": [{"name": "a", "layer": "x", "only": ["a", "b"]}]},
    ),
    "open brace above another": (
        "model: m\njobs:\n  - {name: a, layer: x\n  - {name: b}\n",
        (3, 5),
        "the { is not closed with }",
        {"model": "m", "jobs": [{"name": "a", "layer": "x"}, {"name": "b"}]},
    ),
    "no comma": ('{"model": "m" "jobs": 1}\n', (1, 14), "a comma or a }", {"model": "m", "jobs": 1}),
    "no comma between keys": ("{model: m jobs: 1}\n", (1, 10), "a comma or a }", {"model": "m", "jobs": 1}),
    "two commas": (
        "{model: m, jobs: [1,,2]}\n",
        (1, 21),
        "the , is one too many",
        {"model": "m", "jobs": [1, 2]},
    ),
    "stray bracket": ("jobs: ]\nmodel: m\n", (1, 7), "the ] is one too many", {"jobs": None, "model": "m"}),
    "key before a dash": (
        "model: m\njobs:\n  name: a\n  - name: b\n",
        (3, 3),
        "begin the first of them with -",
        {"model": "m", "jobs": [{"name": "a"}, {"name": "b"}]},
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str) -> None:
    """The place is told, and the text is right with the line that is offered."""
    text, (line, column), words, meant = MISTAKES[name]
    ((found, problem),) = parse_yaml(text).problems
    assert (found, problem.column) == (line, column)
    assert words in problem.message
    shown, caret, *offered = problem.excerpt
    assert shown.split(" | ")[0].strip() == str(line)
    assert caret.strip("| ") == "^"
    lines = text.split("\n")
    lines[line - 1 : line] = [written.partition(" | ")[2] for written in offered]
    mended = parse_yaml("\n".join(lines))
    assert (mended.data, mended.problems) == (meant, [])


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (JOBS + "---\n" + JOBS, (5, 1), "the file holds a second document"),
        (JOBS + "...\nb: 2\n", (6, 1), "the file holds a second document"),
        ("%model: x\n" + JOBS, (1, 1), "a line that begins with % is a directive"),
        (JOBS + "    name: b\n", (5, 5), "the key is there twice (first on line 3); remove one"),
        (JOBS + "    title: &x\n", (5, 12), "&x names a value, and there is none"),
        (JOBS + "    title: !x\n", (5, 12), "the tag or type !x is not allowed"),
        (JOBS + "    title: a\x07b\n", (5, 13), "U+0007 may not stand in it; remove that character"),
        ("- a\nb: 1\n", (2, 1), "a key stands where the next entry of the list should"),
    ],
)
def test_mistakes_without_a_line_to_write(text: str, place: tuple[int, int], words: str) -> None:
    ((line, problem),) = parse_yaml(text).problems
    assert (line, problem.column) == place
    assert words in problem.message
    assert len(problem.excerpt) == 2


def test_whole_message() -> None:
    with pytest.raises(SpecError) as caught:
        parse_document(JOBS.replace("    layer", "\tlayer"), "spec.yaml")
    assert str(caught.value).splitlines() == [
        "spec.yaml:4:1: not valid YAML: a tab indents the line, and YAML takes only spaces",
        "        4 | →layer: x",
        "          | ^",
        "    write |     layer: x",
    ]


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_yaml_does(breaks: str) -> None:
    ((line, problem),) = parse_yaml((JOBS + "    title: %5\n").replace("\n", breaks)).problems
    assert (line, problem.column) == (5, 12)
    assert problem.excerpt[0] == "    5 |     title: %5"


def test_the_caret_stands_under_its_place_behind_wide_letters() -> None:
    assert excerpt("日本: x", 3, 4)[1] == "  | " + " " * 6 + "^"


def test_a_long_line_is_cut_around_the_caret() -> None:
    shown, caret = excerpt("x" * 500 + "!" + "y" * 500, 1, 500)
    assert shown.startswith("1 | …x")
    assert shown.endswith("y…")
    assert len(shown) < 120
    assert shown[caret.index("^")] == "!"
