"""Stateless random streams: what a unit draws depends on its seed and identity, on nothing else."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def stream(*parts: str | int) -> np.random.Generator:
    """Return the random stream that belongs to these parts, such as a seed and a unit's identity.

    The key of a counter-based Philox generator (Salmon et al. 2011) is the SHA-256 of the parts as JSON, so
    equal parts give equal streams and other parts other ones, on any machine and in any order.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
