"""Put the page together: contents, sections, an entry for each model, a row for each key."""

from __future__ import annotations

from typing import Any

from fvcli.spec.base import WHEN_LEFT_OUT
from fvcli.spec.schema import Render
from reference_page.defaults import HEADINGS, flow
from reference_page.sections import heading_of, kind_of, link, models, sections
from reference_page.texts import AFTER, BEFORE, HEAD
from reference_page.types import takes

EXAMPLE = "Example: "
EXTENDS_RENDER = ("Job", "Variant")


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, contents()]
    for title, names in sections().items():
        parts += [f"## {title}\n", *filter(None, [BEFORE.get(title)])]
        parts += [_entry(name, title) for name in names]
        parts += filter(None, [AFTER.get(title)])
    return "\n".join(parts)


def contents() -> str:
    """Return a list of the sections, with links to all that is in them."""
    lines = []
    for title, names in sections().items():
        below = [name for name in names if name != title]
        inside = ", ".join(link(f"`{kind_of(n)}`" if kind_of(n) else n, heading_of(n)) for n in below)
        lines.append(f"- {link(title, title)}" + (f": {inside}" if inside else ""))
    return "\n".join([*lines, ""])


def _entry(name: str, section: str) -> str:
    node = models()[name]
    said, _, example = node.get("description", "").partition(EXAMPLE)
    keys = node.get("properties", {})
    hidden = {"kind", *(Render.model_fields if name in EXTENDS_RENDER else ())}
    rows = [row(key, keys[key], key in node.get("required", ())) for key in keys if key not in hidden]
    table = ["| key | takes | default | what it does |", "|---|---|---|---|", *rows, ""] if rows else []
    heading = [] if name == section else [f"### {heading_of(name)}", ""]
    shown = ["", f"`{' '.join(example.split())}`"] if example else []
    return "\n".join([*heading, " ".join(said.split()), *shown, "", *table])


def row(key: str, node: dict[str, Any], required: bool) -> str:
    """Return the line of a key in a table."""
    return f"| `{key}` | {takes(node)} | {default(node, required)} | {node.get('description', '')} |"


def default(node: dict[str, Any], required: bool) -> str:
    """Say what happens if a key is left out."""
    if required:
        return "needed"
    words = node.get(WHEN_LEFT_OUT)
    if words is None:
        return f"`{flow(node['default'])}`"
    found = next((said for said in HEADINGS if words.startswith(said)), None)
    return words if found is None else link(found, HEADINGS[found]) + words.removeprefix(found)
