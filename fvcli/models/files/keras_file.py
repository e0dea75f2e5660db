"""Look at a Keras model file before Keras sees it, and refuse what is damaged, foreign or hostile.

A `.keras` file is a zip archive of config.json (the description), metadata.json and model.weights.h5; a `.h5`
file is HDF5 with the description in an attribute, or without one; an architecture is that description as a
JSON file. Keras itself runs code that a file brings under some circumstances, reads files that a file names,
and unpacks an archive into the memory that the archive asks for. Neither Keras nor TensorFlow is imported
here.
"""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fvcli.errors import FvcliError, UsageError
from fvcli.models.files.file_kinds import HDF5, HEAD_BYTES, ZIP, kind_of
from fvcli.models.files.hdf5_subprocess import look_in_subprocess
from fvcli.models.files.keras_config import MAX_CONFIG_BYTES, parse_config, shown
from fvcli.models.files.keras_hdf5 import (
    ALWAYS_ALLOWED_BYTES,
    COPY_AGAIN,
    MAX_BYTES,
    MAX_EXPANSION,
    Contents,
)
from fvcli.models.files.model_format import meant_checkpoint, what_is
from fvcli.models.files.ways_out import CHECKPOINT, COPIES, UNPACKED, way_out

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
ASSETS = "assets/"
COPY_BYTES = 2**20
PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
SAVE_IT = "give what model.save() or model.save_weights() wrote"
# What an archive is that holds a member of such a name.
FOREIGN = {
    "data.pkl": "a PyTorch file",
    "saved_model.pb": "a zipped TensorFlow SavedModel",
    ".npy": "a NumPy .npz archive",
    "[Content_Types].xml": "an office document",
}


def check_keras_archive(path: Path) -> dict[str, Any]:
    """Check a `.keras` file and return the description of its model.

    Raises:
        FvcliError: It is no such file, damaged, or asks for anything but what Keras itself brings.
    """
    with _open_archive(path) as archive:
        if archive.getinfo(CONFIG).file_size > MAX_CONFIG_BYTES:
            raise FvcliError(f"{path}: its {CONFIG} is larger than {MAX_CONFIG_BYTES:,} bytes", COPY_AGAIN)
        config = parse_config(archive.read(CONFIG), str(path), _version(archive))
        with _unpacked(archive) as weights:
            look_in_subprocess(weights, str(path))
    return config


def check_h5(path: Path) -> dict[str, Any] | None:
    """Check a `.h5` file and return the description of its model, None if it has weights only.

    Raises:
        FvcliError: It is no such file, damaged, or asks for anything but what Keras itself brings.
    """
    _expect(path, HDF5)
    with path.open("rb") as file:
        contents = look_in_subprocess(file, str(path))
    if contents.description is not None:
        return parse_config(contents.description, str(path), contents.version)
    if contents.by_layer is None and not any("/vars/" in f"/{place}" for place in contents.by_path):
        raise FvcliError(f"{path}: an HDF5 file, but with neither a Keras model nor weights of one", SAVE_IT)
    return None


def check_architecture(path: Path) -> dict[str, Any]:
    """Check the JSON file of a model's description, and return it.

    Raises:
        FvcliError: It is no such file, or asks for anything but what Keras itself brings.
    """
    _head(path)
    if (kind := what_is(path)) != "JSON text":
        hint = _way_of_copy(path, kind) or "give what model.to_json() returns"
        raise UsageError(f"{path}: {kind}, not a JSON file of a Keras model", hint)
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise FvcliError(f"{path}: it is larger than {MAX_CONFIG_BYTES:,} bytes", COPY_AGAIN)
    return parse_config(path.read_bytes(), str(path))


def check_weights(path: Path) -> Contents:
    """Check the weights in a `.keras` or `.h5` file, whatever model they came with, and return their shapes.

    Raises:
        FvcliError: There are none, or the file is damaged.
    """
    if _head(path).startswith(ZIP):
        with _open_archive(path) as archive, _unpacked(archive) as weights:
            return look_in_subprocess(weights, str(path))
    _expect(path, HDF5)
    with path.open("rb") as file:
        return look_in_subprocess(file, str(path))


def unpack_weights(path: Path, target: Path) -> None:
    """Write the weights in a `.keras` file as a file of their own."""
    with _open_archive(path) as archive, archive.open(WEIGHTS) as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file)


def _version(archive: zipfile.ZipFile) -> str | None:
    """Return the version of Keras that wrote an archive, if it says so."""
    try:
        version = json.loads(archive.read(METADATA))["keras_version"]
    except (KeyError, TypeError, ValueError):
        return None
    return version if isinstance(version, str) else None


