"""Write what a comparison found, in the forms that people and CI systems read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fvcli.golden import Comparison
from fvcli.golden.reports.exports import export_argos, export_reg
from fvcli.golden.reports.html import write_html
from fvcli.golden.reports.junit import write_junit
from fvcli.golden.reports.markdown import write_summary
from fvcli.golden.reports.places import refuse_places
from fvcli.golden.reports.results_file import write_results

RESULTS, JUNIT, SUMMARY = "results.json", "junit.xml", "summary.md"


@dataclass(frozen=True)
class ReportPlaces:
    """Where to write what; None for nothing.

    report: Folder of report.html and all that follows.
    junit, markdown: Files.
    reg, argos: Folders, laid out as reg-cli and Argos have them.
    """

    report: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    reg: Path | None = None
    argos: Path | None = None

    def refuse(self) -> None:
        """Raise UsageError where one of them cannot be written, or would be in the way."""
        folders = [place for place in (self.report, self.reg, self.argos) if place is not None]
        refuse_places(folders, [place for place in (self.junit, self.markdown) if place is not None])


@dataclass(frozen=True)
class Written:
    """The page to open, if there is one, and what should be known of the exports, in sentences."""

    page: Path | None
    remarks: tuple[str, ...]


def write_reports(found: Comparison, places: ReportPlaces) -> Written:
    """Write the reports that are asked for.

    Raises:
        FvcliError: A place cannot be written.
    """
    page = None
    if places.report is not None:
        page = write_html(found, places.report)
        write_results(found, places.report / RESULTS)
        write_junit(found, places.report / JUNIT)
        write_summary(found, places.report / SUMMARY, page)
    if places.junit is not None:
        write_junit(found, places.junit)
    if places.markdown is not None:
        write_summary(found, places.markdown, page)
    remarks: tuple[str, ...] = ()
    if places.reg is not None:
        remarks += export_reg(found, places.reg)
    if places.argos is not None:
        remarks += export_argos(found, places.argos)
    return Written(page, remarks)
