"""What is written beside the pictures: contact sheets, figures, films."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from fvcli.spec.base import AddedLater, Bool, Float, Int, OneOrMore, Side, Strictly, Text, left_out

MAX_FRAMES = 10_000
MAX_ROWS = 512


FilmFormat = Literal["mp4", "gif", "webp"]
CopyFormat = Literal["jpeg", "webp"]
COPY_QUALITY = 90


OLD_NAMES = {"interpolation": "numbers"}  # of fvcli 0.4, in the plans and keys of all versions


def _of_today(name: Any) -> Any:
    return next((new for new, old in OLD_NAMES.items() if name == old), name)


class Animation(Strictly):
    """A film of one optimisation, or a morph through the pictures of an `interpolate` objective and back.

    For a morph all pictures start from the same noise and see the same random crops. With `save_px` its
    frames are of that size, up to 1024 px.

    Example: animation: {format: gif, every: 4}
    """

    format: FilmFormat = Field("mp4", description="File format of the film. mp4 is the smallest.")
    of: Annotated[Literal["ascent", "interpolation"], BeforeValidator(_of_today)] = Field(
        "ascent",
        description="What is filmed: one optimisation (`ascent`), or a morph through the pictures of an "
        "`interpolate` objective and back (`interpolation`).",
    )
    fps: Annotated[Float, Field(ge=0.1, le=240)] = Field(
        15.0, description="Frames per second of the film. Example: 24."
    )
    every: Annotated[Int, Field(ge=1, le=MAX_FRAMES)] = Field(
        2, description="For a film of an optimisation: number of steps from one frame to the next."
    )
    frames: Annotated[Int, Field(ge=2, le=MAX_FRAMES)] = Field(
        60, description="For a morph: number of frames, there and back."
    )
    pace: Annotated[Literal["even", "eased"] | None, AddedLater()] = left_out(
        "`even` for a morph",
        "How a morph moves. `even`: each frame looks equally far from the last; the first and the last "
        "picture are frames, and those between are passed closely. `eased`: slower at each picture, as "
        "fvcli did up to version 0.4.",
    )
    quality: Annotated[Annotated[Int, Field(ge=1, le=100)] | None, AddedLater()] = left_out(
        "about 90 for mp4; webp is exact",
        "Quality of mp4 and webp, from 1 to 100. Lower it for smaller files. Example: 60.",
    )
    size_px: Annotated[Side | None, AddedLater()] = left_out(
        "the size of the picture",
        "Longer side of the film in pixels. Lower it for smaller files. Example: 240.",
    )

    @model_validator(mode="after")
    def _heeded(self) -> Animation:
        if self.format == "gif" and self.quality is not None:
            raise ValueError("a gif has no quality; leave it out, or write format: webp")
        if self.of == "ascent" and self.pace is not None:
            raise ValueError("pace is that of a morph; leave it out, or write of: interpolation")
        return self

    @model_serializer(mode="wrap")
    def _kept(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write what earlier versions wrote: not what was added later, where it is left out, and old names.

        Keys of units are made of it.
        """
        kept: dict[str, Any] = write(self)
        if "of" in kept:  # not where only what a spec wrote is asked for
            kept["of"] = OLD_NAMES.get(kept["of"], kept["of"])
        return {name: value for name, value in kept.items() if value is not None}


class Grid(Strictly):
    """A contact sheet for each job, `RUN/grids/JOB.png`: all of its pictures side by side.

    Example: output: {grid: {columns: 8, labels: true}}
    """

    columns: Literal["auto"] | Annotated[Int, Field(ge=1, le=1000)] = Field(
        "auto", description="Number of pictures in a row; `auto` makes the sheet fit a screen. Example: 8."
    )
    labels: Bool = Field(True, description="Write each picture's label, such as its channel, under it.")


class Row(Strictly):
    """A row of a figure: finished pictures, the steps on the way to them, or the pictures they started from.

    Example: output: {figure: {rows: [{title: Channel 2, units: facets/channel-0002, show: steps}]}}
    """

    title: Text = left_out("none", "Title at the left of the row.", "")
    units: Annotated[tuple[Text, ...], Field(min_length=1), OneOrMore()] = Field(
        description="Which pictures, in this order: job/unit, a job, or a unit, each with the wildcards * "
        "and ?. Example: early/*."
    )
    show: Literal["picture", "steps", "source"] = Field(
        "picture",
        description="What is shown: the finished `picture`, the `steps` that `save_at` saved, or the "
        "`source` picture.",
    )


class Figure(Strictly):
    """One captioned picture of a whole run, `RUN/figure.png`.

    Example: output: {figure: {title: Three channels, caption: All of block 4.}}
    """

    title: Text = left_out("none", "Title above the figure.", "")
    caption: Text = left_out("none", "Text below the figure. Long lines are wrapped.", "")
    columns: tuple[Text, ...] = left_out(
        "none", "Titles of the columns, from left to right. Example: [Step 0, Step 48].", ()
    )
    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=MAX_ROWS)] | None = left_out(
        "one for each job", "The rows, from top to bottom."
    )
    wrap: Annotated[Int, Field(ge=1, le=100)] | None = left_out(
        "rows of more than 12 pictures are broken so that the figure fits a screen, unless it has column "
        "titles",
        "Number of pictures after which a row continues below.",
    )
    labels: Bool = Field(False, description="Write each picture's label, such as its channel, under it.")


class Output(Strictly):
    """What is drawn from the finished pictures.

    Example: output: {grid: {columns: 8}, figure: {title: My network}}
    """

    grid: Grid = left_out("`{columns: auto, labels: true}`", "How the contact sheets look.", Grid())
    figure: Figure | None = left_out("none", "One captioned picture of the whole run.")
    also: Annotated[tuple[CopyFormat, ...], OneOrMore()] = left_out(
        "none",
        "Formats of a copy of each picture and sheet beside the PNG, which stays the original. Use jpeg or "
        "webp for pages and mails. Example: [jpeg, webp].",
        (),
    )
    quality: Annotated[Int, Field(ge=1, le=100)] | None = left_out(
        "90",
        "Quality of the copies that `also` names, from 1 to 100. Lower it for smaller files. Example: 75.",
    )
    curve: Bool = Field(
        False,
        description="Write the score at each step beside each picture, as `<unit>.curve.json`. Set it to see "
        "whether a picture has converged.",
    )
    array: Bool = Field(
        False,
        description="Write each picture also as `<unit>.npy`: float32 in [0, 1], before it is rounded to 8 "
        "bits. Set it to go on computing with pictures.",
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
