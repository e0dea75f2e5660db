"""The command line: parse, call, print. No logic here, and no TensorFlow."""

from __future__ import annotations

import click

from fvcli import __version__
from fvcli.cli.accept import accept
from fvcli.cli.atlas import atlas
from fvcli.cli.calibrate import calibrate
from fvcli.cli.classes import classes
from fvcli.cli.compare import compare
from fvcli.cli.diff import diff
from fvcli.cli.examples import examples
from fvcli.cli.exit_and_signals import FriendlyGroup
from fvcli.cli.inspect import inspect
from fvcli.cli.layers import layers
from fvcli.cli.listing import info, init, models, schema
from fvcli.cli.plan import plan
from fvcli.cli.quiet import add_quiet
from fvcli.cli.render import render
from fvcli.cli.run_folders import grid, merge
from fvcli.cli.score import score
from fvcli.cli.status import status
from fvcli.cli.submit import submit
from fvcli.cli.work import prepare, work


@click.group(cls=FriendlyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fvcli")
def main() -> None:
    """Render what the parts of a vision network respond to.

    A YAML spec names layers and objectives; fvcli optimises one picture for each
    channel, neuron or class, in batches, and writes pictures, metadata and contact
    sheets to a folder.

    \b
      fvcli init spec.yaml              a commented spec to start from
      fvcli layers efficientnet-lite0   what can be rendered
      fvcli classes efficientnet-lite0  the names of its classes
      fvcli inspect my_model.keras      what fvcli makes of a model of your own
      fvcli render spec.yaml -o run     render it; run it again to go on
      fvcli atlas run                   a site of it, to browse
    """


for command in (render, prepare, work, submit, plan, merge, grid, examples, score, atlas):
    add_quiet(command)
RUNNING = (render, prepare, work, submit, plan, calibrate, status, merge, grid, examples, score, atlas)
COMPARING = (compare, accept, diff)
for command in (*RUNNING, *COMPARING, models, layers, classes, inspect, schema, init, info):
    main.add_command(command)
