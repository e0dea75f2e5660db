"""Painted runs with everything that an atlas shows, and what tests read of its pages."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from PIL import Image

from fvcli.app.plan_spec import plan_of_spec
from fvcli.app.prepare_run import prepare_run
from fvcli.atlas.site import SiteOptions, build_site
from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.examples import ExamplesHead, LayerArrays, LayerHead
from fvcli.run.examples.layout import BINS, COLUMNS, GROUPS, TILE_PX, TILES, WHERE_PX
from fvcli.run.examples.table import write_table
from fvcli.run.unit_links import LayerLinks, Links, Neighbour, Strongest, write_links
from tests.helpers.painting import paint
from tests.helpers.running import write_spec

SIDE_PX = 64
JOBS = "model: efficientnet-lite0\nrender: {size_px: 64}\njobs:\n"  # what comes before small jobs
LAYER, EARLY, LATE = "block4_expand_bn", "stem_bn", "block2_expand_bn"
# Two sheets of channels; every figure; variants, classes, directions; a layer of which nothing is rendered.
SPEC = f"""\
model: efficientnet-lite0
render: {{size_px: {SIDE_PX}, steps: 24}}
jobs:
  - {{name: textures, layer: {LAYER}, channels: 0-79}}
  - {{name: opposite, layer: {LAYER}, channels: 0-3, sign: negative}}
  - {{name: middle, layer: {LAYER}, channels: 0-3, objective: neuron}}
  - {{name: diverse, layer: {LAYER}, channels: 0-1, diversity: {{count: 4}}}}
  - {{name: seeds, layer: {LAYER}, channels: 0-1, variants: [{{name: one, seed: 1}}, {{name: two, seed: 2}}]}}
  - {{name: edges, layer: {EARLY}, channels: 0-5}}
  - {{name: late, layer: {LATE}, channels: 0-2}}
  - {{name: classes, objective: class_logit, classes: [tabby, golden retriever, daisy, pizza]}}
  - {{name: ways, layer: {EARLY}, objective: direction, vectors: [{{random: 0-5}}]}}
"""
STATES = {
    "textures/channel-0005": "dead",
    "textures/channel-0006": "failed",
    "textures/channel-0007": "missing",
    "edges/channel-0003": "failed",
    "late/channel-0000": "missing",
    "late/channel-0001": "missing",
    "late/channel-0002": "missing",
}
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
LABELS = "".join(
    (
        f"{LAYER}\t0\twheels\tround things\n",
        f"{EARLY}\t2\t{HEBREW}\n",
        f"{LAYER}\t1\tstripes that go from left to right\n",
    )
)
CLASSES = ("cats", "dogs", "flowers")


def texture(number: int, side: int = SIDE_PX) -> np.ndarray:
    """Return a picture of stripes, uint8 [side, side, 3]: of equal rest by 5 they look alike."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    turned = (np.cos(number % 5) * x + np.sin(number % 5) * y) / side
    waves = 0.5 + 0.5 * np.sin(2 * np.pi * (2 + number % 5) * turned + 0.01 * number)
    colour = np.random.default_rng(number % 5).uniform(40, 255, 3)
    return (waves[..., None] * colour).astype(np.uint8)


def begin(folder: Path, spec: str = SPEC) -> RunFolder:
    """Begin the run of a spec in folder/run."""
    folder.mkdir(parents=True, exist_ok=True)
    prepare_run(plan_of_spec(str(write_spec(folder, spec)), []), folder / "run")
    return RunFolder.read(folder / "run")


def paint_all(run: RunFolder, states: Mapping[str, str] = STATES) -> None:
    """Paint all units but those that are to be missing."""
    for number, unit in enumerate(run.plan.units):
        status = states.get(unit.path, "done")
        if status != "missing":
            paint_one(run, unit, number, status)


def paint_one(run: RunFolder, unit: Unit, number: int, status: str = "done") -> None:
    trace = [0.1 * step for step in range(12)]
    paint(run, unit, status=status, pixels=texture(number), saved=number % 7 + 0.5, trace=trace)


def painted(folder: Path, spec: str = SPEC, states: Mapping[str, str] = STATES) -> RunFolder:
    """Return a painted run in folder/run."""
    run = begin(folder, spec)
    paint_all(run, states)
    return run


def whole_run(folder: Path) -> RunFolder:
    """Return a run with everything: figures of all kinds, photos, weights, labels, units that lack."""
    run = painted(folder)
    write_examples(run)
    write_some_links(run)
    (run.path / "labels.tsv").write_text(LABELS, "utf-8")
    return run


def site_of(run: RunFolder) -> Path:
    """Build the site of a run as it is now, and return its folder."""
    return build_site(RunFolder.read(run.path), SiteOptions()).files[0].parent


# ---- examples and links, as other commands leave them


