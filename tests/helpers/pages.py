"""What the pages of the manual show: their blocks, the files that these are, and their commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(
    r'^```(?P<kind>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE
)
TASK_PAGES = (
    *("tutorial", "own-model", "choosing-layers", "atlas", "classes", "dreams", "films", "own-needs"),
    "examples",
    *("index", "shared-folder", "compare-in-ci", "commands", "run-folder", "troubleshooting", "stability"),
    *("glossary", "json-files"),
)


class Block(NamedTuple):
    """A fenced block of a page.

    kind: Its language, such as yaml; empty if it names none.
    title: The file that it is, or empty.
    """

    kind: str
    title: str
    text: str


def page(name: str) -> str:
    """Return the text of a page of docs/, or of README."""
    return (ROOT / "README.md" if name == "README" else DOCS / f"{name}.md").read_text()


def blocks(text: str) -> Iterator[Block]:
    for found in BLOCK.finditer(text):
        yield Block(found["kind"], found["title"] or "", found["text"])


def commands(text: str) -> list[str]:
    """Return the lines with a prompt, without it."""
    return [line for block in blocks(text) for line in _prompted(block)]


def shown_commands(text: str) -> list[list[str]]:
    """Return the words of every fvcli command that is shown anywhere, without ``fvcli``."""
    lines = [line for block in blocks(text) if not block.kind for line in block.text.splitlines()]
    lines += commands(text)
    lines += re.findall(r"`(fvcli [^`]+)`", BLOCK.sub("", text))
    return [shlex.split(line)[1:] for line in dict.fromkeys(lines) if line.startswith("fvcli ")]


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a reader does, in order: a file name and its text, or an empty name and a command."""
    for block in blocks(text):
        if block.title:
            yield block.title, block.text
        for line in _prompted(block):
            yield "", line


def _prompted(block: Block) -> list[str]:
    lines = block.text.splitlines() if block.kind == "console" else []
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def quicker(words: list[str]) -> list[str]:
    """Return the words of a command with those behind them that make it take seconds."""
    if words[0] == "calibrate":
        return [*words, "--quick"]
    if words[0] == "work":
        return [*words, "--in-process"]
    if words[0] not in {"render", "prepare"}:
        return words
    steps = [] if any(word.startswith("render.steps=") for word in words) else ["render.steps=1"]
    smaller = ["render.size_px=64", "render.batch_size=2", *steps]
    return [*words, *(word for change in smaller for word in ("--set", change))]
