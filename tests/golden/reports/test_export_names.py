"""Names of exported pictures."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from fvcli.golden.reports.export_names import export_names
from fvcli.spec.file_names import folded
from tests.golden.reports.test_printable import ANY_TEXT
from tests.helpers.plain_comparisons import HOSTILE


def test_usual_names_stay() -> None:
    usual = ["edges/mixed4a-channel-0042", "b.2_c/写真-0001", "a/हिन्दी", "a./b.", "x/" + "y" * 180]
    assert export_names(usual) == {path: path for path in usual}


def test_other_names_get_a_sum() -> None:
    names = export_names(["../../etc/passwd", "a/b|c", "a/.hidden", "a/" + "y" * 181])
    assert list(names.values()) == [
        "unnamed/unnamed/etc/passwd-3754d6cb",
        "a/b_c-9e8b821b",
        "a/hidden-4688fa13",
        f"a/{'y' * 71}-9ae3e0df-992fae1a",
    ]


def test_names_that_some_disks_take_for_one_get_a_sum_each_in_any_order() -> None:
    names = export_names(["job/Case", "job/case", "job/other"])
    assert names == {
        "job/Case": "job/Case-583409f4",
        "job/case": "job/case-0a1fa9fa",
        "job/other": "job/other",
    }
    assert export_names(reversed(names)) == names


def check(paths: list[str]) -> None:
    names = list(export_names(paths).values())
    assert len({folded(name) for name in names}) == len(set(paths))
    for name in names:
        assert not re.search(r"[\x00-\x1f<>:\"|?*\\]", name)  # what artifacts on GitHub may not have
        for part in name.split("/"):
            assert part[0] not in ".-"
            assert len(f"{part}.png.argos.json".encode()) <= 255


def test_hostile_names_are_taken_everywhere() -> None:
    check([f"{name}/{name}" for name in HOSTILE])
    check(HOSTILE)


@given(st.lists(ANY_TEXT, unique=True))
def test_any_names_are_taken_everywhere_and_stay_apart(paths: list[str]) -> None:
    check(paths)
