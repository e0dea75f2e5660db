"""Read the text of a spec, or say what the file is instead and what can be done with it."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

from fvcli.errors import FvcliError, UsageError, command
from fvcli.media import picture_text
from fvcli.models.files.file_kinds import GRAPH, HEAD_BYTES, kind_of
from fvcli.models.files.folder_kinds import refuse_folder
from fvcli.models.files.model_format import BY_SUFFIX, MODEL_SUFFIXES, SPEC_SUFFIXES, what_is
from fvcli.models.files.ways_out import way_out
from fvcli.spec.mistakes.problems import nearest

START = "fvcli init spec.yaml writes a spec to start from"
# Marks at the beginning of a text, the longer ones first. UTF-8 may have one, too.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
MAY_BE_TEXT = {"a text file", "JSON text", "a file of an unknown format", "an empty file"}
MODELS = ("a Keras model", "a Keras model (HDF5)", "a TensorFlow SavedModel", GRAPH)


def read_spec(spec: str) -> str:
    """Return the text of a spec's file, or of standard input for ``-``.

    Raises:
        UsageError: It cannot be read, or is no text.
    """
    path = Path(spec)
    if spec != "-" and path.is_dir():
        raise _of_folder(path)
    try:
        content: bytes = sys.stdin.buffer.read() if spec == "-" else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{spec}: {error.strerror}", _meant(path) or START) from error
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8-sig")
    if spec != "-" and encoding == "utf-8-sig" and not _may_be_spec(path, content):
        raise _of_file(path)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(spec, content, error) from error


def _meant(path: Path) -> str:
    """Name a spec beside a path that is written much like it, if there is one."""
    try:
        beside = {file.stem: file for file in path.parent.iterdir() if file.suffix.lower() in SPEC_SUFFIXES}
    except OSError:  # there is no such folder
        return ""
    near = nearest(path.stem, beside)
    return f"did you mean {beside[near]}?" if near and not path.exists() else ""


def _may_be_spec(path: Path, content: bytes) -> bool:
    is_named_as_model = path.suffix.lower() in {*MODEL_SUFFIXES, *BY_SUFFIX}
    return kind_of(content[:HEAD_BYTES]) in MAY_BE_TEXT and not is_named_as_model


def _undecodable(spec: str, content: bytes, error: UnicodeDecodeError) -> UsageError:
    """Say where the first byte stands that is none of the encoding."""
    before = content[: error.start].decode(error.encoding, "replace").split("\n")
    place = f"{spec}:{len(before)}:{len(before[-1]) + 1}"
    if b"\0" in content[:HEAD_BYTES]:
        return UsageError(f"{place}: not a spec: it is not UTF-8 text", START)
    meant = content[error.start : error.start + 1].decode("cp1252", "replace")
    what = f"{place}: the byte {content[error.start]:#04x} is not UTF-8 text"
    return UsageError(what, f"save the file as UTF-8; in Windows-1252 the byte is {meant!r}")


def _of_folder(path: Path) -> UsageError:
    if (path / "plan.json").exists():
        again = command("render", path / "spec.yaml", "-o", path)
        return UsageError(f"{path}: a run of fvcli, not a spec", f"to go on with it: {again}")
    if what_is(path) in MODELS:
        return _of_model(path, what_is(path))
    if (kind := what_is(path)) != "a folder":
        hint = refuse_folder(path, MODEL_SUFFIXES).hint
        return UsageError(f"{path}: {kind}, not a spec", f"{hint}; {START}")
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in SPEC_SUFFIXES | MODEL_SUFFIXES)
    hint = f"there is {found[0]} in it" if found else START
    return UsageError(f"{path}: a folder, not a spec", hint)


def _of_file(path: Path) -> UsageError:
    kind = what_is(path)
    if kind in MODELS:
        return _of_model(path, kind)
    if kind == "a picture":
        return UsageError(f"{path}: a picture, not a spec", _way_of_picture(path))
    if path.name == "saved_model.pb":
        return _of_model(path.parent, "a TensorFlow SavedModel")
    return UsageError(f"{path}: {kind}, not a spec", f"{way_out(path, kind)}; {START}")


def _of_model(path: Path, kind: str) -> UsageError:
    hint = f"write a spec with the line model: {path}; what is in it shows: {command('inspect', path)}"
    return UsageError(f"{path}: {kind}, not a spec", hint)


def _way_of_picture(path: Path) -> str:
    try:
        picture_text(path)
    except FvcliError:
        return f"a spec names it so, in a job: pictures: {path}"
    return f"to render it again: {command('render', '--from', path, '-o', 'run')}"
