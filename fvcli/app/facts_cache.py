"""What is known of models that had to be loaded for it, kept so that the next plan need not load them.

models/KEY.json in the user's cache folder, where KEY is of everything that the facts come from: the choice,
the contents of its files, fvcli's own code and the versions of Keras and TensorFlow. What a factory makes is
never kept, because its code may do anything.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter

import fvcli
from fvcli.errors import FvcliError
from fvcli.models import ModelChoice, ModelFacts, weights_file
from fvcli.run import versions
from fvcli.run.atomic import write_atomic

FACTS = TypeAdapter(ModelFacts)


def cache_folder() -> Path | None:
    """Return the folder for what can be worked out again; home folders on a network share it.

    None for a user without a home, as in a container that runs with a number nobody has.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "fvcli")
    except RuntimeError:
        return None


def cached_facts_path(choice: ModelChoice) -> Path | None:
    """Return where the facts of a model are kept, or None if they are not to be."""
    folder = cache_folder()
    if choice.factory is not None or folder is None:
        return None
    key = hashlib.sha256(repr(choice).encode())
    key.update(_versions().encode())
    for file in _files(choice):
        if not file.is_file():
            return None
        key.update(f"\n{file} ".encode())
        key.update(hashlib.sha256(file.read_bytes()).digest())
    return folder / "models" / f"{key.hexdigest()}.json"


def _versions() -> str:
    found = versions()
    return " ".join(f"{name} {found[name]}" for name in ("keras", "tensorflow", "numpy"))


def _files(choice: ModelChoice) -> Iterator[Path]:
    """Yield the files that the facts come from: the model's, and fvcli's own code of models."""
    for name in filter(None, (choice.path, weights_file(choice), choice.labels)):
        path = Path(str(name))
        if path.is_dir():
            yield from (file for file in sorted(path.rglob("*")) if file.is_file())
        elif name != "imagenet":
            yield path
    yield from sorted(Path(fvcli.__file__).parent.joinpath("models").rglob("*.py"))


def read_cached_facts(path: Path | None) -> ModelFacts | None:
    """Return the facts in a file, or None if there are none or they are damaged."""
    try:
        return FACTS.validate_json(path.read_bytes()) if path is not None else None
    except (OSError, ValueError):
        return None


def write_cached_facts(path: Path | None, facts: ModelFacts) -> None:
    """Keep facts, if that is possible: a folder that cannot be written costs time, and nothing else."""
    if path is None:
        return
    try:
        write_atomic(path, FACTS.dump_json(facts))
    except FvcliError:
        return
