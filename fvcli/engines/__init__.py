"""Engines: what runs the batches of a run. They move batch numbers, never tensors."""

from fvcli.engines.base import Engine, EngineOptions, Event
from fvcli.engines.local import LocalEngine

ENGINES: dict[str, type[Engine]] = {"local": LocalEngine}

__all__ = ["ENGINES", "Engine", "EngineOptions", "Event", "LocalEngine"]
