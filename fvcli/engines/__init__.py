"""Engines: what starts workers and watches them. They move names and numbers, never tensors."""

from fvcli.engines.base import Engine, EngineOptions, Event
from fvcli.engines.local import LocalEngine
from fvcli.engines.ray import RayEngine

ENGINES: dict[str, type[Engine]] = {"local": LocalEngine, "ray": RayEngine}

__all__ = ["ENGINES", "Engine", "EngineOptions", "Event", "LocalEngine", "RayEngine"]
