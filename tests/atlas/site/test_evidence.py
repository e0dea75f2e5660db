"""What pages say of photos, classes and weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fvcli.atlas.site import evidence
from fvcli.run import RunFolder
from fvcli.run.examples.table import write_table
from tests.helpers.atlas_runs import LAYER, Page, site_of, whole_run, write_examples


def name_photos(run: RunFolder, classes: list[str]) -> None:
    """Give the sixty photos of a run other classes, in turn."""
    rows = [(i, f"photos/{i:03d}.jpg", classes[i % len(classes)]) for i in range(60)]
    place = run.path / "examples/pictures.tsv"
    place.write_bytes(write_table([("number", "name", "class"), *rows]))


def page_data(site: Path, folder: str) -> dict[str, Any]:
    text = (site / f"d/{folder}-1.js").read_text()
    found = re.fullmatch(r"fvcli\.page\((.*)\);\n", text)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def options(page: Page) -> list[str | None]:
    return [one["value"] for tag, one in page.tags if tag == "option" and one["value"] in CLASSES]


CLASSES = [f"{letter}{number}" for number in range(5) for letter in "aBcD"]  # 20 of them


@pytest.fixture
def classed(small: RunFolder) -> RunFolder:
    write_examples(small, "stem_bn", 6)
    name_photos(small, CLASSES)
    return small


def test_a_page_knows_all_classes_of_the_top_photos_in_the_order_of_the_alphabet(classed: RunFolder) -> None:
    site = site_of(classed)
    data = page_data(site, "stem_bn")
    assert data["classNames"] == sorted(CLASSES, key=str.casefold)
    counts = [len(one) for one in data["classes"]]
    assert min(counts) > 3
    assert all(len(set(one)) == len(one) for one in data["classes"])
    page = Page(site / "l/stem_bn/index.html")
    assert options(page) == data["classNames"]
    (box,) = [one for tag, one in page.tags if one.get("id") == "class"]
    assert box["placeholder"] == "of its 20 top photos"
    told = json.loads((site / "d/stem_bn-1.json").read_text())["units"]
    firsts = [[data["classNames"][i] for i in one[:3]] for one in data["classes"]]
    assert [unit["classes"] for unit in told] == firsts


def test_names_that_make_a_page_large_are_left_out_and_that_is_said(
    classed: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "CLASSES_BYTES", 100)
    site = site_of(classed)
    assert [len(one) for one in page_data(site, "stem_bn")["classes"]] == [3] * 6
    (box,) = [one for _, one in Page(site / "l/stem_bn/index.html").tags if one.get("id") == "class"]
    assert box["placeholder"] == "3 most frequent of its 20 top photos"


def test_photos_without_classes_are_called_by_their_files(small: RunFolder) -> None:
    write_examples(small, "stem_bn", 6)
    name_photos(small, [""])
    page = Page(site_of(small) / "u/stem_bn/0.html")
    titles = [one["title"] for tag, one in page.tags if tag == "li" and "title" in one]
    assert len(titles) == 53
    assert all(re.fullmatch(r"photos/\d{3}\.jpg", str(title)) for title in titles)
    names = [text for text in page.texts if re.fullmatch(r"\d{3}\.jpg", text)]
    assert names == [str(title).removeprefix("photos/") for title in titles]
    files = [text for text in page.texts if text.startswith("photos/")]
    assert files == titles[:20]


def test_pages_say_in_plain_words_what_numbers_are(tmp_path: Path) -> None:
    site = site_of(whole_run(tmp_path))
    page = Page(site / f"u/{LAYER}/0.html").text
    for said in (
        "The classes whose scores the unit raises (+) and lowers (\u2212) most.",
        "Likeness is 1 for two units that always rise and fall together",
        "The number is the size of these weights: above 0 where more of one is more of the other",
        "The name is the class of the photo.",
        "How the score of the picture grew, step by step.",
    ):
        assert said in page
    for jargon in ("norms of kernels", "signed", "cosine", "logit"):
        assert jargon not in page, jargon
    tabby = Page(site / "u/logits/281.html").text
    assert "Class 281 of the network, one of the scores of its output logits." in tabby
    assert "Optimised picture of the class: its score made as large as it could be." in tabby
