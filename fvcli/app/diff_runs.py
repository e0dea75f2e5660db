"""Compare two networks by the pictures of their units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.errors import UsageError
from fvcli.golden.compare import Judge
from fvcli.golden.model_diff import ModelDiff, diff_models
from fvcli.models import ModelFacts, load
from fvcli.run import RunFolder


def diff_runs(
    a: Path,
    b: Path,
    only: Sequence[str] = (),
    allow_code: bool = False,
    seen: Callable[[int, int], None] = lambda count, total: None,
) -> ModelDiff:
    """Return how the units of two runs of one spec, with two networks, differ.

    Args:
        a, b: Their folders.
        only: Patterns of job/unit, job or unit.
        allow_code: Whether models may be Python factories.
        seen: Is told how many units were compared, and of how many.

    Raises:
        UsageError: There is nothing to compare, or the networks are not of one architecture.
        FvcliError: A network cannot be loaded.
    """
    runs = RunFolder.read(a), RunFolder.read(b)

    def judges() -> tuple[Judge, Judge]:
        with importing_tensorflow():
            from fvcli.worker.device import set_up_device
            from fvcli.worker.judge import Judge as Network

            device = set_up_device()
        models = [load(run.plan.model, allow_code) for run in runs]
        for run, model in zip(runs, models, strict=True):
            _refuse_other_weights(run, model.facts)
        _refuse_another_architecture(runs, models[0].facts, models[1].facts)
        one, other = (Network(runs[0], model, device) for model in models)
        return one, other

    return diff_models(*runs, judges, only, seen)


def _refuse_other_weights(run: RunFolder, facts: ModelFacts) -> None:
    rendered = {program.weights_sha256 for program in run.plan.programs}
    if facts.weights_sha256 not in rendered:
        message = f"{run.plan.model.called}: not the weights that {run.path} was rendered with"
        raise UsageError(message, "give its weights a file of their own, and render again")


def _refuse_another_architecture(
    runs: tuple[RunFolder, RunFolder], one: ModelFacts, other: ModelFacts
) -> None:
    """Raise UsageError if a layer that is read is not the same in both networks."""
    channels = [{node.name: node.channels for node in facts.nodes} for facts in (one, other)]
    layers = dict.fromkeys(layer for program in runs[0].plan.programs for layer in program.layers)
    for layer in layers:
        was, now = (known.get(layer) for known in channels)
        if was != now:
            has = "is not there" if now is None else f"has {now} channels, not {was}"
            message = f"{layer} {has} in the network of {runs[1].path}"
            raise UsageError(message, "compare two checkpoints of one architecture")
