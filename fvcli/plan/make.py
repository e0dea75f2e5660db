"""Make a plan from a validated spec."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from fvcli.errors import some_of
from fvcli.media import NamedFiles
from fvcli.models import ModelChoice, ModelFacts
from fvcli.plan.batches import batches_of
from fvcli.plan.check_output import check_output
from fvcli.plan.checks import (
    READ_BY_LENGTH,
    READ_BY_MEMORY,
    READ_BY_SETTINGS,
    READ_BY_SIZE,
    check_figure,
    check_length,
    check_memory,
    check_settings,
    check_size,
    wants_picture,
)
from fvcli.plan.data import JobPlan, Program, Unit, Window
from fvcli.plan.fit_to_unit import FITTED, fitted_to_unit
from fvcli.plan.groups import NAMING, are_together, couplings_of, kept_units, with_facets
from fvcli.plan.key_origins import KeyOrigins
from fvcli.plan.keys import UnitKeys
from fvcli.plan.model_choice import choice_of, with_preprocessing
from fvcli.plan.neuron_windows import window_of
from fvcli.plan.objectives import Resolver
from fvcli.plan.plan import Plan
from fvcli.plan.references import matched_layers, wrong_photos
from fvcli.plan.settings_of_unit import at_size_of_picture, heeded
from fvcli.plan.source_files import pinned, sources_of, wrong_sums
from fvcli.plan.terms import Coupling, digest, layers_of
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.plan.unit_folders import in_folders
from fvcli.plan.unread_keys import Heir, unread_in_job, unread_keys
from fvcli.plan.variants_seeds_signs import Way, ways_of
from fvcli.plan.views import GPU_GB, batch_gb, batch_size_for, gpu_batches_for, input_size, needed_bytes
from fvcli.plan.without_cycles import without_cycles
from fvcli.spec.file_names import folded, shortened
from fvcli.spec.mistakes.broken_keys import NOTHING, BrokenKeys
from fvcli.spec.mistakes.problems import KeyPath, Problem
from fvcli.spec.output import Output
from fvcli.spec.recipes import resolve
from fvcli.spec.schema import Job, Render, Spec
from fvcli.spec.settings import ResolvedRender

SIGN_WORDS = {"positive": "", "negative": ", negative", "both": ", both signs"}  # in titles


def make_plan(
    spec: Spec,
    positions: Sequence[int],
    facts: ModelFacts,
    files: NamedFiles | None = None,
    broken: BrokenKeys = NOTHING,
    carried: frozenset[str] = frozenset(),
) -> tuple[Plan, list[Problem]]:
    """Resolve a spec into units and batches.

    Args:
        spec: The validated spec, or the valid part of one.
        positions: For each of its jobs, the position in the document, for the problems.
        facts: Of the spec's model.
        files: What is known of the files that the spec names.
        broken: Keys that were left out of the spec, because of mistakes in them. Nothing is said that may
            only follow from that.
        carried: Keys of ``render`` that fvcli wrote into a picture. They may be keys that nothing reads.

    Returns:
        The plan and everything that is wrong with the spec; the plan is whole only if nothing is.
    """
    with without_cycles():
        return _made(spec, positions, facts, files or NamedFiles(), broken, carried)


def _made(
    spec: Spec,
    positions: Sequence[int],
    facts: ModelFacts,
    files: NamedFiles,
    broken: BrokenKeys,
    carried: frozenset[str],
) -> tuple[Plan, list[Problem]]:
    choice = with_preprocessing(choice_of(spec.model), facts.preprocessing)
    draft = _Draft(choice, facts, files, spec.output)
    problems: list[Problem] = []
    for position, job in zip(positions, spec.jobs, strict=True):
        problems += draft.add_job(job, spec.render, ("jobs", position), broken.of_job(position))
    if not broken.anything:
        problems += unread_keys(spec.render, ("render",), draft.heirs, carried)
    units = {name: list(group) for name, group in itertools.groupby(draft.units, lambda unit: unit.job)}
    plan = Plan(
        model=choice,
        programs=tuple(draft.programs),
        jobs=tuple(_job_plan(job, units.get(job.name, ()), draft.programs) for job in spec.jobs),
        units=tuple(draft.units),
        batches=batches_of(
            (unit.program for unit in draft.units), [program.batch_size for program in draft.programs]
        ),
        output=spec.output,
        sources=sources_of(spec, draft.units, files),
    )
    problems += check_output(plan)
    if not problems and not broken.anything and spec.output.figure is not None:
        problems += check_figure(plan, spec.output.figure)
    return plan, list(dict.fromkeys(problems))


@dataclass
class _Draft:
    """Units and programs so far; numbers finds a program's position by its digest, keys makes its keys."""

    choice: ModelChoice
    facts: ModelFacts
    files: NamedFiles
    output: Output
    programs: list[Program] = field(default_factory=list)
    keys: list[UnitKeys] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    units: list[Unit] = field(default_factory=list)
    heirs: list[Heir] = field(default_factory=list)

    def add_job(self, job: Job, render: Render, path: KeyPath, broken: frozenset[str]) -> list[Problem]:
        units: list[Unit] = []
        variants = job.variants or [None]
        resolved_settings = [resolve(job, render, self.facts.native_size_px, variant) for variant in variants]
        self.heirs += [
            Heir(made, (variant, job)) for made, variant in zip(resolved_settings, variants, strict=True)
        ]
        knows_unread = broken.isdisjoint(READ_BY_SETTINGS) and not (job.variants and broken)
        problems = unread_in_job(job, path, resolved_settings) if knows_unread else []
        # what one variant starts from all of them have
        wants = next(filter(None, map(wants_picture, resolved_settings)), "")
        for i, (variant, asked) in enumerate(zip(variants, resolved_settings, strict=True)):
            below = (*path, "variants", i) if variant is not None else path
            origins = KeyOrigins(render, job, path, variant, below)
            of_photos = wrong_photos(asked, self.files) if "references" not in broken else ()
            wrong = (*wrong_sums(asked, self.files), *of_photos)
            problems += [Problem(origins.at(key), said) for key, said in wrong]
            settings = heeded(pinned(asked, self.files), origins.is_own("parameterization"))
            for way, chosen in ways_of(job, variant, settings):
                made, found = self._units(origins, chosen, wants, broken, way)
                units += made
                problems += found
        problems += _same_names(units, path)
        is_whole = not problems and broken.isdisjoint(NAMING)
        kept, found = kept_units(job, units, self.programs, path) if is_whole else (units, [])
        self.units += in_folders(kept, self.programs, output=self.output)
        return problems + found

    def _units(
        self,
        origins: KeyOrigins,
        settings: ResolvedRender,
        wants: str,
        broken: frozenset[str],
        way: Way,
    ) -> tuple[list[Unit], list[Problem]]:
        job, origin = origins.job, origins.at
        own_size = settings.method == "dream" and not origins.is_anywhere("size_px")
        resolver = Resolver(job, origins.path, self.facts, settings.size_px, self.files, wants, broken)
        drafts = with_facets(job, resolver.drafts())
        couplings = [couplings_of(job, draft, resolver, self.files) for draft in drafts]
        if not drafts:  # what is wrong with couplings is said all the same
            couplings_of(job, None, resolver, self.files)
        are_coupled = any(are_together(coupled, settings) for coupled in couplings)
        problems = [*resolver.problems]
        if broken.isdisjoint(READ_BY_SETTINGS):
            problems += check_settings(settings, drafts, self.facts, self.files, origins, are_coupled)
        layers = sorted({term.layer for draft in drafts for term in draft.terms})
        if broken.isdisjoint(READ_BY_SIZE):
            problems += check_size(settings, self.facts, layers, origin)
        knows_length = broken.isdisjoint(READ_BY_LENGTH)
        if problems:
            is_clear = knows_length and settings.method == "ascent"  # without the pictures
            return [], problems + (check_length(settings, 1, origin) if is_clear else [])
        known: dict[object, int] = {}
        written = origins.anywhere(FITTED)
        units = []
        group: Sequence[UnitDraft] = ()
        for i, (draft, coupled) in enumerate(zip(drafts, couplings, strict=True)):
            sized = at_size_of_picture(settings, draft, self.files) if own_size else settings
            sized = fitted_to_unit(sized, draft.terms, self.facts, written)
            window, place = _window(draft, sized, self.facts)
            shapes = tuple((term.kind, term.layer, term.row >= 0, term.options) for term in draft.terms)
            same = (shapes, window, sized.size_px, draft.formula, draft.members, coupled)
            if same not in known:
                if sized.references is not None:
                    sized, found = _matching(sized, draft, self.facts, origin("references"))
                    problems += found
                gpu_gb = sized.memory_gb or GPU_GB
                program = _program(draft, window, coupled, sized, self.facts, gpu_gb)
                problems += check_length(sized, program.members, origin) if knows_length else []
                knows_memory = broken.isdisjoint(READ_BY_MEMORY)
                problems += check_memory(program, sized, job, origin) if knows_memory else []
                known[same] = self._number(program)
            number = known[same]
            if draft.member == 0:
                group = drafts[i : i + draft.members]
            key = self.keys[number].key(draft, way.sign, group)
            units.append(_unit(job, way, draft, key, number, self.programs[number], place))
        return units, problems

    def _number(self, program: Program) -> int:
        window = program.window and vars(program.window)
        shapes = [vars(shape) for shape in program.terms]
        together = [vars(coupling) for coupling in program.couplings]
        # asdict would copy the settings, too
        settings = program.settings.model_dump(mode="json")
        parts = {"window": window, "terms": shapes, "couplings": together, "settings": settings}
        decides = {name: value for name, value in vars(program).items() if name != "gpu_batches"}
        code = digest({**decides, **parts})
        if code not in self.numbers:
            self.numbers[code] = len(self.programs)
            self.programs.append(program)
            self.keys.append(UnitKeys(program, self.choice, self.facts))
        number = self.numbers[code]
        if program.gpu_batches < self.programs[number].gpu_batches:  # of a job with less memory
            self.programs[number] = program
        return number


