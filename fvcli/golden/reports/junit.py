"""junit.xml: each unit as a test case, for the test views of CI systems.

No standard defines the format. This is the form that Jenkins checks (junit-10.xsd of its xunit plugin) and
pytest calls xunit2: properties stand on suites only. How the three readers show it:

- GitLab (documentation, "Unit test reports") calls the class name "suite" and shows the text of a failure. Of
  two test cases with the same class name and name it keeps one. It takes files of up to 30 MB.
- Jenkins groups by the class name, split at its dots into package and class.
- GitHub has no reader of its own; its actions show suite, class name and name.

GitLab and the JUnit Attachments plugin of Jenkins show files that the output names, from the folder that the
job runs in, as ``[[ATTACHMENT|path]]``. GitLab shows the first only.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path

from junitparser import Error, Failure, Skipped
from junitparser.xunit2 import JUnitXml, TestCase, TestSuite

from fvcli.errors import counted
from fvcli.golden.reports.page_words import name_of, said
from fvcli.golden.reports.picture_paths import seen_from
from fvcli.golden.reports.printable import printable
from fvcli.golden.results import Comparison, Side, UnitResult, percent
from fvcli.run.atomic import write_atomic

CLASS = "fvcli"  # the first part of all class names, which tells ours from those of other tests
ATLAS = "whole atlas"  # no job has a space in its name
MARKS = set("[]|")  # they end the path of an attachment
MOST = 500  # characters of a message


def write_junit(comparison: Comparison, path: Path, root: Path | None = None) -> None:
    """Write a test suite for each job, and one for the drift of the whole atlas.

    Args:
        comparison: What was found.
        path: The file.
        root: The folder that the CI job runs in; by default the working folder.

    Raises:
        FvcliError: The file cannot be written.
    """
    root = _working_folder() if root is None else root
    jobs: dict[str, list[UnitResult]] = {}
    for unit in comparison.units:
        jobs.setdefault(unit.job, []).append(unit)
    report = JUnitXml("fvcli compare")
    for job, units in jobs.items():
        cases = [_unit_case(comparison, unit, root) for unit in units]
        report.append(_suite(comparison, printable(job), cases))
    report.append(_suite(comparison, ATLAS, [_drift_case(comparison)]))
    report.update_statistics()
    file = io.BytesIO()
    report.write(file)
    write_atomic(path, file.getvalue())


def _suite(comparison: Comparison, name: str, cases: list[TestCase]) -> TestSuite:
    suite = TestSuite(name)
    suite.add_property("golden", printable(comparison.golden))
    suite.add_property("run", printable(comparison.run))
    suite.add_property("networks", comparison.networks)
    suite.extend(cases)
    return suite


def _working_folder() -> Path:
    """Return the folder that a CI job runs in; where it was removed, the root of all folders."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")


def _unit_case(comparison: Comparison, unit: UnitResult, root: Path) -> TestCase:
    name = ".".join(part for part in (CLASS, printable(unit.job), printable(unit.layer)) if part)
    seconds = unit.run.seconds
    case = TestCase(printable(unit.unit), name)
    if seconds is not None and math.isfinite(seconds):
        case.time = round(seconds, 3)
    outcome = _outcome(comparison, unit)
    if outcome is None:
        return case
    outcome.text = "\n".join(_details(unit))
    case.append(outcome)
    attached = [_attachment(side, root) for side in (unit.run, unit.golden)]
    if any(attached) and not isinstance(outcome, Skipped):
        case.system_out = "\n".join(filter(None, attached))
    return case


def _outcome(comparison: Comparison, unit: UnitResult) -> Error | Failure | Skipped | None:
    """Return what stands in a test case; nothing in one that passed."""
    message = printable(unit.why, MOST) or unit.status
    if unit.status == "error":
        return Error(message, unit.status)
    if not comparison.passes(unit):
        return Failure(message, unit.status)
    return Skipped(message, unit.status) if unit.status == "new" else None


def _details(unit: UnitResult) -> Iterator[str]:
    """Yield the lines below a failure; GitLab shows them without the message."""
    yield f"{unit.status}: {printable(unit.why)}" if unit.why else unit.status
    yield f"shows: {printable(unit.label)}"
    yield f"layer: {printable(unit.layer)}"
    if unit.gate is not None:
        yield f"decided by: {name_of(unit.gate)}"
    for name, value in unit.values.items():
        limit = f" (limit {said(name, unit.limits[name], signed=False)})" if name in unit.limits else ""
        yield f"{printable(name_of(name))}: {said(name, value)}{limit}"
    yield from (f"setting: {printable(line)}" for line in unit.settings)
    for which, side in (("golden", unit.golden), ("run", unit.run)):
        if side.picture is not None:
            yield f"picture of the {which}: {printable(side.picture)}"


def _attachment(side: Side, root: Path) -> str | None:
    """Return the line by which CI systems find a picture; None where its path cannot be said in one."""
    if side.picture is None:
        return None
    path = seen_from(root, side.picture)
    if path.startswith("../"):
        path = str(Path(side.picture).absolute())
    can_say = MARKS.isdisjoint(path) and printable(path) == path
    return f"[[ATTACHMENT|{path}]]" if can_say else None


def _drift_case(comparison: Comparison) -> TestCase:
    """Return the test case of what no single unit shows: that all scores rose or fell a little."""
    case = TestCase("drift", f"{CLASS}.{ATLAS}")
    drift = comparison.drift
    if drift is None:
        case.append(Skipped("no scores could be compared", "drift"))
        return case
    if drift.is_beyond:
        change = f"mean score change {percent(drift.mean, '+')} (limit {percent(drift.limit)})"
        outcome = Failure(change, "drift")
        outcome.text = f"drift: {change}\nover {counted(drift.units, 'score')} of the whole atlas"
        case.append(outcome)
    return case
