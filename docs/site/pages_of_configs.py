"""Let pages of the site link to configs/: its files stand outside docs/, and go into the site as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
OUTSIDE, INSIDE = "](../configs/", "](configs/"


def on_files(files: Files, config: Any) -> Files:
    """Add the files of configs/ to those of docs/."""
    for path in sorted((ROOT / "configs").rglob("*.yaml")):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links lead to these, because a page's folder is the site's top."""
    return markdown.replace(OUTSIDE, INSIDE)
