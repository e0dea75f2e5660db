"""What a plan does that its spec may not have meant, although nothing in it is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from fvcli.errors import counted, some_of
from fvcli.models import ModelFacts
from fvcli.plan.data import Unit
from fvcli.plan.neuron_windows import window_of
from fvcli.plan.plan import Plan
from fvcli.spec.schema import Job, Spec

MANY_DREAMS = 8  # of one picture: more are hardly meant


def notes_on(spec: Spec, plan: Plan, facts: ModelFacts) -> list[str]:
    """Return a sentence for each thing that a spec asks for and may not have meant.

    Args:
        spec: The spec.
        plan: Made of it.
        facts: Of its model.
    """
    found = [note for job in spec.jobs for note in _films_of_an_interpolation(spec, job)]
    of_jobs: dict[str, list[Unit]] = {}
    for job in spec.jobs:
        if _asks_for_seen(spec, job) or _may_dream_of_all(job):
            of_jobs[job.name] = []
    if not of_jobs:  # units need not be read
        return found
    for unit in plan.units:
        if unit.job in of_jobs:
            of_jobs[unit.job].append(unit)
    for job in spec.jobs:
        units = of_jobs.get(job.name, [])
        found += _unseen(units, plan, facts) if _asks_for_seen(spec, job) else []
        found += _dreams_of_channels(job, units, plan) if _may_dream_of_all(job) else []
    return found


def _films_of_an_interpolation(spec: Spec, job: Job) -> Iterator[str]:
    """Say that the pictures of an interpolation get a film each, where one morph may be meant."""
    film = job.animation or spec.render.animation
    if job.objective.kind == "interpolate" and film is not None and film.of == "ascent":
        yield (
            f"job {job.name}: each of {job.objective.count} pictures gets a film of its optimisation; "
            "for one morph through all of them write animation: {of: interpolation}"
        )


def _asks_for_seen(spec: Spec, job: Job) -> bool:
    """Tell whether the spec itself writes ``canvas: seen`` for a job, or for a variant of it.

    What all jobs share is not meant for channels, where some job has neurons.
    """
    own = {job.canvas, *(variant.canvas for variant in job.variants or ())}
    if "seen" in own or spec.render.canvas != "seen":
        return "seen" in own
    return _has_neurons(job) or not any(map(_has_neurons, spec.jobs))


def _has_neurons(job: Job) -> bool:
    return job.objective.kind in {"neuron", "direction_neuron"}


def _unseen(units: Sequence[Unit], plan: Plan, facts: ModelFacts) -> Iterator[str]:
    """Say which pictures are optimised whole although the spec says ``canvas: seen``."""
    reasons = defaultdict(list)
    for unit in units:
        program = plan.programs[unit.program]
        if program.window is None and program.settings.canvas == "seen":
            alone = program.members == 1 and unit.picture is None
            size = program.height_px, program.width_px
            reasons[window_of(unit.terms, program.settings, size, facts, alone)].append(unit.path)
    for reason, names in reasons.items():
        yield (
            f"canvas: seen has no effect on {some_of(names, 'picture')}, "
            f"and the whole picture is optimised: {reason}"
        )


def _may_dream_of_all(job: Job) -> bool:
    return job.objective.kind == "channel" and job.objective.channel is None


def _dreams_of_channels(job: Job, units: Sequence[Unit], plan: Plan) -> Iterator[str]:
    """Say that each of many channels gets a dream of its own."""
    dreams = [unit for unit in units if plan.programs[unit.program].settings.method == "dream"]
    channels = {(unit.terms[0].layer, unit.terms[0].index) for unit in dreams}
    if len(channels) > MANY_DREAMS:
        yield (
            f"job {job.name}: each of {counted(len(channels), 'channel')} gets a dream of its own; "
            "for one dream of the whole layer write objective: layer"
        )
