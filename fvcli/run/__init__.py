"""The run folder: the one source of truth. Everything after rendering reads only it."""

from fvcli.run.environment import versions, write_run_facts
from fvcli.run.folder import RunFolder
from fvcli.run.merge import merge_runs
from fvcli.run.sidecar import FINISHED, Sidecar, step_name
from fvcli.run.status import RunStatus, missing_units, run_status

__all__ = [
    "FINISHED",
    "RunFolder",
    "RunStatus",
    "Sidecar",
    "merge_runs",
    "missing_units",
    "run_status",
    "step_name",
    "versions",
    "write_run_facts",
]
