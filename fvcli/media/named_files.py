"""All files that a spec names beside its model, by what the spec calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fvcli.media.file_facts import ArrayFacts, PictureFacts


@dataclass(frozen=True)
class NamedFiles:
    """What is known of them.

    pictures: of each entry, which may be a folder or a pattern.
    arrays: of each .npy file.
    sums: the SHA-256 of each other file, or of a folder's pictures together.
    places: where these are.
    counts: how many pictures a folder has, of which there is a sum.
    remarks: what of folders is left out.
    """

    pictures: Mapping[str, Sequence[PictureFacts]] = field(default_factory=dict)
    arrays: Mapping[str, ArrayFacts] = field(default_factory=dict)
    sums: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    remarks: Sequence[str] = ()
