"""Turn one op of a TensorFlow graph into the calls of what it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.op_windows import groups_of
from fvcli.models.loaded.graph_def.ops import Step
from fvcli.models.loaded.graph_def.roles import call_with_role
from fvcli.models.loaded.graph_def.values import Arranged, Constant, Tensor, Value
from fvcli.optvis.calls import Call

Named = Callable[[str], Call]  # from the name of a call to the call


def calls_of(step: Step, op: Arranged, count: int) -> list[Named]:
    """Return, for each tensor that an op makes, what gives its call a name.

    Args:
        step: The op.
        op: The same with what it reads.
        count: How many tensors it makes.

    Raises:
        ValueError: It cannot be computed.
    """
    inputs = tuple(value.call for value in op.inputs if isinstance(value, Tensor))
    compute = _computed(step, op.inputs)
    if count > 1:
        whole = Call("", inputs, compute)
        return [_picked(whole, i) for i in range(count)]

    def one(name: str) -> Call:
        with_role = None if op.as_graph else call_with_role(name, step, inputs)
        if with_role is None and step.op == ops.OLD_NORMALIZATION:
            raise ValueError("its parameters are no constants")
        return with_role or Call(name, inputs, lambda values: compute(values)[0])

    return [one]


def _picked(whole: Call, i: int) -> Named:
    return lambda name: Call(name, (whole,), lambda values: values[0][i])


def _computed(step: Step, inputs: Sequence[Value]) -> Callable[[Sequence[tf.Tensor]], list[tf.Tensor]]:
    """Return a function that runs an op, in the type that the graph runs it in."""
    op, attrs, groups = step.op, step.attrs, groups_of(step)

    def compute(values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        given = iter(values)
        full = [v.array if isinstance(v, Constant) else tf.cast(next(given), v.symbol.dtype) for v in inputs]
        return [ops.convolve(attrs, *full, groups)] if op == "Conv2D" else ops.run(op, attrs, full)

    return compute
