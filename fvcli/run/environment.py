"""run.json: what began to render the run."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING

from fvcli.typed_command import typed_command

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
    """Write versions, device and typed command to run.json, unless another process began the run."""
    typed = run.presence.note.argv if run.presence is not None else typed_command()
    run.write_facts(
        {"versions": versions(), "platform": platform.platform(), "device": device, "argv": list(typed)}
    )
