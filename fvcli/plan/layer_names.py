"""Find layers by a pattern, by a part of their name, or by how their name is spelled."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from fvcli.errors import command
from fvcli.models import ModelFacts
from fvcli.plan.suggest import suggest_layers
from fvcli.spec.mistakes.problems import nearest

MAX_LISTED = 6
WILD = re.compile(r"[*?\[]")
ACTIVATIONS = re.compile(r"(leaky_|p|e|ge|se)?relu6?|swish|silu|gelu|mish|hard_swish|activation|tanh|sigmoid")
JOINS = ("add", "concat")


def is_pattern(name: str) -> bool:
    """Tell whether a layer's name in a spec stands for several."""
    return WILD.search(name) is not None


def matching(pattern: str, facts: ModelFacts) -> list[str]:
    """Return the layers with channels that a shell pattern names, in the network's order.

    A pattern may also name layers by their aliases.
    """
    aliased = {name for alias, name in facts.aliases.items() if fnmatch.fnmatchcase(alias, pattern)}
    return [
        node.name
        for node in facts.nodes
        if node.channels and (node.name in aliased or fnmatch.fnmatchcase(node.name, pattern))
    ]


def hint_for(name: str, facts: ModelFacts) -> str:
    """Say which layers may be meant by a name that no layer has, the better to look at first.

    Returns:
        Words to stand behind the message, with what comes before them.
    """
    known = [*(node.name for node in facts.nodes if node.channels), *facts.aliases]
    same = [other for other in known if _bare(other) == _bare(name)]
    if same:
        return f" (did you mean {same[0]}?)"
    if name.casefold() == "all":
        return "; a pattern takes several: layer: 'block*_bn', or '*' for all that have channels"
    part = max(re.split(r"[*?]|\[[^\]]*\]", name), key=len)
    found = _with_part(part, facts)
    if found:
        matching_all = command("layers", facts.name, "--match", f"*{part}*")
        more = f", ... ({len(found)} in all: {matching_all})" if len(found) > MAX_LISTED else ""
        return f"; layers with {part} in their name, the best first: {', '.join(found[:MAX_LISTED])}{more}"
    near = nearest(name, known)
    return f" (did you mean {near}?)" if near else f" (list them with: {command('layers', facts.name)})"


def _with_part(part: str, facts: ModelFacts) -> list[str]:
    """Return the layers whose name has a part, which does not end within a number, the recommended first."""
    if not _bare(part):
        return []
    pattern = re.compile(re.escape(part) + (r"(?!\d)" if part[-1].isdigit() else ""), re.IGNORECASE)
    found = [node.name for node in facts.nodes if node.channels and pattern.search(node.name)]
    return recommended_first(found, facts)


def recommended_first(names: Iterable[str], facts: ModelFacts) -> list[str]:
    """Sort layers: first what an activation follows or what is suggested, then joins, then the others."""
    suggested = {suggestion.layer.name for suggestion in suggest_layers(facts)}
    before_activations = {
        name for node in facts.nodes if ACTIVATIONS.fullmatch(node.kind) for name in node.inputs
    }
    kinds = {node.name: node.kind for node in facts.nodes}

    def rank(name: str) -> int:
        if name in before_activations:
            return 0
        return 1 if name in suggested else 2 if kinds[name] in JOINS else 3

    return sorted(names, key=rank)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
