"""RUN/links/: which units of other layers a unit has the strongest weights to. Read with NumPy alone.

    RUN/links/links.json      the layers, what is below and above each, how far away
    RUN/links/<folder>.npz    the strongest weights of one layer's units

Positive weights come first, the largest first. The negative ones follow, the most negative first. Places that
nothing fills have channel -1 and weight 0.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fvcli.errors import FvcliError
from fvcli.run.atomic import write_atomic
from fvcli.run.objects import read_bytes
from fvcli.spec.file_names import folder_names

LINKS, INDEX_FILE = "links", "links.json"
LINKS_VERSION = 1
# What reading raises of files that are missing, cut short or of something else.
DAMAGES = (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)
OF_A_SIGN = 8  # links that are kept of each sign
CLASSES_OF_A_SIGN = 5


@dataclass(frozen=True)
class Neighbour:
    """A layer that has links to another.

    layer: Its name.
    mixing: How many layers with weights between channels lead from one to the other, on the shortest way.
    """

    layer: str
    mixing: int


@dataclass(frozen=True)
class Strongest:
    """The strongest weights of some units, each array [units, places].

    layers: int32, positions in a list of neighbours; all 0 where there is only one.
    channels: int32, channels of these layers, or classes.
    weights: float32.
    """

    layers: np.ndarray
    channels: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class LayerLinks:
    """The links of one layer's units.

    name: Of the layer.
    channels: int32 [units], in ascending order: what the plan renders of it.
    below, above: The layers that ``to_below`` and ``to_above`` count; empty where there are none.
    to_below: [units, 16], weights from the rendered channels of the layers below.
    to_above: [units, 16], weights to the rendered channels of the layers above.
    to_classes: [units, 10], weights to the logits; None where the layer does not lead straight to them.
    behind: The activation between the layer and the weights of ``to_classes``; None: there is none.
    reason: Why there is no layer below, in words.
    """

    name: str
    channels: np.ndarray
    below: tuple[Neighbour, ...] = ()
    above: tuple[Neighbour, ...] = ()
    to_below: Strongest | None = None
    to_above: Strongest | None = None
    to_classes: Strongest | None = None
    behind: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Links:
    """All links of a run.

    weights_sha256: Of the network's weights.
    layers: By name.
    """

    weights_sha256: str
    layers: Mapping[str, LayerLinks] = field(default_factory=dict)


def strongest(
    weights: np.ndarray, layers: np.ndarray, channels: np.ndarray, of_a_sign: int = OF_A_SIGN
) -> Strongest:
    """Return the largest and the most negative weights of each unit.

    Args:
        weights: float [units, candidates].
        layers, channels: int [candidates], which layer and channel each candidate is.
        of_a_sign: How many are kept of each sign.
    """
    order = np.argsort(-weights, axis=1, kind="stable")[:, :of_a_sign]
    last = np.argsort(weights, axis=1, kind="stable")[:, :of_a_sign]
    parts = [_kept(weights, order, 1, of_a_sign), _kept(weights, last, -1, of_a_sign)]
    picked, values = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    none = picked < 0
    return Strongest(
        np.where(none, 0, layers[picked]).astype(np.int32),
        np.where(none, -1, channels[picked]).astype(np.int32),
        values.astype(np.float32),
    )


def _kept(weights: np.ndarray, order: np.ndarray, sign: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the candidates of one sign in an order, -1 where there are no more, and their weights."""
    values = np.take_along_axis(weights, order, axis=1)
    is_of_sign = values * sign > 0
    missing = ((0, 0), (0, count - order.shape[1]))
    picked = np.pad(np.where(is_of_sign, order, -1), missing, constant_values=-1)
    return picked, np.pad(np.where(is_of_sign, values, 0.0), missing)


# ---- files


def write_links(run: Path, links: Links) -> Path:
    """Write the links of a run, links.json last, and return where it is.

    Raises:
        FvcliError: They cannot be written.
    """
    folders = folder_names(links.layers)
    for name, layer in links.layers.items():
        write_atomic(run / LINKS / f"{folders[name]}.npz", _as_npz(layer))
    about = [_about(layer, folders[name]) for name, layer in links.layers.items()]
    data = {"version": LINKS_VERSION, "weights_sha256": links.weights_sha256, "layers": about}
    place = run / LINKS / INDEX_FILE
    write_atomic(place, (json.dumps(data, indent=1) + "\n").encode())
    return place


def load_links(run: Path) -> Links | None:
    """Return the links of the run in a folder, or None if it has none.

    Raises:
        FvcliError: They are damaged, or a newer fvcli wrote them.
    """
    try:
        content = read_bytes(run / LINKS / INDEX_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        said = f"the links between units cannot be read ({error.strerror or error})"
        raise FvcliError(said) from error
    try:
        data = json.loads(content)
        if data["version"] > LINKS_VERSION:
            raise FvcliError("the links between units are of a newer fvcli")
        layers = {one["name"]: _layer(one, run) for one in data["layers"]}
        return Links(str(data["weights_sha256"]), layers)
    except DAMAGES as error:
        raise FvcliError("the links between units are damaged") from error


def read_links(run: Path) -> Links | None:
    """Return the links of the run in a folder, or None if there are none that this version can read."""
    try:
        return load_links(run)
    except FvcliError:
        return None


def copy_links(sources: Iterable[Path], target: Path) -> None:
    """Take the links of the first run that has some into another run, unless that has links.

    Raises:
        FvcliError: They cannot be written.
    """
    known = (read_links(source) for source in sources)
    found = next((links for links in known if links is not None), None)
    if found is not None and read_links(target) is None:
        write_links(target, found)


def _about(layer: LayerLinks, folder: str) -> dict[str, Any]:
    return {
        "name": layer.name,
        "folder": folder,
        "units": len(layer.channels),
        "below": [asdict(one) for one in layer.below],
        "above": [asdict(one) for one in layer.above],
        "classes": layer.to_classes is not None,
        "behind": layer.behind,
        "reason": layer.reason,
    }


PARTS = {"below": "to_below", "above": "to_above", "class": "to_classes"}


def _as_npz(layer: LayerLinks) -> bytes:
    arrays: dict[str, Any] = {"channels": layer.channels.astype(np.int32)}
    for name, attribute in PARTS.items():
        part: Strongest | None = getattr(layer, attribute)
        if part is None:
            continue
        if name == "class":
            arrays |= {"class_ids": part.channels, "class_weights": part.weights}
        else:
            arrays |= {f"{name}_layer": part.layers, f"{name}_channels": part.channels}
            arrays[f"{name}_weights"] = part.weights
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _layer(about: Mapping[str, Any], run: Path) -> LayerLinks:
    content = read_bytes(run / LINKS / f"{about['folder']}.npz")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return LayerLinks(
            about["name"],
            arrays["channels"],
            _neighbours(about["below"]),
            _neighbours(about["above"]),
            _part(arrays, "below_layer", "below_channels", "below_weights"),
            _part(arrays, "above_layer", "above_channels", "above_weights"),
            _part(arrays, None, "class_ids", "class_weights"),
            about["behind"],
            about["reason"],
        )


def _neighbours(found: Sequence[Mapping[str, Any]]) -> tuple[Neighbour, ...]:
    return tuple(Neighbour(str(one["layer"]), int(one["mixing"])) for one in found)


def _part(
    arrays: Mapping[str, np.ndarray], layers: str | None, channels: str, weights: str
) -> Strongest | None:
    if channels not in arrays:
        return None
    found = arrays[channels]
    return Strongest(np.zeros_like(found) if layers is None else arrays[layers], found, arrays[weights])
