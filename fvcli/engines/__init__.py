"""Engines: what starts workers and watches them. They move names and numbers, never tensors."""

from fvcli.engines.base import Engine, EngineOptions, Event
from fvcli.engines.local import LocalEngine

ENGINES: dict[str, type[Engine]] = {"local": LocalEngine}

__all__ = ["ENGINES", "Engine", "EngineOptions", "Event", "LocalEngine"]
