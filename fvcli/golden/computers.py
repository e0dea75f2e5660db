"""How the computers differ that two pictures were rendered on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fvcli.golden.results import Change
from fvcli.run import Fingerprint

LIBRARIES = ("tensorflow", "keras", "numpy")  # whose versions may change the last digits
OF_DEVICE = ("kind", "name", "compute_capability", "cuda", "cudnn", "tf32")
OF_KERNELS = ("onednn", "onednn_isa", "xla")
UNKNOWN: Fingerprint = {}


def change_between(golden: Fingerprint | None, run: Fingerprint | None) -> Change:
    """Return the widest way in which two fingerprints differ.

    What one of them does not tell counts as another CPU, because nobody can say that it is the same.
    """
    one, other = golden or UNKNOWN, run or UNKNOWN
    if _differ(_part(one, "device"), _part(other, "device"), OF_DEVICE):
        return "device"
    if _differ(_part(one, "versions"), _part(other, "versions"), LIBRARIES):
        return "tensorflow"
    if _differ(_part(one, "device"), _part(other, "device"), OF_KERNELS):
        return "cpu"
    cpus = _part(one, "cpu"), _part(other, "cpu")
    return "same" if cpus[0] and cpus[0] == cpus[1] else "cpu"


def tells_all(fingerprint: Fingerprint | None) -> bool:
    """Tell whether it is known what a picture was rendered on."""
    return bool(_part(fingerprint or UNKNOWN, "cpu"))


def words_for(change: Change) -> str:
    """Say a kind of change."""
    return {
        "same": "the same machine",
        "cpu": "another CPU",
        "tensorflow": "another TensorFlow",
        "device": "another device",
    }[change]


def _part(fingerprint: Fingerprint, name: str) -> Mapping[str, Any]:
    part = fingerprint.get(name)
    return part if isinstance(part, Mapping) else {}


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Tell whether both say something else; what one does not say is passed over."""
    return any(name in one and name in other and one[name] != other[name] for name in names)
