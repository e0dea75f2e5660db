"""summary.md."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.golden.reports.markdown import summary, write_summary
from fvcli.golden.reports.markdown_text import as_code_block, as_name, as_text
from fvcli.golden.reports.printable import printable
from fvcli.golden.results import Drift
from tests.golden.reports.test_printable import ANY_TEXT
from tests.helpers.plain_comparisons import HOSTILE, comparison, hostile_comparison, unit_result

REFERENCE = re.compile(r"&#\d+;")


def test_a_regression() -> None:
    found = comparison(
        unit_result("edges/channel-0042", "missing", why="the run does not have it"),
        unit_result(
            *("edges/channel-0043", "diff"),
            **{"gate": "first_steps", "why": "score -2.6 % (limit 1 %)", "excess": 98.0},
            values={"first_steps": 0.0261, "texture": 0.98},
            limits={"first_steps": 0.01, "texture": 0.01},
        ),
        unit_result("edges/a b|c", "settings", why="the spec changed", settings=("render.steps: 64 -> 32",)),
        unit_result("edges/channel-0044", "close", excess=0.5),
        drift=Drift(3, -0.012, 0.003),
        could_not_tell=("which CPU the golden was rendered on",),
        remarks=("2 <b>old</b> units",),
    )
    assert summary(found, page=Path("report/report.html")) == (
        """\
## fvcli compare: regression

Compared 4 units of `run` with `golden`: 1 missing, 1 diff, 1 settings, 1 close.
**3 units fail.**

Mean change of the scores: -1.2 % over 3 units (limit 0.3 %), **beyond the limit**.
It is from the golden's pictures to the run's, by one network.

| unit | status | decided by | finding | times the limit |
|---|---|---|---|---:|
| `edges/channel-0042` | missing |  | the run does not have it |  |
| `edges/channel-0043` | diff | first steps | score -2.6 % (limit 1 %) | 2.61 |
| <code>edges/a b&#124;c</code> | settings |  | the spec changed; render.steps: 64 -&#62; 32 |  |

### Could not be found out

- which CPU the golden was rendered on

### Remarks

- 2 &#60;b&#62;old&#60;/b&#62; units

### What to do

Look at the pictures in `report/report.html`; a CI job has it among its artifacts.
If the change is wanted, accept it and commit the golden:

```sh
fvcli accept run --golden golden --reason 'why it changed'
```
"""
    )


def test_no_regression() -> None:
    found = comparison(
        unit_result(), unit_result("job/two", "new"), drift=Drift(1, 0.001, 0.003), allow_new=True
    )
    assert summary(found) == (
        """\
## fvcli compare: no regression

Compared 2 units of `run` with `golden`: 1 new, 1 match.
No unit fails.

Mean change of the scores: +0.1 % over 1 unit (limit 0.3 %), within the limit.
It is from the golden's pictures to the run's, by one network.
"""
    )


def test_only_the_drift_is_too_much() -> None:
    text = summary(comparison(unit_result(), drift=Drift(1, 0.01, 0.003)))
    assert text.startswith("## fvcli compare: regression\n")
    assert "No unit fails." in text
    assert "| unit |" not in text
    assert "fvcli accept run" in text


def test_what_to_do_fits_what_was_found() -> None:
    """A drift is of pictures that are each within the limits; what is damaged cannot be accepted."""
    drift = Drift(1, 0.01, 0.003)
    mend = "What could not be compared has to be mended or rendered again."
    only_drift = summary(comparison(unit_result(), drift=drift))
    assert "\nfvcli accept run --golden golden --all --reason " in only_drift
    assert mend not in only_drift
    only_errors = summary(comparison(unit_result(status="error"), unit_result()))
    assert (mend in only_errors, "fvcli accept" in only_errors) == (True, False)
    both = summary(comparison(unit_result(status="error"), unit_result("job/b", "diff"), drift=drift))
    assert (mend in both, "\nfvcli accept run --golden golden --reason " in both) == (True, True)


def test_nothing_to_compare() -> None:
    assert "Compared 0 units of `run` with `golden`: nothing." in summary(comparison())


def test_multiples_beyond_the_limit_are_told() -> None:
    """Of the value that decided: others may be further beyond theirs."""
    values = (float("inf"), 0.5, 12345.6, 2.614, 1.0004)
    units = [
        unit_result(
            *(f"job/{i}", "diff"),
            gate="texture",
            why=str(i),
            values={"texture": value, "structure": -1},
            limits={"texture": 1.0, "structure": 0.999},
        )
        for i, value in enumerate(values)
    ]
    assert [cells(row)[-1] for row in rows(summary(comparison(*units)))] == [
        "infinite",
        "",
        "12,300",
        "2.61",
        "1.01",
    ]


def test_units_of_which_the_same_is_said_share_a_row() -> None:
    """And a column that is empty in all rows is left out."""
    changed = {"why": "the spec changed", "settings": ("render.steps: 64 -> 32",)}
    units = [unit_result(f"job/{i}", "settings", **changed) for i in range(12)]
    units += [unit_result("job/a", "missing", why="gone"), unit_result("job/b", "missing", why="gone")]
    text = summary(comparison(*units))
    assert text[text.index("| unit") : text.index("### What")].rstrip() == (
        """\
