"""Build the atlas of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fvcli.atlas.site import Built, SiteOptions, build_site
from fvcli.run import RunFolder


def build_atlas(path: Path, options: SiteOptions, told: Callable[[str, int, int], None]) -> Built:
    """Build the atlas of the run in a folder, from the units that are finished.

    Args:
        path: The run.
        options: How.
        told: Is called with what is being done, how many of it are done, and of how many.

    Raises:
        UsageError: There is no run, or all that is wrong with what is asked for; nothing was written.
        FvcliError: The disk is full, or the run's examples are damaged.
    """
    return build_site(RunFolder.read(path), options, told)
