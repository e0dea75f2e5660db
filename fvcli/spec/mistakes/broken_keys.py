"""What of a spec could not be understood, so that nothing is said that may only follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fvcli.spec.mistakes.problems import KeyPath

Positions = Mapping[KeyPath, Sequence[int]]  # for a list, where those of its entries stood that are left
# Keys of a model that decide what pictures are turned into, not what the network has.
OF_VALUES = frozenset({"sha256", "weights", "fill", "value_range", "mean", "std", "channel_order"})


@dataclass(frozen=True)
class BrokenKeys:
    """Keys whose values could not be understood, so that what they decide is not known.

    model, render: Of these sections.
    jobs: By the job's position in the document, its own and its variants'.
    anything: Whether anything at all is wrong.
    """

    model: frozenset[str] = frozenset()
    render: frozenset[str] = frozenset()
    jobs: Mapping[int, frozenset[str]] = field(default_factory=dict)
    anything: bool = False

    @property
    def knows_layers(self) -> bool:
        """Whether it is known which layers, classes and input the network has."""
        return self.model <= OF_VALUES

    def of_job(self, position: int) -> frozenset[str]:
        """Return the keys that a job lacks, in itself or in what all jobs share."""
        return self.render | self.jobs.get(position, frozenset())


NOTHING = BrokenKeys()


def place_in_document(path: KeyPath, positions: Positions) -> KeyPath:
    """Return where something stands in the document that stands at a path of what is left."""
    found: KeyPath = ()
    for part in path:
        kept = positions.get(found, ())
        is_moved = isinstance(part, int) and part < len(kept)
        found = (*found, kept[part] if isinstance(part, int) and is_moved else part)
    return found
