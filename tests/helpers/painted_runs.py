"""Whole runs of painted units, without an engine."""

from __future__ import annotations

from pathlib import Path

from fvcli.app.plan_spec import plan_of_spec
from fvcli.app.prepare_run import prepare_run
from fvcli.run import RunFolder
from tests.helpers.painting import paint


def painted(spec: Path, run: Path, failed: str = "") -> RunFolder:
    """Return a run all of whose units are painted; one of them may have failed."""
    prepare_run(plan_of_spec(str(spec), []), run)
    folder = RunFolder.read(run)
    for unit in folder.plan.units:
        paint(folder, unit, status="failed" if unit.path == failed else "done")
    return folder
