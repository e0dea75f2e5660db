"""What a run has of photos, links and scores for its atlas, what it lacks, and the command that mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fvcli.atlas.site.layout import isolated
from fvcli.errors import FvcliError, command, counted, some_of
from fvcli.run import RunFolder
from fvcli.run.examples import Examples, read_examples
from fvcli.run.examples.origin import BLOCK, METHOD
from fvcli.run.examples.parts import Parts
from fvcli.run.scores import DamagedScoresError, RunScores, read_run_scores
from fvcli.run.unit_links import Links, load_links

GO_ON, ANEW = (), ("--again",)
MADE_ANEW = "makes them anew, with the FOLDER that was given before"
EXAMPLES, SCORE = "examples", "score"  # commands that mend


@dataclass(frozen=True)
class Remark:
    """What an atlas lacks.

    said: In one sentence, without its full stop.
    mends: What the command that mends it does.
    options: Of that command, beside the run and its pictures.
    name: Of that command.
    """

    said: str
    mends: str
    options: tuple[str, ...] = ANEW
    name: str = EXAMPLES

    def command(self, run: Path | None = None) -> str:
        """Return the command that mends it; of a run that is not named RUN, which a page may not know."""
        return command(self.name, "RUN" if run is None else run, "--images", "FOLDER", *self.options)

    def line(self, run: Path) -> str:
        return f"{self.said}; this {self.mends}: {self.command(run)}"


@dataclass(frozen=True)
class Sources:
    """What is shown beside pictures.

    examples, links, scores: Of the run; None where there are none that can be used.
    remarks: What is wrong with them.
    """

    examples: Examples | None
    links: Links | None
    scores: RunScores | None
    remarks: tuple[Remark, ...]


def read_sources(run: RunFolder, damaged_scores: Sequence[str] = ()) -> Sources:
    """Return the photos and the links of a run, and what was found of its pictures on the whole.

    Args:
        run: The run.
        damaged_scores: Units whose scores are damaged.

    Raises:
        FvcliError: The photos are damaged, or a newer fvcli wrote them.
    """
    remarks = []
    planned = {program.weights_sha256 for program in run.plan.programs}
    examples = read_examples(run.path)
    if examples is None:
        remarks += _half_done(run.path)
    elif examples.head.origin is not None and examples.head.origin.method != METHOD:
        examples = None
        remarks.append(Remark("the photos are of an older fvcli and left out", "finds new ones"))
    elif examples.head.weights_sha256 not in planned:
        examples = None
        remarks.append(Remark("the photos are of other weights and left out", "finds new ones"))
    links = None
    try:
        links = load_links(run.path)
    except FvcliError as error:
        remarks.append(Remark(f"{error.message}, so they are left out", MADE_ANEW, GO_ON))
    if links is not None and links.weights_sha256 not in planned:
        links = None
        said = "the links between units are of other weights and left out"
        remarks.append(Remark(said, MADE_ANEW, GO_ON))
    scores = None
    try:
        scores = read_run_scores(run.path)
    except DamagedScoresError:
        said = "the means of the scores are damaged and left out"
        remarks.append(Remark(said, MADE_ANEW, GO_ON, SCORE))
    if damaged_scores:
        units = some_of([isolated(unit) for unit in damaged_scores], "unit")
        said = f"the scores of {units} are damaged and left out"
        remarks.append(Remark(said, MADE_ANEW, GO_ON, SCORE))
    return Sources(examples, links, scores, tuple(remarks))


def _half_done(run: Path) -> list[Remark]:
    """Say how much of the photos is done that are not finished."""
    parts = Parts(run)
    try:
        origin = parts.origin()
    except FvcliError:
        return [Remark("the photos are half done, and what they are of is damaged", "begins anew")]
    if origin is None:
        return []
    if origin.method != METHOD:
        return [Remark("the photos are half done, by an older fvcli", "begins anew")]
    done = len(parts.there())
    said = f"the photos are not finished: {done} of {counted(origin.blocks, 'block')} done"
    given = "FOLDER (and --labels, if any) that was" if origin.classes else "FOLDER that was"
    options = GO_ON if origin.block == BLOCK else ("--block", str(origin.block))
    return [Remark(said, f"goes on, with the {given} given before", options)]


def layer_remark(lacking: int, units: int) -> Remark | None:
    """Say that units of a layer have no photos though the run has some.

    Args:
        lacking: How many of them.
        units: How many the layer has.
    """
    if not lacking:
        return None
    if lacking == units:
        said = "This layer was not in the run yet when photos were looked for"
        return Remark(f"{said}, so its units have none", "looks again, for all layers")
    said = f"{lacking:,} of {units:,} units have no photos, and so no likeness to others"
    return Remark(f"{said}: they were not in the run yet", "looks again, for all units")


def chapters_remark(lacking: Mapping[str, int]) -> Remark | None:
    """Say how many units of which layers have no photos though the run has some."""
    found = {name: count for name, count in lacking.items() if count}
    if not found:
        return None
    layers = some_of([isolated(name) for name in found], "layer")
    count = sum(found.values())
    have, they = ("has", "it") if count == 1 else ("have", "they")
    said = f"{counted(count, 'unit')} of {layers} {have} no photos"
    return Remark(f"{said}, because {they} came to the run after they were looked for", "looks again")


def unit_remark() -> Remark:
    """Say that a unit has no photos though others of the run have some."""
    said = "It has no photos: it was not in the run yet when they were looked for"
    return Remark(said, "looks again, for all units")
