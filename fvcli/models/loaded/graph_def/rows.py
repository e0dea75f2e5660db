"""Follow maps through dense layers, for which TensorFlow puts all their positions in rows.

[batch, h, w, c] --Reshape--> [batch * h * w, c] --MatMul--> [batch * h * w, d] --Reshape--> [batch, h, w, d]

For layer normalization they stand in [1, batch * h * w, c, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

from fvcli.models.graph import Window
from fvcli.models.loaded.graph_def.op_windows import Seen
from fvcli.models.loaded.graph_def.ops import ELEMENTWISE, Step
from fvcli.models.loaded.graph_def.values import BATCH, Rows, Tensor


def in_rows(step: Step, read: Sequence[Tensor]) -> Rows | None:
    """Return the map that an op puts in rows, or that stays so; None where there is none."""
    used = [value for value in read if not value.is_parameter]
    if not used:
        return None
    if step.op == "Reshape" and used[0].rows is None:
        size = used[0].places
        if size is None:
            return None
        places, channels = BATCH * size[0] * size[1], used[0].symbol.shape[-1]
        in_rows = {(places, channels), (1, places, channels, 1)}
        return Rows(size, step.kind) if step.out_shape in in_rows else None
    rows = {value.rows and value.rows.size for value in used}
    dense = step.op == "MatMul" and step.arrays[1] is not None and not step.attrs["transpose_a"]
    if not dense and step.op not in {*ELEMENTWISE, "BiasAdd"}:
        return None
    size = rows.pop()
    if rows or size is None:
        return None
    kinds = [value.rows.kind for value in used if value.rows]
    return Rows(size, step.kind if dense else kinds[0])


def back_from_rows(step: Step, read: Sequence[Tensor]) -> Seen | None:
    """Return what a position sees of a map that was in rows and is one again."""
    rows = read[0].rows
    if step.op != "Reshape" or rows is None or step.out_shape[:3] != (BATCH, *rows.size):
        return None
    return Seen(Window(), kind=rows.kind) if len(step.out_shape) == 4 else None
