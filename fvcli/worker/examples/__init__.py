"""Stream pictures through a network once, and keep of each block what examples are made of."""

from fvcli.worker.examples.stream import Streaming, stream_blocks

__all__ = ["Streaming", "stream_blocks"]
