"""What a key takes, in a few words."""

from __future__ import annotations

import re
from typing import Any

from fvcli.spec.base import FORM
from reference_page.sections import ONE_OF, heading_of, link, section_of

LARGE = 1_000_000  # a bound that nobody will meet
WORDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}


def takes(node: dict[str, Any]) -> str:
    """Say what a key takes."""
    if FORM in node:
        return str(node[FORM])
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return link(name, heading_of(name))
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "discriminator" in node:
        return _one_kind(node["discriminator"]["mapping"])
    if "anyOf" in node:
        return _options([option for option in node["anyOf"] if option.get("type") != "null"])
    if node.get("type") == "array":
        return _list(node)
    return WORDS.get(node.get("type", ""), "mapping") + _bounds(node)


def _one_kind(mapping: dict[str, str]) -> str:
    """Link to the section of all kinds, instead of naming them."""
    title = section_of(next(iter(mapping.values())).rpartition("/")[2])
    return link(ONE_OF[title], title)


def _options(options: list[dict[str, Any]]) -> str:
    kinds = [option for option in options if "discriminator" in option]
    if kinds:
        return takes(kinds[0])
    lists = [option for option in options if option.get("items") in _single(options)]
    said = dict.fromkeys(takes(option) for option in options if option not in lists)
    return " or ".join(said) + (", or a list of them" if lists else "")


def _single(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what an entry would be in a list of what the other options are."""
    single = [option for option in options if option.get("type") != "array" or "prefixItems" in option]
    return [*single, {"anyOf": single}]


def _list(node: dict[str, Any]) -> str:
    if "prefixItems" in node:
        return "[" + ", ".join(takes(item) for item in node["prefixItems"]) + "]"
    return "list of " + re.sub(r"^(whole number|number|text)\b", r"\1s", takes(node.get("items", {})))


def _bounds(node: dict[str, Any]) -> str:
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    if high is not None and high >= LARGE:
        high = None
    if low is None and high is None:
        return ""
    if high is None:
        return f" from {low}" if "minimum" in node else f" above {low}"
    return f" {low} to {high}" if low is not None else f" to {high}"
