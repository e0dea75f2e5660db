"""What others say went wrong becomes one line."""

from __future__ import annotations

import pytest

from fvcli.models.files.words_of_others import reason_of

KERAS = "Exception encountered when calling Dense.call().\n\n\x1b[1mMatrix size-\nincompatible\x1b[0m\n\nx"
TENSORFLOW = "{{function_node __wrapped__Mul_device_/job:a/task:0}} Incompatible shapes: [1,3] vs. [2]"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("a plain sentence", "a plain sentence"),
        ("", "ValueError"),
        ("\n  \n", "ValueError"),
        (KERAS, "Matrix size- incompatible"),
        ("Exception encountered when calling layer.\nno such axis", "no such axis"),
        (TENSORFLOW, "Incompatible shapes: [1,3] vs. [2]"),
        ("\x1b[31mred\x1b[0m and a bell \x07", "red and a bell ?"),
        ("x" * 241, "x" * 240 + "..."),
    ],
)
def test_reason(said: str, reason: str) -> None:
    assert reason_of(ValueError(said)) == reason
