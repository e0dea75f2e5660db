"""The files of dataset examples: what is written is read again, and names are safe and unlike."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvcli.errors import FvcliError
from fvcli.run.examples import ExamplesHead, LayerArrays, LayerHead, Video, read_examples
from fvcli.run.examples.layout import LOWEST_TILES, TILES, TOP_TILES, group_tiles, sheet_file
from fvcli.run.examples.origin import Origin
from fvcli.run.examples.parts import BlockFacts, Parts
from fvcli.run.examples.table import read_table, write_table

HEAD = ExamplesHead(
    images="photos",
    pictures=3,
    skipped=1,
    video=Video(25.0, 100),
    size_px=(224, 160),
    weights_sha256="00",
    model="net",
    sample=3,
    gallery=2,
    classes="folders",
    class_names=("cats", "dogs"),
    effect_pictures=0,
    layers=(
        LayerHead("a/b", "a-b-c14cddc0", 2, (35, 35), "weights"),
        LayerHead("c", "c", 1, (224, 160), None),
    ),
)


@given(st.lists(st.lists(st.text(), min_size=1, max_size=3).filter(any), max_size=4))
def test_a_table_gives_back_every_text(rows: list[list[str]]) -> None:
    assert list(read_table(write_table(rows))) == rows


def test_a_table_has_a_line_a_row_and_is_utf_8_whatever_a_name_is() -> None:
    content = write_table([["a\tb\nc", "d\\e"], ["\udcff.jpg", ""]])
    assert content == b"a\\tb\\nc\td\\\\e\n\\udcff.jpg\t\n"


def test_tiles_are_the_top_then_groups_from_the_highest_then_the_lowest() -> None:
    tiles = [*TOP_TILES, *(tile for group in range(9, -1, -1) for tile in group_tiles(group)), *LOWEST_TILES]
    assert tiles == list(range(TILES)) == list(range(53))
    assert list(group_tiles(9)) == [20, 21, 22]
    assert list(group_tiles(0)) == [47, 48, 49]


def test_sheets_are_in_folders_of_a_thousand() -> None:
    assert sheet_file("head_bn", 447) == "sheets/head_bn/0000/00447.jpg"
    assert sheet_file("head_bn", 12345) == "sheets/head_bn/0012/12345.jpg"


def arrays() -> LayerArrays:
    numbers = iter(range(100))
    made = {field.name: np.full((2, 3), next(numbers), np.float32) for field in fields(LayerArrays)}
    return LayerArrays(**{**made, "channels": np.array([4, 17], np.int32)})


def test_arrays_are_read_as_they_were_written_and_equal_ones_are_equal_bytes() -> None:
    content = arrays().to_npz()
    found = LayerArrays.from_npz(content)
    for field in fields(LayerArrays):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(arrays(), field.name))
    assert content == arrays().to_npz()
    assert (found.row(17), found.row(5), found.row(18)) == (1, None, None)


def written(run: Path) -> Path:
    folder = run / "examples"
    (folder / "layers").mkdir(parents=True)
    (folder / "examples.json").write_text(HEAD.to_json())
    (folder / "pictures.tsv").write_bytes(
        write_table([("number", "name", "class"), (7, "cats/ä\t1.jpg", "cats")])
    )
    (folder / "skipped.tsv").write_bytes(write_table([("number", "name", "reason"), (3, "x.jpg", "damaged")]))
    (folder / "layers/c.npz").write_bytes(arrays().to_npz())
    return folder


def test_the_reader_gives_back_what_is_written(tmp_path: Path) -> None:
    assert read_examples(tmp_path) is None
    folder = written(tmp_path)
    found = read_examples(tmp_path)
    assert found is not None
    assert found.head == HEAD
    assert found.pictures == {7: (7, "cats/ä\t1.jpg", "cats")}
    assert found.skipped == [(3, "x.jpg", "damaged")]
    assert found.time_s(50) == 2.0
    layer = found.layer("c")
    assert layer is not None
    assert found.arrays(layer).channels.tolist() == [4, 17]
    assert found.sheet(layer, 17) == folder / "sheets/c/0000/00017.jpg"
    assert found.where(layer, 17) == folder / "sheets/c/0000/00017.where.png"
    assert found.layer("nowhere") is None


def test_a_later_key_is_passed_over_and_a_later_version_refused(tmp_path: Path) -> None:
    text = HEAD.to_json()
    assert ExamplesHead.from_json(text.replace("{", '{"later": 1,', 1).encode(), "place") == HEAD
    with pytest.raises(FvcliError, match=r"place: a newer fvcli wrote it"):
        ExamplesHead.from_json(text.replace('"version": 1', '"version": 2').encode(), "place")
    with pytest.raises(FvcliError, match=r"place is damaged"):
        ExamplesHead.from_json(text[:100].encode(), "place")


def test_a_name_that_is_no_utf_8_is_the_same_in_the_head_and_in_tables(tmp_path: Path) -> None:
    name = "caf\udce9"
    written(tmp_path)
    text = replace(HEAD, images=name, class_names=("ä", name)).to_json().encode()
    (tmp_path / "examples/examples.json").write_bytes(text)
    table = write_table([("number", "name", "class"), (7, f"{name}/1.jpg", name)])
    (tmp_path / "examples/pictures.tsv").write_bytes(table)
    found = read_examples(tmp_path)
    assert found is not None
    assert (found.head.images, found.head.class_names) == (r"caf\udce9", ("ä", r"caf\udce9"))
    assert found.pictures[7] == (7, r"caf\udce9/1.jpg", r"caf\udce9")


def test_what_is_damaged_or_missing_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path)
    found = read_examples(tmp_path)
    assert found is not None
    layer = found.layer("c")
    assert layer is not None
    (folder / "layers/c.npz").write_bytes(arrays().to_npz()[:-100])
    with pytest.raises(FvcliError, match=r"layers/c\.npz is damaged"):
        found.arrays(layer)
    (folder / "pictures.tsv").unlink()
    with pytest.raises(FvcliError, match=r"pictures\.tsv: No such file"):
        _ = found.pictures
    assert replace(HEAD, video=None).video is None


ORIGIN = Origin("units", "00", "scaled", (8, 8), pictures=3, names="names")


def test_what_a_killed_removal_left_is_removed_before_parts_begin(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "examples.json").unlink()
    for name in ("sheets/c/0000/00017.jpg", "parts/00000.npz"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"old")
    parts = Parts(tmp_path)
    assert parts.there() == set()
    parts.begin(ORIGIN)
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / "parts/origin.json"]


def test_what_is_begun_or_finished_is_kept(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.begin(ORIGIN)
    for name in ("parts/00000.npz", "sheets/c/0000/00017.jpg"):
        (tmp_path / "examples" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "examples" / name).write_bytes(b"new")
    parts.begin(ORIGIN)
    assert parts.there() == {0}
    assert (tmp_path / "examples/sheets/c/0000/00017.jpg").exists()
    written(tmp_path / "finished")
    Parts(tmp_path / "finished").begin(ORIGIN)
    assert read_examples(tmp_path / "finished") is not None


def test_a_part_is_read_as_it_was_written_and_equal_ones_are_equal_bytes(tmp_path: Path) -> None:
    none = np.zeros(0, np.int32)
    facts = BlockFacts(np.arange(3, dtype=np.int32), [(3, "damaged")], none, none, none, none)
    layer = {
        "sample": np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3),
        "sum": np.array([1e300, -0.5, 0.0]),
        "shown_where": np.arange(24, dtype=np.uint8).reshape(1, 3, 2, 4),
        "fires": np.array([2**40, 0, 1]),
    }
    contents = []
    for run in (tmp_path / "a", tmp_path / "b"):
        parts = Parts(run)
        parts.begin(ORIGIN)
        parts.write(0, facts, [layer])
        found = parts.layer(0, 0, list(layer))
        for name, array in layer.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
        assert parts.facts(0).skipped == [(3, "damaged")]
        contents.append(parts.place(0).read_bytes())
    assert contents[0] == contents[1]
