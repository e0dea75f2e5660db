"""What is written beside the pictures: contact sheets, figures, films."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fvcli.spec.base import Bool, Float, Int, OneOrMore, Strictly, Text

MAX_FRAMES = 10_000
MAX_ROWS = 512


FilmFormat = Literal["mp4", "gif", "webp"]


class Animation(Strictly):
    """A film: of the ascent, or of the way between the numbers of an interpolation's pictures and back.

    Those then have one beginning and the same views; with save_px their film is as large, up to 1024.
    """

    format: FilmFormat = "mp4"
    of: Literal["ascent", "numbers"] = "ascent"
    fps: Annotated[Float, Field(ge=0.1, le=240)] = 15.0
    every: Annotated[Int, Field(ge=1, le=MAX_FRAMES)] = Field(2, description="of an ascent: steps a frame")
    frames: Annotated[Int, Field(ge=2, le=MAX_FRAMES)] = Field(60, description="of numbers: how many")


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
