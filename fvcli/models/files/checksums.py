"""Check the sum of a file against the one that was asked for."""

from __future__ import annotations

from fvcli.errors import UsageError

ANOTHER = "the file is damaged or another one"


def check_sum(what: object, found: str, expected: str | None, hint: str = ANOTHER) -> None:
    """Refuse a SHA-256 that is another one than expected; None expects nothing.

    Raises:
        UsageError: It names what the sum is of, and both sums.
    """
    if expected is not None and found != expected.lower():
        raise UsageError(f"{what}: SHA-256 is {found[:16]}..., expected {expected[:16]}...", hint)
