"""Photos that say how a unit's picture has to look to the layers below it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fvcli.spec.base import FileName, Int, NamesFile, Share, Strictly, Text, left_out, written_as

MAX_REFERENCES = 256


class References(Strictly):
    """Match the photos that excite a unit most, instead of maximising the unit (VITAL, Görgün et al. 2025).

    Each unit has photos of its own: the strongest of the folder by the unit's objective. The picture is made
    so that the channels of some layers are active as in these photos, no matter where. A channel counts as
    much as it matters to the unit.

    Example: references: {photos: photos/, count: 9, layers: [block2_add, block4_add]}
    """

    photos: Annotated[FileName | None, NamesFile("photos")] = left_out(
        "none: it is needed",
        "Folder of photos, or a pattern, from which the references of each unit are chosen. A few hundred "
        "photos of many kinds are better than a few. Example: photos/.",
    )
    sha256: Annotated[Text, written_as(r"^[0-9a-fA-F]{64}$", "64 hexadecimal digits")] | None = left_out(
        "not checked", "SHA-256 that the photos must have, 64 hexadecimal digits."
    )
    count: Annotated[Int, Field(ge=1, le=MAX_REFERENCES)] = Field(
        9,
        description="Number of photos that each unit is matched with. More of them show what they have in "
        "common; fewer show single photos.",
    )
    focus: Share = Field(
        0.5,
        description="How much those places of a photo count that excite the unit. With 0 all places count "
        "alike, and the picture looks like a whole photo. With 1 only those places count, and the picture is "
        "full of what excites the unit.",
    )
    layers: Annotated[tuple[Text, ...], Field(min_length=1)] | None = left_out(
        "the unit's own and, of each map size below it, the last that all of its input goes through",
        "Layers whose activations are matched: the unit's own, or layers below it. Early layers give colours "
        "and textures of photos, late ones forms. Example: [block2_add, block4_add].",
    )
