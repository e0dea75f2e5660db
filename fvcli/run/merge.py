"""Join the folders of shards into one run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fvcli.errors import UsageError, command
from fvcli.models import ModelFacts
from fvcli.plan import Gone, SpecTexts, Unit, change_lines, picture_facts
from fvcli.run.check import damage_of
from fvcli.run.fingerprint import copy_fingerprints
from fvcli.run.folder import RunFolder
from fvcli.run.growing import same_pictures
from fvcli.run.layout import PLAN, RUN_FACTS, SPEC, read_text
from fvcli.run.objects import read_bytes
from fvcli.run.scores import scores_of_picture, write_unit_scores
from fvcli.run.sidecar import FAILED, SCORES, Sidecar


@contextlib.contextmanager
def merge_runs(sources: Sequence[Path], target: Path) -> Iterator[RunFolder]:
    """Copy every finished unit of runs of one plan into a new run, or into one of that plan; hold its lock.

    Two plans are one if their units and batches are: shards may be rendered at different places.

    Raises:
        UsageError: The runs are of different plans, or have different pictures of the same unit;
            nothing was written.
    """
    runs = [RunFolder.read(path) for path in sources]
    if (target / PLAN).exists():
        runs.insert(0, RunFolder.read(target))
    for run in runs[1:]:
        _refuse_another_plan(runs[0], run)
    chosen = {unit.path: _choose(unit, runs) for unit in runs[0].plan.units}
    plan, text, copies = runs[0].plan, _spec_text(runs[0].path), runs[0].sources
    with RunFolder.begin(target, plan, text, _model_facts(runs), copies=copies) as merged:
        for unit in merged.plan.units:
            source, sidecar = chosen[unit.path] or (merged, None)
            if sidecar is not None and source.path != target:
                png = read_bytes(source.png(unit)) if sidecar.status != FAILED else None
                files = {name: source.extra(unit, name) for name in sidecar.extra_names}
                extras = {name: read_bytes(file) for name, file in files.items() if file.exists()}
                merged.commit(unit, sidecar, png, extras)
                if SCORES in sidecar.extra_names:
                    _bring_scores(unit, source, merged)
        for run in runs:
            copy_fingerprints(run.path, target)
        merged.write_facts(
            {"merged_from": [_facts(run.path) for run in runs if run.path != target]}, replace=True
        )
        yield merged


def _refuse_another_plan(first: RunFolder, other: RunFolder) -> None:
    """Raise UsageError, in the words of the spec, if two runs are not of the same pictures and batches."""
    if same_pictures(first.plan, other.plan):
        return
    message = f"{other.path} is the run of another plan than {first.path}"
    raise UsageError("\n".join([message, *_differences(first, other), "merge shards of one spec"]))


def _differences(first: RunFolder, other: RunFolder) -> list[str]:
    """Say how the second run's plan differs, as if it were to be rendered into the first."""
    keys = {unit.path: unit.key for unit in other.plan.units}
    asked = {job.name: job.asked for job in first.plan.jobs}
    gone = [
        Gone(unit.job, unit.path, picture_facts(first.plan, unit), asked[unit.job])
        for unit in first.plan.units
        if keys.get(unit.path) != unit.key
    ]
    texts = SpecTexts(read_text(first.path / SPEC), read_text(other.path / SPEC))
    had = {unit.path for unit in first.plan.units}
    more = sum(path not in had for path in keys)
    lines = change_lines(gone, first.plan, other.plan, texts, compared=True)
    lines += [f"{more} of its pictures are not in {first.path}"] if more else []
    return lines or ["it has the same pictures in another order"]


def _spec_text(run: Path) -> str:
    try:
        return read_bytes(run / SPEC).decode()
    except OSError as error:
        raise UsageError(f"{run / SPEC}: {error.strerror}", "give a whole run folder") from error


def _model_facts(runs: Sequence[RunFolder]) -> ModelFacts | None:
    """Return what the first of the runs that says so knows of the model."""
    return next((facts for run in runs if (facts := run.facts()) is not None), None)


def _facts(run: Path) -> Any:
    """Return what rendered a shard, or None where it does not say."""
    try:
        return json.loads(read_bytes(run / RUN_FACTS))
    except (OSError, ValueError):
        return None


def _choose(unit: Unit, runs: Sequence[RunFolder]) -> tuple[RunFolder, Sidecar] | None:
    """Take the first run that has the unit: one with scores, a finished one, a failed one."""
    for run in runs:
        newer = run.newer_sidecar(unit)
        if newer is not None:
            raise UsageError(f"{run.json(unit)}: {newer.said}", "merge with that version")
    found = [(run, sidecar) for run in runs if (sidecar := run.sidecar(unit)) is not None]
    finished = [(run, sidecar) for run, sidecar in found if sidecar.status != FAILED]
    for run, sidecar in finished[1:]:
        if sidecar.pixel_sha256 != finished[0][1].pixel_sha256:
            raise UsageError(
                f"{unit.path} differs between {finished[0][0].path} and {run.path}",
                "they were rendered on different machines or versions; keep one of them",
            )
    finished.sort(key=lambda one: SCORES not in one[1].extra_names)  # a picture that was scored before others
    for run, _ in finished[:1]:
        _refuse_damage(unit, run)
    return next(iter([*finished, *found]), None)


def _bring_scores(unit: Unit, source: RunFolder, merged: RunFolder) -> None:
    """Bring the scores of a picture that was in the folder before, without scores."""
    there = merged.sidecar(unit)
    if there is None or SCORES in there.extra_names:
        return
    scores = scores_of_picture(source, unit, there.pixel_sha256)
    if scores is not None:
        write_unit_scores(merged, unit, there, scores, scores.flags)


def _refuse_damage(unit: Unit, run: RunFolder) -> None:
    reason = damage_of(run, unit)
    if reason is not None:
        how = command("render", "SPEC", "-o", run.path, "--again", "--only", unit.path)
        raise UsageError(f"{run.png(unit)} is damaged: {reason}", f"render it anew: {how}")
