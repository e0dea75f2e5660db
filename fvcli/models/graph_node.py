"""A node of a TensorFlow graph, as it is listed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GraphNode:
    """An operation of a TensorFlow graph.

    dtype, shape: Of the first tensor that it makes, as far as they are known; a side of any size is None.
    reads: The nodes whose tensors it takes; the second of a node is ``node:1``.
    """

    name: str
    op: str
    dtype: str | None
    shape: tuple[int | None, ...] | None
    reads: tuple[str, ...]

    @property
    def made(self) -> str:
        """Say what it makes, such as ``float32 [?, 28, 28, 1]``; nothing if that is not known."""
        if self.dtype is None or self.shape is None:
            return self.dtype or ""
        return f"{self.dtype} [{', '.join('?' if size is None else str(size) for size in self.shape)}]"
