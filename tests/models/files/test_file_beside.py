"""Which file is proposed as the other half of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.models.files.file_beside import file_beside


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["model.h5"], "model.h5"),
        (["model.weights.h5", "other.h5"], "model.weights.h5"),
        (["Model_weights.hdf5", "model_old.json"], "Model_weights.hdf5"),
        (["weights.h5"], "weights.h5"),  # the only one
        (["a.h5", "b.h5"], None),
        (["model-1.h5", "model-2.h5"], None),
        (["model.txt"], None),
    ],
)
def test_the_only_file_that_may_belong_to_it(names: list[str], expected: str | None, tmp_path: Path) -> None:
    for name in (*names, "model.json"):
        (tmp_path / name).touch()
    found = file_beside(tmp_path / "model.json", {".h5", ".hdf5"})
    assert found == (None if expected is None else tmp_path / expected)
