"""A model that cannot be read is a mistake in the command, whichever reads it: exit code 2, one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.running import fvcli, write_spec

DAMAGED = {
    "cut.keras": b"PK\x03\x04" + bytes(60),
    "cut.h5": b"\x89HDF\r\n\x1a\n" + bytes(60),
    "broken.json": b'{"class_name": "Functional"',
    "cut.pb": b"\n\x20\n\x05input\x12\x0bPlacehold",
    "empty.keras": b"",
}
ABOUT_MODELS = [["layers"], ["inspect"], ["classes"], ["layers", "--nodes"]]
OF_SPECS = [["plan"], ["render", "-o", "RUN"], ["prepare", "-o", "RUN"]]


@pytest.mark.parametrize("name", DAMAGED)
def test_every_command_ends_with_2_and_writes_nothing(name: str, tmp_path: Path) -> None:
    model, run = tmp_path / name, tmp_path / "run"
    model.write_bytes(DAMAGED[name])
    spec = write_spec(tmp_path, f"model: {model}\njobs: [{{name: a, layer: a, channels: [0]}}]\n")
    asked = [[command, model, *rest] for command, *rest in ABOUT_MODELS]
    asked += [
        [command, spec, *(run if word == "RUN" else word for word in rest)] for command, *rest in OF_SPECS
    ]
    for words in asked:
        result = fvcli(*words)
        assert result.exit_code == 2, (words, result.output)
        assert name in result.stderr, words
        assert result.stderr.count("Error: ") == 1, words
    assert not run.exists()
