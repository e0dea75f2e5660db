"""Do other networks name the class that a picture was made for?

classes that were drawn once --each recipe--> pictures --two other networks--> share that name the class
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np

from benchmark import fvcli_runs
from benchmark.networks import networks
from benchmark.units import CANVAS_PX, MODEL
from fvcli.models import load
from fvcli.trust.assemble import FIRST_FIVE, named_by
from fvcli.trust.two_afc import interval_of_mean
from fvcli.worker.device import set_up_device
from fvcli.worker.trust import PooledFeatures

LOGITS = {"googlenet": "linear", "squeezenet": "pool_final"}
CLASSES = 1000
DRAWN = np.random.default_rng(20261130).permutation(CLASSES)
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "classes": {"recipe": "classes"},
    "without penalty": {"recipe": "classes", "penalties": []},
    "default": {"recipe": "default"},
    "maco": {"recipe": "maco"},
}


@dataclass(frozen=True)
class Said:
    """What one network says of pictures.

    first, first_five: bool [pictures], whether the class is the first, or among the first five.
    """

    first: np.ndarray
    first_five: np.ndarray


def transfer(out: Path, columns: Sequence[str], count: int) -> str:
    """Render what is missing, and return the table."""
    classes = [int(number) for number in DRAWN[:count]]
    rendered = {column: _rendered(out, column, classes) for column in columns}
    device = set_up_device()
    judges = {name: PooledFeatures(load(networks()[name]), [layer], device) for name, layer in LOGITS.items()}
    said = {
        column: {name: said_of(look(pictures)[0], classes) for name, look in judges.items()}
        for column, (pictures, _) in rendered.items()
    }
    text = table(said, {column: cpu_s for column, (_, cpu_s) in rendered.items()}, count)
    (out / f"transfer-{count}.md").write_text(text)
    return text


def _rendered(out: Path, column: str, classes: Sequence[int]) -> tuple[list[np.ndarray], float]:
    """Return pictures, uint8 [h, w, 3], and the mean CPU seconds of one."""
    folder = out / column.replace(" ", "-")
    jobs = [{"name": "classes", "objective": "class_logit", "classes": f"0-{CLASSES - 1}"}]
    names = [f"class_logit-{number:04d}" for number in classes]
    render = {"size_px": CANVAS_PX, **COLUMNS[column]}
    spec = {"model": MODEL, "render": render, "jobs": jobs}
    fvcli_runs.render_spec(spec, folder, *fvcli_runs.only(f"classes/{name}" for name in names))
    files = [folder / "run" / "units" / "classes" / f"{name}.png" for name in names]
    cpu_s = [json.loads(file.with_suffix(".json").read_text())["cpu_seconds"] for file in files]
    return [np.asarray(iio.imread(file))[..., :3] for file in files], float(np.mean(cpu_s))


def said_of(logits: np.ndarray, classes: Sequence[int]) -> Said:
    """Return where each picture's class is among the logits [pictures, classes] of a network."""
    is_own = named_by(logits, FIRST_FIVE) == np.array(classes)[:, None]
    return Said(is_own[:, 0], is_own.any(axis=1))


def table(said: Mapping[str, Mapping[str, Said]], cpu_s: Mapping[str, float], count: int) -> str:
    """Return a table with a row for each recipe: shares of pictures that networks name, and an interval."""
    lines = [
        f"{count} classes",
        "",
        f"| recipe | named | 95 % interval | among five | {' | '.join(LOGITS)} | CPU s |",
        "|---" * (5 + len(LOGITS)) + "|",
    ]
    for column, by_judge in said.items():
        named = np.mean([one.first for one in by_judge.values()], axis=0)
        five = np.mean([one.first_five for one in by_judge.values()])
        low, high = interval_of_mean(named)
        each = " | ".join(f"{one.first.mean():.2f}" for one in by_judge.values())
        lines.append(
            f"| {column} | {named.mean():.3f} | {low:.3f}-{high:.3f} | {five:.3f} | {each} "
            f"| {cpu_s[column]:.1f} |"
        )
    return "\n".join(lines) + "\n"
