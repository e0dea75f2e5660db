"""What is wanted of a site: its options, checked all at once before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fvcli.atlas.site import layout
from fvcli.atlas.site.collect import Atlas, collect
from fvcli.atlas.site.document import refuse_large, refuse_place
from fvcli.atlas.site.labels_file import LABELS, Label, read_labels
from fvcli.atlas.site.paper_figures import Asked, asked_figures
from fvcli.atlas.site.table import refuse_without_pyarrow
from fvcli.errors import Mistakes, UsageError, command
from fvcli.run import RunFolder
from fvcli.run.objects import is_object

SITE = "site"  # in the run, unless another place is given


@dataclass(frozen=True)
class SiteOptions:
    """How a site is built.

    out: The folder of the site; None: ``site`` in the run.
    title: Of the atlas; None: that of the spec's figure, or the model's name.
    labels: A file of names for units; None: ``labels.tsv`` of the run, if there is one.
    url: Where the site will be; link previews need it.
    table: Whether there is a Parquet table, too.
    single: The file that holds the whole atlas, if one is wanted.
    figures: What figures for papers are of; see ``paper_figures``.
    """

    out: Path | None = None
    title: str | None = None
    labels: Path | None = None
    url: str | None = None
    table: bool = False
    single: Path | None = None
    figures: Sequence[str] = ()


@dataclass(frozen=True)
class Wanted:
    """What a site is built of.

    site: Its folder.
    names: Names for units, by layer and number.
    atlas: What the run has.
    figures: Figures for papers.
    """

    site: Path
    names: Mapping[tuple[str, str], Label]
    atlas: Atlas
    figures: Sequence[Asked]


def check_wanted(run: RunFolder, options: SiteOptions) -> Wanted:
    """Return what is wanted of the site of a run; nothing is written.

    Raises:
        UsageError: All that is wrong with the options and the run, a line each.
    """
    mistakes = Mistakes()
    site = options.out or run.path / SITE
    names: Mapping[tuple[str, str], Label] = {}
    figures: Sequence[Asked] = ()
    with mistakes.noted():
        _refuse_site(site)
    with mistakes.noted():
        refuse_unrendered(run)
    with mistakes.noted():
        names = read_labels(options.labels or _labels_of(run))
    with mistakes.noted():
        refuse_url(options.url)
    if options.table:
        with mistakes.noted():
            refuse_without_pyarrow()
    atlas: Atlas | None = None
    with mistakes.noted():
        atlas = collect(run, options.title, names)
    if options.single is not None:
        with mistakes.noted():
            refuse_place(options.single, run.path, site)
    if atlas is not None:
        with mistakes.noted():
            if options.single is not None:
                refuse_large(atlas)
        with mistakes.noted():
            figures = asked_figures(atlas, options.figures)
    mistakes.refuse()
    assert atlas is not None
    return Wanted(site, names, atlas, figures)


def _labels_of(run: RunFolder) -> Path | None:
    place = run.path / LABELS
    return place if place.is_file() else None


def _refuse_site(site: Path) -> None:
    """Refuse a place in an object store, and a folder that holds something else than a site.

    Raises:
        UsageError: It is such a place.
    """
    if is_object(site):
        raise UsageError("a run in an object store needs a place for its atlas", "give -o DIR")
    if site.exists() and not site.is_dir():
        raise UsageError(f"{site} is a file", "give the folder of the site with -o")
    if site.is_dir() and any(site.iterdir()) and not (site / layout.MARK).is_file():
        raise UsageError(f"{site} holds something else than an atlas", "give another folder with -o")


def refuse_unrendered(run: RunFolder) -> None:
    """Refuse a run of which nothing is rendered.

    Raises:
        UsageError: It is such a run.
    """
    if not len(run.plan.units):
        raise UsageError(f"{run.path}: the plan has no units", "an atlas needs at least one")
    if not any(run.json(unit).exists() for unit in run.plan.units):
        raise UsageError(f"{run.path}: no unit is rendered yet", f"see: {command('status', run.path)}")


def refuse_url(url: str | None) -> None:
    """Refuse what is no address that a site can have.

    Raises:
        UsageError: It is no http or https address, or one with a query or a fragment, which no file has.
    """
    if url is None:
        return
    hint = "write where the site will stand, such as https://example.org/atlas"
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError(f"--url {url}: no http or https address", hint)
    if parts.query or parts.fragment:
        raise UsageError(f"--url {url}: the pages of a site cannot stand behind ? or #", hint)
