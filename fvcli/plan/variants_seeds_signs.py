"""In which ways a job renders each of its units: its variants, times seeds, times signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fvcli.spec.schema import Job, Variant
from fvcli.spec.settings import ResolvedRender

SIGNS = {"positive": 1, "negative": -1}


@dataclass(frozen=True)
class Way:
    """One way of rendering a unit.

    sign: 1 to maximise, -1 to minimise.
    is_one_of_two: Whether the unit is rendered with the other sign, too.
    variant: Of the job, None if it has none.
    seed: Of several, None if there is one.
    """

    sign: int
    is_one_of_two: bool = False
    variant: Variant | None = None
    seed: int | None = None

    @property
    def names(self) -> list[str]:
        """What stands behind a unit's name, so that it is the only one of that name."""
        signs = {
            name for name, sign in SIGNS.items() if sign == self.sign and (sign < 0 or self.is_one_of_two)
        }
        variant = [self.variant.name] if self.variant else []
        return [*signs, *variant, *([f"seed-{self.seed}"] if self.seed is not None else [])]

    @property
    def labels(self) -> list[str]:
        """What stands behind a unit's label, for people."""
        sign = ["(+)" if self.sign > 0 else "(-)"] if self.is_one_of_two else []
        variant = [self.variant.name] if self.variant else []
        return [*sign, *variant, *([f"seed {self.seed}"] if self.seed is not None else [])]

    @property
    def described(self) -> dict[str, str | int]:
        """What a sidecar says of it beside the sign."""
        variant = {"variant": self.variant.name} if self.variant else {}
        return {**variant, **({"seed": self.seed} if self.seed is not None else {})}


def ways_of(
    job: Job, variant: Variant | None, settings: ResolvedRender
) -> Iterator[tuple[Way, ResolvedRender]]:
    """Yield each way of a variant, with its settings.

    Args:
        job: The job.
        variant: One of its variants, None if it has none.
        settings: Of that variant.
    """
    signs = [*SIGNS.values()] if job.sign == "both" else [SIGNS[job.sign]]
    for seed in settings.seeds or [None]:
        chosen = settings if seed is None else settings.model_copy(update={"seed": seed, "seeds": None})
        for sign in signs:
            yield Way(sign, len(signs) > 1, variant, seed), chosen
