"""Write how two networks differ, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

from fvcli.golden.model_diff import ModelDiff
from fvcli.golden.reports.diff_html import write_diff_html
from fvcli.golden.reports.picture_paths import seen_from
from fvcli.golden.reports.results_file import plain
from fvcli.run.atomic import write_atomic

DATA = "diff.json"


def write_diff(found: ModelDiff, folder: Path) -> Path:
    """Write diff.html and diff.json to a folder; return the page.

    In diff.json numbers that are not finite become null. Pictures are named as seen from the folder.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    data = plain(found.to_dict())
    for unit in data["units"]:
        for side in (unit["a"], unit["b"]):
            side["picture"] = seen_from(folder, side["picture"])
    write_atomic(folder / DATA, (json.dumps(data, indent=1, allow_nan=False) + "\n").encode("ascii"))
    return write_diff_html(found, folder)