def _expect(path: Path, beginning: bytes) -> None:
    head = _head(path)
    if head.startswith(beginning):
        return
    kind = what_is(path)
    raise UsageError(
        f"{path}: {kind}, not {kind_of(beginning)} of Keras's", _way_of_copy(path, kind) or SAVE_IT
    )


def _way_of_copy(path: Path, kind: str) -> str:
    """Say what to do with a file that only came here in a wrong form."""
    return way_out(path, kind) if kind in COPIES else ""


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, or say why there is none to read."""
    if path.is_dir():
        raise _of_folder(path)
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: not a file", "give a .keras or .h5 file")
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        hint = meant_checkpoint(path) or "give the path of a model's file"
        raise UsageError(f"{path}: {error.strerror}", hint) from error


def _of_folder(path: Path) -> UsageError:
    kind, hint = what_is(path), "give a .keras or .h5 file"
    if kind == "a TensorFlow SavedModel":
        kind += ", which Keras 3 cannot read"
    if kind == UNPACKED:
        hint = f"give the weights in it: {path / WEIGHTS}"
    if kind == CHECKPOINT:
        hint = way_out(min(path.glob("*.index")), CHECKPOINT)
    return UsageError(f"{path}: {kind}", hint)


@contextmanager
def _open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a `.keras` file of which every member is fit to be read; errors while it is open are damage."""
    _expect(path, ZIP)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path)
            yield archive
    except FvcliError:
        raise
    except Exception as error:  # whatever a broken archive raises, the file is what is wrong
        raise FvcliError(f"{path}: a damaged zip archive ({_reason(error)})", COPY_AGAIN) from error


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, EOFError) or "not a zip file" in text:  # the list of members is at the end
        return "it ends too early"
    return text.splitlines()[0] if text else type(error).__name__


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    names = archive.namelist()
    for ending, kind in FOREIGN.items():
        if CONFIG not in names and any(name.endswith(ending) for name in names):
            raise UsageError(f"{path}: {kind}, not a Keras file", SAVE_IT)
    for member in archive.infolist():
        _check_member(member, path)
    for name in (CONFIG, WEIGHTS):
        if name not in names:
            raise FvcliError(f"{path}: a zip archive without {name}", SAVE_IT)
    if len(set(names)) < len(names):
        raise FvcliError(f"{path}: two members of the archive have one name", COPY_AGAIN)
    _check_expansion(sum(member.file_size for member in archive.infolist()), path)
    for name in {*names} - {CONFIG, WEIGHTS}:  # those are read anyway
        _read_through(archive, name)


def _check_member(member: zipfile.ZipInfo, path: Path) -> None:
    name = member.filename
    if name.startswith(("/", "\\")) or ":" in name or ".." in name.replace("\\", "/").split("/"):
        raise FvcliError(f"{path}: the member {shown(name)} would be unpacked to another place", SAVE_IT)
    if stat.S_ISLNK(member.external_attr >> 16):
        raise FvcliError(f"{path}: the member {shown(name)} is a symbolic link", SAVE_IT)
    if name not in {CONFIG, METADATA, WEIGHTS} and not name.startswith(ASSETS):
        raise FvcliError(f"{path}: the member {shown(name)} is none of a Keras file's", SAVE_IT)
    if member.compress_type not in PACKINGS or member.flag_bits & 1:
        raise FvcliError(f"{path}: the member {shown(name)} is packed as Keras never does", SAVE_IT)
    packed, size = member.compress_size, member.file_size
    if size > max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * packed):
        raise FvcliError(
            f"{path}: the {packed:,} bytes of {shown(name)} would unpack to {size:,}",
            f"a member may be {MAX_EXPANSION} times what it is packed to",
        )


def _check_expansion(total_bytes: int, path: Path) -> None:
    allowed = min(MAX_BYTES, max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * path.stat().st_size))
    if total_bytes > allowed:
        raise FvcliError(f"{path}: it would unpack to {total_bytes:,} bytes", f"its size allows {allowed:,}")


def _read_through(archive: zipfile.ZipFile, name: str) -> None:
    """Read a member and drop it; no more is unpacked than it declares, and its checksum must match."""
    with archive.open(name) as member:
        while member.read(COPY_BYTES):
            pass


@contextmanager
def _unpacked(archive: zipfile.ZipFile) -> Iterator[IO[bytes]]:
    """Unpack the weights to where they can be read in any order."""
    with tempfile.TemporaryFile() as file, archive.open(WEIGHTS) as packed:
        shutil.copyfileobj(packed, file)
        file.flush()
        yield file
