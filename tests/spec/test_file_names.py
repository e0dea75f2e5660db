"""Names of files in any script and of any length."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from fvcli.spec.file_names import folded, folder_names, safe_name, shortened


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("chelsea.jpg", "chelsea"),
        ("my photo (2).png", "my_photo_2_"),
        ("写真.jpg", "写真"),
        ("𠮷田.jpg", "𠮷田"),
        ("Žluťoučký kůň.png", "Žluťoučký_kůň"),
        ("Zlut\u030c.png", "Zlu\u0165"),  # a letter and its accent become one character
        ("हिन्दी.png", "हिन्दी"),
        ("😀.jpg", "u1f600"),
        ("a😀b.jpg", "au1f600b"),
        ("._-.png", "unnamed"),
        ("-rf.png", "rf"),
        ("a\n/../b.png", "b"),
    ],
)
def test_a_photo_keeps_its_name_as_far_as_disks_take_it(file: str, name: str) -> None:
    assert safe_name(PurePath(file)) == name


def test_long_names_end_in_a_sum_of_the_whole() -> None:
    assert safe_name(PurePath("a" * 240 + ".jpg")) == "a" * 71 + "-9b304390"
    cut = safe_name(PurePath("写" * 80 + ".jpg"))
    assert len(cut.encode()) <= 80
    assert cut.startswith("写" * 23 + "-")


def test_other_long_names_stay_other_names() -> None:
    one, other = ("sum-" + "-".join(f"{i:04d}" for i in range(60)) + end for end in ("-0001", "-0002"))
    assert shortened(one) != shortened(other)
    assert {len(shortened(one)), len(shortened(other))} == {180}
    assert shortened("sum-0001-0002") == "sum-0001-0002"


def test_capitals_and_spellings_of_accents_are_one_name() -> None:
    assert folded("E\u0301t\u00e9") == folded("\u00e9te\u0301") == "\u00e9t\u00e9"


def test_folders_are_names_that_no_disk_takes_for_one() -> None:
    names = ["head_bn", "a/b", "a-b", "a:b", "Conv", "conv", "\uce35/1", "..", "", "x" * 300]
    found = folder_names(names)
    assert found["head_bn"] == "head_bn"
    assert found["a-b"] != "a-b" != found["a/b"]
    assert len({folded(folder) for folder in found.values()}) == len(names)
    assert all(len(folder.encode()) < 100 and "/" not in folder for folder in found.values())
    assert all(folder.lstrip(".") for folder in found.values())
    assert folder_names(reversed(names)) == found  # whatever the order
    assert folder_names(["a/b"])["a/b"] == found["a/b"]  # and whatever others there are
