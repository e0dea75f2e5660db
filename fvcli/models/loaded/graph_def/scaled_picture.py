"""Follow what a graph does to a picture before the network proper begins: by what is it scaled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fvcli.models.loaded.graph_def import ops
from fvcli.models.loaded.graph_def.ops import Step
from fvcli.models.loaded.graph_def.roles import affine_of
from fvcli.models.loaded.graph_def.values import Tensor

# What may be done to a picture before the network begins, beside scaling it.
PREPARES = {*ops.PADS, *ops.CONCATS, *ops.SPLITS, *ops.RESIZES, "ReverseV2", "StridedSlice", "Cast"}
Scaling = tuple[float, float]  # what a value of the picture was multiplied by, and what was added
UNCHANGED: Scaling = (1.0, 0.0)


def scaling_before(read: Sequence[Tensor]) -> Scaling | None:
    """Return what the picture that an op reads was scaled by, if that is all that has been done to it."""
    known = [value.raw for value in read if not value.is_parameter]
    return known[0] if known and None not in known else None


def scaling_after(step: Step, read: Sequence[Tensor]) -> Scaling | None:
    """Return the same of what an op makes of it."""
    before = scaling_before(read)
    if before is None or step.op in ops.QUANTIZERS:
        return before
    affine = affine_of(step)
    if affine is None:
        return before if step.op in PREPARES else None
    scale = 1.0 if affine.scale is None else float(np.mean(affine.scale))
    return before[0] * scale, before[1] * scale + float(np.mean(affine.shift))


def quantized_range(step: Step, read: Sequence[Tensor]) -> tuple[float, float] | None:
    """Return between which values of a picture an op puts steps, if it quantizes the picture."""
    before = scaling_before(read)
    if step.op not in ops.QUANTIZERS or before is None or before[0] <= 0:
        return None
    ends = [step.attrs.get(key) if len(step.arrays) == 1 else None for key in ("min", "max")]
    arrays = [array for array in step.arrays[1:3] if array is not None and array.size == 1]
    known = [float(array) for array in arrays] if len(arrays) == len(ends) else ends
    if None in known:
        return None
    return (known[0] - before[1]) / before[0], (known[1] - before[1]) / before[0]
