"""Comparisons without runs, and names that no report may stumble over."""

from __future__ import annotations

from typing import Any

from fvcli.golden.results import Comparison, UnitResult

HOSTILE = [
    *("a\x00\x07\x1b[31mb", "two\nlines\r\n", "\u202eevil\u2028", "\ud800", "\udcff", "\ufffe\uffff"),
    *("]]>", "<script>alert(1)</script>", "&amp;", "\"quoted'", "</testcase>", "[[ATTACHMENT|x]]"),
    *("a|b", "\\|", "`code`", "```", "**bold**", "[x](http://y)", "www.x.y>|", "@team", "#1", "$a$", "~/x"),
    *("../../etc/passwd", "/root", "..", ".", "", " ", "-rf", ".hidden", "con", "a\\b", "%2e%2e%2f"),
    *("Case", "case", "é", "e\u0301", "😀👩‍🚀", "x" * 255, "写" * 85),
]


def unit_result(path: str = "job/unit", status: Any = "match", **more: Any) -> UnitResult:
    """Return what was found of a unit; its job is what stands before the first slash."""
    job, _, unit = path.partition("/")
    facts = {"job": job, "unit": unit, "label": unit, "layer": "mixed4a", **more}
    return UnitResult(path=path, status=status, **facts)


def comparison(*units: UnitResult, **more: Any) -> Comparison:
    return Comparison(**{"golden": "golden", "run": "run", "units": units, **more})


def hostile_comparison(status: Any = "diff") -> Comparison:
    """Return a comparison in which each hostile name stands everywhere that a name can stand."""
    units = [
        unit_result(
            *(f"{name}/{name}", status),
            **{"job": name, "unit": name, "label": name, "layer": name, "why": name, "settings": (name,)},
            values={"score": float("nan"), name: float("inf")},
        )
        for name in HOSTILE
    ]
    texts = tuple(HOSTILE)
    return comparison(*units, golden=HOSTILE[0], run=HOSTILE[1], remarks=texts, could_not_tell=texts)
