"""Refuse to do away with finished pictures, and say in the words of the spec why they would go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fvcli.errors import UsageError, counted
from fvcli.plan import Gone, Plan, SpecTexts, Unit, change_lines, picture_facts
from fvcli.run.finished import Finished
from fvcli.run.growing.growth import Growth
from fvcli.run.growing.known_plans import KnownPlan
from fvcli.run.layout import REPLACED, next_numbered
from fvcli.run.sidecar import NewerSidecar, Sidecar

SIGNS = {1: "positive", -1: "negative"}


def refuse_losses(
    folder: Path,
    growth: Growth,
    known: Sequence[KnownPlan],
    plan: Plan,
    spec_text: str,
    *,
    force: bool,
    shard: str | None,
) -> None:
    """Raise UsageError with a line for everything that makes finished pictures go, unless that is wanted."""
    if not growth.at_stake or (force and shard is None):
        return
    if force:
        message = f"{folder}: --force with --shard would move pictures that other shards rendered"
        hint = "render once without --shard, or give a new folder"
    else:
        count = counted(len(growth.at_stake), "finished picture")
        message = f"{folder} holds {count} of another spec"
        place = next_numbered(folder, REPLACED)
        hint = f"give another folder, or render with --force, which moves them to {place}/"
    lines = loss_lines(growth.at_stake, known, plan, spec_text)
    raise UsageError("\n".join([message, *lines, hint]))


def loss_lines(lost: Sequence[Finished], known: Sequence[KnownPlan], plan: Plan, spec_text: str) -> list[str]:
    """Return how a plan differs from what pictures were rendered with, a line for each difference."""
    index = {(unit.path, unit.key): (one, unit) for one in reversed(known) for unit in one.plan.units}
    present = next((one for one in known if one.is_present), None)
    order = {unit.path: i for i, unit in enumerate(present.plan.units)} if present else {}
    sorted_lost = sorted(lost, key=lambda picture: order.get(picture.path, len(order)))
    gone = [_gone(picture, index.get((picture.path, picture.key or ""))) for picture in sorted_lost]
    texts = SpecTexts(present.text if present else "", spec_text)
    return change_lines(gone, present.plan if present else None, plan, texts)


def _gone(picture: Finished, origin: tuple[KnownPlan, Unit] | None) -> Gone:
    """Return what is known of a picture: from the plan that it was rendered with, else from its sidecar."""
    if isinstance(picture.sidecar, NewerSidecar):
        return Gone(picture.job, picture.path, remark=picture.sidecar.said)
    if origin is None:
        return Gone(picture.job, picture.path, _sidecar_facts(picture.sidecar))
    plan, unit = origin[0].plan, origin[1]
    asked = next(job.asked for job in plan.jobs if job.name == unit.job)
    return Gone(picture.job, picture.path, picture_facts(plan, unit), asked)


def _sidecar_facts(sidecar: Sidecar) -> dict[str, object]:
    return {
        "model": sidecar.model,
        "model.weights": sidecar.weights_sha256[:8],
        "recipe": sidecar.recipe,
        "steps": sidecar.planned_steps,
        "seed": sidecar.seed,
        "layer": sidecar.layer,
        "sign": SIGNS.get(sidecar.sign, str(sidecar.sign)),
    }