def write_examples(run: RunFolder, layer: str = LAYER, channels: int = 12, seed: int = 0) -> None:
    """Write examples of the first channels of a layer, on sixty photos of three classes.

    Photos are most active for channels of their own class: number modulo three.
    """
    rng = np.random.default_rng(seed)
    folder = run.path / "examples"
    (folder / f"sheets/{layer}/0000").mkdir(parents=True)
    head = _head(run, layer, channels)
    (folder / "layers").mkdir(parents=True, exist_ok=True)
    rows = [(i, f"{CLASSES[i % 3]}/{i:03d}.jpg", CLASSES[i % 3]) for i in range(60)]
    (folder / "pictures.tsv").write_bytes(write_table([("number", "name", "class"), *rows]))
    (folder / "skipped.tsv").write_bytes(write_table([("number", "name", "reason")]))
    (folder / "layers" / f"{layer}.npz").write_bytes(_arrays(rng, channels).to_npz())
    height = -(-TILES // COLUMNS)
    sheet = Image.fromarray(texture(3, TILE_PX)).resize((COLUMNS * TILE_PX, height * TILE_PX))
    where = Image.fromarray(np.full((height * WHERE_PX, COLUMNS * WHERE_PX), 10, np.uint8))
    for ending, image in ((".jpg", sheet), (".where.png", where)):
        image.save(first := folder / f"sheets/{layer}/0000/00000{ending}")
        for channel in range(1, channels):
            shutil.copy(first, first.with_name(f"{channel:05d}{ending}"))
    (folder / "examples.json").write_text(head.to_json())


def _head(run: RunFolder, layer: str, channels: int) -> ExamplesHead:
    return ExamplesHead(
        images="photos",
        pictures=60,
        skipped=0,
        video=None,
        size_px=(224, 224),
        weights_sha256=run.plan.programs[0].weights_sha256,
        model="efficientnet-lite0",
        sample=60,
        gallery=60,
        classes="folders",
        class_names=CLASSES,
        effect_pictures=60,
        layers=(LayerHead(layer, layer, channels, (64, 64), "gradient x activation"),),
    )


def _arrays(rng: np.random.Generator, units: int) -> LayerArrays:
    gallery = np.arange(60, dtype=np.int32)
    active = rng.uniform(0, 1, (units, 60)) + 2 * (gallery[None] % 3 == np.arange(units)[:, None] % 3)
    strongest = np.argsort(-active, axis=1)
    pictures = np.concatenate([strongest[:, :50], strongest[:, -3:]], axis=1).astype(np.int32)
    edges = np.linspace(active.min(axis=1), active.max(axis=1), BINS + 1, axis=1)
    centred = (active - active.mean(axis=1, keepdims=True)) / active.std(axis=1, keepdims=True)
    classes = np.tile(np.array([281, 207, 985, 963, 1, 2, 3, 4, 5, -1], np.int32), (units, 1))
    effects = np.tile(np.array([5, 4, 3, 2, 1, -1, -2, -3, -4, 0], np.float32), (units, 1))
    return LayerArrays(
        channels=np.arange(units, dtype=np.int32),
        pictures=pictures,
        values=np.take_along_axis(active, pictures, axis=1).astype(np.float32),
        boxes=np.tile(np.array([0, 0, 64, 64], np.int32), (units, TILES, 1)),
        quantiles=np.quantile(active, np.linspace(0, 1, GROUPS + 1), axis=1).T.astype(np.float32),
        bin_edges=edges.astype(np.float32),
        histogram=np.stack([np.histogram(a, e)[0] for a, e in zip(active, edges, strict=True)]),
        mean=active.mean(axis=1).astype(np.float32),
        max=active.max(axis=1).astype(np.float32),
        min=active.min(axis=1).astype(np.float32),
        fires=np.linspace(0.1, 1, units, dtype=np.float32),
        density=np.linspace(0.9, 0.01, units, dtype=np.float32),
        vectors=centred.astype(np.float16),
        gallery=gallery,
        effect_classes=classes,
        effects=effects,
    )


def write_some_links(run: RunFolder) -> None:
    """Write weights from two early channels, of which the atlas has one, to channel 0."""
    below = Strongest(
        np.zeros((1, 2), np.int32), np.array([[2, 31]], np.int32), np.array([[0.5, -0.75]], np.float32)
    )
    layer = LayerLinks(LAYER, np.array([0], np.int32), (Neighbour(EARLY, 2),), (), below)
    write_links(run.path, Links(run.plan.programs[0].weights_sha256, {LAYER: layer}))


# ---- what is in a site


class Page(HTMLParser):
    """What a page links to, its tags, identifiers and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.links += [str(value) for name, value in attrs if name in {"href", "src"}]
        self.ids += [str(value) for name, value in attrs if name == "id"]
        refresh = dict(attrs).get("content") if ("http-equiv", "refresh") in attrs else None
        self.links += [refresh.partition("url=")[2]] if refresh else []

    def handle_data(self, data: str) -> None:
        self.texts += [" ".join(data.split())] if data.strip() else []

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def all_pages(site: Path) -> dict[str, Page]:
    """Return every page of a site by its path in it."""
    return {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))}


def dead_links(site: Path, pages: Mapping[str, Page]) -> list[str]:
    """Return links of pages to files or places that are not there, each with its page."""
    return [
        f"{name}: {link}"
        for name, page in pages.items()
        for link in page.links
        if not _leads_somewhere(site, name, link, pages)
    ]


def _leads_somewhere(site: Path, name: str, link: str, pages: Mapping[str, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return link in {"data:,", "https://pypi.org/project/fvcli/"}
    target = (site / name).parent / unquote(parts.path) if parts.path else site / name
    if not target.is_file():
        return False
    target = target.resolve()
    if target.suffix != ".html" or not parts.fragment:
        return True
    return unquote(parts.fragment) in pages[target.relative_to(site.resolve()).as_posix()].ids


def contents(site: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a site."""
    return {
        path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }


def times_ns(site: Path) -> dict[str, int]:
    """Return when every file of a site was written."""
    return {
        path.relative_to(site).as_posix(): path.stat().st_mtime_ns
        for path in site.rglob("*")
        if path.is_file()
    }
