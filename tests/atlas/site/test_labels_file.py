"""labels.tsv: names for units, and what is said of a file that has mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.atlas.site.labels_file import Label, read_labels
from fvcli.errors import UsageError
from tests.helpers.atlas_runs import HEBREW


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "labels.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_lines_are_names_by_layer_and_number(tmp_path: Path) -> None:
    text = f"# mine\n\nb4\t447\twheels\nb4\t3\t stripes \tthin ones\r\nways\tx-1\t{HEBREW}\u202e\U0001f600"
    assert read_labels(written(tmp_path, text)) == {
        ("b4", "447"): Label("wheels"),
        ("b4", "3"): Label("stripes", "thin ones"),
        ("ways", "x-1"): Label(f"{HEBREW}\u202e\U0001f600"),
    }


def test_a_byte_order_mark_as_some_editors_write_it_is_no_part_of_a_layer(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, "\ufeffb4\t1\ta")) == {("b4", "1"): Label("a")}


def test_no_file_and_an_empty_one_are_no_names(tmp_path: Path) -> None:
    assert read_labels(None) == {}
    assert read_labels(written(tmp_path, "")) == {}


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    lines = ("b4 1 a", "b4\t1\ta", "b4\t1\tb", "b4\t2\t", "b4\t3\ta\tb\tc", f"b4\t4\t{'x' * 301}", "b4\t5\tb")
    path = written(tmp_path, "\n".join(lines))
    with pytest.raises(UsageError) as caught:
        read_labels(path)
    said = str(caught.value)
    assert f"{path}:1: 1 columns, not 3 or 4" in said
    assert f"{path}:3: b4 1 has a name already, in line 2" in said
    assert f"{path}:4: a layer, a number or a name is empty" in said
    assert f"{path}:5: 5 columns" in said
    assert f"{path}:6: longer than 300 characters" in said
    assert f"{path}:2" not in said
    assert f"{path}:7" not in said
    assert "with tabs between them" in str(caught.value.hint)


def test_of_very_many_mistakes_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_labels(written(tmp_path, "wrong\n" * 1000))
    lines = str(caught.value).splitlines()
    assert len(lines) < 12
    assert "992 more" in lines[-1]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"b4\t1\t\xff\xfe", "not a text in UTF-8"), (None, "No such file")],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "none.tsv" if content is None else written(tmp_path, content)
    with pytest.raises(UsageError, match=said):
        read_labels(path)


def test_a_number_with_zeros_in_front_is_the_same_number(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, "b4\t0007\ta\nb4\t7a\tb")) == {
        ("b4", "7"): Label("a"),
        ("b4", "7a"): Label("b"),
    }
