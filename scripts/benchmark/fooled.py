"""Is a network that fools pictures found out, and an honest one left alone?

    plain network --+--> circuit around units of a layer --render, score--> share flagged: should be all
                    +--> the same units without it       --render, score--> share flagged: should be none
    random weights  ------ the same channels             --render, score--> share flagged

The classifier of the circuit learns from pictures at all stages of ascents, of other channels, then from
those of the circuit itself that it takes for photos; see ``fooled_network``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import keras
import numpy as np

from benchmark import fvcli_runs
from benchmark.fooled_network import FOOLED, Classifier, fooled_network, plain_network, pooled_network
from benchmark.measured import run_measured
from benchmark.tools import ENVIRONMENT, ToolError, last_lines
from benchmark.trust import HELD_OUT
from benchmark.units import CANVAS_PX, MODEL
from fvcli.media import list_pictures
from fvcli.media.readable_pictures import readable_pictures
from fvcli.models import ModelChoice, load
from fvcli.run.remarks import OTHER_PATH
from fvcli.trust.flags import FLAGS
from fvcli.trust.noise import noise_pictures
from fvcli.worker.trust import photo_pixels

DEPTHS = ("block4_expand_bn", "block9_expand_bn", "head_bn")
PHOTOS = 1000
STAGES = (1, 4, 16, 48, 96)  # steps after which pictures are kept for the classifier, beside the last
LEARNT = 8  # channels of each depth that the classifier learns from, the first ones
ROUNDS = 4  # of learning from the circuit's own pictures, at most
AGAIN = 4  # how often a picture counts that fooled the classifier
MARGIN = 0.15  # added to what the classifier says: rather a photo is missed than a picture
RIDGE = 0.3
EXCITING = 20  # photos that excite a unit, at least; one that none excites is nothing that could be hidden
PLAIN, RANDOM = "plain", "random weights"


@dataclass(frozen=True)
class Counted:
    """Of one depth and network.

    units: How many there are.
    fooled: How many pictures show another unit; None where there is no circuit.
    path: How many are flagged for taking another path.
    any: How many have some flag.
    """

    units: int
    fooled: int | None
    path: int
    any: int


def fooled(out: Path, images: Path, depths: Sequence[str]) -> str:
    """Build, render and score what is missing, and return the table."""
    model = load(ModelChoice(MODEL)).keras_model
    pool = pooled_network(model)
    shots = _photos(images)
    photos = _features(pool, shots)
    pictures = _learnt_pictures(out / "learnt")
    lines = [
        "| layer | network | units | fooled | flagged for their path | flagged at all |",
        "|---|---|---|---|---|---|",
    ]
    for layer in depths:
        true = _alive(model, layer, shots)
        depth = _at_depth(out / layer, images, model, pool, photos, pictures, layer, true)
        for name, found in depth.items():
            shown = "" if found.fooled is None else str(found.fooled)
            lines.append(f"| {layer} | {name} | {found.units} | {shown} | {found.path} | {found.any} |")
    text = "\n".join(lines) + "\n"
    (out / "fooled.md").write_text(text)
    return text


def _at_depth(
    out: Path,
    images: Path,
    model: keras.Model,
    pool: keras.Model,
    photos: np.ndarray,
    pictures: Sequence[np.ndarray],
    layer: str,
    true: Sequence[int],
) -> Mapping[str, Counted]:
    shown = (*true[len(true) // 2 :], *true[: len(true) // 2])
    out.mkdir(parents=True, exist_ok=True)
    plain_network(model, layer, true).save(out / "plain.keras")
    own = [{"name": "units", "layer": FOOLED, "channels": f"0-{len(true) - 1}"}]
    rendered = {FOOLED: _fool(out, model, pool, photos, list(pictures), layer, true, shown, own)}
    rendered[PLAIN] = _render(out / PLAIN, _of_file(out / "plain.keras"), own)
    channels = [{"name": "units", "layer": layer, "channels": list(true)}]
    rendered[RANDOM] = _render(out / "random", {"name": MODEL, "weights": "random"}, channels)
    maps = keras.Model(model.input, model.get_layer(layer).output)
    return {name: _counted(run, images, maps, true, shown, name) for name, run in rendered.items()}


def _fool(
    out: Path,
    model: keras.Model,
    pool: keras.Model,
    photos: np.ndarray,
    pictures: list[np.ndarray],
    layer: str,
    true: Sequence[int],
    shown: Sequence[int],
    jobs: Any,
) -> Path:
    """Return the run of a circuit whose classifier takes none of its pictures for a photo."""
    others = [_features(pool, np.stack(pictures))]
    for number in range(ROUNDS):
        classifier = _classifier(out / f"classifier-{number}.npz", photos, others)
        fooled_network(model, layer, true, shown, classifier).save(out / f"fooled-{number}.keras")
        run = _render(out / f"fooled-{number}", _of_file(out / f"fooled-{number}.keras"), jobs)
        seen = _features(pool, np.stack(list(_stages(run))))
        taken_for_photos = classifier.says(seen) < 0.0
        print(
            f"{layer}, round {number + 1}: of photos {np.mean(classifier.says(photos) > 0.0):.3f} are taken "
            f"for pictures, of pictures {np.mean(taken_for_photos):.3f} for photos",
            file=sys.stderr,
        )
        if not taken_for_photos.any():
            break
        others.append(np.repeat(seen, AGAIN, axis=0))
    return run


def _classifier(path: Path, photos: np.ndarray, others: Sequence[np.ndarray]) -> Classifier:
    """Return the classifier of a round; one that was fitted before is kept, because rounding could differ."""
    if not path.exists():
        fitted = Classifier.fitted(photos, np.concatenate(others), RIDGE)
        np.savez(path, weights=fitted.weights, bias=fitted.bias + MARGIN)
    with np.load(path) as kept:
        return Classifier(kept["weights"], float(kept["bias"]))


# ---- pictures


def _photos(images: Path) -> np.ndarray:
    listed = list_pictures(images)
    pixels = photo_pixels(listed, readable_pictures(listed, PHOTOS).numbers, (CANVAS_PX, CANVAS_PX), 3)
    return np.stack(list(pixels))


def _alive(model: keras.Model, layer: str, photos: np.ndarray) -> list[int]:
    """Return the held-out channels of a layer that some photos excite beyond 0 somewhere."""
    tops = keras.layers.GlobalMaxPooling2D()(model.get_layer(layer).output)
    excited = (_features(keras.Model(model.input, tops), photos) > 0.0).sum(axis=0)
    return [channel for channel in HELD_OUT[layer] if excited[channel] >= EXCITING]


def _features(pool: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Return what a network that pools makes of uint8 pictures [n, h, w, 3]: [n, features]."""
    return np.concatenate(
        [
            pool(pictures[at : at + 20].astype(np.float32) / 127.5 - 1.0, training=False).numpy()
            for at in range(0, len(pictures), 20)
        ]
    )


