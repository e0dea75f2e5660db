"""From a spec, or a picture that carries one, to a plan, or to everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from fvcli.app.describe_model import facts_of_spec
from fvcli.app.find_named_files import find_files
from fvcli.app.moved_files import move_model, places_of_files
from fvcli.app.read_spec import read_spec
from fvcli.media import picture_text
from fvcli.models import ModelChoice, ModelFacts
from fvcli.plan import Plan, make_plan
from fvcli.plan.behind_relus import behind_relus
from fvcli.plan.model_choice import choice_of
from fvcli.plan.notes import notes_on
from fvcli.plan.written_keys import override_line
from fvcli.run.layout import job_of_file
from fvcli.spec import Document, parse_document, validate
from fvcli.spec.model import model_key
from fvcli.spec.schema import Render
from fvcli.spec.yaml_text import write_yaml

SPEC_FILES = (".yaml", ".yml")
ANOTHER = (
    "{picture} was rendered with another model, another photo or an earlier algorithm: "
    "what comes out will differ from it"
)


@dataclass(frozen=True)
class PlannedSpec:
    """A plan, the text that it came from, what is known of its model, and what to tell people."""

    plan: Plan
    text: str
    facts: ModelFacts
    remarks: tuple[str, ...] = ()


def plan_of_spec(spec: str, overrides: Sequence[str], allow_code: bool = False) -> PlannedSpec:
    """Read, validate and plan a spec file, or standard input for ``-``.

    Args:
        spec: Path of the file.
        overrides: ``key.path=value`` pairs that are laid over it.
        allow_code: Whether the model's factory may run.

    Raises:
        SpecError: With every mistake that was found.
    """
    text = read_spec(spec)
    beside = None if spec == "-" else Path(spec).parent
    header = "".join(map(override_line, overrides))
    plan, facts, remarks = _plan(text, spec, overrides, allow_code, beside)
    return PlannedSpec(plan, header + text, facts, (*remarks, *behind_relus(plan, facts)))


def plan_of_text(
    text: str, written_by: Mapping[int, str], overrides: Sequence[str], allow_code: bool = False
) -> PlannedSpec:
    """Plan a spec that was made of the words of a command; its text then holds what was overridden.

    Args:
        text: The spec, whose files are named from the working directory.
        written_by: By which word each line was made; messages name the word.
        overrides: As for ``plan_of_spec``.
        allow_code: Whether the model's factory may run.

    Raises:
        SpecError: With every mistake that was found.
    """
    plan, facts, remarks = _plan(text, "the command", overrides, allow_code, Path(), written_by=written_by)
    header = "# Written by fvcli from the words of a command; render it again with:  fvcli render THIS_FILE\n"
    if overrides:
        overridden = write_yaml(parse_document(text, "", overrides).data)
        text = overridden or "".join(map(override_line, overrides)) + text  # what YAML cannot hold is told
    return PlannedSpec(plan, header + text, facts, (*remarks, *behind_relus(plan, facts)))


def plan_of_picture(picture: Path, overrides: Sequence[str], allow_code: bool = False) -> PlannedSpec:
    """Plan the unit that a PNG file of fvcli's shows, from the text inside it.

    The text names files without their folders. They are taken from the run that the picture is in; of a
    picture that left its run they are looked for beside it, then in the working directory.

    Raises:
        SpecError: With every mistake that was found, such as files that are not there.
    """
    carried = picture_text(picture)
    key, spec = str(carried.get("key")), carried["spec"]
    jobs, place = spec.get("jobs"), picture.resolve()  # of a link, what it leads to
    job = job_of_file(place)
    if job is not None and isinstance(jobs, list) and jobs and isinstance(jobs[0], dict):
        jobs[0]["name"] = job
    text = json.dumps(spec, indent=1, ensure_ascii=False) + "\n"
    places = places_of_files(picture, key)
    plan, facts, left_out = _plan(text, str(picture), overrides, allow_code, picture.parent, places)
    if job is not None:
        plan = _called_alike(plan, key, place.stem)
    remarks = (
        () if overrides or key in {unit.key for unit in plan.units} else (ANOTHER.format(picture=picture),)
    )
    return PlannedSpec(plan, text, facts, (*left_out, *remarks))


def _called_alike(plan: Plan, key: str, name: str) -> Plan:
    """Give the unit of a key the name that its picture has, unless another unit has that name."""
    if name in {unit.name for unit in plan.units if unit.key != key}:
        return plan
    units = tuple(replace(unit, name=name) if unit.key == key else unit for unit in plan.units)
    return replace(plan, units=units)


def model_of(text: str) -> ModelChoice:
    """Return the model that a name, a path or a spec file names.

    Raises:
        SpecError: The spec is wrong.
    """
    if not text.lower().endswith(SPEC_FILES):
        return ModelChoice(path=text) if model_key(text) == "path" else ModelChoice(name=text)
    document = parse_document(read_spec(text), text)
    document.data.setdefault("jobs", [{"name": "none-yet"}])  # somebody looks for layers to write there
    spec, _ = validate(document)
    document.raise_problems()
    assert spec is not None  # or there was a problem
    return choice_of(spec.model)


def _plan(
    text: str,
    origin: str,
    overrides: Sequence[str],
    allow_code: bool,
    beside: Path | None,
    places: Mapping[str, Path] | None = None,
    written_by: Mapping[int, str] = MappingProxyType({}),
) -> tuple[Plan, ModelFacts, tuple[str, ...]]:
    document = parse_document(text, origin, overrides)
    document.written_by = written_by
    if places is not None and beside is not None:
        move_model(document.data, places, beside)
    spec, positions = validate(document)
    facts = facts_of_spec(document, spec, allow_code) if spec and document.broken.knows_layers else None
    remarks: tuple[str, ...] = ()
    if spec and facts:
        files = find_files(document, spec, positions, beside, places)
        broken = replace(document.broken, anything=bool(document.problems))
        carried = frozenset() if places is None else _carried(document)
        plan, problems = make_plan(spec, positions, facts, files, broken, carried)
        document.report(problems)
        remarks = tuple(files.remarks)
        if not document.problems and places is None:
            remarks = (*remarks, *notes_on(spec, plan, facts))
    document.raise_problems()
    assert facts is not None  # or there was a problem
    return plan, facts, remarks


def _carried(document: Document) -> frozenset[str]:
    """Return the keys of ``render`` that a picture carries, without those that the command line sets."""
    overridden = {
        path[1]
        for path, by in document.places.items()
        if isinstance(by, str) and path[:1] == ("render",) and len(path) > 1
    }
    return frozenset(Render.model_fields) - overridden
