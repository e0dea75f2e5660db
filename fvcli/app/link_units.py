"""Write the links between the units of a run: RUN/links/."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fvcli.errors import UsageError
from fvcli.plan import Plan
from fvcli.run import RunFolder
from fvcli.run.unit_links import Links, read_links, write_links

if TYPE_CHECKING:
    from fvcli.models.loaded.model import LoadedModel


def link_units(run: RunFolder, model: LoadedModel) -> Links:
    """Find the strongest weights between the units of a run, and write them to its folder.

    Only weights are read, no picture is. What cannot be linked says why in ``links.json``.

    Args:
        run: The run, of which no unit need be rendered.
        model: Its network.

    Raises:
        UsageError: The network has other weights than the run was planned with.
        FvcliError: The links cannot be written.
    """
    from fvcli.worker.unit_links import find_links  # TensorFlow only where tensors are

    planned = {program.weights_sha256 for program in run.plan.programs}
    if planned and model.facts.weights_sha256 not in planned:
        raise UsageError(f"{run.path}: was planned with other weights of {model.facts.called}")
    links = find_links(model, linked_channels(run.plan))
    write_links(run.path, links)
    return links


def lacks_links(run: RunFolder) -> bool:
    """Tell whether a run has no links, or links of other weights or of fewer units."""
    known = read_links(run.path)
    planned = {program.weights_sha256 for program in run.plan.programs}
    if known is None or known.weights_sha256 not in planned:
        return True
    there = {name: set(layer.channels.tolist()) for name, layer in known.layers.items()}
    return any(not there.get(name, set()) >= set(one) for name, one in linked_channels(run.plan).items())


def linked_channels(plan: Plan) -> dict[str, set[int]]:
    """Return the layers that a plan reads by channel or class, and which of these.

    Each term counts, also of sums, which have no dataset examples (``channel_of``).
    """
    found: defaultdict[str, set[int]] = defaultdict(set)
    for unit in plan.units:
        for term in unit.terms:
            if term.index >= 0:
                found[term.layer].add(term.index)
    return dict(found)
