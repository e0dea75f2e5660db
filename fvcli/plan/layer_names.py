"""Find layers by a pattern, by a part of their name, or by how their name is spelled."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence

from fvcli.errors import command
from fvcli.models import ModelFacts
from fvcli.plan.activations import ACTIVATIONS
from fvcli.plan.meant_layer import bare, meant_layer
from fvcli.plan.suggest import suggest_layers, worth_rendering

MAX_LISTED = 6
WILD = re.compile(r"[*?\[]")
LIKE_ACTIVATIONS = ACTIVATIONS | {"activation", "sigmoid"}
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


def of_kind(pattern: str, facts: ModelFacts) -> list[str]:
    """Return the layers with channels whose kind a shell pattern names, in the network's order."""
    return [node.name for node in facts.nodes if node.channels and fnmatch.fnmatchcase(node.kind, pattern)]


def hint_for(name: str, facts: ModelFacts) -> str:
    """Say which layers may be meant by a name that no layer has, the better to look at first.

    Returns:
        Words to stand behind the message, with what comes before them.
    """
    known = [*(node.name for node in facts.nodes if node.channels), *facts.aliases]
    if meant := _in_other_capitals(name, facts) or _spelled_alike(name, known):
        return f" (did you mean {meant}?)"
    if name.casefold() == "all":
        return "; a pattern takes several: layer: 'block*_bn', or '*' for all that have channels"
    part = max(re.split(r"[*?]|\[[^\]]*\]", name), key=len)
    if found := _with_part(part, facts):
        return f"; layers with {part} in their name, the best first: {_listed(found, f'*{part}*', facts)}"
    if found := of_kind(name, facts):
        return f"; a layer is named by its name, not its kind; of that kind are {_listed(found, name, facts)}"
    if meant := meant_layer(name, known):
        return f" (did you mean {meant}?)"
    good = [suggestion.layer.name for suggestion in suggest_layers(facts)]
    recommended = f"; recommended are {', '.join(good)}" if good else ""
    return f" (list them with: {command('layers', facts.called)}{recommended})"


def _listed(found: Sequence[str], pattern: str, facts: ModelFacts) -> str:
    matching_all = command("layers", facts.called, "--match", pattern)
    more = f", ... ({len(found)} in all: {matching_all})" if len(found) > MAX_LISTED else ""
    return f"{', '.join(found[:MAX_LISTED])}{more}"


def _in_other_capitals(pattern: str, facts: ModelFacts) -> str | None:
    """Return a pattern in the capitals in which it matches something, if it is one."""
    forms = (pattern.lower(), pattern.upper()) if is_pattern(pattern) else ()
    return next((form for form in forms if matching(form, facts)), None)


def _spelled_alike(name: str, known: Sequence[str]) -> str | None:
    return next((other for other in known if bare(other) == bare(name)), None)


def _with_part(part: str, facts: ModelFacts) -> list[str]:
    """Return the layers whose name has a part, which does not end within a number, the recommended first."""
    if not bare(part):
        return []
    pattern = re.compile(re.escape(part) + (r"(?!\d)" if part[-1].isdigit() else ""), re.IGNORECASE)
    found = [node.name for node in facts.nodes if node.channels and pattern.search(node.name)]
    return recommended_first(found, facts)


def recommended_first(names: Iterable[str], facts: ModelFacts) -> list[str]:
    """Sort layers: what may be suggested, then what an activation follows, then joins, then the others."""
    good = {layer.name for layer in worth_rendering(facts)}
    before_activations = {
        name for node in facts.nodes if node.kind in LIKE_ACTIVATIONS for name in node.inputs
    }
    kinds = {node.name: node.kind for node in facts.nodes}

    def rank(name: str) -> int:
        if name in good:
            return 0
        return 1 if name in before_activations else 2 if kinds[name] in JOINS else 3

    return sorted(names, key=rank)
