"""Where the settings of a job are written: in a variant, in the job, or in what all jobs share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fvcli.spec.mistakes.problems import KeyPath
from fvcli.spec.schema import Job, Render, Variant


@dataclass(frozen=True)
class KeyOrigins:
    """The levels of a spec that one variant of a job takes its settings from.

    render: What all jobs share.
    job, path: The job, and where it stands.
    variant, below: One of its variants, and where that stands; None and the job's place if it has none.
    """

    render: Render
    job: Job
    path: KeyPath
    variant: Variant | None
    below: KeyPath

    def at(self, *keys: str) -> KeyPath:
        """Return where the first of some keys that is written stands, or where the first of all would."""
        levels = ((self.variant, self.below), (self.job, self.path), (self.render, ("render",)))
        for key in keys:
            for level, path in levels:
                if level is not None and getattr(level, key, None) is not None:
                    return (*path, key)
        return (*self.path, keys[0])

    def is_own(self, key: str) -> bool:
        """Tell whether a job without variants, or a variant, has a key itself."""
        return getattr(self.variant or self.job, key, None) is not None

    def anywhere(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those keys that are written at some level."""
        return frozenset(filter(self.is_anywhere, keys))

    def is_anywhere(self, key: str) -> bool:
        """Tell whether a key is written at any level."""
        levels = (self.variant, self.job, self.render)
        return any(level is not None and getattr(level, key, None) is not None for level in levels)