def _same_names(units: Sequence[Unit], path: KeyPath) -> list[Problem]:
    """Report the first two units of a job that would be in one file."""
    taken: set[str] = set()
    for unit in units:
        name = folded(unit.name)
        if name in taken:
            message = f"two of its pictures would have the name {unit.name}; ask for each of them once"
            return [Problem(path, message)]
        taken.add(name)
    return []


def _window(
    draft: UnitDraft, settings: ResolvedRender, facts: ModelFacts
) -> tuple[Window | None, tuple[int, int] | None]:
    alone = draft.members == 1 and draft.picture is None
    found = window_of(draft.terms, settings, settings.size_px, facts, alone)
    return (None, None) if isinstance(found, str) else found


def _matching(
    settings: ResolvedRender, draft: UnitDraft, facts: ModelFacts, written: KeyPath
) -> tuple[ResolvedRender, list[Problem]]:
    """Return settings that name the layers which are matched with references."""
    assert settings.references is not None
    targets = layers_of([term.shape for term in draft.terms], ())
    layers, problems = matched_layers(settings, targets, facts, written)
    references = settings.references.model_copy(update={"layers": layers})
    return settings.model_copy(update={"references": references}), [*problems]


# ---- programs and units


def _program(
    draft: UnitDraft,
    window: Window | None,
    couplings: tuple[Coupling, ...],
    settings: ResolvedRender,
    facts: ModelFacts,
    gpu_gb: float,
) -> Program:
    """Return the program of a draft; gpu_gb is the memory that a GPU has for it."""
    height, width = settings.size_px
    shapes = tuple(term.shape for term in draft.terms)
    layers = layers_of(shapes, couplings)
    input_px = None
    if settings.octaves is not None:
        input_px = input_size(facts, layers, (), (settings.octaves.tile_px,) * 2)
    elif window is None:
        input_px = input_size(facts, layers, settings.transforms, (height, width))
    needed = needed_bytes(facts, layers, settings, window, input_px, draft.picture is not None)
    members = draft.members if are_together(couplings, settings) else 1
    fitting = settings.batch_size or max(1, batch_size_for(batch_gb(settings), needed))
    batch_size = members * max(1, fitting // members)
    is_fixed = (
        settings.batch_size is not None or settings.method == "dream"
    )  # which has one picture at a time
    return Program(
        model=facts.name,
        weights_sha256=facts.weights_sha256,
        terms=shapes,
        recipe=settings.recipe,
        height_px=height,
        width_px=width,
        batch_size=batch_size,
        image_bytes=needed,
        settings=settings.settings(),
        window=window,
        input_px=input_px,
        formula=draft.formula,
        members=members,
        couplings=couplings,
        gpu_batches=1 if is_fixed else gpu_batches_for(gpu_gb, needed, batch_size),
    )


def _unit(
    job: Job,
    way: Way,
    draft: UnitDraft,
    key: str,
    number: int,
    program: Program,
    place: tuple[int, int] | None,
) -> Unit:
    return Unit(
        job=job.name,
        name=shortened("-".join([draft.name, *way.names])),
        key=key,
        label=" ".join([draft.label, *way.labels]),
        objective=job.objective.kind,
        unit={**draft.unit, **way.described} if way.described else draft.unit,
        sign=way.sign,
        terms=draft.terms,
        program=number,
        place=place,
        member=draft.member if program.members > 1 else 0,
        picture=draft.picture,
        variant=way.variant.name if way.variant else None,
        formula=draft.formula,
    )


def _job_plan(job: Job, units: Sequence[Unit], programs: Sequence[Program]) -> JobPlan:
    title = job.title or job.name
    used = [programs[number] for number in dict.fromkeys(unit.program for unit in units)]
    if used and job.title is None:
        layers = dict.fromkeys(unit.layer for unit in units)  # not those of an alignment
        recipes = dict.fromkeys(program.recipe for program in used)
        kind = job.objective.kind.replace("_", " ") + SIGN_WORDS[job.sign]
        title += f": {some_of([*layers], 'layer')}, {kind}, {used[0].model}, {some_of([*recipes], 'recipe')}"
    of_rendering = {*Render.model_fields} - {"seeds"}  # which say how many pictures there are
    asked = job.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=of_rendering)
    return JobPlan(job.name, title, job.title or job.name, asked)
