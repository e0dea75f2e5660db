"""Settings: how pictures are made, with nothing left open.

``Render`` is what a spec may say of it, ``Settings`` what is decided once the recipe has filled in the rest.
Everything in ``Settings`` decides pixels, and so is part of unit keys.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from fvcli.spec.base import AddedLater, Strictly
from fvcli.spec.octaves import Octaves
from fvcli.spec.optimizers import Optimizer
from fvcli.spec.output import Animation
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.penalties import AnyPenalty
from fvcli.spec.references import References
from fvcli.spec.regularizers import AnyRegularizer
from fvcli.spec.schema import Render
from fvcli.spec.transforms import AnyTransform

Method = Literal["ascent", "dream", "steepest"]
Metric = Literal["l2", "l_inf", "spatial", "full"]


class Settings(Strictly):
    """What decides a picture beside its objective, size and batch.

    The keys with a default were added when pictures without them existed; where they have it, they are left
    out of plans and keys.
    """

    steps: int
    seed: int
    parameterization: Parameterization
    transforms: tuple[AnyTransform, ...]
    optimizer: Optimizer
    redirect_steps: int
    early_stop: float
    canvas: Literal["whole", "seen"]
    precision: Literal["auto", "float32", "bfloat16", "float16"]
    penalties: tuple[AnyPenalty, ...] = ()
    regularizers: tuple[AnyRegularizer, ...] = ()
    views: int = 1
    start: Literal["noise", "picture"] = "noise"
    attention: bool = False
    octaves: Octaves | None = None
    steepest: Metric | None = None
    save_at: tuple[int, ...] | None = None
    animation: Animation | None = None
    save_px: int | tuple[int, int] | None = None
    references: References | None = None

    @property
    def method(self) -> Method:
        """What makes the picture: an ascent, a dream of growing sizes, or one look at the gradient."""
        if self.steepest is not None:
            return "steepest"
        return "ascent" if self.octaves is None else "dream"

    @property
    def saved_px(self) -> tuple[int, int] | None:
        """Height and width of the saved picture, where these are not the ascent's."""
        return (self.save_px, self.save_px) if isinstance(self.save_px, int) else self.save_px

    @property
    def is_morph(self) -> bool:
        """Whether its film goes from one picture of a group to the next."""
        return self.animation is not None and self.animation.of == "interpolation"

    @property
    def pace(self) -> Literal["even", "eased"]:
        """How the frames of a morph are spread; one of fvcli 0.4 or older does not say."""
        return (self.animation and self.animation.pace) or "eased"

    @property
    def starts_from_picture(self) -> bool:
        """Whether an ascent or a dream begins with a picture that the job names."""
        return self.start == "picture"

    @property
    def is_transparent(self) -> bool:
        """Whether the last channel of its pictures is opacity."""
        return (self.parameterization.is_transparent or self.attention) and self.method != "steepest"

    @model_serializer(mode="wrap")
    def _kept(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        kept = write(self)
        for name, field in Settings.model_fields.items():
            if not field.is_required() and getattr(self, name) == field.default:
                kept.pop(name, None)
        image = self.parameterization
        for name, field in type(image).model_fields.items():
            was_added = any(isinstance(mark, AddedLater) for mark in field.metadata)
            if was_added and getattr(image, name) == field.default and "parameterization" in kept:
                del kept["parameterization"][name]
        return {name: kept[name] for name in Settings.model_fields if name in kept}


class ResolvedRender(Settings):
    """All that a job says of rendering, filled in.

    recipe: Its name, for people.
    size_px: Height and width.
    batch_size: None: what memory_gb holds.
    memory_gb: None: what the machine has.
    seeds: Of which each makes a picture of each unit, instead of seed.
    """

    recipe: str
    size_px: tuple[int, int]
    batch_size: int | None
    memory_gb: float | None
    seeds: tuple[int, ...] | None = None

    def settings(self) -> Settings:
        """Return what decides pixels of it."""
        return Settings.model_construct(**{name: getattr(self, name) for name in Settings.model_fields})


def _check_keys() -> None:
    """Hold that no key of a spec is without effect.

    Raises:
        TypeError: A key of render is in no settings, or the other way round.
    """
    odd = Render.model_fields.keys() ^ ResolvedRender.model_fields.keys()
    if odd:
        raise TypeError(
            f"a key of Render is none of Settings and ResolvedRender, or the other way: {sorted(odd)}"
        )


_check_keys()
