"""What the atlas of a large run costs: time and memory of building it, its size, how soon one can use it.

The run is made up: pictures of noise as fvcli writes them, sidecars, some units dead, failed or missing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from benchmark.measured import run_measured
from benchmark.tools import ToolError, last_lines
from benchmark.units import MODEL

if TYPE_CHECKING:
    import numpy as np

    from fvcli.plan import Unit
    from fvcli.run import RunFolder

UNITS, SIZE_PX = 10_000, 224
LARGE, LARGEST = "head_bn", 1024  # a layer with so many units on its first page
VARIANTS = 4  # of a channel at most; what is more are directions, which are one chapter
PICTURES = 48  # different ones
SPEC, RUN, SITE = "spec.yaml", "run", "run/site"
DEAD, FAILED, MISSING = 499, 997, 1999  # every how many units
SCREEN = 1280, 800
A_MEGABYTE = 1_000_000
PICTURE_FILES = {".webp", ".jpg", ".png"}

# What is asked of the browser: whether all pictures that are seen are there, and when that was found out.
READY = """
const done = arguments[arguments.length - 1];
const inSight = (one) => one.getBoundingClientRect().top < innerHeight;
const look = () => {
  const tiles = [...document.querySelectorAll("#tiles li")].filter(inSight);
  const seen = tiles.flatMap((one) => [...one.querySelectorAll("img")]);
  if (seen.length && seen.every((one) => one.complete && one.naturalWidth)) done(performance.now());
  else requestAnimationFrame(look);
};
look();"""


def spec_of(units: int, size_px: int, variants: int = VARIANTS) -> dict[str, Any]:
    """Return a spec of so many units: channels of wide layers, some with variants, and directions."""
    from fvcli.models import ModelChoice, describe

    nodes = describe(ModelChoice(MODEL)).nodes
    width = {one.name: one.channels for one in nodes if one.name.endswith("_bn") and one.channels >= 96}
    order = sorted(width, key=lambda name: name != LARGE)  # the large layer is in every run
    jobs, left = [], units
    for seed in range(variants):
        for layer in order:
            count = min(left, width[layer])
            if count:
                channels = f"0-{count - 1}"
                jobs.append({"name": f"{layer}-{seed}", "layer": layer, "channels": channels, "seed": seed})
                left -= count
    if left:
        vectors = [{"random": f"0-{left - 1}"}]
        jobs.append({"name": "directions", "layer": order[1], "objective": "direction", "vectors": vectors})
    return {"model": MODEL, "render": {"size_px": size_px}, "jobs": jobs}


# ---- the run


def make(folder: Path) -> None:
    """Write the run, but for its last unit."""
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.run import RunFolder

    planned = plan_of_spec(str(folder / SPEC), ())
    with RunFolder.begin(folder / RUN, planned.plan, planned.text, planned.facts) as run:
        files = _files(run)
        for number, unit in enumerate(run.plan.units):
            if number % MISSING != 3 and number + 1 < len(run.plan.units):
                _write_unit(run, unit, number, files)


def one_more(folder: Path) -> None:
    """Write the last unit."""
    from fvcli.run import RunFolder

    run = RunFolder.read(folder / RUN)
    number = len(run.plan.units) - 1
    _write_unit(run, run.plan.units[number], number, _files(run))


Files = Sequence[tuple[bytes, str]]  # of each picture the file, and the sum of its pixels


def _files(run: RunFolder) -> Files:
    import numpy as np

    from fvcli.media import encode_picture, pixel_sha256

    rng = np.random.default_rng(0)
    side = run.plan.programs[0].height_px
    pictures = [_noise(rng, side) for _ in range(PICTURES)]
    return [(encode_picture(one, "noise", {}), pixel_sha256(one)) for one in pictures]


def _noise(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return coloured noise, less of it the higher the frequency, as in most pictures, uint8 [h, w, 3]."""
    import numpy as np

    across, down = np.fft.rfftfreq(side), np.fft.fftfreq(side)[:, None]
    fall = 1 / np.maximum(np.hypot(across, down), 1 / side) ** 1.2
    waves = np.fft.rfft2(rng.normal(size=(3, side, side))) * fall
    planes = np.fft.irfft2(waves, s=(side, side))
    planes /= planes.std(axis=(1, 2), keepdims=True)
    return (np.clip(0.5 + 0.2 * planes.transpose(1, 2, 0), 0, 1) * 255).astype(np.uint8)


def _write_unit(run: RunFolder, unit: Unit, number: int, files: Files) -> None:
    from fvcli.run import Sidecar

    png, total = files[number % len(files)]
    program = run.plan.programs[unit.program]
    failed = number % FAILED == 5
    status = "failed" if failed else "dead" if number % DEAD == 7 else "done"
    sidecar = Sidecar.of(
        unit,
        program,
        steps=program.settings.steps,
        score=None if failed else {"start": 0.1, "end": 2.0 + number % 7, "saved": 2.0 + number % 11},
        pixel_sha256=None if failed else total,
        png_bytes=None if failed else len(png),
        seconds=1.0,
        cpu_seconds=1.0,
        batch={"number": 0, "size": 1, "planned_size": 1},
        attempt=1,
        device="cpu",
        status=status,
        error={"failed": "the picture became NaN", "dead": "no gradient"}.get(status),
        trace=[0.1 * step for step in range(16)],
    )
    for place, content in (
        (run.png(unit), b"" if failed else png),
        (run.json(unit), sidecar.to_json().encode()),
    ):
        if content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


