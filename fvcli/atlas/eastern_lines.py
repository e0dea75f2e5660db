"""Where lines of Chinese and Japanese, which are written without blanks, may be broken.

That is anywhere, but never before what closes, such as a full stop, nor behind what opens.
"""

from __future__ import annotations

import re

HAN_AND_KANA = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\uff08\u201c\u2018("
# Punctuation, the sign of a long vowel, of a repeated letter and of a voiced one.
CLOSING = (
    "\u3001\u3002\u3005\u3009\u300b\u300d\u300f\u3011\u3015\u3099\u309a\u30fb\u30fc\uff01\uff09\uff0c\uff0e\uff1a\uff1b"
    "\uff1f\u201d\u2019\u2026).,:;!?"
)
SMALL_KANA = (
    "\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087"
    "\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7"
)
ANY = re.compile(f"[{HAN_AND_KANA}]")
PIECE = re.compile(
    f"[{OPENING}]*(?:[{HAN_AND_KANA}]|[^{HAN_AND_KANA}{OPENING}{CLOSING}]+)?[{CLOSING}{SMALL_KANA}]*"
)


def is_written_without_blanks(word: str) -> bool:
    """Tell whether a word has Han or kana."""
    return ANY.search(word) is not None


def eastern_pieces(word: str) -> list[str]:
    """Return the pieces between which a line may be broken; together they are the word."""
    return [piece for piece in PIECE.findall(word) if piece]
