"""The run folder: the one source of truth. Everything after rendering reads only it."""

from fvcli.run.check import find_damage
from fvcli.run.environment import versions, write_run_facts
from fvcli.run.fingerprint import Fingerprint, read_fingerprint, take_fingerprint, write_fingerprint
from fvcli.run.folder import RunFolder
from fvcli.run.growing import Asked, Growth, same_pictures
from fvcli.run.joining import join_run
from fvcli.run.merge import merge_runs
from fvcli.run.sidecar import FINISHED, NewerSidecar, Sidecar, step_name
from fvcli.run.status import RunStatus, run_status

__all__ = [
    "FINISHED",
    "Asked",
    "Fingerprint",
    "Growth",
    "NewerSidecar",
    "RunFolder",
    "RunStatus",
    "Sidecar",
    "find_damage",
    "join_run",
    "merge_runs",
    "read_fingerprint",
    "run_status",
    "same_pictures",
    "step_name",
    "take_fingerprint",
    "versions",
    "write_fingerprint",
    "write_run_facts",
]
