"""Write how two networks differ, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

from fvcli.golden.model_diff import ModelDiff
from fvcli.run.atomic import write_atomic

DATA = "diff.json"


def write_diff(found: ModelDiff, folder: Path) -> Path:
    """Write diff.html and diff.json to a folder; return the page."""
    write_atomic(folder / DATA, (json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n").encode())
    return folder / DATA
