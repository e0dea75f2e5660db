"""What the text inside a unit's PNG files says."""

from __future__ import annotations

from typing import Any

from fvcli.plan import Plan, Unit, standalone_spec


def title_and_text(plan: Plan, unit: Unit) -> tuple[str, dict[str, Any]]:
    """Return a title for people, and the key and spec that make the picture again."""
    title = f"{unit.layer} {unit.objective} {unit.label}, {plan.programs[unit.program].model}"
    return title, {"key": unit.key, "spec": standalone_spec(plan, unit)}
