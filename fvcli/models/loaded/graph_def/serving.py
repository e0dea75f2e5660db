"""What a SavedModel can be asked to compute: its signatures, or the functions of its object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tensorflow as tf

from fvcli.errors import UsageError
from fvcli.models.files.words_of_others import printable

DEFAULT_SIGNATURE = "serving_default"
CALL = "__call__"
TRAINING = "training"  # what an argument is called that is true in training
PLAIN = {"none_value", "bool_value", "int64_value", "float64_value", "string_value"}  # kinds of values
PREFERRED = (DEFAULT_SIGNATURE, "default", CALL)  # "default" is that of modules of TensorFlow Hub


@dataclass(frozen=True)
class Argument:
    """A tensor that goes in or comes out.

    name: Of it. tensor: Of the graph's node, if it is in the graph.
    """

    name: str
    dtype: tf.DType
    shape: Any
    tensor: str = ""

    def __str__(self) -> str:
        shape = tf.TensorShape(self.shape)
        axes = [] if shape.rank is None else ["?" if n is None else str(n) for n in shape.as_list()]
        known = "any shape" if shape.rank is None else f"[{', '.join(axes)}]"
        return f"{self.name} {self.dtype.name} {known}"


@dataclass(frozen=True)
class Served:
    """Something that can be computed.

    function: In the library; None where TensorFlow 1 wrote it: then it is a part of the graph.
    bound: The numbers of the objects that the function reads beside its inputs.
    other_ways: In which ways it was traced, if these differ in more than whether it is for training.
    """

    name: str
    inputs: Sequence[Argument]
    outputs: Sequence[Argument]
    function: str | None = None
    bound: Sequence[int] = ()
    other_ways: Sequence[str] = ()

    def __str__(self) -> str:
        parts = (", ".join(map(str, arguments)) or "nothing" for arguments in (self.inputs, self.outputs))
        return f"{self.name} ({' -> '.join(parts)})"


def choose_served(graph: Any, folder: Path, asked: str | None) -> Served:
    """Return what is to be computed: what is asked for, or the only thing, or what is there to be served.

    Args:
        graph: A MetaGraphDef.
        folder: What to call it in messages.
        asked: The name of a signature, or of a function of the object.

    Raises:
        UsageError: There is nothing, several things, or none of the name.
    """
    signatures = {served.name: served for served in _signatures(graph)}
    root = graph.object_graph_def.nodes[:1]
    functions = {served.name: served for served in _functions(graph, root[0].children if root else ())}
    everything = functions | signatures
    if asked is not None and asked not in everything:
        listed = shown_list(everything.values())
        raise UsageError(f"model.signature: {folder} has none that is called {asked!r}", f"it has {listed}")
    public = signatures or functions
    preferred = [asked] if asked is not None else [name for name in PREFERRED if name in public]
    if preferred or len(public) == 1:
        return _sure(everything[preferred[0] if preferred else next(iter(public))], folder)
    if not public:
        hint = "save it again with one: model.export(), or tf.saved_model.save(model, folder, signatures=...)"
        raise UsageError(f"{folder}: it has no signature and no function to call", hint)
    first = printable(next(iter(public)))
    raise UsageError(
        f"{folder}: its signatures are several: {shown_list(public.values())}",
        f"write which one: model: {{path: {folder}, signature: {first}}}; on the command line: "
        f"--set model.signature={first}",
    )


def _sure(served: Served, folder: Path) -> Served:
    """Refuse a function that was traced in several ways, of which nothing says which is meant."""
    if served.other_ways:
        ways = "; ".join(map(printable, served.other_ways))
        raise UsageError(
            f"{folder}: its function {printable(served.name)} was traced in several ways: {ways}",
            "save the one that is meant as a signature: tf.saved_model.save(model, folder, signatures=...)",
        )
    return served


def shown_list(served: Iterable[Served]) -> str:
    return "; ".join(printable(str(one)) for one in served) or "none"


# ---- signatures


def _signatures(graph: Any) -> Iterator[Served]:
    objects = graph.object_graph_def
    root = {child.local_name: child.node_id for child in objects.nodes[0].children} if objects.nodes else {}
    own = objects.nodes[root["signatures"]].children if "signatures" in root else ()
    traced = {served.name: served for served in _functions(graph, own)}
    for name, signature in sorted(graph.signature_def.items()):
        outputs = _of_signature(signature.outputs)
        if not name.startswith("__") and outputs:
            plain = Served(name, _of_signature(signature.inputs), outputs)
            known = traced.get(name, plain)
            yield replace(plain, function=known.function, bound=known.bound)


def _of_signature(infos: Mapping[str, Any]) -> list[Argument]:
    return [
        Argument(name, tf.as_dtype(info.dtype or tf.float32), info.tensor_shape, info.name)
        for name, info in sorted(infos.items())
        if info.WhichOneof("encoding") == "name"
    ]


# ---- functions of objects


def _functions(graph: Any, children: Iterable[Any]) -> Iterator[Served]:
    """Yield each function of an object, traced for inference where it was traced for training as well."""
    objects = graph.object_graph_def
    library = {function.signature.name: function for function in graph.graph_def.library.function}
    for child in children:
        node = objects.nodes[child.node_id]
        names = [*node.function.concrete_functions, node.bare_concrete_function.concrete_function_name]
        traced = [name for name in names if name in library and name in objects.concrete_functions]
        if traced:
            names = _argument_names(node.function.function_spec)
            plain = {name: _plain(objects.concrete_functions[name], names) for name in traced}
            best = min(traced, key=lambda name: plain[name].get(TRAINING) == "True")
            ways = [_without_training(given) for given in plain.values()]
            other_ways = list(dict.fromkeys(ways)) if len({*ways}) > 1 else []
            served = _of_function(child.local_name, library[best], objects.concrete_functions[best])
            yield replace(served, other_ways=other_ways)


def _of_function(name: str, function: Any, traced: Any) -> Served:
    signature, bound = function.signature, list(traced.bound_inputs)
    taken = signature.input_arg[: len(signature.input_arg) - len(bound)]
    specs = _specs(traced.canonicalized_input_signature)
    known = specs if len(specs) == len(taken) else [None] * len(taken)
    inputs = [
        Argument(arg.name, tf.as_dtype(arg.type), _UNKNOWN if spec is None else spec.shape)
        for arg, spec in zip(taken, known, strict=True)
    ]
    outputs = [Argument(arg.name, tf.as_dtype(arg.type), _UNKNOWN) for arg in signature.output_arg]
    return Served(name, inputs, outputs, signature.name, bound)


_UNKNOWN = tf.TensorShape(None).as_proto()


def _argument_names(spec: Any) -> list[str]:
    """Return what a function calls what it takes in order."""
    parts = {pair.key: pair.value for pair in spec.fullargspec.named_tuple_value.values}
    names = [value.string_value for value in parts["args"].list_value.values] if "args" in parts else []
    return names[int(spec.is_method) :]


def _plain(traced: Any, names: Sequence[str]) -> dict[str, str]:
    """Return what a function was traced with that is no tensor, as text, by the names of its arguments."""
    parts = traced.canonicalized_input_signature.tuple_value.values
    in_order = parts[0].tuple_value.values if parts else ()
    given = [(names[i] if i < len(names) else f"argument {i}", value) for i, value in enumerate(in_order)]
    given += sorted(parts[1].dict_value.fields.items()) if len(parts) > 1 else []
    return {name: _text(value) for name, value in given if value.WhichOneof("kind") in PLAIN}


def _text(value: Any) -> str:
    kind = value.WhichOneof("kind")
    return "None" if kind == "none_value" else repr(getattr(value, kind))


def _without_training(given: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={text}" for name, text in given.items() if name != TRAINING)


def _specs(signature: Any) -> list[Any]:
    found = [value for value in _values(signature) if value.WhichOneof("kind") == "tensor_spec_value"]
    return [value.tensor_spec_value for value in found]


def _values(value: Any) -> Iterator[Any]:
    """Yield all values of a StructuredValue, in the order in which a function takes them."""
    kind = value.WhichOneof("kind")
    below: Sequence[Any] = ()
    if kind in {"list_value", "tuple_value"}:
        below = getattr(value, kind).values
    elif kind == "dict_value":
        below = [value.dict_value.fields[key] for key in sorted(value.dict_value.fields)]
    elif kind == "named_tuple_value":
        below = [pair.value for pair in value.named_tuple_value.values]
    yield value
    for one in below:
        yield from _values(one)
