"""Links between units, written and read without TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.run.unit_links import LayerLinks, Links, Neighbour, Strongest, read_links, strongest, write_links


def example() -> Links:
    weights = np.array([[0.5, -2, 3, 0], [0, 0, 0, -1]])
    below = strongest(weights, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 7]))
    low = LayerLinks(
        "a/b", np.array([3, 5]), above=(Neighbour("A-B", 2),), to_above=below, reason="a picture"
    )
    classes = strongest(weights, np.zeros(4, int), np.arange(4), 5)
    high = LayerLinks(
        "A-B",
        np.array([0, 9]),
        below=(Neighbour("a/b", 2), Neighbour("c", 2)),
        to_below=below,
        to_classes=classes,
        behind="relu6",
    )
    return Links("12" * 32, {"a/b": low, "A-B": high})


def equal(one: Strongest | None, other: Strongest | None) -> bool:
    if one is None or other is None:
        return one is other
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def test_positive_weights_come_first_then_negative_ones() -> None:
    found = example().layers["A-B"].to_below
    assert found is not None
    assert found.channels.tolist() == [[0, 0, *[-1] * 6, 1, *[-1] * 7], [*[-1] * 8, 7, *[-1] * 7]]
    assert found.layers.tolist() == [[1, 0, *[0] * 14], [*[0] * 8, 1, *[0] * 7]]
    assert found.weights.tolist() == [[3, 0.5, *[0] * 6, -2, *[0] * 7], [*[0] * 8, -1, *[0] * 7]]


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=40))
def test_the_strongest_of_any_row(row: list[int]) -> None:
    found = strongest(np.array([row], float), np.zeros(len(row), int), np.arange(len(row)))
    positive = sorted((w for w in row if w > 0), reverse=True)[:8]
    negative = sorted(w for w in row if w < 0)[:8]
    expected = [*positive, *[0] * (8 - len(positive)), *negative, *[0] * (8 - len(negative))]
    assert found.weights[0].tolist() == expected
    for channel, weight in zip(found.channels[0], found.weights[0], strict=True):
        assert (row[channel] if channel >= 0 else 0) == weight


def test_links_come_back_as_they_were(tmp_path: Path) -> None:
    links = example()
    assert write_links(tmp_path, links) == tmp_path / "links/links.json"
    again = read_links(tmp_path)
    assert again is not None
    assert (again.weights_sha256, list(again.layers)) == ("12" * 32, ["a/b", "A-B"])
    for name, layer in links.layers.items():
        found = again.layers[name]
        assert (found.below, found.above, found.reason) == (layer.below, layer.above, layer.reason)
        assert found.behind == layer.behind
        assert np.array_equal(found.channels, layer.channels)
        parts = ("to_below", "to_above", "to_classes")
        assert all(equal(getattr(found, part), getattr(layer, part)) for part in parts)


def test_layers_never_share_a_file_whatever_the_disk_makes_of_names(tmp_path: Path) -> None:
    write_links(tmp_path, example())
    about = json.loads((tmp_path / "links/links.json").read_text())
    folders = [layer["folder"] for layer in about["layers"]]
    assert [folder.rpartition("-")[0] for folder in folders] == ["a-b", "A-B"]  # then a sum of the name
    assert len({folder.casefold() for folder in folders}) == 2
    files = {path.name for path in (tmp_path / "links").iterdir()}
    assert files == {"links.json", *(f"{folder}.npz" for folder in folders)}


def test_the_same_links_are_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_links(tmp_path / folder, example())
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / f / "links").iterdir()} for f in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    "text", ["", "{}", '{"version": 2}', "[]", '{"version": 1, "layers": [{"name": "a"}]}']
)
def test_what_cannot_be_read_counts_as_none(text: str, tmp_path: Path) -> None:
    assert read_links(tmp_path) is None
    (tmp_path / "links").mkdir()
    (tmp_path / "links/links.json").write_text(text)
    assert read_links(tmp_path) is None


def test_a_cut_array_file_counts_as_none(tmp_path: Path) -> None:
    write_links(tmp_path, example())
    [place] = (tmp_path / "links").glob("a-b-*.npz")
    place.write_bytes(place.read_bytes()[:50])
    assert read_links(tmp_path) is None
