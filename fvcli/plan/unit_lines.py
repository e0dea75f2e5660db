"""A unit as one line of JSON: without what its program and its neighbours say of it already."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fvcli.plan.data import Program, Unit
from fvcli.plan.parted_units import Stretch
from fvcli.plan.terms import KEY_DIGITS, TermPlan, TermShape, digest

A_PART = 5_000  # units

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_OF_TERM: tuple[tuple[str, Any], ...] = (
    ("index", -1),
    ("row", -1),
    ("column", -1),
    ("weight", 1.0),
    ("vector", None),
    ("source", None),
)
_BEFORE, _BETWEEN = b'{"name":"', b'","key":"'  # of what each line begins with
_RARE = (("place", None), ("member", 0), ("picture", None), ("variant", None))


def write_lines(units: Iterable[Unit]) -> Iterator[str]:
    """Yield the line of each unit, without a line break."""
    for unit in units:
        data: dict[str, Any] = {"name": unit.name, "key": unit.key, "label": unit.label, "unit": unit.unit}
        data["terms"] = [_own(term, _OF_TERM) for term in unit.terms]
        yield _ENCODER.encode(data | _own(unit, _RARE))


def parts_of(units: Iterable[Unit]) -> Iterator[bytes]:
    """Yield the lines of units, as many together as a part of a plan has."""
    lines = write_lines(units)
    while part := list(itertools.islice(lines, A_PART)):
        part.append("")
        yield "\n".join(part).encode()


def sum_of_part(content: bytes) -> str:
    """Return the sum of a part, by which it is known to be whole."""
    return hashlib.sha256(content).hexdigest()[:KEY_DIGITS]


def contents_of(sums: Iterable[str]) -> str:
    """Return the digest of all parts by their sums."""
    return digest([*sums])


def _own(of: Unit | TermPlan, defaults: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return what is not as by default."""
    values = ((name, getattr(of, name), default) for name, default in defaults)
    return {name: value for name, value, default in values if value != default}


def read_names(content: bytes) -> list[tuple[str, str]]:
    """Return name and key of the units of a part, without the rest of what it says.

    Raises:
        ValueError: A line does not begin with them.
    """
    found = []
    for line in content.splitlines():
        end = line.index(_BETWEEN, len(_BEFORE))
        name, begin = line[len(_BEFORE) : end], end + len(_BETWEEN)
        text = name.decode() if b"\\" not in name else json.loads(b'"%s"' % name)
        found.append((text, line[begin : begin + KEY_DIGITS].decode()))
    return found


def read_lines(
    lines: Sequence[str], stretches: Sequence[Stretch], programs: Sequence[Program]
) -> tuple[Unit, ...]:
    """Return the units of some lines.

    Args:
        lines: In the order of the plan.
        stretches: What their units share.
        programs: Of the plan.

    Raises:
        ValueError: There are more or fewer lines than units, or one of them is no unit.
    """
    shared = [stretch for stretch in stretches for _ in range(stretch.count)]
    if len(lines) != len(shared):
        raise ValueError(f"it has {len(lines)} units, and the plan says {len(shared)}")
    try:
        found = json.loads(f"[{','.join(lines)}]")  # quicker than one by one
        pairs = zip(found, shared, strict=True)
        return tuple(_read(data, stretch, programs[stretch.program]) for data, stretch in pairs)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a line is no unit ({error!r})") from error


def _read(data: dict[str, Any], shared: Stretch, program: Program) -> Unit:
    place = data.get("place")
    return Unit(
        job=shared.job,
        name=data["name"],
        key=data["key"],
        label=data["label"],
        objective=shared.objective,
        unit=data["unit"],
        sign=shared.sign,
        terms=tuple(_term(*pair) for pair in zip(data["terms"], program.terms, strict=True)),
        program=shared.program,
        place=place and (place[0], place[1]),
        member=data.get("member", 0),
        picture=data.get("picture"),
        variant=data.get("variant"),
        formula=program.formula,
        folder=shared.folder,
    )


def _term(data: dict[str, Any], shape: TermShape) -> TermPlan:
    own = [data.get(name, default) for name, default in _OF_TERM]
    return TermPlan(*(shape.kind, shape.layer, *own, shape.options))
