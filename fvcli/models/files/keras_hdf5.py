"""Look into an HDF5 file of Keras's before its numbers are read: what it links to and how much it declares.

Two layouts hold weights. The older names its layers in the attribute `layer_names`, in the order of the
model, and each layer's weights in `weight_names`; a whole model has that in the group `model_weights` and
its description in the attribute `model_config`. The newer has a group per layer, named after the class
(`layers/conv2d_1/vars/0`), where the order is that of the model's layers of one class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from fvcli.errors import FvcliError
from fvcli.models.files.keras_config import DAMAGED, shown

Shape = tuple[int, ...]

MAX_BYTES = 16 * 2**30
MAX_EXPANSION = 100  # times the file's size
ALWAYS_ALLOWED_BYTES = 16 * 2**20  # no bomb, however small the file
KERAS_2_LAYERS = "_layer_checkpoint_dependencies"
NOT_WEIGHTS = ("optimizer/", "optimizer_weights/")


@dataclass(frozen=True)
class StoredWeights:
    """The shapes of the weights in a file, in whichever of the two layouts it has."""

    by_layer: list[tuple[str, list[Shape]]] | None = None
    by_path: dict[str, Shape] = field(default_factory=dict)


@contextmanager
def open_hdf5(source: Path | IO[bytes], what: str) -> Iterator[Any]:
    """Open a file for reading; whatever goes wrong in the HDF5 library while it is open is damage.

    Args:
        source: A path or an open file.
        what: What to call it in messages.

    Raises:
        FvcliError: It is no HDF5 file, or a damaged one.
    """
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(source, "r") as file:
            yield file
    except FvcliError:
        raise
    except Exception as error:  # whatever a broken file raises, the file is what is wrong
        raise FvcliError(f"{what}: not a readable HDF5 file ({_reason(error)})", DAMAGED) from error


def _reason(error: Exception) -> str:
    text = str(error).strip("'\"")
    if "truncated" in text:
        return "it ends too early"
    return text.splitlines()[0][:200] if text else type(error).__name__


def check_contents(file: Any, size_bytes: int, what: str) -> None:
    """Check that an open file holds all that it shows, and no more than fits its size.

    Args:
        file: The open HDF5 file.
        size_bytes: Size of the file, compressed as it is stored.
        what: What to call it in messages.

    Raises:
        FvcliError: A link leads elsewhere, data lie outside, or more is declared than is there.
    """
    declared = sum(_declared_bytes(dataset, shown(path), what) for path, dataset in _datasets(file, what))
    if declared > MAX_BYTES or declared > max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * size_bytes):
        raise FvcliError(
            f"{what}: its {size_bytes:,} bytes declare {declared:,} bytes of numbers",
            f"a model may have {MAX_BYTES:,}, and {MAX_EXPANSION} times its file",
        )


def _datasets(file: Any, what: str) -> Iterator[tuple[str, Any]]:
    """Yield every dataset with its path, and see that each object is reached once, by a plain link."""
    import h5py

    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [("", file)]
    while waiting:
        path, group = waiting.pop()
        for name in group:
            place = f"{path}{name}"
            _check_link(group.get(name, getlink=True), shown(place), what)
            member = group[name]
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:
                raise FvcliError(f"{what}: {shown(place)} is a second link to one object", DAMAGED)
            seen.add(address)
            if isinstance(member, h5py.Group):
                waiting.append((f"{place}/", member))
            else:
                yield place, member


def _check_link(link: Any, place: str, what: str) -> None:
    import h5py

    if isinstance(link, h5py.ExternalLink):
        target = shown(link.filename)
        raise FvcliError(f"{what}: {place} is a link to another file, {target}", "save the model as one file")
    if not isinstance(link, h5py.HardLink):
        raise FvcliError(f"{what}: {place} is a soft link, which Keras never writes", "save the model again")


def _declared_bytes(dataset: Any, place: str, what: str) -> int:
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None or dataset.dtype.hasobject:
        raise FvcliError(f"{what}: {place} holds no numbers", DAMAGED)
    if dataset.external or dataset.is_virtual:
        raise FvcliError(f"{what}: the numbers of {place} lie in another file", "save the model as one file")
    declared = math.prod(dataset.shape) * dataset.dtype.itemsize
    if declared and not dataset.id.get_storage_size():
        raise FvcliError(f"{what}: the numbers of {place} {dataset.shape} are not there", DAMAGED)
    return int(declared)


def model_config(file: Any) -> str | bytes | None:
    """Return the description of the model in an open file, None if it has weights only."""
    text = file.attrs.get("model_config")
    return text if text is None or isinstance(text, str | bytes) else bytes(text)


def stored_weights(file: Any) -> StoredWeights:
    """Return the shapes of all weights in an open file; none of the numbers is read."""
    root = file.get("model_weights", file)
    names = _names(root, "layer_names")
    if names is None:
        return StoredWeights(by_path=_shapes_by_path(file))
    layers = [(name, _layer_shapes(root[name])) for name in names]
    return StoredWeights(by_layer=[(name, shapes) for name, shapes in layers if shapes])


def _layer_shapes(group: Any) -> list[Shape]:
    return [tuple(group[name].shape) for name in _names(group, "weight_names") or []]


def _names(group: Any, attribute: str) -> list[str] | None:
    """Return a list of names, which is spread over numbered attributes if it is long."""
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        numbered = (f"{attribute}{n}" for n in range(len(group.attrs)))
        parts = [group.attrs[name] for name in numbered if name in group.attrs]
    if not parts:
        return None
    return [name.decode() if isinstance(name, bytes) else str(name) for part in parts for name in part]


def _shapes_by_path(file: Any) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}

    def note(path: str, member: Any) -> None:
        if hasattr(member, "shape") and not path.startswith(NOT_WEIGHTS):
            shapes[path.replace(KERAS_2_LAYERS, "layers")] = tuple(member.shape)

    file.visititems(note)
    return shapes
