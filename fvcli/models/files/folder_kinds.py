"""Say what a folder is that was named as a model."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from fvcli.errors import UsageError, command
from fvcli.models.files.graph_file import SAVED_MODEL
from fvcli.models.files.ways_out import CHECKPOINT, CORE_ML, KINDS, UNPACKED, way_out

MEMBERS = ("config.json", "metadata.json", "model.weights.h5")  # of a .keras file
VARIABLES = "variables"  # the folder of a SavedModel that looks like a checkpoint
CORE_ML_FOLDERS = {".mlpackage", ".mlmodelc", ".mlmodel"}
MOST_LISTED = 5


def kind_of_folder(folder: Path) -> str:
    """Say what a folder is, such as ``a TensorFlow SavedModel``; most are just ``a folder``."""
    if (folder / SAVED_MODEL).exists():
        return "a TensorFlow SavedModel"
    if (folder / "saved_model.pbtxt").exists():
        return "a TensorFlow SavedModel as text"
    if folder.suffix.lower() in CORE_ML_FOLDERS:
        return CORE_ML
    if all((folder / name).exists() for name in MEMBERS):
        return UNPACKED
    if (folder / "model.json").exists() and any(folder.glob("*shard*of*")):
        return "a folder of TensorFlow.js"
    return CHECKPOINT if any(folder.glob("*.index")) else "a folder"


def refuse_folder(folder: Path, model_suffixes: Collection[str]) -> UsageError:
    """Return the refusal of a folder that is no SavedModel."""
    kind = kind_of_folder(folder)
    if (folder / "plan.json").exists():
        return UsageError(f"{folder}: a run of fvcli, no model", f"see: {command('status', folder)}")
    above = next((one for one in folder.absolute().parents[:2] if (one / SAVED_MODEL).exists()), None)
    if above is not None and (folder.name == VARIABLES or kind == "a folder"):
        return UsageError(f"{folder}: a part of a SavedModel", f"give the folder above: {above}")
    if kind == CHECKPOINT:
        index = min(folder.glob("*.index"))
        more = index.with_suffix(".meta")
        graph = "the graph of a TensorFlow checkpoint"
        hint = way_out(more, graph) if more.exists() else way_out(index, CHECKPOINT)
        return UsageError(f"{folder}: a folder of {CHECKPOINT}, {index.stem}", hint)
    if kind == "a folder of TensorFlow.js":
        return UsageError(f"{folder}: {kind}", way_out(folder / "model.json", "a TensorFlow.js model"))
    if kind != "a folder":
        return UsageError(f"{folder}: {kind}, which is no model that fvcli reads", way_out(folder, kind))
    return UsageError(
        f"{folder}: a folder, and no SavedModel: there is no {SAVED_MODEL} in it",
        _models_in(folder, model_suffixes),
    )


def _models_in(folder: Path, suffixes: Collection[str]) -> str:
    models = sorted(one for one in folder.iterdir() if one.suffix.lower() in suffixes)
    models += sorted(one.parent for one in folder.glob(f"*/{SAVED_MODEL}"))
    if len(models) == 1:
        return f"give the model in it: {models[0]}"
    listed = ", ".join(map(str, models[:MOST_LISTED])) + (", ..." if len(models) > MOST_LISTED else "")
    return f"give one of the {len(models)} models in it: {listed}" if models else f"give {KINDS}"
