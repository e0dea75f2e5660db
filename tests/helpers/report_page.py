"""report.html as a browser reads it."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


class Page(HTMLParser):
    """What a browser reads: elements with their attributes, and the texts of blocks that have an id."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: dict[str, str] = {}
        self.texts: list[str] = []
        self.source = path.read_bytes().decode("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        if tag in {"script", "style"} and self.cdata_elem:
            name = attributes.get("id") or tag
            self.blocks[name] = self.blocks.get(name, "") + data
        else:
            self.texts.append(data)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.blocks["data"])

    @property
    def units(self) -> dict[str, dict[str, Any]]:
        return {unit["path"]: unit for unit in self.data["units"]}

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def picture(self, number: int) -> bytes:
        return base64.b64decode(self.blocks[f"picture-{number}"], validate=True)
