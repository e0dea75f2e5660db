"""The command of scripts/gpu-check."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import click

from benchmark.gpu_check_parts import (
    Hand,
    Part,
    another_process,
    look_at_device,
    nvidia_facts,
    pictures_part,
    scores_part,
    share_device,
)
from benchmark.gpu_check_report import DRY, report
from benchmark.gpu_check_run import FILE, FULL, TINY, Clock, Results
from fvcli.engines.gpus import VISIBLE, gpus_here
from fvcli.run.environment import versions

OUT = Path("runs/gpu-check")
MINUTES = 7.5  # and the installation, which is not counted
FLOAT32 = ("--set", "render.precision=float32")


@dataclass(frozen=True)
class Step:
    """A part of the check.

    most_s: It is cut off after so many seconds.
    least_s: With less time it is left out.
    is_dry: Whether a dry run has it.
    """

    name: str
    part: Part
    most_s: float
    least_s: float
    is_dry: bool = True


DEVICE = Step("device", look_at_device, 60, 0, False)
STEPS = (  # what matters most comes first
    Step("scores", scores_part("default"), 130, 20),
    Step("pictures at once", pictures_part("default"), 150, 20),
    Step("float32 without XLA", pictures_part("float32, no XLA", "float32", False), 60, 25, False),
    Step("another process", another_process, 60, 25, False),
    Step("workers that share", share_device, 90, 40),
    Step("float16 without XLA", pictures_part("float16, no XLA", "float16", False), 60, 25, False),
    Step("float32 with XLA", pictures_part("float32, XLA", "float32", True), 90, 30, False),
    Step("scores in float32", scores_part("float32", *FLOAT32), 60, 30, False),
)
NAMES = [step.name for step in STEPS]


@click.command("gpu-check")
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), default=OUT, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.1), default=MINUTES, show_default=True)
@click.option("--part", "parts", multiple=True, type=click.Choice(NAMES), help="Only these; default: all.")
def gpu_check(out: Path, minutes: float, parts: tuple[str, ...]) -> None:
    """Measure fvcli on this machine's GPU, in a few minutes.

    Scores against those of the CPU, speed and memory by pictures at once, precision and XLA, whether bytes
    repeat, and two workers on one GPU. OUTPUT/gpu-check.json is written after every result; parts for which
    there is no time are left out. Without a GPU it is a dry run on the CPU.

    \b
      scripts/gpu-check
      scripts/gpu-check --minutes 4 --part scores --part 'pictures at once'
    """
    out.mkdir(parents=True, exist_ok=True)
    results, clock = Results(out / FILE), Clock(60 * minutes)
    results.note(facts=machine_facts(), skipped={})
    is_dry = not has_gpu(Hand(out.absolute(), FULL, results), clock)
    results.note(dry_run=is_dry, **({"note": DRY} if is_dry else {}))
    click.echo(DRY if is_dry else f"At most {minutes:g} minutes; results go to {results.path}", err=True)
    hand = Hand(out.absolute(), TINY if is_dry else FULL, results)
    for step in STEPS:
        if (step.is_dry or not is_dry) and (not parts or step.name in parts):
            take(step, hand, clock)
    results.note(seconds=clock.spent_s)
    text = report(results.data)
    results.note(report=text.splitlines())
    click.echo(text)


def has_gpu(hand: Hand, clock: Clock) -> bool:
    """Tell whether there is a GPU that TensorFlow computes on.

    Raises:
        ClickException: There is one, and TensorFlow does not see it.
    """
    gpus = gpus_here()
    if not gpus:
        return False
    os.environ[VISIBLE] = gpus[0]  # of several, all processes use the first
    take(DEVICE, hand, clock)
    if not hand.results.data.get("device", {}).get("is_gpu"):
        log = hand.folder / "device" / "log.txt"
        raise click.ClickException(f"there is a GPU, but TensorFlow does not use it; {log} may say why")
    return True


def machine_facts() -> dict[str, object]:
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": versions(),
        "platform": platform.platform(),
        "cpus": len(os.sched_getaffinity(0)),
        "nvidia_smi": nvidia_facts(),
    }


def take(step: Step, hand: Hand, clock: Clock) -> None:
    """Take a step, if there is time for it, and note why it is not complete."""
    if clock.left_s < step.least_s:
        why = f"left out, because {max(0.0, clock.left_s):.0f} s were left"
    else:
        limit_s = min(step.most_s, clock.left_s)
        click.echo(f"{clock.spent_s:4.0f} s  {step.name}, at most {limit_s:.0f} s", err=True)
        why = _taken(step, hand, limit_s)
    if why:
        hand.results.note(skipped={**hand.results.data["skipped"], step.name: why})


def _taken(step: Step, hand: Hand, limit_s: float) -> str:
    try:
        return step.part(hand, limit_s)
    except Exception as error:  # whatever it is, the other parts are worth their time
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    gpu_check(prog_name="scripts/gpu-check")
