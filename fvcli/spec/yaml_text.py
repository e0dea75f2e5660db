"""Read YAML 1.2 text into plain data, with the line of every value, and nothing else.

Stock loaders read ``5e-2`` as text and ``no`` as false, keep the last of two equal keys in silence and
expand aliases without end. Here numbers and words are those of YAML 1.2's core schema, equal keys are
mistakes, tags are refused and aliases are counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver

from fvcli.spec.mistakes.excerpts import excerpt
from fvcli.spec.mistakes.problems import KeyPath, Problem
from fvcli.spec.mistakes.yaml_mistakes import BREAK, NO_SPACE, Mistake, explain, odd_space, quoted

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 100_000  # after aliases are expanded
MAX_DEPTH = 40
WIDTH = 110  # of lines that are written
PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
TAGS = {
    ScalarNode: {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")},
    SequenceNode: {"tag:yaml.org,2002:seq"},
    MappingNode: {"tag:yaml.org,2002:map"},
}


@dataclass
class Parsed:
    """Plain data, the line (from 1) of each path, and what was wrong with the text."""

    data: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[tuple[int, Problem]] = field(default_factory=list)


class _TooMuchError(Exception):
    pass


class _CoreResolver(VersionedResolver):
    """Read words by YAML 1.2's core schema, whatever version the text names; dates are text there."""

    @property
    def processing_version(self) -> tuple[int, int]:
        return 1, 2

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag = super().resolve(kind, value, implicit)
        return tag if str(tag) in TAGS[kind] else self.DEFAULT_SCALAR_TAG


def parse_yaml(text: str) -> Parsed:
    """Parse a document; never raises for what is in the text."""
    parsed = Parsed()
    if len(text) > MAX_CHARACTERS:
        parsed.problems.append((1, Problem((), f"the file is longer than {MAX_CHARACTERS:,} characters")))
        return parsed
    loader = YAML(typ="safe", pure=True)
    loader.Resolver = _CoreResolver
    try:
        node = loader.compose(text)
        if node is not None:
            parsed.data = _Reader(loader, parsed, text).value(node, ())
    except YAMLError as error:
        mistake = explain(text, error, _stop)
        parsed.problems.append(_shown(mistake, (), BREAK.split(text)))
    except RecursionError:
        parsed.problems.append((1, Problem((), "the YAML is nested too deeply")))
    except _TooMuchError as error:
        parsed.problems.append((1, Problem((), str(error))))
    return parsed


def _stop(text: str) -> tuple[int, int] | None:
    """Return the line and column at which the reader gives up, or None if it does not."""
    try:
        YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return (mark.line, mark.column) if mark else (0, 0)
    except YAMLError:
        return 0, 0
    return None


def _shown(mistake: Mistake, path: KeyPath, lines: Sequence[str]) -> tuple[int, Problem]:
    """Return a mistake as a problem with its line in view; at the end of the text there is none to show."""
    line = lines[mistake.line] if mistake.line < len(lines) else ""
    number = mistake.line + 1
    below = excerpt(line, number, mistake.column, mistake.write) if line else ()
    return number, Problem(path, mistake.message, mistake.column + 1, below)


def write_yaml(data: Any) -> str | None:
    """Return plain data as a document that ``parse_yaml`` reads as the same data, or None if it would not."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # its stub says None
    writer.width = WIDTH
    file = StringIO()
    writer.dump(data, file)
    text = file.getvalue()
    return text if parse_yaml(text).data == data else None  # for odd characters


def inline(data: Any) -> str:
    """Write plain data on one line, as a value in a spec."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{key}: {inline(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list | tuple):
        return "[" + ", ".join(map(inline, data)) + "]"
    if not isinstance(data, str):
        return "null" if data is None else str(data).lower() if isinstance(data, bool) else repr(data)
    return data if parse_yaml(f"[{data}]").data == [data] else quoted(data)


def _whole(text: str) -> str:
    """Return a text in which the two halves that JSON writes a character beyond FFFF as are one character.

    YAML 1.2 takes JSON, and most programs that write it write an emoji as two halves (RFC 8259, section 7).
    """
    return PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


class _Reader:
    def __init__(self, loader: YAML, parsed: Parsed, text: str) -> None:
        self._loader = loader
        self._parsed = parsed
        self._lines = BREAK.split(text)
        self._values = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _TooMuchError(f"more than {MAX_VALUES:,} values once aliases are expanded")
        if len(path) > MAX_DEPTH:
            raise _TooMuchError(f"nested more than {MAX_DEPTH} deep, or an alias that contains itself")
        line = node.start_mark.line + 1
        self._parsed.lines.setdefault(path, line)
        if node.tag not in TAGS[type(node)]:
            self._report(node, path, f"the tag or type {node.tag} is not allowed")
            return None
        if node.anchor and isinstance(node, ScalarNode) and not node.value and not node.style:
            self._report(node, path, f"&{node.anchor} names a value, and there is none; quote a text with &")
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _whole(str(key_node.value))
            if key_node.tag not in TAGS[ScalarNode]:
                self._report(key_node, path, "a key must be plain text")
                continue
            tight = NO_SPACE.match(key)
            if tight and not key_node.style and not value_node.value:
                self._report_tight(key_node, path, key, tight.end())
                continue
            if key[:1].isspace() and (odd := odd_space(self._lines, key_node.start_mark.line)):
                self._parsed.problems.append(_shown(odd, path, self._lines))
                continue
            where = (*path, key)
            if key in result:
                first = self._parsed.lines[where]
                self._report(key_node, where, f"the key is there twice (first on line {first}); remove one")
                continue
            self._parsed.lines[where] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, where)
        return result

    def _report_tight(self, node: Node, path: KeyPath, text: str, end: int) -> None:
        """Report ``name:a`` within braces, which is one key and no value."""
        line = self._lines[node.start_mark.line]
        column = node.start_mark.column + end
        write = (f"{line[:column]} {line[column:]}",)
        self._report(node, path, f"a space is missing after {text[:end]}", end, write)

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        try:
            found = self._loader.constructor.construct_object(node)
            return _whole(found) if isinstance(found, str) else found
        except (YAMLError, ValueError) as error:
            self._report(node, path, f"unreadable value: {error}")
            return None

    def _report(
        self, node: Node, path: KeyPath, message: str, further: int = 0, write: tuple[str, ...] = ()
    ) -> None:
        mark = node.start_mark
        mistake = Mistake(mark.line, mark.column + further, message, write)
        self._parsed.problems.append(_shown(mistake, path, self._lines))