| unit | status | finding |
|---|---|---|
| `job/0` and 11 more | settings | the spec changed; render.steps: 64 -&#62; 32 |
| `job/a` and 1 more | missing | gone |"""
    )
    assert "\n... and 2 more units.\n" in summary(comparison(*units), most_rows=1)
    left = "\n... and 14 more units: `r/report.html` has all.\n"
    assert left in summary(comparison(*units), most_rows=0, page=Path("r/report.html"))


def test_where_there_is_no_page_none_is_named() -> None:
    text = summary(comparison(unit_result(status="diff")))
    assert "\nLook at the pictures: the option `--report DIR` writes a page.\n" in text
    assert "report.html" not in text


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def test_fifty_units_are_named_and_all_are_counted() -> None:
    units = [unit_result(f"job/{i}", "diff", why=str(i)) for i in range(5000)]
    text = summary(comparison(*units))
    assert len(rows(text)) == 50
    assert rows(text)[0].startswith("| `job/0` | diff |")
    assert "\n... and 4950 more units.\n" in text
    assert "**5000 units fail.**" in text
    assert "more units" not in summary(comparison(*units[:50]))
    assert len(rows(summary(comparison(*units), most_rows=7))) == 7


def test_sentences_are_counted_too() -> None:
    text = summary(comparison(remarks=[f"remark {i}" for i in range(25)]))
    assert text.count("- remark") == 20
    assert "- ... and 5 more\n" in text


@pytest.mark.parametrize("limit_bytes", [1_000_000, 65_000, 20_000, 3_000, 700, 100, 10, 0])
def test_the_limit_is_kept_with_the_worst_named(limit_bytes: int) -> None:
    units = [unit_result(f"job/{i}-{'<|>' * 60}", "diff", why=f"{i}" + "&😀" * 400) for i in range(5000)]
    remarks = ["写" * 1000] * 100
    start = time.perf_counter()
    text = summary(comparison(*units, remarks=remarks, could_not_tell=remarks), limit_bytes)
    assert time.perf_counter() - start < 5
    assert len(text.encode()) <= limit_bytes
    if limit_bytes >= 20_000:
        assert "job/0-" in rows(text)[0]
        assert f"... and {5000 - len(rows(text))} more" in text
        assert "fvcli accept run" in text  # fewer units are named, and nothing else is lost
    if limit_bytes >= 700:
        assert "**5000 units fail.**" in text


def test_a_cut_keeps_whole_lines() -> None:
    whole = summary(comparison(unit_result("job/é", "diff")))
    for limit_bytes in range(40, len(whole.encode())):
        text = summary(comparison(unit_result("job/é", "diff")), limit_bytes)
        assert len(text.encode()) <= limit_bytes
        assert text.endswith("\n")


def cells(row: str) -> list[str]:
    assert "\\" not in row
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_hostile_names_stay_in_their_cells() -> None:
    text = summary(hostile_comparison())
    assert len(rows(text)) == len(HOSTILE)
    for row, name in zip(rows(text), HOSTILE, strict=True):
        path, status, finding = cells(row)
        assert status == "diff"
        shown = re.sub(r"^`|`$|</?code>", "", path)
        assert html.unescape(shown) == printable(f"{name}/{name}")
        assert not re.search(r"[<>|`*\[\]]", REFERENCE.sub("", finding))
    assert "@team" not in html.unescape(text).replace("@team/@team", "")  # in code nobody is called


@given(ANY_TEXT)
def test_any_text_is_one_cell_that_says_it(text: str) -> None:
    for written in (as_text(text), as_name(text)):
        assert "|" not in written
        assert len(written.splitlines()) <= 1
        written.encode()
    assert html.unescape(as_text(text)).replace("\u200b", "") == printable(text, 300).replace("\u200b", "")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("conv2d/channel-0042", "`conv2d/channel-0042`"),
        ("my run", "`my run`"),
        (" a", "<code> a</code>"),
        ("a_b*c", "<code>a&#95;b&#42;c</code>"),
        ("a_b", "`a_b`"),
        ("", "<code></code>"),
        ("a`b", "<code>a&#96;b</code>"),
    ],
)
def test_names_are_code(text: str, written: str) -> None:
    assert as_name(text) == written


def test_users_are_not_called() -> None:
    assert as_text("by @team, at a@b.c, @ 3") == "by &#64;\u200bteam, at a&#64;\u200bb.c, &#64; 3"


def test_addresses_are_no_links() -> None:
    assert as_text("see http://a.b and WWW.c.d: e") == "see http&#58;//a.b and WWW&#46;c.d: e"


def test_code_is_fenced_by_more_backticks_than_it_has() -> None:
    assert as_code_block("a ```` b", "sh") == ["`````sh", "a ```` b", "`````"]
    assert as_code_block("a\n```", "") == ["````", r"a\n```", "````"]


def test_folders_are_quoted_for_the_shell() -> None:
    text = summary(comparison(unit_result(status="diff"), run="my $(run)", golden="it's"))
    assert "\nfvcli accept 'my $(run)' --golden 'it'\"'\"'s' --reason 'why it changed'\n" in text


def test_the_summary_is_written(tmp_path: Path) -> None:
    found = hostile_comparison()
    write_summary(found, tmp_path / "report" / "summary.md")
    assert (tmp_path / "report" / "summary.md").read_text() == summary(found)


@given(st.integers(0, 3000), st.integers(0, 60))
def test_every_limit_is_kept(limit_bytes: int, units: int) -> None:
    found = comparison(*(unit_result(f"job/{'😀' * i}", "diff", why=str(i)) for i in range(units)))
    assert len(summary(found, limit_bytes).encode()) <= limit_bytes
