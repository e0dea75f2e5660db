"""Measure how far renders of a golden's spec may differ, and how small a real change would be caught."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.errors import FvcliError, UsageError, command
from fvcli.golden import Golden, Judges, Look, Options
from fvcli.golden.calibration import Calibration, Trial, calibrated
from fvcli.golden.compare import measure
from fvcli.golden.folder import CALIBRATION, GOLDEN, write_tolerances
from fvcli.golden.staging import DOING, refuse_cut_off
from fvcli.golden.variants import BASE, Variant, concerned, variants_of
from fvcli.models import load
from fvcli.plan import Plan
from fvcli.python_module import python_module
from fvcli.run import RunFolder, read_fingerprint
from fvcli.run.atomic import write_atomic
from fvcli.run.layout import SPEC, read_text
from fvcli.run.lock import hold_alone
from fvcli.run.sidecar import FAILED

Say = Callable[[str], None]


def calibrate_golden(
    golden: Path, safety: float, allow_code: bool = False, say: Say = lambda what: None
) -> Calibration:
    """Render a golden's spec in several ways, propose tolerances, and keep all of it in the golden.

    Args:
        golden: Its folder.
        safety: What the noise that is measured is multiplied by.
        allow_code: Whether the model may be a Python factory.
        say: Is told what is rendered next.

    Raises:
        UsageError: There is no golden.
        FvcliError: Its model cannot be loaded, or a render fails.
    """
    found = Golden.read(golden)
    if not found.is_accepted:
        raise UsageError(f"{golden} is a run, not a golden", command("accept", golden, "--golden", "DIR"))
    with tempfile.TemporaryDirectory(prefix="fvcli-calibrate-") as folder:
        calibration = _Trials(found, Path(folder), allow_code, say).calibrated(safety)
    with hold_alone(golden, DOING):
        refuse_cut_off(golden)
        write_atomic(golden / CALIBRATION, calibration.to_json().encode())
        write_atomic(golden / GOLDEN, write_tolerances(calibration.tolerances))
    return calibration


@dataclass
class _Trials:
    """Renders variants of a golden in a folder and compares each with its base."""

    golden: Golden
    folder: Path
    allow_code: bool
    say: Say

    def calibrated(self, safety: float) -> Calibration:
        with importing_tensorflow():
            from fvcli.worker.device import set_up_device

            self.device = set_up_device()
        self.model = load(self.golden.run.plan.model, self.allow_code)
        plan = self.golden.run.plan
        variants = variants_of(plan, self.model.facts, self._layer(), os.environ, self.device.is_gpu)
        self.say(f"1 of {len(variants) + 1}: {BASE.name}")
        base = Golden(self._render(BASE))
        trials = []
        for i, variant in enumerate(variants, 2):
            self.say(f"{i} of {len(variants) + 1}: {variant.name}")
            trials.append(self._try(base, variant))
        sidecar = base.run.sidecar(base.units[0])
        fingerprint = read_fingerprint(base.path, sidecar.fingerprint if sidecar else None)
        return calibrated(base, trials, safety, fingerprint or {})

    def _layer(self) -> str | None:
        """Return a layer half-way to what all units are made from."""
        from fvcli.worker.variant import layer_to_change

        targets = dict.fromkeys(
            layer for program in self.golden.run.plan.programs for layer in program.layers
        )
        return layer_to_change(self.model, list(targets))

    def _try(self, base: Golden, variant: Variant) -> Trial:
        run = self._render(variant)
        measured = measure(base, run, Options(), lambda looks: self._judges(base, variant, looks))
        before, after = base.run.plan, run.plan
        units = concerned(before, after) if variant.is_real else frozenset(u.path for u in before.units)
        return Trial(variant, units, measured, run)

    def _judges(self, base: Golden, variant: Variant, looks: Sequence[Look]) -> Judges:
        from fvcli.worker.judge import Judge
        from fvcli.worker.variant import Difference

        own = Judge(base.run, self.model, self.device)
        if "layer" not in variant.worker:
            return Judges(own)
        other = Difference(**variant.worker).of_network(self.model)
        return Judges(Judge(base.run, other, self.device), own)

    def _render(self, variant: Variant) -> RunFolder:
        """Render a variant in a process of its own.

        Raises:
            FvcliError: The process fails, or a unit does.
        """
        path = self.folder / str(len(list(self.folder.iterdir())))
        self._prepare(path, variant.plan(self.golden.run.plan))
        difference = json.dumps({**variant.worker, "allow_code": self.allow_code})
        ended = subprocess.run(
            [*python_module("fvcli.worker.variant"), str(path), difference],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **variant.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            reason = (ended.stderr.strip().splitlines() or ["it gives no reason"])[-1]
            raise FvcliError(f"{variant.name}: the render failed: {reason}")
        run = RunFolder.read(path)
        _refuse_failures(variant, run)
        return run

    def _prepare(self, path: Path, plan: Plan) -> None:
        text = read_text(self.golden.path / SPEC)
        facts, copies = self.golden.run.facts(), self.golden.run.sources
        with RunFolder.begin(path, plan, text, facts, copies=copies):
            pass


def _refuse_failures(variant: Variant, run: RunFolder) -> None:
    for unit in run.plan.units:
        sidecar = run.sidecar(unit)
        if sidecar is None or sidecar.status == FAILED:
            raise FvcliError(
                f"{variant.name}: {unit.path} failed: {sidecar.error if sidecar else 'no result'}"
            )
