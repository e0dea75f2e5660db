"""Any text as Markdown that shows exactly that text: it marks nothing up, and calls no user by name."""

from __future__ import annotations

import re

from fvcli.golden.reports.printable import printable

PLAIN_NAME = re.compile(r"[A-Za-z0-9._/+=-]([A-Za-z0-9._/+= -]*[A-Za-z0-9._/+=-])?")
# What begins markup in GitHub's and GitLab's dialects, also in the middle of a line, and addresses, because a
# link would swallow the references behind it. A reference is never markup, not even in a table (CommonMark
# 0.31, section 2.5).
MARKUP = re.compile(r"[!\"#$&'*<>@\[\\\]^_`{|}~]|:(?=//)|(?<=www)\.", re.IGNORECASE)
CALL = re.compile(r"@(?=\w)")
AFTER_AT = "\u200b"  # a space without width: what stands behind an at sign is then no user
MOST = 300  # characters of a sentence
MOST_OF_NAME = 600  # a job and a unit, whose names are at most 255 bytes each


def as_text(text: str) -> str:
    """Return a sentence that can stand in a paragraph, a list or a table; a long one is cut."""
    line = CALL.sub(f"@{AFTER_AT}", printable(text, MOST))
    return MARKUP.sub(_reference, line)


def as_name(text: str) -> str:
    """Return a name in the letters of code.

    Usual names stand between backticks, because people read the source too. A pipe cannot: tables are split
    before code is found.
    """
    line = printable(text, MOST_OF_NAME)
    if PLAIN_NAME.fullmatch(line):
        return f"`{line}`"
    return f"<code>{MARKUP.sub(_reference, line)}</code>"


def as_code_block(line: str, language: str) -> list[str]:
    """Return the lines of a block of code, fenced by more backticks than the code has in a row."""
    code = printable(line)
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, code, fence]


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
