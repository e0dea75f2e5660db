"""What memory rendering takes: after each of many programs in one process, and at most, beside the estimate.

Each spec of ``specs`` is rendered by ``fvcli render`` in a process of its own, one picture at a time, with
few steps, because memory does not depend on steps. The estimate is the one that ``fvcli plan`` prints.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.fvcli_runs import render_spec
from benchmark.measured import run_measured
from benchmark.tools import ENVIRONMENT, ToolError, last_lines
from benchmark.units import MODEL

DEEP, MIDDLE, SHALLOW = "head_bn", "block4_expand_bn", "stem_bn"
STEPS = 18  # more than one call of the compiled loop
GROWTH = 1.25  # of the peak over all programs, against that after the third
FACTOR = 1.5  # between an estimate and a peak
SMALL_PX, LARGE_PX = (410, 500), (4000, 6000)  # photos
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def memory(out: Path, programs: int, only: Sequence[str] | None = None) -> str:
    """Measure both; return two tables.

    Args:
        out: Where runs and results are written.
        programs: How many are rendered in one process.
        only: Names of specs; by default all, and the programs.

    Raises:
        ToolError: A render failed.
    """
    folder = out / "memory"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [] if only else [_of_programs(folder, programs)]
    text = "\n".join([*parts, _of_specs(folder, only)])
    (folder / "memory.md").write_text(text)
    return text


# ---- many programs in one process


def _of_programs(folder: Path, count: int) -> str:
    log = folder / "programs.log"
    found = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    usage = run_measured(
        [sys.executable, "-m", "benchmark.memory", str(folder / "programs"), str(count)], log, found
    )
    text = log.read_text(errors="replace")
    if usage.code:
        raise ToolError(last_lines(text))
    after = [json.loads(line) for line in text.splitlines() if line.startswith("[")]
    third, most = after[2][1], max(mb for _, mb in after[2:])
    verdict = "flat" if most <= GROWTH * third else "IT GROWS"
    lines = ["| programs | resident MB |", "| --- | --- |"]
    lines += [f"| {number} | {mb:.0f} |" for number, mb in after if number in {1, 2, 3} or number % 5 == 0]
    return "\n".join([*lines, "", f"At most {most / third:.2f} times that after the third: {verdict}.", ""])


def _render_programs(folder: Path, count: int) -> Iterator[tuple[int, float]]:
    """Render units that are each compiled anew, and yield how many are done and the resident megabytes."""
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.run import RunFolder
    from fvcli.worker.render_batches import Worker

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    how = {"size_px": 64, "steps": STEPS}
    job = {"layer": DEEP, "channels": 3}
    jobs = [{**job, "name": f"p{i}", "optimizer": _adam(0.05 + 0.001 * i)} for i in range(count)]
    spec = folder / "spec.yaml"
    spec.write_text(json.dumps({"model": MODEL, "render": how, "jobs": jobs}))
    planned = plan_of_spec(str(spec), ())
    with RunFolder.begin(folder / "run", planned.plan, planned.text, planned.facts) as run:
        worker = Worker(run)
        for batch in range(count):
            for _ in worker.render([batch]):
                pass
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            yield batch + 1, pages * PAGE_BYTES / 1e6


def _adam(learning_rate: float) -> dict[str, Any]:
    return {"kind": "adam", "learning_rate": learning_rate}


# ---- estimates and peaks


def specs(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return what is rendered: a spec for each name. Photos are painted in the folder."""
    small, large = (_photo(folder / f"{name}.png", size) for name, size in PHOTOS.items())
    resnet, efficientnet, vgg = (
        {"name": name, "weights": "random"} for name in ("resnet50", "efficientnetb0", "vgg16")
    )
    dream = {"objective": "layer", "recipe": "deepdream", "steps": 1}
    aimed = {"size_px": 512, "pictures": small}
    between = {
        "kind": "interpolate",
        "from": {"kind": "channel", "layer": MIDDLE, "channel": 1},
        "to": {"kind": "channel", "layer": MIDDLE, "channel": 2},
        "count": 3,
    }
    return {
        **{f"shallow-{px}": _spec(SHALLOW, size_px=px) for px in (64, 224, 1000)},
        **{f"middle-{px}": _spec(MIDDLE, size_px=px) for px in (224, 1000)},
        **{f"deep-{px}": _spec(DEEP, size_px=px) for px in (64, 224, 1000)},
        "lucid-1000": _spec(MIDDLE, size_px=1000, recipe="lucid"),
        "naive-1000": _spec(MIDDLE, size_px=1000, recipe="naive"),
        "cppn-224": _spec(MIDDLE, size_px=224, recipe="cppn"),
        "untrained-224": _spec(MIDDLE, size_px=224, recipe="untrained-prior"),
        "untrained-1000": _spec(MIDDLE, size_px=1000, recipe="untrained-prior"),
        "maco-512": _spec(MIDDLE, recipe="maco", size_px=512),
        "maco-deep-512": _spec(DEEP, recipe="maco", size_px=512),
        "diversity-224": _spec(MIDDLE, size_px=224, diversity={"count": 4}),
        "views-224": _spec(MIDDLE, size_px=224, views=4),
        "style-512": _spec(MIDDLE, objective="style", **aimed),
        "match-512": _spec(MIDDLE, objective="match", **aimed),
        "transparent-224": _spec(MIDDLE, size_px=224, recipe="transparent"),
        "interpolate-224": _spec(None, size_px=224, objective=between),
        "dream-small": _spec(MIDDLE, **dream, pictures=small),
        "dream-large": _spec("block2_expand_bn", **dream, pictures=large, octaves={"count": 2}),
        "resnet50-64": _spec("conv4_block3_add", resnet, size_px=64),
        "resnet50-224": _spec("conv4_block3_add", resnet, size_px=224),
        "resnet50-deep-64": _spec("conv5_block3_add", resnet, size_px=64),
        "vgg16-class-224": _spec(None, vgg, objective="class_logit", classes=3),
        "efficientnetb0-224": _spec("block4a_expand_conv", efficientnet, size_px=224),
        "efficientnetb0-640": _spec("block4a_expand_conv", efficientnet, size_px=640),
    }


