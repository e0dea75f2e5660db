"""Write what a comparison found, in the forms that people and CI systems read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fvcli.golden import Comparison
from fvcli.golden.model_diff import ModelDiff


@dataclass(frozen=True)
class ReportPlaces:
    """Where to write what; None for nothing."""

    report: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    reg: Path | None = None
    argos: Path | None = None


def write_reports(found: Comparison, places: ReportPlaces) -> list[Path]:
    """Write the reports that are asked for; return the files that people would open."""
    return []


def write_diff(found: ModelDiff, folder: Path) -> list[Path]:
    """Write diff.html and diff.json; return the files."""
    return []
