"""atlas.js: what the pages of a site do beside showing themselves, joined from the files of ``page/script``.

It is one file of one scope, because pages that are files may not import modules.
"""

from __future__ import annotations

from importlib.resources import files

SCRIPT = "atlas.js"
CHAPTER = ("order", "address", "keys", "pictures", "map")
PARTS = (  # in an order in which constants stand before what uses them
    *("data", "theme_and_keys", "copy", "tiles", "search", "overview"),
    *(f"chapter_{name}" for name in CHAPTER),
    *("chapter", "entry", "start"),
)


def site_script() -> str:
    """Return the script of all pages."""
    folder = files("fvcli.atlas.site") / "page" / "script"
    parts = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in PARTS)
    head = (
        "// What the pages of an atlas do beside showing themselves. Without scripts all of it is left out."
    )
    return f'{head}\n"use strict";\nconst fvcli = (() => {{\n{parts}}})();\n'
