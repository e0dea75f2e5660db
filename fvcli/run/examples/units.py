"""Which units of a plan have dataset examples: those that read one channel of one layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fvcli.errors import counted
from fvcli.models.graph import IMAGE
from fvcli.plan import Plan, Unit

Channel = tuple[str, int]


@dataclass(frozen=True)
class ChosenUnits:
    """Layers with their channels, ascending; layers are in the order of the plan.

    others: How many units of the plan have no examples, by objective.
    """

    channels: Mapping[str, Sequence[int]]
    others: Mapping[str, int]

    @property
    def count(self) -> int:
        return sum(map(len, self.channels.values()))

    def remark(self) -> str:
        """Say which units have no examples; nothing if all have."""
        if not self.others:
            return ""
        kinds = ", ".join(f"{kind}: {count}" for kind, count in sorted(self.others.items()))
        units = counted(sum(self.others.values()), "unit")
        return f"{units} without examples, because they do not read one channel of one layer ({kinds})"


def channel_of(unit: Unit) -> Channel | None:
    """Return the layer and the channel, or class, that a unit reads alone; None if it reads anything else.

    Units that start from a photo, or aim at one, count here, and have no page of a channel in an atlas. Links
    between units count each term of a sum (``linked_channels``).
    """
    if len(unit.terms) != 1 or unit.terms[0].index < 0 or unit.terms[0].layer == IMAGE:
        return None
    return unit.terms[0].layer, unit.terms[0].index


def chosen_units(plan: Plan) -> ChosenUnits:
    """Return what the units of a plan read."""
    found: dict[str, set[int]] = {}
    others: Counter[str] = Counter()
    for unit in plan.units:
        channel = channel_of(unit)
        if channel is None:
            others[unit.objective] += 1
        else:
            found.setdefault(channel[0], set()).add(channel[1])
    return ChosenUnits({layer: sorted(channels) for layer, channels in found.items()}, dict(others))
