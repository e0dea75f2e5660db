"""Compare a run with a golden, with the networks that both were rendered with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.errors import FvcliError, UsageError
from fvcli.golden import Comparison, Golden, History, Judges, Look, Options, compare
from fvcli.models import ModelChoice
from fvcli.run import RunFolder
from fvcli.spec.model import model_key

if TYPE_CHECKING:
    from fvcli.models.loaded.model import LoadedModel

NOT_HERE = (
    "{}: the golden was rendered with other weights, and they are not here ({}): all pictures are scored by "
    "the run's network alone; name them with --golden-model"
)


@dataclass(frozen=True)
class CompareOptions:
    """How to compare.

    units: Which units, and what passes.
    accepted: History files of other places, whose acceptances count too.
    with_model: Whether the networks are asked.
    golden_model: Name or file of the golden's network, if it differs and has moved.
    allow_code: Whether models may be Python factories.
    """

    units: Options = field(default_factory=Options)
    accepted: Sequence[Path] = ()
    with_model: bool = True
    golden_model: str | None = None
    allow_code: bool = False


def compare_runs(
    golden: Golden,
    run: RunFolder,
    options: CompareOptions | None = None,
    seen: Callable[[int, int], None] = lambda count, total: None,
) -> Comparison:
    """Return what is found.

    Args:
        golden: A golden, or a run that stands for one.
        run: A run.
        options: How to compare.
        seen: Is told how many pictures were looked at, and of how many.

    Raises:
        UsageError: A history cannot be read, the run's network is not here, or there is nothing to compare.
    """
    options = options or CompareOptions()
    history = History()
    for path in options.accepted:
        if not path.is_file():
            raise UsageError(f"{path}: no such file", "give a history.jsonl of a golden")
        history = history.with_lines_of(History.read(path))
    networks = Networks(golden, run, options)
    units = replace(options.units, accepted=history)
    found = compare(golden, run, units, networks.ask, seen)
    return replace(found, remarks=(*found.remarks, *networks.remarks))


@dataclass
class Networks:
    """Loads the networks when they are needed.

    remarks: What should be known of them, in sentences.
    """

    golden: Golden
    run: RunFolder
    options: CompareOptions
    remarks: list[str] = field(default_factory=list)

    def ask(self, looks: Sequence[Look]) -> Judges | None:
        """Return what can be asked about pairs whose pixels differ."""
        if not self.options.with_model:
            return None
        with importing_tensorflow():
            from fvcli.worker.device import set_up_device
            from fvcli.worker.judge import Judge

            device = set_up_device()
        judge = Judge(self.golden.run, self._of_run(looks), device)
        if all(look.same_weights for look in looks):
            return Judges(judge)
        other = self._of_golden(looks)
        return Judges(judge, None if other is None else Judge(self.golden.run, other, device))

    def _of_run(self, looks: Sequence[Look]) -> LoadedModel:
        """Return the run's network, if it is still the one that rendered the run."""
        hint = "compare without it: --no-model"
        try:
            model = self._load(self.run.plan.model)
        except FvcliError as error:
            raise UsageError(f"the run's network cannot be loaded: {error}", hint) from error
        rendered = {look.run.weights_sha256 for look in looks}
        if model.facts.weights_sha256 not in rendered:
            message = f"{self.run.plan.model.called}: not the weights that {self.run.path} was rendered with"
            raise UsageError(message, hint)
        return model

    def _of_golden(self, looks: Sequence[Look]) -> LoadedModel | None:
        """Return the golden's network, or None, with a remark, if it is not here."""
        rendered = {look.golden.weights_sha256 for look in looks if not look.same_weights}
        choice, given = self.golden.run.plan.model, self.options.golden_model
        if given is not None:
            choice = _renamed(choice, given)
        try:
            model = self._load(choice)
        except FvcliError as error:
            if given is not None:
                raise
            reason = str(error)
        else:
            if model.facts.weights_sha256 in rendered:
                return model
            reason = f"{choice.called} has others"
            if given is not None:
                raise UsageError(f"--golden-model {given}: not the weights that the golden was rendered with")
        self.remarks.append(NOT_HERE.format(self.golden.path, reason))
        return None

    def _load(self, choice: ModelChoice) -> LoadedModel:
        with importing_tensorflow():
            from fvcli.models import load

            return load(choice, self.options.allow_code)


def _renamed(choice: ModelChoice, model: str) -> ModelChoice:
    """Return a choice with another name, or another file."""
    if model_key(model) == "name":
        return replace(choice, name=model, path=None, factory=None, weights=None)
    return replace(choice, name=None, path=model, factory=None, weights=None)
