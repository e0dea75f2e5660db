"""Channels in all the ways in which they can be written."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.spec.channels import Channels
from tests.helpers.specs import spec_of, with_job

# ---- defaults and shorthands


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (7, Channels(indices=(7,))),
        ("7", Channels(indices=(7,))),
        ("0-3", Channels(indices=(0, 1, 2, 3))),
        ("5-5", Channels(indices=(5,))),
        ("3, 0-1 ,9", Channels(indices=(3, 0, 1, 9))),
        ("4 - 6", Channels(indices=(4, 5, 6))),
        ([3, 17], Channels(indices=(3, 17))),
        ([17, 3], Channels(indices=(17, 3))),
        ([3, "8-10"], Channels(indices=(3, 8, 9, 10))),
        ("all", Channels(every=1)),
        ({"every": 8}, Channels(every=8)),
    ],
)
def test_channels(written: Any, expected: Channels) -> None:
    assert spec_of(with_job(channels=written)).jobs[0].channels == expected


@pytest.mark.parametrize("written", [7, "0-3", [3, 17], "all", {"every": 8}, [3, "8-10"]])
def test_channels_and_back(written: Any) -> None:
    spec = spec_of(with_job(channels=written))
    data = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert spec_of(data) == spec
