"""Look at the two pictures of a unit, without any network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fvcli.errors import FvcliError
from fvcli.golden.computers import change_between, tells_all
from fvcli.golden.folder import Golden
from fvcli.golden.metrics import rms, ssim
from fvcli.golden.pairs import Pair
from fvcli.golden.results import NOTHING, Change, Side
from fvcli.media import pixel_sha256, read_picture
from fvcli.plan import Unit
from fvcli.plan.picture_facts import differences, picture_facts
from fvcli.run import Fingerprint, RunFolder, Sidecar
from fvcli.run.sidecar import FAILED, NewerSidecar, read_sidecar

FingerprintOf = Callable[[Path, str], Fingerprint | None]
FIRST_STEPS = 3  # before rounding has grown in most units
LFS_POINTER = b"version https://git-lfs"
TINY = 1e-12
OF_NETWORK = ("model", "model.weights")  # what may differ in a comparison without another spec


@dataclass(frozen=True)
class Found:
    """One side of a pair.

    sidecar: None where there is none that can be used.
    pixels: Of its picture, uint8 [h, w, channels]; None where there is none that can be used.
    problem: Why there is none, or why what is there is not what was rendered.
    pending: Whether nothing is wrong, but nothing was rendered.
    """

    sidecar: Sidecar | None = None
    pixels: np.ndarray | None = None
    problem: str | None = None
    pending: bool = False


@dataclass(frozen=True)
class Look:
    """What was seen of a pair.

    pair: Its units.
    golden, run: Its sides, for the results.
    pixels: The hashes of both pictures, where both are there.
    problem: What makes the pair impossible to compare.
    pending: Whether the run has not rendered it.
    values: What was measured: first_steps, score (as recorded), structure, rms.
    change: How the computers differ.
    unknown_computer: Whether it is not known what one of both was rendered on.
    settings: How the specs differ.
    same_weights: Whether both were rendered with the same network.
    scale: What differences of scores are shares of.
    """

    pair: Pair
    golden: Side = NOTHING
    run: Side = NOTHING
    pixels: tuple[str, str] | None = None
    problem: str | None = None
    pending: bool = False
    values: dict[str, float] = field(default_factory=dict)
    change: Change = "same"
    unknown_computer: bool = False
    settings: tuple[str, ...] = ()
    same_weights: bool = True
    scale: float = 1.0

    @property
    def are_comparable(self) -> bool:
        """Whether there are two pictures of one size that differ."""
        if self.pixels is None or self.problem:
            return False
        return self.golden.size_px == self.run.size_px and self.pixels[0] != self.pixels[1]


def look_at(golden: Golden, run: RunFolder, pair: Pair, fingerprint_of: FingerprintOf) -> Look:
    """Return what can be seen of a pair without a network.

    Args:
        golden, run: What is compared.
        pair: Of their units.
        fingerprint_of: ``read_fingerprint``, which may remember what it has read: few differ.
    """
    one = find(golden.run, pair.golden, golden) if pair.golden else None
    other = find(run, pair.run) if pair.run else None
    look = Look(pair, _side(golden.run, pair.golden, one), _side(run, pair.run, other))
    if other is not None and other.pending:
        return replace(look, pending=True, problem=one.problem if one else None)
    problems = [
        f"{whose}: {found.problem}"
        for whose, found in (("golden", one), ("run", other))
        if found and found.problem
    ]
    if problems or one is None or other is None:
        return replace(look, problem="; ".join(problems) or None)
    assert pair.golden is not None and pair.run is not None  # noqa: PT018  # or one of them was not found
    return _compared(golden, run, look, one, other, fingerprint_of)


def find(run: RunFolder, unit: Unit, golden: Golden | None = None) -> Found:
    """Read a picture and what was written of it.

    Of a golden, whose files are all meant to be there, each that lacks is a problem.
    """
    place = run.json(unit)
    sidecar = read_sidecar(place)
    if isinstance(sidecar, NewerSidecar):
        return Found(problem=f"{place.name} was {sidecar.said}")
    if sidecar is None or sidecar.key != unit.key:
        return _not_rendered(run, unit, sidecar, golden)
    if sidecar.status == FAILED:
        return Found(sidecar, problem=f"it failed: {sidecar.error}")
    png = run.png(unit)
    try:
        pixels = read_picture(png)
    except FvcliError:
        return Found(sidecar, problem=_why_unreadable(png))
    if pixel_sha256(pixels) != sidecar.pixel_sha256:
        return Found(sidecar, pixels, f"the pixels of {png.name} are not those that were rendered")
    changed = golden.changed_file(unit) if golden else None
    if changed:
        return Found(sidecar, pixels, f"{changed} was changed after it was accepted")
    return Found(sidecar, pixels)


def _not_rendered(run: RunFolder, unit: Unit, sidecar: Sidecar | None, golden: Golden | None) -> Found:
    place = run.json(unit)
    if golden is None and (sidecar is not None or not _is_there(place)):
        return Found(pending=True)
    if sidecar is not None:
        return Found(problem=f"{place.name} is of another unit than plan.json says (key {sidecar.key})")
    return Found(problem=f"{place.name} cannot be read" if _is_there(place) else f"{place.name} is missing")


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # its folder cannot be read
        return True


def _why_unreadable(png: Path) -> str:
    try:
        with png.open("rb") as file:
            start = file.read(len(LFS_POINTER))
    except FileNotFoundError:
        return f"{png.name} is missing"
    except OSError as error:
        return f"{png.name} cannot be read: {error.strerror}"
    if start == LFS_POINTER:
        return f"{png.name} is a pointer of git-lfs, not a picture (run: git lfs pull)"
    return f"{png.name} is damaged"


def _side(run: RunFolder, unit: Unit | None, found: Found | None) -> Side:
    if unit is None or found is None:
        return NOTHING
    sidecar = found.sidecar
    picture = str(run.png(unit)) if _is_there(run.png(unit)) else None
    if sidecar is None:
        return Side(picture=picture, key=unit.key)
    return Side(
        picture=picture,
        key=unit.key,
        status=sidecar.status,
        steps=sidecar.steps,
        score=sidecar.score["saved"] if sidecar.score else None,
        seconds=sidecar.seconds or None,
        size_px=None if found.pixels is None else found.pixels.shape,
        weights_sha256=sidecar.weights_sha256,
    )


def _compared(
    golden: Golden, run: RunFolder, look: Look, one: Found, other: Found, fingerprint_of: FingerprintOf
) -> Look:
    was, now, units = one.sidecar, other.sidecar, look.pair
    assert was is not None and now is not None  # noqa: PT018  # or there is a problem
    assert one.pixels is not None and other.pixels is not None  # noqa: PT018
    assert units.golden is not None and units.run is not None  # noqa: PT018
    is_same = was.fingerprint == now.fingerprint != ""
    fingerprints = (
        fingerprint_of(golden.path, was.fingerprint),
        fingerprint_of(run.path, now.fingerprint),
    )
    change = "same" if is_same else change_between(*fingerprints)
    scale = scale_of(was)
    seen = replace(
        look,
        pixels=(str(was.pixel_sha256), str(now.pixel_sha256)),
        change=change,
        unknown_computer=change == "cpu" and not all(map(tells_all, fingerprints)),
        settings=_settings(golden, run, units.golden, units.run),
        same_weights=was.weights_sha256 == now.weights_sha256,
        scale=scale,
    )
    values = {}
    steps = first_steps(was, now, scale)
    if steps is not None:
        values["first_steps"] = steps
    if seen.same_weights and was.score and now.score:
        values["score"] = (now.score["saved"] - was.score["saved"]) / scale
    if seen.are_comparable:
        values |= {"structure": ssim(one.pixels, other.pixels), "rms": rms(one.pixels, other.pixels)}
    return replace(seen, values=values)


def scale_of(golden: Sidecar) -> float:
    """Return what differences of a unit's scores are shares of: its score, or its rise if that is more."""
    score = golden.score or {}
    saved, start = score.get("saved", 0.0), score.get("start", 0.0)
    return max(abs(saved), abs(saved - start), TINY)


def first_steps(was: Sidecar, now: Sidecar, scale: float) -> float | None:
    """Return how far the scores of the first steps are apart at most, or None where they are not known."""
    pairs = list(zip(was.trace, now.trace, strict=False))[:FIRST_STEPS]
    return max(abs(a - b) for a, b in pairs) / scale if pairs else None


def _settings(golden: Golden, run: RunFolder, was: Unit, now: Unit) -> tuple[str, ...]:
    """Say how two units' specs differ, in the words of the spec; the network is compared, not its spec."""
    if was.key == now.key:
        return ()
    facts = picture_facts(golden.run.plan, was), picture_facts(run.plan, now)
    found = [one for one in differences(*facts) if one.key not in OF_NETWORK]
    return tuple(f"{one.key}: {one.was} -> {one.now}" for one in found)
