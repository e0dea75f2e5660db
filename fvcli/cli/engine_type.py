"""The names of engines as values of an option, looked up only when one is given or asked for."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem


class EngineType(click.ParamType[str]):
    """One of ``fvcli.engines.ENGINES``, whose import would slow every command's start."""

    name = "engine"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"[{'|'.join(_names())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in _names():
            return str(value)
        self.fail(f"{value!r} is not one of {', '.join(_names())}.", param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in _names() if name.startswith(incomplete)]


def _names() -> list[str]:
    from fvcli.engines import ENGINES

    return list(ENGINES)
