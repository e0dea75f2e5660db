"""The spec that renders all pictures of an entry again, as text to copy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from fvcli.plan import Plan, Unit, standalone_spec
from fvcli.plan.unread_keys import unread_settings
from fvcli.spec.settings import Settings

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
# what YAML does not take as it is, or takes for the end of a line, and what turns the direction of writing
ODD = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def entry_spec(plan: Plan, units: Sequence[Unit]) -> str:
    """Return the text of a spec whose plan is these units: the same keys, and so the same bytes.

    Units that are optimised together come together.
    """
    whole: dict[str, Any] = {}
    names: set[str] = set()
    groups = dict.fromkeys(tuple(unit.path for unit in plan.group_of(unit)) for unit in units)
    firsts = {group: next(unit for unit in units if unit.path in group) for group in groups}
    for unit in firsts.values():
        spec = standalone_spec(plan, unit)
        _leave_out_unread(spec["render"], plan.programs[unit.program].settings)
        (job,) = spec["jobs"]
        job["name"] = _free(_name(unit, job), names)
        if not whole:
            whole = spec
            continue
        render = whole["render"]
        different = {key: value for key, value in spec["render"].items() if render.get(key, ...) != value}
        left_out = {key for key in render if key not in spec["render"]}
        if left_out:  # what the first one sets and this one does not cannot be inherited
            whole["render"] = {key: value for key, value in render.items() if key not in left_out}
            for other in whole["jobs"]:
                other |= {key: render[key] for key in left_out if key not in other}
        whole["jobs"].append({**job, **different})
    jobs = "\n".join(f"  - {_flow(job)}" for job in whole.pop("jobs"))
    return f"{_text(json.dumps(whole))}\njobs:\n{jobs}\n"


def _leave_out_unread(render: dict[str, Any], settings: Settings) -> None:
    """Remove what nothing reads and the recipe says otherwise: a spec that is copied may not have it.

    The picture is the same then; its key is another.
    """
    for key, option in _unread(settings):
        if key in render:
            (render[key] if option else render).pop(option or key, None)


_unread = lru_cache(maxsize=256)(unread_settings)


@lru_cache(maxsize=256)
def _text(data: str) -> str:
    """Return JSON as YAML; thousands of units share what they say of model and rendering."""
    return "\n".join(_lines(json.loads(data)))


def _name(unit: Unit, job: Mapping[str, Any]) -> str:
    parts = [
        unit.objective,
        *(["negative"] if unit.sign < 0 else []),
        *(["diversity"] if "diversity" in job else []),
    ]
    return "-".join(parts)


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}-{number}"
    taken.add(free)
    return free


def _lines(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield YAML: mappings as blocks, what is in their lists on one line each."""
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield f"{indent}{key}:"
            yield from _lines(inner, indent + "  ")
        elif isinstance(inner, list) and inner and all(isinstance(one, Mapping) for one in inner):
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {_flow(one)}" for one in inner)
        else:
            yield f"{indent}{key}: {_flow(inner)}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in NOT_TEXT:
        return value
    return ODD.sub(_escaped, json.dumps(value, ensure_ascii=False))  # JSON is YAML


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
