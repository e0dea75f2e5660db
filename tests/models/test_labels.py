"""The names of the ImageNet classes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fvcli.models.labels import (
    classes_with,
    find_class,
    imagenet_labels,
    imagenet_synonyms,
    synset_index,
)


def test_there_are_a_thousand() -> None:
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert all(label and label == label.strip() for label in labels)


@pytest.mark.parametrize(
    ("index", "name"),
    [(0, "tench"), (207, "Golden Retriever"), (281, "tabby cat"), (779, "school bus"), (999, "toilet paper")],
)
def test_label(index: int, name: str) -> None:
    assert imagenet_labels()[index] == name


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("tench", 0),
        ("Tinca tinca", 0),
        ("tench, Tinca tinca", 0),
        ("n01440764", 0),
        ("golden retriever", 207),
        ("  Golden Retriever ", 207),
        ("N02099601", 207),
        ("tabby", 281),
        ("tabby cat", 281),
        ("n02123045", 281),
        ("toilet tissue", 999),
    ],
)
def test_names_of_a_class(name: str, index: int) -> None:
    assert find_class(name) == (index, "")


@pytest.mark.parametrize(
    ("name", "choices"),
    [("crane", (134, 517)), ("maillot", (638, 639))],
)
def test_ambiguous_name(name: str, choices: tuple[int, ...]) -> None:
    index, hint = find_class(name)
    assert index is None
    assert "several classes" in hint
    for choice in choices:
        assert f"{choice} ({imagenet_labels()[choice]})" in hint


def test_no_class_of_an_ambiguous_name_is_out_of_reach() -> None:
    """Each of the thousand has a name of its own."""
    own = {indices[0] for indices in imagenet_synonyms().values() if len(indices) == 1}
    assert own == set(range(1000))


def test_suggestion() -> None:
    index, hint = find_class("golden retreiver")
    assert index is None
    assert "golden retriever = 207" in hint


def test_suggestion_of_an_ambiguous_name() -> None:
    assert "crane = 134/517" in find_class("cranne")[1]


def test_suggestions_are_different_classes() -> None:
    _, hint = find_class("tabbby")
    assert hint.count("= 281") == 1


@pytest.mark.parametrize("name", ["", "qqqqqqqqqqqq", "207"])
def test_no_suggestion(name: str) -> None:
    index, hint = find_class(name)
    assert index is None
    assert "an index 0-999" in hint


def test_indices_of_the_photos(data_dir: Path) -> None:
    """WordNet ids and order agree with photos that others labelled."""
    with (data_dir / "images" / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1000
    assert [find_class(row["wnid"])[0] for row in rows] == [int(row["class_index"]) for row in rows]


@pytest.mark.parametrize(
    "name",
    [
        "golden_retriever",
        "Golden-Retriever",
        "GoldenRetriever",
        "golden  retriever",
        "n02099601_golden_retriever",
    ],
)
def test_spellings_of_a_class(name: str) -> None:
    assert find_class(name) == (207, "")


def test_an_id_and_a_name_that_do_not_agree() -> None:
    assert find_class("n02099601_tench")[0] is None


def test_a_word_offers_the_classes_that_have_it() -> None:
    index, message = find_class("cat", listing="fvcli classes lite")
    assert index is None
    assert "these contain it: tabby cat (281), " in message
    assert "Persian cat (283), Siamese cat (284)" in message
    assert message.endswith("in all: fvcli classes lite cat)")


def test_classes_with_a_word() -> None:
    assert classes_with("retriever", imagenet_labels()) == [205, 206, 207, 208, 209]
    assert classes_with("Retrievers", imagenet_labels()) == [205, 206, 207, 208, 209]
    assert 961 not in classes_with("dog", imagenet_labels())  # dough
    assert classes_with("cat", ("a cat", "catalogue", "dog cat", "scatter")) == [0, 2, 1]
    assert classes_with("nothing like that", imagenet_labels()) == []


def test_labels_of_ones_own_are_spelled_in_any_way() -> None:
    assert find_class("oak tree", ("Oak_Tree", "elm-tree")) == (0, "")
    assert "several classes" in find_class("oak tree", ("Oak_Tree", "oak-tree"))[1]


def test_synset_index() -> None:
    assert synset_index(2099601) == 207
    assert synset_index(3) is None