# ---- what is measured


def atlas(out: Path, units: int = UNITS, size_px: int = SIZE_PX, variants: int = VARIANTS) -> str:
    """Measure the atlas of a run of so many units; return two tables.

    Raises:
        ToolError: A step failed, or there is no browser.
    """
    folder = out / "atlas"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / SPEC).write_text(json.dumps(spec_of(units, size_px, variants)))
    build = [sys.executable, "-m", "fvcli", "atlas", str(folder / RUN)]
    steps = {
        f"make up a run of {units:,} units": _step("make", folder),
        "build its atlas": build,
        "build it again": build,
        "make up one more unit": _step("one_more", folder),
        "build what changed": build,
    }
    results = {name: _measured(name, command, folder) for name, command in steps.items()}
    sizes = sizes_of(folder / SITE, units)
    (folder / "atlas.json").write_text(json.dumps({"steps": results, "sizes": sizes}, indent=1))
    lines = ["| step | wall s | CPU s | peak MB |", "| --- | --- | --- | --- |"]
    for name, used in results.items():
        wall, cpu, peak_mb = (used[key] for key in ("wall_seconds", "cpu_seconds", "peak_rss_mb"))
        lines.append(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak_mb:.0f} |")
    lines += [
        "",
        "| of the site | |",
        "| --- | --- |",
        *(f"| {name} | {said} |" for name, said in sizes.items()),
    ]
    return "\n".join(lines) + "\n"


def _step(name: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmark.atlas", name, str(folder)]


def _measured(name: str, command: Sequence[str], folder: Path) -> dict[str, Any]:
    log = folder / f"{name.replace(' ', '-')}.log"
    found = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # as this process finds modules
    usage = run_measured(command, log, found)
    if usage.code:
        raise ToolError(last_lines(log.read_text(errors="replace")))
    return asdict(usage)


def sizes_of(site: Path, units: int) -> dict[str, str]:
    """Say how large a site is, and what the page of many units takes in a browser."""
    sizes = {path: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    others = {path: size for path, size in sizes.items() if path.suffix not in PICTURE_FILES}
    largest = max(others, key=lambda path: others[path])
    told = {
        "files": f"{len(sizes):,}",
        "megabytes": f"{sum(sizes.values()) / A_MEGABYTE:.0f}",
        "kilobytes a unit": f"{sum(sizes.values()) / units / 1000:.1f}",
        "largest file but pictures": f"{largest.relative_to(site)}, {others[largest] / 1000:.0f} kB",
    }
    return {**told, **dict(_first_load(site))}


def _first_load(site: Path) -> Iterator[tuple[str, str]]:
    """Yield what the first page of the large layer loads at once, and when it can be used."""
    page = site / f"l/{LARGE}/index.html"
    tiles = len(re.findall('<li id="u-', page.read_text("utf-8")))
    names, ready_s, work_s = _in_browser(page)
    files = {Path(unquote(urlsplit(name).path)) for name in names if name.startswith("file:")}
    for kind, suffixes in KINDS.items():
        some = [path for path in files if path.suffix in suffixes]
        count = f" of {len(some)} files" if len(some) > 1 else ""
        yield f"{kind} at first, kB", f"{sum(path.stat().st_size for path in some) / 1000:.0f}{count}"
    total = sum(path.stat().st_size for path in files) / A_MEGABYTE
    yield f"first load of a page of {tiles:,} units, MB", f"{total:.2f}"
    yield "its tiles are seen after, s", f"{ready_s:.2f}"
    yield "CPU time of the page until then, s", f"{work_s:.2f}"


KINDS: Mapping[str, set[str]] = {"HTML": {".html"}, "CSS": {".css"}, "scripts": {".js"}, "sheets": {".webp"}}


def _in_browser(page: Path) -> tuple[list[str], float, float]:
    """Open a page.

    Returns:
        The addresses that it loaded; after how many seconds all its tiles that are in sight were there, and
        how many seconds its thread had worked by then.
    """
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError as error:
        raise ToolError("selenium is needed: scripts/setup-venv test") from error
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not chromium or not driver:
        raise ToolError("Chromium and its driver are needed: sudo apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    width, height = SCREEN
    for option in ("headless=new", "no-sandbox", "disable-dev-shm-usage", f"window-size={width},{height}"):
        options.add_argument(f"--{option}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as chrome:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chrome.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        chrome.get(page.absolute().as_uri())
        ready_s = float(chrome.execute_async_script(READY)) / 1000
        metrics = chrome.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        work_s = next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")
        time.sleep(1)  # what is loaded when nothing else is to be done
        messages = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
    sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [params["request"]["url"] for params in sent], ready_s, work_s


if __name__ == "__main__":
    {"make": make, "one_more": one_more}[sys.argv[1]](Path(sys.argv[2]))
