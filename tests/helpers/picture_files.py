"""Pictures of noise as files, and how a reader refuses what is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fvcli.errors import UsageError


def noise(height: int = 24, width: int = 36, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(path: Path, pixels: np.ndarray | None = None, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise() if pixels is None else pixels).save(path, **options)
    return path


def refused(entry: str, beside: Path | None, find: Callable[[str, Path | None], object]) -> str:
    with pytest.raises(UsageError) as caught:
        find(entry, beside)
    assert "\n" not in str(caught.value)
    return str(caught.value)
