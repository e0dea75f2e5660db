"""A page that is one file: its text, style and script, the data of its units, and pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fvcli.golden.reports.page_json import safe_json
from fvcli.golden.reports.page_pictures import Placed
from fvcli.run.atomic import open_atomic

PACKAGE = "fvcli.golden.reports"
FOLDER = "page"


class Parts(NamedTuple):
    """The files of the folder ``page`` that a page is made of; scripts and styles in this order."""

    template: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...]


def write_page(
    path: Path, parts: Parts, values: Mapping[str, Any], data: Any, pictures: Iterable[Placed]
) -> Path:
    """Write a page piece by piece: with all pictures it may be too large for the memory.

    Args:
        path: Of the page.
        parts: What it is made of.
        values: What its template is told.
        data: What its script is told.
        pictures: Those that stand inside the page.

    Returns:
        The path of the page.

    Raises:
        FvcliError: The disk is full or the folder cannot be written.
    """
    with open_atomic(path) as file:
        for piece in _pieces(parts, values, data, pictures):
            file.write(piece.encode("utf-8", "replace"))  # names of files need not be valid Unicode
    return path


def _pieces(parts: Parts, values: Mapping[str, Any], data: Any, pictures: Iterable[Placed]) -> Iterator[str]:
    environment = Environment(
        loader=PackageLoader(PACKAGE, FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script, style = _joined(parts.scripts), _joined(parts.styles)
    return environment.get_template(parts.template).generate(
        **values,
        script=Markup(script),
        style=Markup(style),
        script_hash=_hash(script),
        style_hash=_hash(style),
        data=Markup(safe_json(data)),
        pictures=pictures,
    )


def _joined(names: Iterable[str]) -> str:
    folder = files(PACKAGE) / FOLDER
    return "\n".join((folder / name).read_text("utf-8") for name in names)


def _hash(text: str) -> str:
    """Return the hash by which the page's policy knows its own script or style."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode("ascii")
