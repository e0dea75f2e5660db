"""The one error that every part of fvcli raises for things a user can mend, and how it counts them."""

from __future__ import annotations


class FvcliError(Exception):
    """Say what is wrong and where; the hint says what would be right."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class UsageError(FvcliError):
    """A mistake in the command or its input, found before anything was written (exit code 2)."""


class StoppedError(BaseException):
    """A signal asked the command to stop (exit code 75).

    No Exception, like KeyboardInterrupt: nothing that goes on after an error may go on after this.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}: {hint}")


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write a number and its noun, which has an s unless many is given: 1 picture, 2 pictures."""
    return f"{number} {one if number == 1 else many or one + 's'}"
