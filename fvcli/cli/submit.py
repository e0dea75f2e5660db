"""``fvcli submit``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fvcli.cli.exit_and_signals import current_stop
from fvcli.cli.options import code_option, say_grid_is_next, say_remarks, set_option
from fvcli.cli.place import ALMOST
from fvcli.cli.quiet import note
from fvcli.cli.work import work
from fvcli.errors import UsageError, command, counted

if TYPE_CHECKING:
    from fvcli.app.plan_spec import PlannedSpec
    from fvcli.app.submit_run import Submitted

# Options that one engine alone knows
SLURM, KUBERNETES = "slurm", "kubernetes"
ONLY = {SLURM: ("sbatch_args", "finish_args"), KUBERNETES: ("image", "claim", "mount", "secret", "resources")}


@click.command()
@click.argument("spec", required=False)
@click.option("-o", "--output", required=True, metavar="RUN", help="The run, where all workers can reach it.")
@click.option(
    "--engine", required=True, type=click.Choice([SLURM, KUBERNETES]), help="What starts the workers."
)
@click.option(
    "--workers",
    required=True,
    type=click.IntRange(1, 100_000),
    help="How many workers at most; never more than there are batches with missing pictures.",
)
@set_option
@click.option(
    "--missing",
    is_flag=True,
    help="Finish a run: workers of earlier jobs are counted, and SPEC may be left out.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be started; write nothing and start nothing.")
@click.option(
    "--work-arg",
    "work_args",
    multiple=True,
    metavar="ARG",
    help="An option of fvcli work. May be given several times.",
)
@click.option(
    "--sbatch-arg",
    "sbatch_args",
    multiple=True,
    metavar="ARG",
    help="Slurm: an option of sbatch for the workers, such as --sbatch-arg=--gres=gpu:1. "
    "May be given several times.",
)
@click.option(
    "--finish-arg",
    "finish_args",
    multiple=True,
    metavar="ARG",
    help="Slurm: an option of sbatch for the job that draws the contact sheets after the workers.",
)
@click.option("--image", metavar="IMAGE", help="Kubernetes: the container image that has fvcli.")
@click.option("--claim", metavar="NAME", help="Kubernetes: the persistent volume claim that holds the run.")
@click.option("--mount", metavar="FOLDER", help="Kubernetes: where a pod finds the claim; RUN is below it.")
@click.option(
    "--secret", metavar="NAME", help="Kubernetes: a Secret that becomes environment variables of the pods."
)
@click.option(
    "--resource",
    "resources",
    multiple=True,
    metavar="NAME=VALUE",
    help="Kubernetes: a limit of each pod, such as --resource nvidia.com/gpu=1.",
)
@code_option
def submit(spec: str | None, output: str, engine: str, dry_run: bool, allow_code: bool, **words: Any) -> None:
    """Start workers elsewhere for a SPEC, and return at once.

    \b
      fvcli submit spec.yaml -o run --engine slurm --workers 64 --sbatch-arg=--gres=gpu:1
      fvcli submit spec.yaml -o run --engine slurm --workers 64 --missing
      fvcli submit spec.yaml -o /data/run --engine kubernetes --workers 8 \\
          --image registry/fvcli --claim runs --mount /data --dry-run | kubectl apply -f -

    Slurm: prepares the run, writes two short scripts to RUN/submit/, and gives them to
    sbatch: an array of workers, and a job that draws the contact sheets after them.
    Kubernetes: prints the Job that kubectl takes; prepare the run with fvcli prepare.
    """
    _refuse_words_of_others(engine, words)
    if not output:
        raise UsageError("-o is empty", "give the run")
    if "://" not in output and ALMOST.match(output):
        raise UsageError(f"-o {output} is no address", "write one like s3://bucket/run")
    if spec is None and not words["missing"]:
        raise UsageError("give a SPEC", "or --missing, to finish the run as it is")
    planned = _planned(spec, words["overrides"], allow_code)
    words["work_args"] = (*(["--allow-code"] if allow_code else []), *_work_args(words["work_args"]))
    if engine == KUBERNETES:
        _kubernetes(planned, output, dry_run, words)
    else:
        _slurm(planned, _on_disk(output), dry_run, words)


def _work_args(given: Sequence[str]) -> list[str]:
    """Return the words of options of fvcli work, which may have several in one, as ``--threads 2``.

    Raises:
        UsageError: fvcli work would not take them.
    """
    hint = "give an option of fvcli work with its value, such as --work-arg=--tries=2"
    try:
        words = [word for line in given for word in shlex.split(line)]
        if any(word in work.get_help_option_names(click.Context(work)) for word in words):
            raise UsageError("--work-arg: workers are not started to print help", hint)
        work.make_context("work", [*words, "run"])
    except click.UsageError as error:
        raise UsageError(f"--work-arg: {error.format_message()}", hint) from error
    except ValueError as error:  # a quotation mark without another
        raise UsageError(f"--work-arg: {error}", hint) from error
    return words


def _refuse_words_of_others(engine: str, words: dict[str, Any]) -> None:
    for other, names in ONLY.items():
        given = [name for name in names if words[name]]
        if other != engine and given:
            option = "--" + given[0].removesuffix("s").replace("_", "-")
            raise UsageError(
                f"{option} is an option of --engine {other}", f"leave it out, or --engine {other}"
            )


def _planned(spec: str | None, overrides: Sequence[str], allow_code: bool) -> PlannedSpec | None:
    if spec is None:
        if overrides:
            raise UsageError("--set changes a spec, and none is given", "leave it out, or give the SPEC")
        return None
    from fvcli.app.plan_spec import plan_of_spec

    planned = plan_of_spec(spec, overrides, allow_code)
    say_remarks(planned.facts, planned.remarks)
    return planned


# ---- Slurm


def _on_disk(output: str) -> Path:
    if "://" in output:
        own = command("work", output)
        hint = f"give a folder that every node sees, or start {own} with a script of your own"
        raise UsageError(f"{output}: the scripts and logs of --engine slurm have to be on disk", hint)
    return Path(output)


def _slurm(planned: PlannedSpec | None, run: Path, dry_run: bool, words: dict[str, Any]) -> None:
    from fvcli.app.submit_run import SubmitOptions, slurm_dry_run, submit_run
    from fvcli.cli.progress import progress

    names = ("workers", "missing", "sbatch_args", "finish_args", "work_args")
    options = SubmitOptions(**{name: words[name] for name in names})
    if dry_run:
        click.echo(slurm_dry_run(planned, run, options))
    else:
        _report(run, submit_run(planned, run, options, progress(current_stop())))


def _report(run: Path, done: Submitted) -> None:
    """Say what was started and what to do next."""
    for remark in done.remarks:
        note(f"Note: {remark}")
    earlier = f", besides {counted(done.live, 'worker')} that still wait or run" if done.live else ""
    if done.job is None:
        nothing = "nothing is missing" if not done.batches else f"no more workers are needed{earlier}"
        click.echo(f"{run}: {nothing}")
        if not done.batches:
            say_grid_is_next(run)
        return
    batches = counted(done.batches, "batch", "batches")
    click.echo(
        f"{run}: {counted(done.workers, 'worker')} for {batches} in Slurm job {done.job.number}{earlier}"
    )
    if done.finish is not None:
        click.echo(f"  the contact sheets follow in job {done.finish.number}")
    click.echo(f"  to watch it:   {shlex.join(['fvcli', 'status', str(run)])} --watch")
    click.echo(f"  to stop it:    scancel {done.job.number}")
    again = [word for word in sys.argv[1:] if word != "--missing"]
    click.echo(f"  to finish it, if workers died: {shlex.join(['fvcli', *again])} --missing")


# ---- Kubernetes


def _kubernetes(planned: PlannedSpec | None, run: str, dry_run: bool, words: dict[str, Any]) -> None:
    from fvcli.app.submit_kubernetes import PodOptions, kubernetes_job, kubernetes_yaml

    names = ("workers", "image", "claim", "mount", "secret", "resources", "work_args")
    job = kubernetes_job(planned, run, PodOptions(**{name: words[name] for name in names}))
    if not dry_run:
        again = shlex.join(["fvcli", *sys.argv[1:]])
        hint = f"prepare the run with fvcli prepare, then: {again} --dry-run | kubectl apply -f -"
        raise UsageError("fvcli writes the Job and leaves it to kubectl to start it", hint)
    click.echo(kubernetes_yaml(job), nl=False)
