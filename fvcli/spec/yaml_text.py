"""Read YAML 1.2 text into plain data, with the line of every value, and nothing else.

Stock loaders read ``5e-2`` as text and ``no`` as false, keep the last of two equal keys in silence and
expand aliases without end. Here numbers and words are those of YAML 1.2's core schema, equal keys are
mistakes, tags are refused and aliases are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver

from fvcli.spec.problems import KeyPath, Problem

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 100_000  # after aliases are expanded
MAX_DEPTH = 40
WIDTH = 110  # of lines that are written
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
            parsed.data = _Reader(loader, parsed).value(node, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        parsed.problems.append((line, Problem((), f"not valid YAML: {error.problem or error.context}")))
    except YAMLError as error:
        parsed.problems.append((1, Problem((), f"not a YAML file: {str(error).splitlines()[0]}")))
    except RecursionError:
        parsed.problems.append((1, Problem((), "the YAML is nested too deeply")))
    except _TooMuchError as error:
        parsed.problems.append((1, Problem((), str(error))))
    return parsed


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


class _Reader:
    def __init__(self, loader: YAML, parsed: Parsed) -> None:
        self._loader = loader
        self._parsed = parsed
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
            self._report(line, path, f"the tag or type {node.tag} is not allowed")
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            where = (*path, key)
            if key_node.tag not in TAGS[ScalarNode]:
                self._report(line, path, "a key must be plain text")
                continue
            if key in result:
                first = self._parsed.lines[where]
                self._report(line, where, f"the key is there twice (first on line {first})")
                continue
            self._parsed.lines[where] = line
            result[key] = self.value(value_node, where)
        return result

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        try:
            return self._loader.constructor.construct_object(node)
        except (YAMLError, ValueError) as error:
            self._report(node.start_mark.line + 1, path, f"unreadable value: {error}")
            return None

    def _report(self, line: int, path: KeyPath, message: str) -> None:
        self._parsed.problems.append((line, Problem(path, message)))
