"""index.html: a run as a page that opens in a browser, without a server and without a script."""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fvcli.atlas.grid import grid_paths_of, sheets_of
from fvcli.errors import some_of
from fvcli.plan import JobPlan, Unit
from fvcli.run import RunFolder, run_status
from fvcli.run.atomic import write_atomic
from fvcli.run.layout import FIGURE, GRIDS, RUN_FACTS, SPEC, UNITS, read_text
from fvcli.run.look import NEWER
from fvcli.run.remarks import SAID
from fvcli.run.status import Notable

UNITS_SHOWN = 2000  # of a larger run the contact sheets are shown, and no page of gigabytes
SHEETS_SHOWN = 100  # of each job; the others are in their folder
NOTABLE_SHOWN = 100
SPEC_LENGTH = 50_000
PENDING, FILM = "pending", "mp4"
NUMBERED = re.compile(r"^[a-z_]+-0*(?=\d)")


@dataclass(frozen=True)
class Card:
    """What the page shows of a unit. Its picture, if it has one, its film as mp4 and its extras are links."""

    name: str
    label: str
    status: str
    picture: str
    film: str
    alt: str
    width_px: int
    height_px: int
    score: str
    remarks: Sequence[str]
    extras: Sequence[tuple[str, str]]

    @property
    def name_says_more(self) -> bool:
        """Whether the name tells more than the label, as that of channel 7, channel-0007, does not."""
        return NUMBERED.sub("", self.name) != self.label


@dataclass(frozen=True)
class JobPart:
    """What the page shows of a job: its units, in sections of layers; without any its contact sheets."""

    name: str
    title: str
    units: int
    sheets: Sequence[str]
    sheets_left: int
    sections: Sequence[tuple[str, Sequence[Card]]]


@dataclass(frozen=True)
class Page:
    """What the page shows. Its title is no name of a folder, because folders are moved and copied."""

    title: str
    model: str
    counts: Sequence[tuple[str, int]]
    figure: str
    notable: Sequence[Notable]
    notable_left: int
    jobs: Sequence[JobPart]
    facts: Sequence[tuple[str, str]]
    spec: str
    spec_is_cut: bool


def write_index(run: RunFolder) -> Path:
    """Write the page of a run from the files in its folder; return the file."""
    style = (files("fvcli.atlas") / "page" / "index.css").read_text("utf-8")
    style_hash = "sha256-" + b64encode(sha256(style.encode()).digest()).decode("ascii")
    environment = Environment(
        loader=PackageLoader("fvcli.atlas", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("index.html")
    text = template.render(page=index_page(run), style=Markup(style), style_hash=style_hash)
    write_atomic(run.index, text.encode("utf-8", "replace"))  # names of files need not be valid Unicode
    return run.index


def index_page(run: RunFolder) -> Page:
    """Return what the page of a run shows."""
    status, spec = run_status(run), read_text(run.path / SPEC)
    is_small = len(run.plan.units) <= UNITS_SHOWN
    return Page(
        _title(run),
        run.plan.model.called,
        [(state, count) for state, count in status.counts.items() if count],
        FIGURE if run.plan.output.figure and run.figure.exists() else "",
        status.notable[:NOTABLE_SHOWN],
        max(0, len(status.notable) - NOTABLE_SHOWN),
        [_job_part(run, job, units, is_small) for job, units in run.plan.by_job()],
        list(_facts(run)),
        spec[:SPEC_LENGTH],
        len(spec) > SPEC_LENGTH,
    )


def _title(run: RunFolder) -> str:
    figure = run.plan.output.figure
    return (figure.title if figure else "") or f"What {run.plan.model.called} responds to"


def _job_part(run: RunFolder, job: JobPlan, units: Sequence[Unit], with_units: bool) -> JobPart:
    paths = [path for path in grid_paths_of(run, job, units) if path.exists()]
    links = [f"{GRIDS}/{quote(path.name)}" for path in paths]
    sections = [
        (heading, [_card(run, unit, caption) for unit, caption in shown])
        for sheet in (sheets_of(job, units) if with_units else ())
        for heading, shown in sheet.parts()
    ]
    left = max(0, len(links) - SHEETS_SHOWN)
    return JobPart(job.name, job.title, len(units), links[:SHEETS_SHOWN], left, sections)


def _card(run: RunFolder, unit: Unit, caption: str) -> Card:
    sidecar, program = run.sidecar(unit), run.plan.programs[unit.program]
    is_finished = sidecar is not None and sidecar.is_finished
    status = sidecar.status if sidecar else (PENDING if run.newer_sidecar(unit) is None else NEWER)
    score = sidecar.score["saved"] if sidecar and sidecar.score else None
    extras = sidecar.extra_names if sidecar and is_finished else []
    links = {"png": _link(unit, "png")} if FILM in extras else {}  # in whose place the film stands
    links |= {name: _link(unit, name) for name in extras}
    return Card(
        unit.name,
        caption,
        status,
        _link(unit, "png") if is_finished else "",
        links.get(FILM, ""),
        f"{unit.layer} {unit.label}",
        program.width_px,
        program.height_px,
        "" if score is None else f"{score:.4g}",
        [SAID.get(kind, kind) for kind in sidecar.remarks] if sidecar else [],
        [*links.items()],
    )


def _link(unit: Unit, name: str) -> str:
    """Return where a unit's file is, as an address that is relative to the page."""
    return quote(f"{UNITS}/{unit.stem}.{name}", errors="surrogatepass")


def _facts(run: RunFolder) -> Iterator[tuple[str, str]]:
    """Yield what made the run, as far as its folder tells."""
    yield "units", str(len(run.plan.units))
    yield "recipes", some_of([*dict.fromkeys(program.recipe for program in run.plan.programs)], "recipe")
    try:
        facts: Any = json.loads(read_text(run.path / RUN_FACTS))
        versions = facts["versions"]
        yield "device", str(facts["device"])
        yield "platform", str(facts["platform"])
        yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items())
        yield "command", shlex.join(map(str, facts["argv"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # nothing is rendered yet, or another version wrote it
