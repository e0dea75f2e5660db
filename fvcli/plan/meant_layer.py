"""Find the layer that is meant by a name from another network, or by one that is spelled wrongly."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from fvcli.spec.mistakes.problems import nearest

TYPO = 0.8  # two names that are alike to this degree differ by a letter or two
# The fourth stage's third module: mixed4c, inception_4c, Mixed_4c, inception (4c), c4.
MODULE = re.compile(r"(?:mixed|inception)?(?:(\d+)([a-z])|([a-z])(\d+))(?:output|relu|concat|prerelu)?")


def meant_layer(name: str, known: Sequence[str]) -> str | None:
    """Return which of the known layers is most likely meant, or None.

    A typo comes first, then a module that another GoogLeNet calls so, then a layer of which the name has
    only more words (c4 of c4_relu), then what is written most like it.
    """
    near = nearest(name, known)
    if near is not None and difflib.SequenceMatcher(None, bare(name), bare(near)).ratio() >= TYPO:
        return near
    return _same_module(name, known) or _with_fewer_words(name, known) or near


def _same_module(name: str, known: Sequence[str]) -> str | None:
    wanted = _module(name)
    return next((other for other in known if wanted is not None and _module(other) == wanted), None)


def _module(name: str) -> tuple[str, str] | None:
    """Return number and letter of a module's name, such as 4 and c, or None for another name."""
    found = MODULE.fullmatch(bare(name))
    return None if found is None else (found[1] or found[4], found[2] or found[3])


def _with_fewer_words(name: str, known: Sequence[str]) -> str | None:
    words = re.split(r"[\W_]+", name)
    shorter = ("".join(words[:count]).casefold() for count in range(len(words) - 1, 0, -1))
    by_bare = {bare(other): other for other in reversed(known)}
    return next((by_bare[one] for one in shorter if one in by_bare), None)


def bare(name: str) -> str:
    """Return the letters and digits of a name, in small letters."""
    return re.sub(r"[\W_]+", "", name).casefold()
