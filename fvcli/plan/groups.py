"""Pictures that are optimised together: what couples them, and which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fvcli.media import NamedFiles
from fvcli.plan.data import Program, Unit
from fvcli.plan.objectives import Resolver
from fvcli.plan.terms import Coupling
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.spec.mistakes.problems import KeyPath, Problem
from fvcli.spec.objectives import Diversity, InterpolateObjective, leaves
from fvcli.spec.schema import Job
from fvcli.spec.settings import Settings

# Keys that decide how the pictures of a job are named.
NAMING = frozenset(
    {"channels", "classes", "vectors", "pictures", "layer", "objective", "sign", "diversity", "variants"}
    | {"seeds"}
)


def couplings_of(
    job: Job, draft: UnitDraft | None, resolver: Resolver, files: NamedFiles
) -> tuple[Coupling, ...]:
    """Return what couples a picture with the others of its group."""
    found = []
    if job.diversity is not None:
        found.append(_diversity(job, job.diversity, draft, resolver, files))
    alignment = job.objective.alignment if isinstance(job.objective, InterpolateObjective) else None
    if alignment is not None and job.diversity is not None:
        resolver.report(
            ("diversity",), "it pushes pictures apart that alignment keeps alike; leave one of them out"
        )
    if alignment is not None:
        for i, named in enumerate(alignment.layers):
            layer = resolver.layer(named, ("objective", "alignment", "layers", i))
            if layer is not None:
                found.append(Coupling("alignment", layer.name, alignment.weight, alignment.decay_ratio))
    return tuple(found)


def _diversity(
    job: Job, asked: Diversity, draft: UnitDraft | None, resolver: Resolver, files: NamedFiles
) -> Coupling:
    layer = resolver.layer(asked.layer, ("diversity", "layer")) if asked.layer else None
    name = layer.name if layer else (draft.terms[0].layer if draft else "")
    if asked.weight != "auto":
        return Coupling("diversity", name, asked.weight)
    comparing = [leaf.kind for _, leaf in leaves(job.objective) if leaf.compares]
    if comparing:
        message = f"auto asks which photo excites a unit most, and {comparing[0]} aims at one; write a number"
        resolver.report(("diversity", "weight"), message)
    photos = str(asked.photos)  # or the spec refuses it
    return Coupling(
        "diversity", name, None, photos=files.sums.get(photos), folder=files.places.get(photos, photos)
    )


def with_facets(job: Job, drafts: Sequence[UnitDraft]) -> list[UnitDraft]:
    """Make several of each draft, where a job asks for diversity."""
    if job.diversity is None:
        return list(drafts)
    count = job.diversity.count
    return [
        replace(draft, member=i, members=count).followed_by(f"d{i + 1}", draft.label, facet=i + 1)
        for draft in drafts
        for i in range(count)
    ]


def are_together(couplings: tuple[Coupling, ...], settings: Settings) -> bool:
    """Tell whether the members of a group cannot be rendered one by one."""
    return bool(couplings) or settings.is_morph or settings.parameterization.shared_parts is not None


def kept_units(
    job: Job, units: list[Unit], programs: Sequence[Program], path: KeyPath
) -> tuple[list[Unit], list[Problem]]:
    """Return the units that the job's ``only`` names, each with its whole group."""
    if job.only is None or not units:
        return units, []
    names = {unit.name for unit in units}
    unknown = [name for name in job.only if name not in names]
    if unknown:
        message = f"no picture of this job is named {unknown[0]!r}; they are named like {units[0].name}"
        return [], [Problem((*path, "only"), message)]
    wanted = frozenset(job.only)
    kept: list[Unit] = []
    begin = 0
    while begin < len(units):
        group = units[begin : begin + programs[units[begin].program].members]
        kept += group if any(unit.name in wanted for unit in group) else []
        begin += len(group)
    return kept, []
