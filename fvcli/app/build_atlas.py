"""Build the atlas of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fvcli.atlas.site import Built, SiteOptions, build_site
from fvcli.errors import UsageError, command
from fvcli.run import RunFolder
from fvcli.run.objects import is_object


def build_atlas(path: Path, options: SiteOptions, told: Callable[[str, int, int], None]) -> Built:
    """Build the atlas of the run in a folder, from the units that are finished.

    Args:
        path: The run.
        options: How.
        told: Is called with what is being done, how many of it are done, and of how many.

    Raises:
        UsageError: There is no run, nothing of it is rendered, or the site's folder holds something else.
        FvcliError: The disk is full, or the run's examples are damaged.
    """
    run = RunFolder.read(path)
    if is_object(path) and options.out is None:
        raise UsageError("a run in an object store needs a place for its atlas", "give -o DIR")
    if not any(run.json(unit).exists() for unit in run.plan.units):
        raise UsageError(f"{path}: no unit is rendered yet", f"see: {command('status', path)}")
    return build_site(run, options, told)
