"""Ways to render a plan a little differently: some that must pass a comparison, and some that must not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fvcli.models import ModelFacts
from fvcli.plan import Plan, Program, TermPlan, Unit
from fvcli.plan.terms import digest
from fvcli.spec.settings import Settings

Kind = Literal["same", "cpu", "real"]
PERTURBED = 0.01  # of each weight of a layer


@dataclass(frozen=True)
class Variant:
    """One way.

    name: For people.
    kind: ``same``: what one machine may do; ``cpu``: what another CPU may do; ``real``: a real change.
    environment: What is set before TensorFlow starts.
    worker: What the worker does differently; see ``worker.variant.Difference``.
    plan: Changes the plan.
    """

    name: str
    kind: Kind
    environment: Mapping[str, str] = field(default_factory=dict)
    worker: Mapping[str, Any] = field(default_factory=dict)
    plan: Callable[[Plan], Plan] = lambda plan: plan

    @property
    def is_real(self) -> bool:
        return self.kind == "real"


BASE = Variant("the golden's spec", "same")
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
WEIGHTS = "one layer's weights ±1 %"


def variants_of(
    plan: Plan,
    facts: ModelFacts,
    layer: str | None,
    environment: Mapping[str, str],
    on_gpu: bool = False,
) -> list[Variant]:
    """Return the ways in which a plan can be rendered differently; what does not concern it is left out.

    Args:
        plan: The golden's.
        facts: Of its model.
        layer: Whose weights can be changed so that all units are concerned; None if there is none.
        environment: In which the golden's spec is rendered.
        on_gpu: Whether a GPU renders it, to which the threads of the CPU make no difference.
    """
    xla = {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"}
    threads = [
        Variant("one thread", "same", worker={"lanes": 1}),
        Variant("two threads an operation", "same", worker={"lanes": 1, "threads": 2}),
    ]
    noise = [
        *([] if on_gpu else threads),
        Variant("other batches", "same", worker={"lanes": 1, "other_batches": True}, plan=_halved),
        _other_onednn(environment),
        Variant("XLA", "cpu", xla),
    ]
    real = [
        Variant("learning rate -2 %", "real", plan=_with_settings(_slower)),
        Variant("decay power x 0.98", "real", plan=_with_settings(_flatter)),
        Variant("jitter -1 px", "real", plan=_with_settings(_steadier)),
        Variant("other seed", "real", plan=_with_settings(_reseeded)),
        Variant("other channel", "real", plan=lambda plan: _other_channels(plan, facts)),
    ]
    if layer is not None:
        worker = {"layer": layer, "share": PERTURBED}
        real.append(Variant(WEIGHTS, "real", worker=worker, plan=lambda plan: _with_weights(plan, layer)))
    return [*noise, *(variant for variant in real if variant.plan(plan) != plan)]


def _other_onednn(environment: Mapping[str, str]) -> Variant:
    """Return a render without oneDNN, or with it where it is off."""
    is_off = environment.get(ONEDNN) == "0"
    return Variant(f"oneDNN {'on' if is_off else 'off'}", "cpu", {ONEDNN: "1" if is_off else "0"})


def concerned(before: Plan, after: Plan) -> frozenset[str]:
    """Return the units that a variant renders differently, by job/unit."""
    pairs = zip(before.units, after.units, strict=True)
    return frozenset(
        one.path
        for one, other in pairs
        if one.terms != other.terms or before.programs[one.program] != after.programs[other.program]
    )


def _with_settings(change: Callable[[Settings], Settings]) -> Callable[[Plan], Plan]:
    def changed(plan: Plan) -> Plan:
        programs = (replace(program, settings=change(program.settings)) for program in plan.programs)
        return replace(plan, programs=tuple(programs))

    return changed


def _slower(settings: Settings) -> Settings:
    if settings.method != "ascent":
        return settings
    optimizer = settings.optimizer
    slower = optimizer.model_copy(update={"learning_rate": 0.98 * optimizer.learning_rate})
    return settings.model_copy(update={"optimizer": slower})


def _flatter(settings: Settings) -> Settings:
    image = settings.parameterization
    power = getattr(image, "decay_power", None)
    if not power:
        return settings
    return settings.model_copy(
        update={"parameterization": image.model_copy(update={"decay_power": 0.98 * power})}
    )


def _steadier(settings: Settings) -> Settings:
    """Take a pixel off the first transform that shifts."""
    for i, transform in enumerate(settings.transforms):
        key = {"jitter": "px", "affine": "shift_px"}.get(transform.kind)
        if key and getattr(transform, key) > 1:
            less = transform.model_copy(update={key: getattr(transform, key) - 1})
            chain = (*settings.transforms[:i], less, *settings.transforms[i + 1 :])
            return settings.model_copy(update={"transforms": chain})
    return settings


def _reseeded(settings: Settings) -> Settings:
    if settings.method == "steepest":  # which draws nothing
        return settings
    return settings.model_copy(update={"seed": settings.seed + 1})


def _halved(plan: Plan) -> Plan:
    """Let ascents have half as many pictures, as long as whole groups fit; those of a GPU, too."""

    def half(program: Program) -> Program:
        groups = program.batch_size // program.members
        if groups > 1:
            return replace(program, batch_size=program.members * (groups // 2))
        return replace(program, gpu_batches=max(1, program.gpu_batches // 2))

    return replace(plan, programs=tuple(map(half, plan.programs)))


def _other_channels(plan: Plan, facts: ModelFacts) -> Plan:
    channels = {node.name: node.channels for node in facts.nodes}

    def moved(term: TermPlan) -> TermPlan:
        count = channels.get(term.layer, 0)
        return replace(term, index=(term.index + 1) % count) if term.index >= 0 and count > 1 else term

    def other(unit: Unit) -> Unit:
        return replace(unit, terms=tuple(map(moved, unit.terms)))

    return replace(plan, units=tuple(map(other, plan.units)))


def _with_weights(plan: Plan, layer: str) -> Plan:
    """Say in a plan that its network has other weights."""
    programs = (
        replace(program, weights_sha256=digest([program.weights_sha256, layer, PERTURBED]))
        for program in plan.programs
    )
    return replace(plan, programs=tuple(programs))
