"""What is written beside the pictures: contact sheets, figures, films."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from fvcli.spec.base import AddedLater, Bool, DependsOn, Float, Int, OneOrMore, Side, Strictly, Text

MAX_FRAMES = 10_000
MAX_ROWS = 512


FilmFormat = Literal["mp4", "gif", "webp"]
CopyFormat = Literal["jpeg", "webp"]
COPY_QUALITY = 90


class Animation(Strictly):
    """A film: of the ascent, or of the way between the numbers of an interpolation's pictures and back.

    Those then have one beginning and the same views; with save_px their film is as large, up to 1024.
    """

    format: FilmFormat = "mp4"
    of: Literal["ascent", "numbers"] = "ascent"
    fps: Annotated[Float, Field(ge=0.1, le=240)] = 15.0
    every: Annotated[Int, Field(ge=1, le=MAX_FRAMES)] = Field(2, description="of an ascent: steps a frame")
    frames: Annotated[Int, Field(ge=2, le=MAX_FRAMES)] = Field(60, description="of numbers: how many")
    pace: Annotated[Literal["even", "eased"] | None, AddedLater(), DependsOn("of")] = Field(
        None,
        description="of numbers: `even`, the default, lets each frame look equally far from the last; the "
        "first and the last picture are frames, and those between are passed closely. `eased` moves the "
        "numbers evenly, slower at each picture, as fvcli did up to 0.4",
    )
    quality: Annotated[Annotated[Int, Field(ge=1, le=100)] | None, AddedLater()] = Field(
        None,
        description="from 1 to 100, of mp4 and webp; lower it for smaller files. By default mp4 has about "
        "90, and webp is exact",
    )
    size_px: Annotated[Side | None, AddedLater()] = Field(
        None,
        description="the longer side of the film; by default that of the picture. Lower it for smaller files",
    )

    @model_validator(mode="after")
    def _heeded(self) -> Animation:
        if self.format == "gif" and self.quality is not None:
            raise ValueError("a gif has no quality; leave it out, or write format: webp")
        if self.of == "ascent" and self.pace is not None:
            raise ValueError("pace is that of a film of numbers; leave it out, or write of: numbers")
        return self

    @model_serializer(mode="wrap")
    def _kept(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what was added later where films are as they were without it."""
        kept: dict[str, Any] = write(self)
        return {name: value for name, value in kept.items() if value is not None}


class Grid(Strictly):
    """How contact sheets look."""

    columns: Literal["auto"] | Annotated[Int, Field(ge=1, le=1000)] = "auto"
    labels: Bool = True


class Row(Strictly):
    """A row of a figure: pictures of units, of their ascents, or the pictures that they began with."""

    title: Text = ""
    units: Annotated[tuple[Text, ...], Field(min_length=1), OneOrMore()] = Field(
        description="job/unit, job or unit, each with * and ?, in the order in which they stand here"
    )
    show: Literal["picture", "steps", "source"] = "picture"


class Figure(Strictly):
    """One captioned picture of a whole run."""

    title: Text = ""
    caption: Text = ""
    columns: tuple[Text, ...] = Field((), description="titles of the columns")
    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=MAX_ROWS)] | None = Field(
        None, description="by default one for each job"
    )
    wrap: Annotated[Int, Field(ge=1, le=100)] | None = Field(
        None,
        description="pictures in a row, after which a row goes on below; by default rows of more than 12 are "
        "broken so that the figure has the proportions of a screen, unless it has column titles",
    )
    labels: Bool = Field(False, description="whether each picture's label stands under it")


class Output(Strictly):
    """What is written beside the pictures."""

    grid: Grid = Grid()
    figure: Figure | None = None
    also: Annotated[tuple[CopyFormat, ...], OneOrMore()] = Field(
        (),
        description="a copy of each picture and sheet in these formats, beside the PNG, which stays the "
        "original. Use jpeg or webp for pages and mails; [jpeg, webp] writes both",
    )
    quality: Annotated[Int, Field(ge=1, le=100)] | None = Field(
        None, description="quality of the copies that `also` names, from 1 to 100; 90 by default"
    )
    curve: Bool = Field(
        False,
        description="whether the score at each step is written beside each picture, as <unit>.curve.json. "
        "Set it to see whether a picture has converged",
    )
    array: Bool = Field(
        False,
        description="whether each picture is also written as <unit>.npy: float32 in [0, 1], before it is "
        "rounded to 8 bits. Set it to go on computing with pictures",
    )

    @property
    def copy_quality(self) -> int:
        return COPY_QUALITY if self.quality is None else self.quality

    @model_validator(mode="after")
    def _quality_of_something(self) -> Output:
        if self.quality is not None and not self.also:
            raise ValueError("quality is that of copies, and there are none; add also: jpeg, or leave it out")
        if len(set(self.also)) < len(self.also):
            raise ValueError("also names a format twice; write each once")
        return self

    @model_serializer(mode="wrap")
    def _kept(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what was added later where it has its default, so that plans stay as they were."""
        added = ("also", "quality", "curve", "array")
        fields = Output.model_fields
        kept: dict[str, Any] = write(self)
        return {
            name: value
            for name, value in kept.items()
            if name not in added or getattr(self, name) != fields[name].default
        }
