"""Write how two networks differ, for people and for programs."""

from __future__ import annotations

from pathlib import Path

from fvcli.golden.model_diff import ModelDiff
from fvcli.golden.reports.diff_html import write_diff_html
from fvcli.golden.reports.results_file import write_data

DATA = "diff.json"


def write_diff(found: ModelDiff, folder: Path) -> Path:
    """Write diff.html and diff.json to a folder; return the page.

    In diff.json numbers that are not finite become null. Pictures are named as seen from the folder.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    write_data(found.to_dict(), folder / DATA, sides=("a", "b"))
    return write_diff_html(found, folder)
