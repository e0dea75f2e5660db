"""What a plan holds: programs, units, jobs and sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from fvcli.plan.terms import Coupling, Formula, TermPlan, TermShape, canonical, layers_of
from fvcli.spec.settings import Settings

# Settings that are inputs of the compiled function, or that it has nothing to do with.
NOT_COMPILED = {"steps", "seed", "early_stop", "save_at", "animation"}


@dataclass(frozen=True)
class Source:
    """A file that the run has a copy of.

    name: short, for people and file names.
    file: of the copy, in the run's folder of sources.
    path: where it was.
    called: its file name, as the spec has it.
    frames, fps: of a film; a picture is one frame.
    """

    name: str
    file: str
    path: str
    sha256: str
    frames: int = 1
    fps: float = 0.0
    called: str = ""

    @property
    def file_name(self) -> str:
        """Its file name without the folder, which is different on every machine."""
        return self.called or PurePath(self.path).name


@dataclass(frozen=True)
class Window:
    """The part of a picture that a neuron's ascent works on, because the neuron sees no more.

    canvas_px: side of the square that is optimised.
    view_px: side of what the network sees of it, a multiple of the layer's stride.
    shift_px: how far views may be shifted: no further than the recipe says, nor than the field allows.
    row, column: of the neuron in the layer's map of a view.
    """

    canvas_px: int
    view_px: int
    shift_px: float
    row: int
    column: int


@dataclass(frozen=True)
class Program:
    """Everything that units compiled together share.

    terms: the shape of each term of the objective.
    settings: how the pictures are made.
    formula: how the terms are put together; None: they are added.
    members: how many pictures, one after the other in the plan, are optimised together.
    couplings: what they share their scores through.
    image_bytes: estimated memory of one image of an ascent.
    gpu_batches: how many batches a GPU works on at once. It decides no picture of a CPU and is in no key, and
        programs that differ in it are equal.
    window: what is optimised of the picture; None: all of it.
    input_px: height and width that views are resized to, because the network takes no other; None: they are
        taken as they are.
    """

    model: str
    weights_sha256: str
    terms: tuple[TermShape, ...]
    recipe: str
    height_px: int
    width_px: int
    batch_size: int
    image_bytes: int
    settings: Settings
    window: Window | None = None
    input_px: tuple[int, int] | None = None
    formula: Formula | None = None
    members: int = 1
    couplings: tuple[Coupling, ...] = ()
    gpu_batches: int = field(default=1, compare=False)

    @property
    def gpu_pictures(self) -> int:
        """How many pictures a GPU works on at once: whole batches of them."""
        return self.gpu_batches * self.batch_size

    def canvas_of(self, unit: Unit) -> dict[str, int] | None:
        """Return which part of the picture is optimised, in pixels, or None for all of it."""
        if self.window is None or unit.place is None:
            return None
        side = self.window.canvas_px
        return {"top": unit.place[0], "left": unit.place[1], "height": side, "width": side}

    @property
    def compilation(self) -> tuple[Any, ...]:
        """What has to be equal in two programs so that one compiled ascent serves both."""
        settings = self.settings.model_dump(mode="json", exclude=NOT_COMPILED)
        size = self.height_px, self.width_px, self.window, self.input_px
        together = self.formula, self.members, self.couplings
        return self.terms, *size, *together, canonical(settings)

    @property
    def changes_size(self) -> bool:
        """Whether the network sees another size at each step."""
        scaled = any(transform.drawn_factors for transform in self.settings.transforms)
        return scaled and self.input_px is None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are read, in order."""
        return layers_of(self.terms, self.couplings)


@dataclass(frozen=True, slots=True)
class Unit:
    """One picture to make.

    name: file name without suffix, unique in its job.
    key: of everything that decides the picture's bytes.
    label: what to write under the picture.
    unit: what it is within its layer, such as {"channel": 44}.
    sign: 1 to maximise the objective, -1 to minimise it.
    program: position in the plan's programs.
    place: row and column of the picture at which the program's window begins; outside is possible.
    member: its position in its group of pictures that are optimised together.
    picture: the SHA-256 of the source that it starts from or aims at.
    variant: which of the job's variants it is.
    formula: as of its program, because it is a part of what the unit shows.
    folder: of its job's folders the one that its files are in, such as ``0003``; empty: the job's own.
    """

    job: str
    name: str
    key: str
    label: str
    objective: str
    unit: Mapping[str, Any]
    sign: int
    terms: tuple[TermPlan, ...]
    program: int
    place: tuple[int, int] | None = None
    member: int = 0
    picture: str | None = None
    variant: str | None = None
    formula: Formula | None = None
    folder: str = ""

    @property
    def path(self) -> str:
        """What patterns, messages and reports call it: job/unit."""
        return f"{self.job}/{self.name}"

    @property
    def stem(self) -> str:
        """Place of its files below the run's units folder, without suffix."""
        return f"{self.job}/{self.folder}/{self.name}" if self.folder else self.path

    @property
    def identity(self) -> str:
        """What the unit shows, apart from how it is rendered: the name of its random stream."""
        more = {"formula": self.formula, "member": self.member, "picture": self.picture}
        told = {key: value for key, value in more.items() if value}
        return canonical([self.sign, [term.facts() for term in self.terms], *([told] if told else [])])

    @property
    def layer(self) -> str:
        return " + ".join(dict.fromkeys(term.layer for term in self.terms))


@dataclass(frozen=True)
class JobPlan:
    """What contact sheets, figures and words about changes need of a job.

    title: of its contact sheet; heading: as the spec has it, or its name.
    asked: the job as it was written, without what it says of rendering.
    """

    name: str
    title: str
    heading: str
    asked: Mapping[str, Any]
