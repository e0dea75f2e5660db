"""Which files are pictures: those that Pillow reads, as it says itself."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from PIL import Image

# EPS runs a program. Of the others Pillow only knows what they are, or it needs a reader that it has not.
NOT_READ = {"EPS", "BUFR", "FPX", "GRIB", "HDF5", "MIC", "MPEG", "WMF"}
HEIC_SUFFIXES = {".heic", ".heif", ".hif"}
INSTALL_HEIC = "pip install 'fvcli[heic]'"
# What people and systems keep beside pictures, and nobody takes for one.
NO_PICTURES = {
    "", ".bib", ".csv", ".db", ".doc", ".docx", ".gz", ".htm", ".html", ".ini", ".ipynb", ".js", ".json",
    ".jsonl", ".log", ".md", ".npy", ".npz", ".pdf", ".py", ".rst", ".sh", ".tar", ".toml", ".tsv",
    ".txt", ".url", ".xls", ".xlsx", ".xml", ".xmp", ".yaml", ".yml", ".zip",
}  # fmt: skip


@cache
def readable_formats() -> tuple[str, ...]:
    """Return the names of the formats that this Pillow reads, with HEIF if its plugin is installed."""
    Image.init()
    with contextlib.suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    return tuple(sorted(name for name in Image.OPEN if name not in NOT_READ))


@cache
def _suffixes() -> Mapping[str, str]:
    formats = readable_formats()
    return {suffix: name for suffix, name in Image.registered_extensions().items() if name in formats}


def is_still(path: Path) -> bool:
    """Tell by its name whether a file is a picture, or an animation of a picture's format."""
    return path.suffix.lower() in _suffixes()


def hint_for(suffixes: set[str]) -> str:
    """Return what makes files of these kinds readable."""
    if suffixes & HEIC_SUFFIXES:
        return f"for HEIC: {INSTALL_HEIC}, or convert them to JPEG"
    if ".avif" in suffixes:
        return "for AVIF: pip install --upgrade pillow, or convert them to JPEG"
    return "convert them to PNG or JPEG"
