"""What a picture was computed with: what may change its last digits, and nothing that may not.

A run keeps each in fingerprints/<id>.json, where id is the hash of its content. Sidecars name the id, so that
a run that several machines rendered knows which picture is of which. fingerprints/first has that of whoever
began the run.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fvcli.plan.terms import digest
from fvcli.run.atomic import create_exclusive, write_atomic
from fvcli.run.environment import versions
from fvcli.run.layout import FINGERPRINTS, RUN_FACTS
from fvcli.run.objects import read_bytes

Fingerprint = Mapping[str, Any]

DECIDING_FLAGS = (  # kernels differ by; of x86, then of ARM
    *("fma", "avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"),
    *("asimd", "asimdhp", "asimddp", "sve", "sve2", "bf16", "i8mm"),
)
FIRST = "first"  # what began a run, besides those that it keeps by their ids
CPU_INFO = Path("/proc/cpuinfo")


def take_fingerprint(device: Mapping[str, Any]) -> Fingerprint:
    """Return the fingerprint of this process.

    Args:
        device: What TensorFlow computes on, as ``worker.device`` tells it.
    """
    return {"versions": versions(), "cpu": cpu_facts(), "device": dict(device)}


def cpu_facts(text: str | None = None) -> dict[str, Any]:
    """Return name and vector instructions of this machine's CPU.

    Args:
        text: What stands in /proc/cpuinfo, if not what stands there.
    """
    if text is None:
        text = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    first = text.partition("\n\n")[0]
    lines = [line.partition(":") for line in first.splitlines()]
    said = {key.strip(): value.strip() for key, _, value in lines}
    flags = (said.get("flags") or said.get("Features") or "").split()
    return {
        "machine": platform.machine(),
        "name": said.get("model name") or _arm_name(said) or platform.processor() or "unknown",
        "instructions": [flag for flag in DECIDING_FLAGS if flag in flags],
    }


def _arm_name(said: Mapping[str, str]) -> str:
    """Return the numbers by which Linux tells ARM processors apart, which it gives no names."""
    numbers = said.get("CPU implementer"), said.get("CPU part")
    return "ARM {} {}".format(*numbers) if all(numbers) else ""


def fingerprint_id(content: Fingerprint) -> str:
    """Return the id of a fingerprint, the hash of its content."""
    return digest(content)


def fingerprints_of(run: Path) -> dict[str, Fingerprint]:
    """Return the fingerprints that a run keeps, by their ids."""
    found = {path.stem: _content(path) for path in sorted((run / FINGERPRINTS).glob("*.json"))}
    return {name: content for name, content in found.items() if content is not None}


def write_fingerprint(run: Path, content: Fingerprint) -> str:
    """Keep a fingerprint in a run folder; return its id."""
    name = fingerprint_id(content)
    write_atomic(_place(run, name), (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())
    return name


def begun_with(run: Path, content: Fingerprint) -> dict[str, Fingerprint]:
    """Return the fingerprint that a run begins with, by its id: this one, or that of whoever came first.

    It is made once, so of several that begin together each sees the same, where there are no locks as well.
    """
    place = run / FINGERPRINTS / FIRST
    create_exclusive(place, json.dumps(content).encode())
    first = _content(place)
    return {} if first is None else {fingerprint_id(first): first}


def read_fingerprint(run: Path, name: str | None) -> Fingerprint | None:
    """Return the fingerprint that a sidecar names; of a run of an older version what its run.json knows.

    None where nothing is known.
    """
    if name:
        return _content(_place(run, name))
    facts = _content(run / RUN_FACTS)
    if facts is None or not isinstance(facts.get("versions"), dict):
        return None
    device = {"name": facts["device"]} if "device" in facts else {}
    return {"versions": facts["versions"], "device": device}


def copy_fingerprints(source: Path, target: Path) -> None:
    """Take a run's fingerprints into another run folder."""
    for place in sorted((source / FINGERPRINTS).glob("*.json")):
        copy = target / FINGERPRINTS / place.name
        if not copy.exists():
            write_atomic(copy, read_bytes(place))


def _place(run: Path, name: str) -> Path:
    return run / FINGERPRINTS / f"{name}.json"


def _content(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(read_bytes(path))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
