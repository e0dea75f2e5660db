"""``fvcli atlas``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from tqdm import tqdm

from fvcli.cli.place import FILE, FOLDER, RUN
from fvcli.cli.quiet import is_quiet, note
from fvcli.errors import counted, some_of


@click.command(short_help="Build the site of a RUN: every layer and unit, to browse.")
@click.argument("run", type=RUN)
@click.option("-o", "--output", type=FOLDER, help="The folder of the site; by default RUN/site.")
@click.option("--title", help="Its title; by default that of the spec's figure, or the model's name.")
@click.option(
    "--labels",
    type=FILE,
    help="Names for units: lines of layer, number and name, with tabs between; by default RUN/labels.tsv.",
)
@click.option("--url", metavar="URL", help="Where the site will stand; link previews need it.")
@click.option("--table", is_flag=True, help="Write the units as a Parquet table into the site, too.")
@click.option("--single", type=FILE, metavar="FILE.html", help="Write all of a small run into one file, too.")
@click.option(
    "--figure",
    "figures",
    multiple=True,
    metavar="LAYER[:UNITS]",
    help="Write a figure for a paper into the site's figures/, as SVG and PNG: units of a layer, such as "
    "conv3:0-9, all pictures of one, such as conv3:17, or the network. May be given several times.",
)
def atlas(
    run: Path,
    output: Path | None,
    title: str | None,
    labels: Path | None,
    url: str | None,
    table: bool,
    single: Path | None,
    figures: tuple[str, ...],
) -> None:
    """Build the atlas of a RUN: a folder of static pages that opens in any browser, without a server.

    \b
      fvcli atlas run
      fvcli atlas run -o public --title "What my network sees"

    It needs the run folder alone, and neither the model nor TensorFlow. Units that are
    not rendered yet keep their places. A second build makes anew what changed. Photos
    that activate each unit are shown if fvcli examples was given before.
    """
    from fvcli.app.build_atlas import build_atlas
    from fvcli.atlas.site import SiteOptions

    with tqdm(disable=is_quiet() or not sys.stderr.isatty(), leave=False, unit="unit") as bar:

        def told(what: str, count: int, total: int) -> None:
            bar.set_description_str(what, refresh=False)
            bar.total = total
            bar.update(count - bar.n)

        options = SiteOptions(output, title, labels, url, table, single, figures)
        built = build_atlas(run, options, told)
    if built.damaged:
        count = counted(len(built.damaged), "picture")
        note(f"Note: {count} cannot be read, and left out: {some_of(built.damaged, 'unit')}")
    for remark in built.notes:
        note(f"Note: {remark}")
    for path in built.files:
        click.echo(path)
    note(f"{counted(built.units, 'unit')}, {counted(built.written, 'page')} written")