PHOTOS = {"small": SMALL_PX, "large": LARGE_PX}


def _spec(layer: str | None, model: str | Mapping[str, str] = MODEL, **job: Any) -> Mapping[str, Any]:
    where = {} if layer is None else {"layer": layer}
    units = {} if "objective" in job else {"channels": 3}
    how = {"steps": STEPS, "early_stop": 0}
    return {"model": model, "jobs": [{"name": "job", **where, **units, **how, **job}]}


def _photo(path: Path, size_px: tuple[int, int]) -> str:
    import numpy as np
    from PIL import Image

    if not path.exists():
        colours = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
        Image.fromarray(colours).resize(size_px[::-1], Image.Resampling.BICUBIC).save(path)
    return str(path.resolve())


def _of_specs(folder: Path, only: Sequence[str] | None) -> str:
    chosen = {name: spec for name, spec in specs(folder).items() if not only or name in only}
    lines = ["| spec | estimate GB | peak GB | estimate / peak |", "| --- | --- | --- | --- |"]
    ratios = []
    for name, spec in chosen.items():
        place = folder / "specs" / name
        shutil.rmtree(place, ignore_errors=True)
        peak = render_spec(spec, place, "--threads", "1").peak_rss_mb * 2**20
        estimated = _estimate(place / "spec.yaml")
        ratios.append(estimated / peak)
        lines.append(f"| {name} | {estimated / 1e9:.2f} | {peak / 1e9:.2f} | {ratios[-1]:.2f} |")
        print(lines[-1], file=sys.stderr, flush=True)
        shutil.rmtree(place)
    within = sum(1 / FACTOR <= ratio <= FACTOR for ratio in ratios)
    return "\n".join([*lines, "", f"{within} of {len(ratios)} are within a factor of {FACTOR}.", ""])


def _estimate(spec: Path) -> int:
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.plan.memory import most_of

    planned = plan_of_spec(str(spec), ())
    return most_of(planned.plan.programs, planned.facts, at_once=1).total_bytes


if __name__ == "__main__":
    for done in _render_programs(Path(sys.argv[1]), int(sys.argv[2])):
        print(json.dumps(done), flush=True)
