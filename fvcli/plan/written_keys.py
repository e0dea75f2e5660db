"""Which keys a spec's text writes, in ``render`` and in each of its jobs."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fvcli.spec import SpecError, parse_document

_OVERRIDE = re.compile(r"^# --set (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class WrittenKeys:
    """The top keys that a spec has of ``render``, and that each job has of its own or in its variants."""

    render: frozenset[str] = frozenset()
    jobs: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of_job(self, job: str) -> frozenset[str]:
        return self.jobs.get(job, frozenset())


def written_keys(text: str) -> WrittenKeys:
    """Read them from the text of a run's spec.yaml; of a text that is no spec there are none."""
    try:
        data = parse_document(text, "spec", overrides(text)).data
    except SpecError:
        return WrittenKeys()
    jobs = data.get("jobs")
    named = [job for job in jobs if isinstance(job, dict)] if isinstance(jobs, list) else []
    return WrittenKeys(_keys(data.get("render")), {str(job.get("name")): _job_keys(job) for job in named})


def override_line(override: str) -> str:
    """Return the comment that says of a spec's text that a key was set on the command line."""
    return f"# --set {override!r}\n"


def overrides(text: str) -> list[str]:
    """Return what was set on the command line, from the comments on top of the text."""
    found = []
    for match in _OVERRIDE.finditer(text):
        try:
            found.append(str(ast.literal_eval(match[1])))
        except (ValueError, SyntaxError):  # a comment of the user's own
            continue
    return found


def _job_keys(job: Mapping[str, Any]) -> frozenset[str]:
    variants = job.get("variants")
    own = [variant for variant in variants if isinstance(variant, dict)] if isinstance(variants, list) else []
    return frozenset({*_keys(job), *(key for variant in own for key in variant)} - {"name"})


def _keys(data: Any) -> frozenset[str]:
    return frozenset(map(str, data)) if isinstance(data, dict) else frozenset()
