"""Look into an HDF5 file of Keras's: where it links to, how much it declares, and what weights it has.

Run as a script, with the file as standard input, this prints what it found. The HDF5 library can crash or
run forever on a damaged file, so it meets one in a process of its own first; see ``hdf5_apart``. To be run
like that, the script needs no other module of this package.

Two layouts hold weights. The older names its layers in the attribute `layer_names`, in the order of the
model, and each layer's weights in `weight_names`; a whole model has that in the group `model_weights` and
its description in the attribute `model_config`. The newer has a group per layer, named after the class
(`layers/conv2d_1/vars/0`), where the order is that of the model's layers of one class.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any

Shape = tuple[int, ...]

MAX_BYTES = 16 * 2**30
MAX_EXPANSION = 100  # times the file's size
ALWAYS_ALLOWED_BYTES = 16 * 2**20  # no bomb, however small the file
MAX_SHOWN = 200  # characters of a text from the file
KERAS_2_LAYERS, LAYERS = "_layer_checkpoint_dependencies", "layers"
NOT_WEIGHTS = ("optimizer/", "optimizer_weights/")
COPY_AGAIN = "copy or download the file again"
ONE_FILE = "save the model as one file"


class Hdf5Error(Exception):
    """Why a file is refused, and what would be right."""

    def __init__(self, sentence: str, hint: str = COPY_AGAIN) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


@dataclass(frozen=True)
class Contents:
    """What a file has: the model's description, if any, and its weights' shapes in one of the two layouts.

    version: Of the Keras that wrote it, if it says so.
    """

    description: str | None = None
    by_layer: list[tuple[str, list[Shape]]] | None = None
    by_path: dict[str, Shape] = field(default_factory=dict)
    version: str | None = None


def look_into(source: IO[bytes], size_bytes: int) -> Contents:
    """Check that a file holds all that it shows, and no more than fits its size; say what it has.

    Args:
        source: The open file.
        size_bytes: Its size.

    Raises:
        Hdf5Error: It is damaged, leads elsewhere, or declares more than is there.
    """
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(source, "r") as file:
            _check_size(list(_datasets(file)), size_bytes)
            root = file.get("model_weights", file)
            layers = _layers(root)
            paths = _shapes_by_path(file) if layers is None else {}
            version = _text(file, "keras_version") or _text(root, "keras_version")
            return Contents(_text(file, "model_config"), layers, paths, version)
    except Hdf5Error:
        raise
    except Exception as error:  # whatever a broken file raises, the file is what is wrong
        raise Hdf5Error(f"not a readable HDF5 file ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    text = str(error.args[0] if error.args else error)  # a KeyError would quote it
    if "truncated" in text:
        return "it ends too early"
    return ascii(text)[1:-1][:MAX_SHOWN] if text else type(error).__name__


def _shown(text: object) -> str:
    return ascii(str(text)[:MAX_SHOWN])


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    """Yield every dataset with its path, and see that each object is reached once, by a plain link."""
    import h5py

    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [("", file)]
    while waiting:
        path, group = waiting.pop()
        for name in group:
            place = f"{path}{name}"
            _check_link(group.get(name, getlink=True), _shown(place))
            member = group[name]
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:
                raise Hdf5Error(f"{_shown(place)} is a second link to one object")
            seen.add(address)
            dict(member.attrs)  # read, for they can be damaged
            if isinstance(member, h5py.Group):
                waiting.append((f"{place}/", member))
            else:
                yield place, member


def _check_link(link: Any, place: str) -> None:
    import h5py

    if isinstance(link, h5py.ExternalLink):
        raise Hdf5Error(f"{place} is a link to another file, {_shown(link.filename)}", ONE_FILE)
    if not isinstance(link, h5py.HardLink):
        raise Hdf5Error(f"{place} is a soft link, which Keras never writes")


def _check_size(datasets: list[tuple[str, Any]], size_bytes: int) -> None:
    declared = sum(_declared_bytes(dataset, _shown(path)) for path, dataset in datasets)
    if declared > MAX_BYTES or declared > max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * size_bytes):
        raise Hdf5Error(
            f"its {size_bytes:,} bytes declare {declared:,} bytes of numbers",
            f"a model may have {MAX_BYTES:,}, and {MAX_EXPANSION} times its file",
        )
    for _, dataset in datasets:
        for piece in dataset.iter_chunks() if dataset.chunks else ():
            dataset[piece]  # what is kept in pieces, or packed, can be damaged


def _declared_bytes(dataset: Any, place: str) -> int:
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None or dataset.dtype.hasobject:
        raise Hdf5Error(f"{place} holds no numbers")
    if dataset.external or dataset.is_virtual:
        raise Hdf5Error(f"the numbers of {place} lie in another file", ONE_FILE)
    pieces = dataset.chunks or (1,) * len(dataset.shape)  # the last of them reach over the edge
    sides = [math.ceil(side / piece) * piece for side, piece in zip(dataset.shape, pieces, strict=True)]
    declared = math.prod(sides) * dataset.dtype.itemsize
    if declared and not dataset.id.get_storage_size():
        raise Hdf5Error(f"the numbers of {place} {dataset.shape} are not there")
    return int(declared)


def _text(group: Any, attribute: str) -> str | None:
    text = group.attrs.get(attribute)
    return text.decode() if isinstance(text, bytes) else None if text is None else str(text)


def _layers(root: Any) -> list[tuple[str, list[Shape]]] | None:
    """Return the layers with weights of the older layout, None if the file is not of it."""
    names = names_of(root, "layer_names")
    if names is None:
        return None
    layers = [(name, names_of(root[name], "weight_names") or []) for name in names]
    return [(name, [tuple(root[name][key].shape) for key in keys]) for name, keys in layers if keys]


def names_of(group: Any, attribute: str) -> list[str] | None:
    """Return a list of names in an attribute, which is spread over numbered attributes if it is long."""
    if attribute in group.attrs:
        parts = [group.attrs[attribute]]
    else:
        numbered = (f"{attribute}{n}" for n in range(len(group.attrs)))
        parts = [group.attrs[name] for name in numbered if name in group.attrs]
    if not parts:
        return None
    return [name.decode() if isinstance(name, bytes) else str(name) for part in parts for name in part]


def _shapes_by_path(file: Any) -> dict[str, Shape]:
    shapes = {path: tuple(dataset.shape) for path, dataset in _datasets(file)}
    places = dict(keras_3_paths(file))
    return {places[path]: shape for path, shape in sorted(shapes.items()) if not path.startswith(NOT_WEIGHTS)}


def keras_3_paths(group: Any, old: str = "", new: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each member of a group, with the path that it has in files of Keras 3.

    Keras 2.13 and 2.14 count a layer with weights twice: its second Conv2D is ``conv2d_2`` there.
    """
    import h5py

    names = {name: name for name in group}
    if old.endswith(f"{KERAS_2_LAYERS}/"):
        names = _renumbered(names)
    for name, renamed in names.items():
        places = f"{old}{name}", f"{new}{LAYERS if renamed == KERAS_2_LAYERS else renamed}"
        yield places
        if isinstance(group[name], h5py.Group):
            yield from keras_3_paths(group[name], *(f"{place}/" for place in places))


def _renumbered(names: Iterable[str]) -> dict[str, str]:
    """Number the layers of each class without gaps."""
    numbers: dict[str, list[int]] = {}
    for name in names:
        base, number = _class_and_number(name)
        numbers.setdefault(base, []).append(number)
    places = {base: sorted(found) for base, found in numbers.items()}
    renamed = {}
    for name in names:
        base, number = _class_and_number(name)
        place = places[base].index(number)
        renamed[name] = f"{base}_{place}" if place else base
    return renamed


def _class_and_number(name: str) -> tuple[str, int]:
    base, _, number = name.rpartition("_")
    return (base, int(number)) if base and number.isdigit() else (name, 0)


def main() -> None:
    """Look into standard input; the argument is how many seconds of computing that may take."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    seconds = int(sys.argv[1]) if most == resource.RLIM_INFINITY else min(int(sys.argv[1]), most)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer: dict[str, Any]
    try:
        with open(0, "rb", closefd=False) as file:
            answer = asdict(look_into(file, os.fstat(0).st_size))
    except Hdf5Error as problem:
        answer = {"sentence": problem.sentence, "hint": problem.hint}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
