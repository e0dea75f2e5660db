"""The JSON file beside each picture. It is written last, so it is what says that a unit is finished."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from fvcli.plan import Program, Unit
from fvcli.run.objects import read_bytes, refuse_silence
from fvcli.run.sidecar_versions import SCHEMA_VERSION, upgraded

DONE, DEAD, FAILED = "done", "dead", "failed"
FINISHED = {DONE, DEAD}
EQUAL, OTHER = "equal", "other"
SCORES = "scores.json"  # the extra that ``fvcli score`` writes; see ``fvcli.run.scores``


@dataclass(frozen=True)
class Sidecar:
    """What is known of one rendered unit.

    sign: 1 where the objective was maximised, -1 where it was minimised.
    score: the plain objective, without sign and transforms, at the start and the end of the ascent and of
        the saved 8-bit picture. It rises, or falls where the sign is -1.
    trace: the score that the ascent saw before each of its first steps, of transformed views and less the
        penalties; nothing where there is no ascent. Rounding has not grown yet there, so it tells another
        computer from another computation.
    steps, planned_steps: taken, and of the recipe; fewer are taken where the score has flattened.
    canvas: top, left, height and width of what was optimised of the picture; None for all of it.
    png_bytes: size of the picture's file; None where an old version did not say.
    extras: what stands beside it, as <unit>.<name>: name and bytes of pictures after some steps, of films.
    seconds, cpu_seconds: wall time and CPU time of the process, shared out among the units that climbed.
    batch: its number, size, how many pictures an ascent had, and planned_size: a CPU takes one at a time,
        and after an out-of-memory error there are fewer than planned.
    attempt: how many times the batch was begun.
    fingerprint: id of what it was computed with; empty where an old version did not say.
    status: done, dead (no gradient ever reached the picture) or failed; error says why.
    remarks: What is odd about a picture that is done; see ``fvcli.run.remarks``.
    diversity: Where the weight of diversity was to be found: the weight, the best photo and its score,
        whether the saved picture beats it, and the trials; None elsewhere.
    """

    key: str
    job: str
    model: str
    layer: str
    objective: str
    unit: Mapping[str, Any]
    label: str
    sign: int
    recipe: str
    seed: int
    steps: int
    planned_steps: int
    canvas: Mapping[str, int] | None
    score: Mapping[str, float] | None
    pixel_sha256: str | None
    png_bytes: int | None
    weights_sha256: str
    seconds: float
    cpu_seconds: float
    batch: Mapping[str, int]
    attempt: int
    device: str
    status: str
    error: str | None
    extras: Sequence[Mapping[str, Any]] = ()
    fingerprint: str = ""
    trace: Sequence[float] = ()
    remarks: Sequence[str] = ()
    diversity: Mapping[str, Any] | None = None
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def of(cls, unit: Unit, program: Program, **facts: Any) -> Sidecar:
        """Return the sidecar of a unit.

        Args:
            unit: Of the plan; it says which picture this is.
            program: Its program.
            facts: The fields that the plan does not know, by name. They win over what the plan says.
        """
        planned: dict[str, Any] = {
            "key": unit.key,
            "job": unit.job,
            "model": program.model,
            "layer": unit.layer,
            "objective": unit.objective,
            "unit": unit.unit,
            "label": unit.label,
            "sign": unit.sign,
            "recipe": program.recipe,
            "seed": program.settings.seed,
            "planned_steps": program.settings.steps,
            "canvas": program.canvas_of(unit),
            "weights_sha256": program.weights_sha256,
        }
        return cls(**{**planned, **facts})

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, allow_nan=False) + "\n"

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED

    @property
    def extra_names(self) -> list[str]:
        """What is added to the unit's name for each file beside its picture."""
        return [str(extra["name"]) for extra in self.extras]


def is_copy(extra: Mapping[str, Any]) -> bool:
    """Tell whether an extra is a copy of a PNG in another format, which can be made from the PNG again."""
    return "quality" in extra


def can_be_made_again(extra: Mapping[str, Any]) -> bool:
    """Tell whether an extra can be made from the picture: a copy, or scores. A unit counts without it."""
    return is_copy(extra) or extra["name"] == SCORES


class Record(NamedTuple):
    """What a journal keeps of a unit that was finished or failed.

    stem: Its place below the folder of units.
    sizes: Of its files in bytes, by what is added to its name: json, png and so on.
    time_ns: When its sidecar was written, as the file system says.
    again: Empty, or what another worker had finished meanwhile: EQUAL or OTHER pixels.
    remarks: Of its sidecar.
    """

    stem: str
    key: str
    status: str
    sizes: Mapping[str, int]
    time_ns: int
    again: str = ""
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class NewerSidecar:
    """A sidecar of a later fvcli. Its unit is left alone, because nobody here knows what it says.

    extra_names: the files beside its picture, as far as they can be told.
    """

    version: int
    extra_names: Sequence[str] = ()

    @property
    def said(self) -> str:
        return f"written by a newer fvcli (sidecar version {self.version}, this one reads {SCHEMA_VERSION})"


def step_name(step: int) -> str:
    """Return what stands for a picture after some steps, as the name of an extra."""
    return f"step-{step:04d}.png"


def read_sidecar(path: Path) -> Sidecar | NewerSidecar | None:
    """Return the sidecar at a path, or None where there is none that can be read.

    Older versions are upgraded, and keys that nobody knows are passed over.

    Raises:
        FvcliError: An object store does not say what is there, which is not to be taken for nothing.
    """
    try:
        data = json.loads(read_bytes(path))
        version = int(data["schema_version"])
        if version > SCHEMA_VERSION:
            return NewerSidecar(version, _names(data.get("extras")))
        return _reader().validate_python(upgraded(data))
    except OSError as error:
        refuse_silence(path, error)
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@cache
def _reader() -> TypeAdapter[Sidecar]:
    return TypeAdapter(Sidecar)


def _names(extras: Any) -> tuple[str, ...]:
    try:
        return tuple(str(extra["name"]) for extra in extras)
    except (TypeError, KeyError):
        return ()
