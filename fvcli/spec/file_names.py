"""Names of files that every disk takes, in any script, and that are not too long for one."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

MAX_NAME_BYTES = 80  # of a photo's name, which is a part of a unit's
MAX_UNIT_BYTES = 180  # disks take 255 for a file with its suffix
DIGITS = 8  # of the sum that stands for what was cut off


def safe_name(path: PurePath) -> str:
    """Return a file's name without its suffix, in letters, digits, dots, dashes and underscores.

    Letters and digits are those of any script. Emoji and symbols become the numbers of their characters.
    """
    return safe_text(path.stem)


def safe_text(text: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """Return a text as ``safe_name`` has the name of a file."""
    safe = "".join(map(_safe, unicodedata.normalize("NFC", text)))
    return shortened(re.sub("_+", "_", safe).lstrip("._-") or "unnamed", max_bytes)


def shortened(name: str, max_bytes: int = MAX_UNIT_BYTES) -> str:
    """Return a name that is not too long: its beginning, and a sum of the whole instead of the rest."""
    if len(name.encode()) <= max_bytes:
        return name
    total = hashlib.sha256(name.encode()).hexdigest()[:DIGITS]
    return name.encode()[: max_bytes - DIGITS - 1].decode(errors="ignore") + f"-{total}"


def folder_names(names: Iterable[str]) -> dict[str, str]:
    """Return for each name a file name that every disk takes and that no other one has.

    A name that had to be changed, or that differs from another in capitals only, ends in a sum of the name.
    So a file name does not depend on the order of the names, and rarely on which others there are.
    """
    safe = {name: safe_text(name.replace("/", "-")) for name in names}
    count = Counter(map(folded, safe.values()))
    return {
        name: text if text == name and count[folded(text)] == 1 else f"{text}-{_sum(name)}"
        for name, text in safe.items()
    }


def _sum(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def folded(name: str) -> str:
    """Return what two names share that some disks take for one: capitals and accents in two spellings."""
    return unicodedata.normalize("NFC", name).casefold()


def _safe(letter: str) -> str:
    category = unicodedata.category(letter)
    if letter in "._-" or category[0] in "LM" or category == "Nd":
        return letter
    return f"u{ord(letter):x}" if ord(letter) > 0x2FF and category in {"So", "Sm", "Sk", "Cs", "No"} else "_"
