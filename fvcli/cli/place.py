"""Paths that commands are given."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from fvcli.errors import command

ALMOST = re.compile(r"(s3a?|gs|gcs|az|abfss?|file|https?|hdfs):")  # such as s3:/bucket, which is no folder


class Place(click.Path):
    """A path. An empty one, as a variable that is not set leaves it, is a mistake and not this folder.

    Args:
        anywhere: Whether it may be an address in an object store, such as s3://bucket/run.
        remedy: What to do with an address where it may be none; by default what brings a run home.
        more: As for ``click.Path``.
    """

    def __init__(self, *, anywhere: bool = False, remedy: str | None = None, **more: Any) -> None:
        super().__init__(path_type=Path, **more)
        self._anywhere = anywhere
        self._remedy = remedy

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty", param, ctx)
        if isinstance(value, str) and "://" in value:
            return self._at(value, param, ctx)
        if isinstance(value, str) and ALMOST.match(value):
            self.fail(f"{value}: write an address like s3://bucket/run", param, ctx)
        return super().convert(value, param, ctx)

    def _at(self, address: str, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        from fvcli.run.objects import open_address

        if not self._anywhere:
            remedy = self._remedy or f"{command('merge', address, '-o', 'DIR')} brings a run home"
            self.fail(f"{address}: it must be on disk; {remedy}", param, ctx)
        return open_address(address)


FOLDER, FILE = Place(), Place(dir_okay=False)
RUN = Place(anywhere=True)  # a run's folder, or its address in an object store
