"""The command line of scripts/bench."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from benchmark.tools import DEFAULT, PLAIN, Tool, ToolError, choose_tools
from benchmark.units import BUDGETS, Plan, make_plan

OUT = Path("runs/bench")


class _List(click.ParamType):
    """Comma-separated names or numbers."""

    name = "a,b,..."

    def __init__(self, kind: type = str) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return [self._kind(part.strip()) for part in value.split(",") if part.strip()]
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group("bench", invoke_without_command=True)
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), default=OUT, show_default=True)
@click.option("--tools", type=_List(), help="Only these, such as plain-lucid,fvcli-default.")
@click.option("--layers", type=_List(), help="Only these depths.")
@click.option("--channels-per-layer", "per_layer", type=click.IntRange(1), help="Only the first so many.")
@click.option("--budgets", type=_List(int), default=list(BUDGETS), help="Steps for fvcli's curve.")
@click.option("--repeats", type=click.IntRange(1), default=1, show_default=True)
@click.option("--quick", is_flag=True, help="One unit, a few steps for every tool: does everything work?")
@click.option("--fresh", is_flag=True, help="Measure all anew instead of going on.")
@click.pass_context
def bench(
    context: click.Context,
    out: Path,
    tools: list[str] | None,
    layers: list[str] | None,
    per_layer: int | None,
    budgets: list[int],
    repeats: int,
    quick: bool,
    fresh: bool,
) -> None:
    """Render the same units with fvcli and with other tools, score all pictures alike, print the tables.

    The output folder gets table.md, bench.json and sheet.png. A bench that was stopped goes on.

    \b
      scripts/bench --quick -o runs/bench-quick
      scripts/bench --tools plain-lucid,fvcli-default --repeats 2
      scripts/bench throughput
      scripts/bench scale --units 100000
      scripts/bench atlas
      scripts/bench workers
      scripts/bench memory
      scripts/bench examples --images photos
      scripts/bench trust --images photos
      scripts/bench fooled --images photos
      scripts/bench transfer
    """
    context.obj = out
    if context.invoked_subcommand is not None:
        return
    try:
        plan = make_plan(layers, per_layer, budgets, repeats, quick)
        chosen = choose_tools(tools)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if fresh:
        for name in ("results", "network"):
            shutil.rmtree(out / name, ignore_errors=True)
    results, failures = _measure_all(plan, chosen, out)
    if results:
        _write_report(results, failures, plan, out)
    for name, message in failures.items():
        click.echo(f"Error: {name} failed:\n{message}", err=True)
    context.exit(1 if failures else 0)


@bench.command()
@click.pass_obj
def throughput(out: Path) -> None:
    """Compare one run of 64 units with 8 runs of 8: time a unit and peak memory."""
    from benchmark.process_costs import throughput as measure_throughput

    click.echo(measure_throughput(out))


@bench.command()
@click.pass_obj
def startup(out: Path) -> None:
    """Time a render from the start of the process through its first step."""
    from benchmark.process_costs import startup as measure_startup

    click.echo(measure_startup(out))


@bench.command()
@click.option("--units", type=click.IntRange(10_000), default=1_000_000, show_default=True)
@click.pass_obj
def scale(out: Path, units: int) -> None:
    """Time what a run of a million units costs beside rendering: planning, workers, status."""
    from benchmark.scale import scale as measure_scale

    click.echo(measure_scale(out, units))


@bench.command()
@click.option("--units", type=click.IntRange(100), default=10_000, show_default=True)
@click.option("--size-px", type=click.IntRange(48), default=224, show_default=True, help="Of its pictures.")
@click.option(
    "--variants",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Pictures of a channel at most; what is more are directions, which are one chapter.",
)
@click.pass_obj
def atlas(out: Path, units: int, size_px: int, variants: int) -> None:
    """Time the atlas of a large run, and say how large its pages are and how soon one can use them."""
    from benchmark.atlas import atlas as measure_atlas

    click.echo(measure_atlas(out, units, size_px, variants))


@bench.command()
@click.option("--units", type=click.IntRange(2), default=96, show_default=True)
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True)
@click.pass_obj
def workers(out: Path, units: int, repeats: int) -> None:
    """Compare two workers with one thread each with one worker: units a minute."""
    from benchmark.workers import workers as measure_workers

    click.echo(measure_workers(out, units, repeats))


@bench.command()
@click.option("--images", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.pass_obj
def examples(out: Path, images: Path, rounds: int) -> None:
    """Compare dataset examples with a bare loop over the same pictures: pictures a second."""
    from benchmark.examples import examples as measure_examples

    click.echo(measure_examples(out, images, rounds))


@bench.command()
@click.option("--images", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--only", type=_List(), help="Only these recipes and tools, such as default,lucid,xplique.")
@click.option("--units-per-layer", "per_layer", type=click.IntRange(2, 16), help="Only the first so many.")
@click.pass_obj
def trust(out: Path, images: Path, only: list[str] | None, per_layer: int | None) -> None:
    """Compare how well pictures of recipes and tools, photos and noise explain 96 channels of six depths."""
    from benchmark.trust import choose_columns
    from benchmark.trust import trust as measure_trust

    click.echo(measure_trust(out / "trust", images, choose_columns(only), per_layer))


@bench.command()
@click.option("--images", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--only", type=_List(), help="Only these layers, such as block4_expand_bn,head_bn.")
@click.pass_obj
def fooled(out: Path, images: Path, only: list[str] | None) -> None:
    """Count what is flagged of a network that fools pictures, of the honest one, and of random weights."""
    from benchmark.fooled import DEPTHS
    from benchmark.fooled import fooled as count_flags

    click.echo(count_flags(out / "fooled", images, only or DEPTHS))


@bench.command()
@click.option("--only", type=_List(), help="Only these recipes, such as classes,maco.")
@click.option("--classes", "count", type=click.IntRange(2, 1000), default=48, show_default=True)
@click.pass_obj
def transfer(out: Path, only: list[str] | None, count: int) -> None:
    """Count how often other networks name the class that a picture of EfficientNet-Lite0 was made for."""
    from benchmark.transfer import COLUMNS
    from benchmark.transfer import transfer as measure_transfer

    if unknown := [name for name in only or () if name not in COLUMNS]:
        raise click.UsageError(f"no recipe {', '.join(unknown)}; there are {', '.join(COLUMNS)}")
    click.echo(
        measure_transfer(out / "transfer", [name for name in COLUMNS if name in (only or COLUMNS)], count)
    )


@bench.command()
@click.option("--programs", type=click.IntRange(4), default=40, show_default=True)
@click.option("--only", type=_List(), help="Only these specs, such as deep-1000,dream-large.")
@click.pass_obj
def memory(out: Path, programs: int, only: list[str] | None) -> None:
    """Show memory after each of many programs, and hold estimates of memory against peaks."""
    from benchmark.memory import memory as measure_memory

    click.echo(measure_memory(out, programs, only))


@bench.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def search(arguments: tuple[str, ...]) -> None:
    """Compare recipes over units of three networks; see its own --help."""
    from benchmark.search import search as compare_recipes

    compare_recipes.main(list(arguments), prog_name="scripts/bench search")


def _measure_all(
    plan: Plan, tools: tuple[Tool, ...], out: Path
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Measure every tool at a depth before going to the next, so that drift of the machine hits all alike."""
    from benchmark.measure import measure  # brings TensorFlow

    results, failures = [], {}
    for place in _places(plan, tools, out):
        name = f"{place.tool.name} at {place.depth.layer}"
        click.echo(f"{time.strftime('%H:%M:%S')} {name}, repeat {place.repeat}", err=True)
        try:
            results.append(measure(place, plan))
        except ToolError as error:
            failures[name] = str(error)
            click.echo(f"Error: {name} failed, the others go on", err=True)
    return results, failures


def _places(plan: Plan, tools: tuple[Tool, ...], out: Path) -> Iterator[Any]:
    from benchmark.measure import Place

    for depth in plan.depths:
        for repeat in range(plan.repeats):
            for tool in tools:
                yield Place(tool, depth, repeat, out)


def _write_report(results: list[dict[str, Any]], failures: dict[str, str], plan: Plan, out: Path) -> None:
    from benchmark.report import as_data, markdown
    from benchmark.sheet import draw_sheet

    text = markdown(results)
    (out / "table.md").write_text(text)
    data = as_data(results, asdict(plan), failures)
    (out / "bench.json").write_text(json.dumps(data, indent=1))
    draw_sheet(results, out).save(out / "sheet.png")
    click.echo(text)
    missing = {PLAIN, DEFAULT} - {result["tool"] for result in results}
    if missing:
        click.echo(f"Without {' and '.join(sorted(missing))} some figures are missing.", err=True)


if __name__ == "__main__":
    bench(prog_name="scripts/bench")