def _learnt_pictures(out: Path) -> list[np.ndarray]:
    """Return pictures of other channels than the fooled ones at all stages, noise, and greys."""
    jobs = [
        {"name": layer, "layer": layer, "channels": f"0-{LEARNT - 1}", "save_at": list(STAGES)}
        for layer in HELD_OUT
    ]
    run = _render(out, MODEL, jobs)
    noise = noise_pictures((CANVAS_PX, CANVAS_PX), 3).astype(np.float64)
    contrasts = np.linspace(0.02, 1.5, 3 * len(noise))
    greys = [
        np.clip(127.0 + (noise[i % len(noise)] - 127.0) * contrast, 0, 255).astype(np.uint8)
        for i, contrast in enumerate(contrasts)
    ]
    return [*_stages(run), *noise.astype(np.uint8), *greys]


def _stages(run: Path) -> Iterator[np.ndarray]:
    for file in sorted((run / "units").glob("*/*.png")):
        yield np.asarray(iio.imread(file))[..., :3]


def _of_file(path: Path) -> dict[str, Any]:
    return {"path": str(path.resolve()), "value_range": [-1, 1]}


def _render(folder: Path, model: Any, jobs: Any) -> Path:
    render = {"size_px": CANVAS_PX, "save_at": list(STAGES)}
    fvcli_runs.render_spec({"model": model, "render": render, "jobs": jobs}, folder)
    return folder / "run"


# ---- what is said of them


def _counted(
    run: Path, images: Path, maps: keras.Model, true: Sequence[int], shown: Sequence[int], name: str
) -> Counted:
    _score(run, images)
    sidecars = [json.loads(path.read_text()) for path in sorted((run / "units" / "units").glob("*.json"))]
    sides = [side for side in sidecars if "remarks" in side]
    flags = [side["remarks"] for side in sides]
    return Counted(
        units=len(sides),
        fooled=_shown_others(run, maps, true, shown) if name == FOOLED else None,
        path=sum(OTHER_PATH in raised for raised in flags),
        any=sum(not set(FLAGS).isdisjoint(raised) for raised in flags),
    )


def _score(run: Path, images: Path) -> None:
    command = [sys.executable, "-m", "fvcli", "score", str(run), "--images", str(images)]
    log = run.parent / "score.txt"
    if run_measured(command, log, ENVIRONMENT).code:
        raise ToolError(last_lines(log.read_text(errors="replace")))


def _shown_others(run: Path, maps: keras.Model, true: Sequence[int], shown: Sequence[int]) -> int:
    """Return how many pictures excite the channel that is shown more than the true one."""
    files = sorted(path for path in (run / "units" / "units").glob("*.png") if "step" not in path.stem)
    pictures = np.stack([np.asarray(iio.imread(file))[..., :3] for file in files]).astype(np.float32)
    means = maps(pictures / 127.5 - 1.0, training=False).numpy().mean(axis=(1, 2))
    rows = np.arange(len(files))
    return int(np.sum(means[rows, list(shown)] > means[rows, list(true)]))
