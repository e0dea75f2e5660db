"""run.json: what began to render the run."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fvcli.run.folder import RunFolder

PACKAGES = ("fvcli", "tensorflow", "keras", "numpy", "pillow", "imageio")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide pixels, without importing them."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def write_run_facts(run: RunFolder, device: str) -> None:
    """Write versions, device and command of this process to run.json, unless another one began the run."""
    run.write_facts(
        {"versions": versions(), "platform": platform.platform(), "device": device, "argv": sys.argv}
    )
