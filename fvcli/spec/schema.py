"""The spec as frozen, validated models; its JSON Schema is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from fvcli.spec.base import (
    BY_RECIPE,
    Bool,
    Float,
    Index,
    Int,
    NamesFile,
    OneOrMore,
    OrName,
    Seed,
    Side,
    Strictly,
    Text,
    WrongTogetherError,
    checked_size,
    left_out,
    written_as,
)
from fvcli.spec.channels import ChannelsField, SeedsField
from fvcli.spec.model import Model, OrModel
from fvcli.spec.objectives import ChannelObjective, Diversity, JobObjective
from fvcli.spec.octaves import Octaves
from fvcli.spec.optimizers import Optimizer
from fvcli.spec.output import Animation, Output
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.penalties import AnyPenalty
from fvcli.spec.references import References
from fvcli.spec.regularizers import AnyRegularizer
from fvcli.spec.transforms import AnyTransform
from fvcli.spec.vectors import Vectors

MAX_STEPS = 100_000
MAX_VIEWS = 256
MAX_VARIANTS = 256
RecipeName = Literal[
    "default",
    "classes",
    "lucid",
    "distill",
    "naive",
    "frequency-penalized",
    "robust",
    "preconditioned",
    "yosinski-1",
    "yosinski-2",
    "yosinski-3",
    "yosinski-4",
    "cppn",
    "untrained-prior",
    "maco",
    "vital",
    "transparent",
    "deepdream",
    "deepdraw",
]
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
NAME_IN_WORDS = "1 to 100 letters, digits, dots, dashes and underscores, a letter or digit first"

Names = Annotated[tuple[Annotated[Text, Field(min_length=1)], ...], Field(min_length=1), OneOrMore()]


class Render(Strictly):
    """How pictures are made. A job may set each key itself; a key that nobody sets comes from the recipe.

    Setting a piece, such as `optimizer`, replaces the recipe's entire optimizer.

    Example: render: {recipe: default, size_px: 224, steps: 256}
    """

    recipe: RecipeName | None = left_out(
        "`classes` if every objective is a class, else `default`",
        "Named choice of all other keys. Change it for another style, such as `lucid` or `maco`.",
    )
    size_px: Side | tuple[Side, Side] | None = left_out(
        "the network's own input size",
        "Size of the picture in pixels: one side, or `[height, width]`. Larger pictures show more "
        "repetitions and take longer. Example: 320.",
    )
    save_px: Side | tuple[Side, Side] | None = left_out(
        "the size that is optimised",
        "Size of the saved picture in pixels: one side, or `[height, width]`. Needs a parameterization that "
        "has no size of its own, such as `cppn`. Example: 2048.",
    )
    steps: Annotated[Int, Field(ge=1, le=MAX_STEPS)] | None = left_out(
        BY_RECIPE,
        "Number of optimisation steps; for a dream, at each octave. More steps add contrast and detail and "
        "take longer. Example: 256.",
    )
    seed: Seed | None = left_out(
        BY_RECIPE,
        "Start of the random numbers. Another seed gives another picture of the same unit. Example: 7.",
    )
    seeds: SeedsField | None = left_out(
        "one picture, with `seed`",
        "Several seeds instead of `seed`: each unit gets one picture for each. Shows how much chance "
        "decides. Example: 0-3 or [0, 7].",
    )
    parameterization: Parameterization | None = left_out(
        BY_RECIPE,
        "How a picture is described while it is optimised: as pixels, frequencies, or the weights of a small "
        "network. It decides which pictures come easily.",
    )
    transforms: tuple[AnyTransform, ...] | None = left_out(
        BY_RECIPE,
        "Random changes before each step, in this order, that the picture must be robust to. More of them "
        "give larger, cleaner forms; `[]` leaves noise.",
    )
    optimizer: Optimizer | None = left_out(
        BY_RECIPE, "How a gradient becomes a step. Change it for another learning rate."
    )
    penalties: tuple[AnyPenalty, ...] | None = left_out(
        BY_RECIPE,
        "What is subtracted from the score, such as noise. Use them with `pixel`; `fourier` seldom needs "
        "any. Example: [total_variation].",
    )
    regularizers: tuple[AnyRegularizer, ...] | None = left_out(
        BY_RECIPE,
        "Changes of the pixels after each step, such as a blur. They need `parameterization: pixel`. "
        "Example: [gaussian_blur].",
    )
    views: Annotated[Int, Field(ge=1, le=MAX_VIEWS)] | None = left_out(
        BY_RECIPE,
        "Number of randomly transformed copies of the picture that each step averages over. More give "
        "steadier steps; time and memory grow with them. Example: 8.",
    )
    start: Literal["noise", "picture"] | None = left_out(
        BY_RECIPE,
        "What the optimisation starts from: `noise`, or the job's `picture`. With a picture, lower the "
        "learning rate, or colours saturate.",
    )
    attention: Bool | None = left_out(
        BY_RECIPE,
        "Save opacity with the picture: opaque where the gradient was large during the optimisation (MACO).",
    )
    references: Annotated[References, OrName("photos")] | None = left_out(
        BY_RECIPE + "; without them the objective is maximised",
        "Folder of photos. The picture is made to look to the network as the photos do that excite the unit "
        "most. Example: photos/.",
    )
    octaves: Octaves | None = left_out(
        BY_RECIPE + "; without them no dream",
        "Make a dream: change a picture at growing sizes, tile by tile (DeepDream). Example: {count: 4}.",
    )
    steepest: Literal["l2", "l_inf", "spatial", "full"] | None = left_out(
        "none: the picture is optimised",
        "Do not optimise. Save the direction in which the score of the job's picture rises fastest, measured "
        "in pixels (`l2`), by their signs (`l_inf`), in frequencies (`spatial`), or in frequencies and "
        "decorrelated colours (`full`).",
    )
    save_at: Annotated[tuple[Annotated[Int, Field(ge=0, le=MAX_STEPS)], ...], Field(min_length=1)] | None = (
        left_out(
            "only the last picture",
            "Steps after which the picture is saved as well; 0 is the start. Example: [0, 4, 48].",
        )
    )
    animation: Animation | None = left_out(
        "no film",
        "Save a film of the optimisation, or a morph through the pictures of an `interpolate` objective. "
        "Example: {format: gif}.",
    )
    redirect_steps: Annotated[Int, Field(ge=0, le=MAX_STEPS)] | None = left_out(
        BY_RECIPE,
        "Number of first steps in which a ReLU that outputs only zeros lets gradients through. Without it a "
        "unit that is silent at the start stays grey. Raise it for units that are reported as dead.",
    )
    early_stop: Annotated[Float, Field(ge=0, lt=1)] | None = left_out(
        BY_RECIPE,
        "Finish a unit early if its score has stopped rising: twice in a row, 16 steps raise it by less than "
        "this share of its whole rise. 0 always takes all steps. Example: 0.01.",
    )
    canvas: Literal["whole", "seen"] | None = left_out(
        BY_RECIPE,
        "What is optimised for a `neuron`: the `whole` picture, or with `seen` only the pixels in the "
        "neuron's receptive field. `seen` is faster and needs a single `affine` transform. A neuron that "
        "sees the border of the picture, or most of it, is optimised as `whole`. So are other objectives.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] | None = left_out(
        BY_RECIPE,
        "Number type that the network computes in. `auto` takes the fastest that does no harm: float16 on "
        "recent GPUs, float32 elsewhere. Take float32 to compare pictures between machines.",
    )
    batch_size: Annotated[Int, Field(ge=1, le=4096)] | None = left_out(
        "at most 8 pictures, fewer if `memory_gb` is reached; a GPU computes as many batches at once as fit",
        "Number of pictures that are optimised and claimed by a worker together. Lower it if memory runs "
        "out, or to have enough batches for many workers. Pictures are the same on a CPU. But the number is "
        "part of what identifies a picture. With another number all of them are rendered again.",
    )
    memory_gb: Annotated[Float, Field(gt=0, le=4096)] | None = left_out(
        "0.4, or 1.5 for `maco`, on every machine; 10 on a GPU",
        "Memory in GB that decides how many pictures a batch has; on a GPU, how many are optimised at once. "
        "Set it for a GPU that is not one of 16 GB. Another number may change the size of batches, and so "
        "unit keys.",
    )

    @field_validator("size_px", "save_px", mode="before")
    @classmethod
    def _sides(cls, value: Any) -> Any:
        return checked_size(value)

    @model_validator(mode="after")
    def _one_of_seed_and_seeds(self: R) -> R:
        if self.seed is not None and self.seeds is not None:
            message = "write seed for one picture of each unit, or seeds for several, and not both"
            raise WrongTogetherError(message, "seed", "seeds")
        return self


R = TypeVar("R", bound=Render)


JobName = Annotated[Text, written_as(NAME, NAME_IN_WORDS)]


class Variant(Render):
    """One way of rendering each picture of a job; it may set every key of render.

    Example: variants: [{name: noisy, recipe: naive}, {name: clear, recipe: default}]
    """

    name: JobName = Field(
        description="Name of the variant. It is part of the names of its pictures. Example: noisy."
    )


class Job(Render):
    """A set of pictures with one objective; it may set every key of render.

    It makes one picture for each layer, each channel, class or vector, each source picture and each variant.

    Example: jobs: [{name: early, layer: block4_expand_bn, channels: 0-15}]
    """

    name: JobName = Field(description="Name of the job, and of the folder of its pictures. Example: early.")
    title: Text | None = left_out(
        "the job's name", "Title on the job's contact sheet and in its row of the figure."
    )
    layer: Names | None = left_out(
        "none: needed unless the objective names its layers or reads classes",
        "Layer to visualise, as `fvcli layers MODEL` lists it, or a list of layers. Example: "
        "block4_expand_bn.",
    )
    objective: JobObjective = left_out(
        "`channel`",
        "What is maximised: a kind's name, or a mapping with a `kind`. Example: neuron.",
        ChannelObjective(kind="channel"),
    )
    sign: Literal["positive", "negative", "both"] = Field(
        "positive",
        description="`positive` maximises the objective, `negative` minimises it, `both` makes one picture "
        "of each. Use `negative` to see what a unit is inhibited by.",
    )
    channels: ChannelsField | None = left_out(
        "all", "Channels to visualise, from 0: `all`, a range such as 0-15, a list, or `{every: 8}`."
    )
    classes: Annotated[tuple[Index | Text, ...], Field(min_length=1), OneOrMore()] | None = left_out(
        "all", "Classes to visualise, by name or number, for objectives of classes. Example: [tabby, 207]."
    )
    vectors: Vectors | None = left_out(
        "none: objectives of directions need some",
        "Directions to visualise, for objectives that take one. Example: [{random: 0-5}].",
    )
    pictures: Annotated[Names | None, NamesFile("pictures")] = left_out(
        "none",
        "Picture or film files, folders or patterns, for `start: picture`, dreams, and the objectives "
        "`caricature`, `match` and `style`. Each is cut in the middle to the proportions of size_px. "
        "Example: photos/*.jpg.",
    )
    diversity: Diversity | None = left_out(
        "one picture of each unit", "Several pictures of each unit that are kept unlike each other."
    )
    variants: Annotated[tuple[Variant, ...], Field(min_length=1, max_length=MAX_VARIANTS)] | None = left_out(
        "one way", "Several ways to render each picture, to compare them. Each has a name and keys of render."
    )
    only: Names | None = left_out(
        "all",
        "Names of the pictures of this job to keep; the others are not rendered. Patterns are not allowed. "
        "Example: channel-0003.",
    )

    @field_validator("variants", mode="after")
    @classmethod
    def _variants_differ(cls, value: tuple[Variant, ...] | None) -> tuple[Variant, ...] | None:
        names = [variant.name.lower() for variant in value or ()]
        twice = [name for i, name in enumerate(names) if name in names[:i]]
        if twice:
            raise ValueError(f"two variants have the name {twice[0]!r}")
        return value


class Spec(Strictly):
    """A whole spec: which network, how pictures are made, and which ones."""

    version: Literal[1] = Field(1, description="Version of the spec's format. Only 1 exists.")
    model: Annotated[Model, OrModel("name")] = Field(
        description="The network: a name, a path, or a mapping. Example: efficientnet-lite0."
    )
    render: Render = left_out(
        BY_RECIPE, "How all jobs make their pictures. A job may set each key itself.", Render()
    )
    jobs: Annotated[tuple[Job, ...], Field(min_length=1)] = Field(
        description="The sets of pictures to make. Each has a name of its own."
    )
    output: Output = left_out(
        "a contact sheet for each job", "What is drawn from the finished pictures.", Output()
    )

    @field_validator("version", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        if type(value) is not int or value != 1:
            raise ValueError(f"{value!r} is not possible; this fvcli reads version 1")
        return value
