"""Refuse to render a part of a run with something that may change its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fvcli.errors import UsageError, some_of
from fvcli.run.fingerprint import (
    Fingerprint,
    begun_with,
    fingerprint_id,
    fingerprints_of,
    write_fingerprint,
)
from fvcli.run.lock import hold_while_preparing

# What may change the last digits of a picture, by the part of a fingerprint.
DECIDING: Mapping[str, tuple[str, ...]] = {
    "versions": ("tensorflow", "keras", "numpy", "pillow"),
    "device": (
        *("kind", "name", "compute_capability", "cuda", "cudnn", "tf32"),
        *("onednn", "onednn_isa", "xla"),
    ),
    "cpu": ("machine", "instructions"),
}


def join_run(run: Path, fingerprint: Fingerprint, *, mixed: bool = False) -> str:
    """Let a worker render a part of a run; return the id of its fingerprint, which the run keeps.

    A worker may join if it computes as one that the run had already. Of an old run nothing is known, and
    anybody may go on with it.

    Args:
        run: The run's folder.
        fingerprint: What the worker computes with.
        mixed: Whether it may join in any case.

    Raises:
        UsageError: It computes with something else, and mixed is not set; nothing was written.
    """
    with hold_while_preparing(run):  # of several that begin together each sees the one before
        name = fingerprint_id(fingerprint)
        known = fingerprints_of(run) or begun_with(run, fingerprint)
        if known and not mixed and name not in known:
            differences = [list(_differences(one, fingerprint)) for one in known.values()]
            if all(differences):
                begun = f"{run} was begun with {some_of(min(differences, key=len), 'difference')}"
                hint = "go on there, give another folder, or allow other pictures with --mixed"
                raise UsageError(begun, hint)
        return write_fingerprint(run, fingerprint)


def _differences(begun: Fingerprint, here: Fingerprint) -> Iterator[str]:
    """Say what decides and is not the same: TensorFlow 2.20.0, here 2.21.0."""
    on_gpu = _part(here, "device").get("kind") == "gpu"
    parts = {**DECIDING, "cpu": ()} if on_gpu else DECIDING
    if on_gpu:  # pictures on a GPU depend on how many it works on at once, which fvcli decides
        parts = {**parts, "versions": ("fvcli", *DECIDING["versions"])}
    for part, names in parts.items():
        one, other = _part(begun, part), _part(here, part)
        for name in names:
            if name in one and name in other and one[name] != other[name]:
                yield f"{WORDS.get(name, name)} {_said(one[name])}, here {_said(other[name])}"


WORDS = {
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "numpy": "NumPy",
    "pillow": "Pillow",
    "kind": "device",
    "name": "device",
    "instructions": "CPU instructions",
    "onednn": "oneDNN",
}


def _said(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _part(fingerprint: Fingerprint, name: str) -> Mapping[str, Any]:
    part = fingerprint.get(name)
    return part if isinstance(part, Mapping) else {}
