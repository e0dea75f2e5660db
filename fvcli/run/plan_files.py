"""The plan of a run folder: one file, or of a large plan a head and parts.

    plan.json                        the whole plan, or its head
    plan/<contents>/00000.jsonl ...  the units of a large one, some thousand lines in each part

Parts are in a folder that is named by what is in them, and are written before the head. So whatever a killed
process leaves, the head that is there has its own parts beside it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from fvcli.errors import FvcliError
from fvcli.plan import Plan, Unit
from fvcli.plan.head import PlanHead, head_of, is_large
from fvcli.plan.parted_units import Stretch
from fvcli.plan.plan import plan_data
from fvcli.plan.unit_lines import A_PART, contents_of, parts_of, read_lines, read_names, sum_of_part
from fvcli.run.atomic import remove_tree, share_file, sync_folder, write_atomic
from fvcli.run.layout import PARTS, PLAN
from fvcli.run.objects import is_object, read_bytes

HINT = "render the spec that this run is of again, which writes it anew, or bring it back from a copy"


def read_plan(folder: Path) -> Plan:
    """Return the plan of a folder; of a large one only the head is read, and units when they are asked for.

    Raises:
        OSError: There is none.
        ValueError: It cannot be read, or a newer fvcli wrote it.
    """
    data = plan_data(read_bytes(folder / PLAN).decode())
    if "units" not in data or isinstance(data["units"], list):
        return Plan.from_data(data)
    head = PlanHead.from_data(data)

    def load(number: int, stretches: Sequence[Stretch]) -> Sequence[Unit]:
        content = _read_part(folder, head, number).decode()
        place = _part(folder, head.contents, number)
        try:
            return read_lines(content.splitlines(), stretches, head.programs)
        except ValueError as error:
            raise FvcliError(f"{place} is damaged: {error}", HINT) from error

    def load_names(number: int) -> Sequence[tuple[str, str]]:
        return read_names(_read_part(folder, head, number))

    return head.plan(load, load_names)


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the plan of a folder and remove what is left of another; what is there already is not written.

    Raises:
        FvcliError: The disk is full, or the folder cannot be written.
    """
    contents = None
    if is_large(plan):
        sums = _kept_parts(folder, plan) or _write_parts(folder, plan)
        contents, text = contents_of(sums), head_of(plan, sums).to_json()
    else:
        text = plan.to_json()
    place = folder / PLAN
    if not place.exists() or read_bytes(place) != text.encode():
        write_atomic(place, text.encode())
    _remove_other_parts(folder, contents)


def share_plan(folder: Path, target: Path) -> None:
    """Let a plan stand in a second folder, too."""
    try:
        head = _head(folder)
    except ValueError:  # whatever it is, it is kept
        head = None
    for number in range(len(head.sums) if head else 0):
        assert head is not None
        place = _part(folder, head.contents, number)
        if place.exists():
            share_file(place, _part(target, head.contents, number))
    if (folder / PLAN).exists():
        write_atomic(target / PLAN, read_bytes(folder / PLAN))


def _head(folder: Path) -> PlanHead | None:
    """Return the head of the plan in a folder, or None where there is none, or a whole plan.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        data = plan_data(read_bytes(folder / PLAN).decode())
    except OSError:
        return None
    return PlanHead.from_data(data) if isinstance(data.get("units"), int) else None


# ---- parts


def _part(folder: Path, contents: str, number: int) -> Path:
    return folder / PARTS / contents / f"{number:05d}.jsonl"


def _read_part(folder: Path, head: PlanHead, number: int) -> bytes:
    """Return the content of a part.

    Raises:
        FvcliError: It is not there, or not as it was written.
    """
    place = _part(folder, head.contents, number)
    try:
        content = read_bytes(place)
    except OSError as error:
        raise FvcliError(f"{place}: a part of the plan cannot be read ({error.strerror})", HINT) from error
    if sum_of_part(content) != head.sums[number]:
        raise FvcliError(f"{place} is damaged: it is not as it was written", HINT)
    return content


def _kept_parts(folder: Path, plan: Plan) -> Sequence[str]:
    """Return the sums of the parts that are there, if they are those of a plan; write damaged ones anew."""
    try:
        head = _head(folder)
    except ValueError:
        return ()
    if head is None or head.a_part != A_PART or plan.pictures_digest != head.pictures:
        return ()  # without asking for the contents, which takes longer
    if plan.contents_digest != head.contents:
        return ()
    for number in range(len(head.sums)):
        try:
            _read_part(folder, head, number)
        except FvcliError:
            units = plan.units[number * A_PART : (number + 1) * A_PART]
            write_atomic(_part(folder, head.contents, number), next(parts_of(units)))
    return head.sums


def _write_parts(folder: Path, plan: Plan) -> Sequence[str]:
    """Write the parts of a plan; return their sums, of which their folder's name is made in the end."""
    if is_object(folder):
        return _put_parts(folder, plan)
    owner = f".{socket.gethostname()}-{os.getpid()}"
    sums = []
    for number, content in enumerate(parts_of(plan.units)):
        write_atomic(_part(folder, owner, number), content)
        sums.append(sum_of_part(content))
    contents = contents_of(sums)
    (folder / PARTS / contents).mkdir(exist_ok=True)
    for number in range(len(sums)):
        _part(folder, owner, number).replace(_part(folder, contents, number))
    for written in (folder / PARTS / contents, folder / PARTS, folder):
        sync_folder(written)
    return sums


def _put_parts(folder: Path, plan: Plan) -> Sequence[str]:
    """Write the parts of a plan to an object store, where nothing can be renamed."""
    sums = [sum_of_part(content) for content in parts_of(plan.units)]
    for number, content in enumerate(parts_of(plan.units)):
        write_atomic(_part(folder, contents_of(sums), number), content)
    return sums


def _remove_other_parts(folder: Path, contents: str | None) -> None:
    """Remove the parts of other plans than the one that is there."""
    for place in (folder / PARTS).glob("*"):
        if place.name != contents:
            remove_tree(place)
    if contents is None and (folder / PARTS).is_dir():
        remove_tree(folder / PARTS)
