"""``fvcli layers``."""

from __future__ import annotations

from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.options import code_option
from fvcli.cli.table import print_json, print_table
from fvcli.errors import UsageError

if TYPE_CHECKING:
    from fvcli.models import GraphNode, LayerFacts, ModelChoice, ModelFacts

# What the kinds mean to somebody who looks for something to render.
NOTES = {
    "batch_norm": "pre-activation",
    "relu": "activation",
    "relu6": "activation",
    "add": "residual sum",
}


@click.command()
@click.argument("model")
@click.option("--size", "size_px", type=int, help="Input side in pixels; the model's own if left out.")
@click.option(
    "--match",
    metavar="PATTERN",
    help="Only layers whose name or kind matches, such as '*_expand_bn' or concat.",
)
@click.option("--nodes", is_flag=True, help="List all nodes of a TensorFlow graph, to choose its input.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@code_option
def layers(
    model: str, size_px: int | None, match: str | None, nodes: bool, as_json: bool, allow_code: bool
) -> None:
    """List the layers of a MODEL: what a spec can render.

    MODEL is a name, a file, or a spec with a model. Shapes are height x width x
    channels at the model's input size. The receptive field is the rectangle of pixels
    that one position sees, the stride the distance from one position to the next, and
    the offset the row and column at which the first field begins. Of a layer's other
    names the first is shown; --json has them all.

    \b
      fvcli layers efficientnet-lite0
      fvcli layers efficientnet-lite0 --match 'block4_*'
      fvcli layers efficientnet-lite0 --json
      fvcli layers my_model.keras
      fvcli layers my_graph.pb --nodes --match '*Reshape*'
    """
    from fvcli.app.describe_model import describe_model, nodes_of_graph
    from fvcli.app.plan_spec import model_of

    if nodes:
        if size_px is not None:
            raise UsageError("--size with --nodes: nodes are the same at any size", "leave --size out")
        print_nodes(nodes_of_graph(model_of(model)), match, as_json)
        return
    facts = describe_model(without_weights(model_of(model)), allow_code)
    height, width = facts.native_size_px if size_px is None else (size_px, size_px)
    if size_px is not None and size_px < facts.min_size_px:
        raise UsageError(
            f"--size {size_px} is too small for {model}", f"it needs at least {facts.min_size_px}"
        )
    at = facts.layers_at(height, width)
    found = [at[name] for name in (at if match is None else _matching(match, facts))]
    if as_json:
        print_json([layer_json(layer, facts) for layer in found])
    else:
        print_layers(found, facts)


def print_nodes(nodes: list[GraphNode], match: str | None, as_json: bool) -> None:
    wanted = [node for node in nodes if match is None or fnmatchcase(node.name, match) or node.op == match]
    if not wanted:
        raise UsageError(f"--match {match}: no node is like that", "leave it out to see all")
    if as_json:
        print_json([asdict(node) for node in wanted])
        return
    rows = [(node.name, node.op, node.made, ", ".join(node.reads)) for node in wanted]
    print_table(("node", "operation", "makes", "reads"), rows)


def _matching(pattern: str, facts: ModelFacts) -> list[str]:
    from fvcli.plan.layer_names import hint_for, matching, of_kind

    wanted = {*matching(pattern, facts), *of_kind(pattern, facts)}
    found = [node.name for node in facts.nodes if node.name in wanted]
    if not found:
        raise UsageError(f"--match {pattern}: {facts.name} has no layer like that{hint_for(pattern, facts)}")
    return found


def without_weights(choice: ModelChoice) -> ModelChoice:
    """Return a choice that can be described where weights would have to be downloaded first."""
    from fvcli.models import weights_are_remote

    return replace(choice, weights="random") if weights_are_remote(choice) else choice


def print_layers(found: list[LayerFacts], facts: ModelFacts) -> None:
    columns = ("layer", "kind", "shape", "receptive field", "stride", "offset", "made from", "")
    print_table(columns, [_row(layer, facts) for layer in found])


def _row(layer: LayerFacts, facts: ModelFacts) -> tuple[Any, ...]:
    field, stride, offset = layer.receptive_field_px, layer.stride_px, layer.offset_px
    return (
        layer.name,
        layer.kind,
        f"{layer.height}x{layer.width}x{layer.channels}",
        "whole image" if field is None else f"{_across(field)} px",
        "-" if stride is None else f"{_across(stride)} px",
        "-" if stride is None else _across(offset),
        ", ".join(layer.inputs),
        _note(layer, facts),
    )


def _across(pair: tuple[Any, Any]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def _note(layer: LayerFacts, facts: ModelFacts) -> str:
    of_one = layer.kind == "add" and len(layer.inputs) < 2  # a bias or a constant is added
    behind = layer.kind == "batch_norm" and _is_behind_activation(layer, facts)
    notes = [NOTES[layer.kind]] if layer.kind in NOTES and not of_one and not behind else []
    if layer.name == facts.logits:
        notes.append("class logits")
    notes += [f"{name} {first}-{end - 1}" for name, (first, end) in _branches(layer, facts).items()]
    return " ".join(filter(None, (", ".join(notes), _also(_aliases(layer, facts)))))


def _is_behind_activation(layer: LayerFacts, facts: ModelFacts) -> bool:
    below = (node for node in facts.nodes if node.name in layer.inputs)
    return any(NOTES.get(node.kind) == "activation" for node in below)


def _aliases(layer: LayerFacts, facts: ModelFacts) -> list[str]:
    return [alias for alias, name in facts.aliases.items() if name == layer.name]


def _also(aliases: list[str]) -> str:
    """Name the first, which is the best known; a layer of GoogLeNet has a name in every framework."""
    return f"(also: {aliases[0]}{', ...' if len(aliases) > 1 else ''})" if aliases else ""


def _branches(layer: LayerFacts, facts: ModelFacts) -> dict[str, tuple[int, int]]:
    """Return from which channel to before which each branch of a layer reaches."""
    firsts = facts.branches.get(layer.name, {})
    ends = [*firsts.values(), layer.channels][1:]
    return {name: (first, end) for (name, first), end in zip(firsts.items(), ends, strict=True)}


def layer_json(layer: LayerFacts, facts: ModelFacts) -> dict[str, Any]:
    """Return what is known of a layer as plain data; pairs are height first."""
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shape": [layer.height, layer.width, layer.channels],
        "channels": layer.channels,
        "receptive_field_px": layer.receptive_field_px and list(layer.receptive_field_px),
        "stride_px": layer.stride_px and [float(stride) for stride in layer.stride_px],
        "offset_px": list(layer.offset_px) if layer.stride_px else None,
        "made_from": list(layer.inputs),
        "branches": {name: list(ends) for name, ends in _branches(layer, facts).items()},
        "aliases": _aliases(layer, facts),
    }
