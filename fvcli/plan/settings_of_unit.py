"""Settings of a picture that are not what its job says: of other methods, and of its own size."""

from __future__ import annotations

from typing import Any

from fvcli.media import NamedFiles
from fvcli.plan.unit_drafts import UnitDraft
from fvcli.spec.parameterizations import Pixel
from fvcli.spec.settings import ResolvedRender


def heeded(settings: ResolvedRender, is_own_image: bool) -> ResolvedRender:
    """Return the settings of a dream or a direction of a picture without what only ascents heed.

    Args:
        settings: Of a job, or of one of its variants.
        is_own_image: Whether the job itself says the parameterization, and not its recipe.
    """
    if settings.method == "ascent":
        return settings
    plain: dict[str, Any] = {"transforms": (), "penalties": (), "regularizers": ()}
    plain |= {"views": 1, "attention": False, "save_px": None, "references": None}
    if settings.method == "steepest":
        plain |= {"octaves": None, "save_at": None, "animation": None}
    if not settings.parameterization.is_plain_pixels and not is_own_image:
        plain["parameterization"] = Pixel(kind="pixel")
    return settings.model_copy(update=plain)


def at_size_of_picture(settings: ResolvedRender, draft: UnitDraft, files: NamedFiles) -> ResolvedRender:
    """Return the settings of a dream, which has the size of its picture unless the spec says another."""
    if draft.picture is None or not settings.starts_from_picture:
        return settings
    pictures = (p for group in files.pictures.values() for p in group)
    found = next(p for p in pictures if p.sha256 == draft.picture)
    return settings.model_copy(update={"size_px": (found.height_px, found.width_px)})
