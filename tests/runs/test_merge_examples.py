"""fvcli merge takes finished examples over, all or nothing, and says which it left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fvcli.run.examples import read_examples
from fvcli.run.examples.merge_examples import choose_examples, take_examples
from tests.helpers.example_runs import examples_files, write_network_spec
from tests.helpers.running import fvcli

LACKS_UNITS = 1  # exit code: no unit of these runs is rendered


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """A spec, and runs of it: with examples of 12 photos, of 8, with each half of the 12, and with none."""
    folder = tmp_path_factory.mktemp("merge")
    write_network_spec(folder)
    photos = sorted((data_dir / "images").glob("*.jpg"))
    for count in (12, 8):
        (folder / f"{count}.txt").write_text("".join(f"{photo}\n" for photo in photos[:count]))
    whole = ["--images", folder / "12.txt", "--block", "6"]
    for name, given in (
        ("twelve", whole),
        ("half", [*whole, "--shard", "1/2"]),
        ("rest", [*whole, "--shard", "2/2"]),
        ("eight", ["--images", folder / "8.txt"]),
    ):
        done = fvcli("examples", folder / "spec.yaml", *given, "-o", folder / name)
        assert done.exit_code == 0, done.stderr
    assert fvcli("prepare", folder / "spec.yaml", "-o", folder / "none").exit_code == 0
    return folder


def merged(place: Path, output: Path, *names: str) -> str:
    """Merge runs; return what was said, on one line."""
    done = fvcli("merge", *[place / name for name in names], "-o", output)
    assert done.exit_code == LACKS_UNITS, done.stderr
    return " ".join(done.stderr.split())


def links_of(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "links").iterdir()}


@pytest.mark.parametrize("names", [("none", "twelve"), ("half", "twelve"), ("twelve",)])
def test_finished_examples_of_one_run_are_taken_over(
    names: tuple[str, ...], place: Path, tmp_path: Path
) -> None:
    said = merged(place, tmp_path / "run", *names)
    assert "the examples of" not in said
    assert examples_files(tmp_path / "run") == examples_files(place / "twelve")
    assert links_of(tmp_path / "run") == links_of(place / "twelve")
    done = fvcli("examples", tmp_path / "run", "--images", place / "12.txt", "--block", "6")
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}/run: nothing was left to do\n")


def test_the_same_examples_of_two_runs_are_taken_once(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "twelve", tmp_path / "again")
    said = merged(place, tmp_path / "run", "twelve", str(tmp_path / "again"))
    assert "the examples of" not in said
    assert examples_files(tmp_path / "run") == examples_files(place / "twelve")


def test_of_examples_that_differ_none_are_taken(place: Path, tmp_path: Path) -> None:
    said = merged(place, tmp_path / "run", "twelve", "eight")
    assert f"the examples of {place}/eight were left, because {place}/twelve has others" in said
    assert "they differ in the number of pictures, the names or sizes of the pictures" in said
    assert f"those of {place}/twelve were left, too" in said
    assert examples_files(tmp_path / "run") == {}
    assert "the examples of" not in merged(place, tmp_path / "run", "eight")  # what the remark tells to do
    assert examples_files(tmp_path / "run") == examples_files(place / "eight")


def test_finished_examples_of_the_target_are_kept(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "eight", tmp_path / "run")
    said = merged(place, tmp_path / "run", "twelve", "half")
    assert f"the examples of {place}/twelve were left, because {tmp_path}/run has finished ones" in said
    assert f"the examples of {place}/half were left, because {tmp_path}/run has finished ones" in said
    assert examples_files(tmp_path / "run") == examples_files(place / "eight")


def test_a_target_that_has_begun_the_same_is_finished_and_one_of_others_is_left(
    place: Path, tmp_path: Path
) -> None:
    shutil.copytree(place / "half", tmp_path / "run")
    begun = examples_files(tmp_path / "run")
    said = merged(place, tmp_path / "run", "eight")
    assert f"the examples of {place}/eight were left, because {tmp_path}/run has begun others" in said
    assert f"to have them, merge {place}/eight into another folder" in said
    assert examples_files(tmp_path / "run") == begun
    assert "the examples of" not in merged(place, tmp_path / "run", "twelve")
    assert examples_files(tmp_path / "run") == examples_files(place / "twelve")


def unlike(run: Path, to: Path) -> Path:
    """Copy a run with finished examples, as if one picture more had not been readable."""
    shutil.copytree(run, to)
    head = json.loads((to / "examples/examples.json").read_text())
    head |= {"pictures": head["pictures"] - 1, "skipped": head["skipped"] + 1}
    (to / "examples/examples.json").write_text(json.dumps(head))
    return to


def test_a_target_that_has_begun_goes_on_with_the_parts_of_the_same_beside_finished_others(
    place: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / "half", run)
    said = merged(place, run, "eight", "rest")
    assert f"the examples of {place}/eight were left, because {run} has begun others" in said
    assert said.count("the examples of") == 1
    assert {"parts/00000.npz", "parts/00001.npz"} <= set(examples_files(run))
    done = fvcli("examples", run, "--images", place / "12.txt", "--block", "6")
    assert done.exit_code == 0, done.stderr
    assert examples_files(run) == examples_files(place / "twelve")


@pytest.mark.parametrize("names", [("eight", "twelve", "rest"), ("twelve", "eight")])
def test_a_target_that_has_begun_takes_the_finished_ones_of_the_same_whatever_is_beside_them(
    names: tuple[str, ...], place: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / "half", run)
    said = merged(place, run, *names)
    assert f"the examples of {place}/eight were left, because {run} has begun others" in said
    assert said.count("the examples of") == 1
    assert examples_files(run) == examples_files(place / "twelve")


def test_a_target_that_has_begun_names_parts_of_others_and_takes_none_of_them(
    place: Path, tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(place / "half", run)
    given = "--images", place / "12.txt", "--block", "5", "--shard", "1/2"
    assert fvcli("examples", place / "spec.yaml", *given, "-o", other).exit_code == 0
    begun = examples_files(run)
    said = merged(place, run, "eight", str(other))
    assert f"the examples of {other} were left, because {run} has begun others" in said
    assert f"in the number of pictures in a part; to have them, merge {other} into another folder" in said
    assert f"the examples of {place}/eight were left" in said
    assert examples_files(run) == begun


def test_a_target_that_has_begun_takes_parts_where_finished_ones_of_the_same_differ(
    place: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / "half", run)
    other = unlike(place / "twelve", tmp_path / "other")
    said = merged(place, run, "twelve", str(other), "rest")
    assert f"the examples of {other} were left, because {place}/twelve has others" in said
    assert "they differ in which files could be read" in said
    assert f"those of {place}/twelve were left, too: merge only the runs whose examples you want" in said
    assert {"parts/00000.npz", "parts/00001.npz"} <= set(examples_files(run))
    assert "the examples of" not in merged(place, run, "twelve")  # what the remark tells to do
    assert examples_files(run) == examples_files(place / "twelve")


def test_parts_are_named_that_are_left_because_finished_ones_differ(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "twelve", tmp_path / "again")
    said = merged(place, tmp_path / "run", "twelve", "half", "eight", str(tmp_path / "again"))
    assert f"the examples of {place}/eight were left, because {place}/twelve has others" in said
    assert f"the examples that {place}/half has begun were left, because the finished ones differ" in said
    assert f"so those of {place}/twelve and {tmp_path}/again were left, too" in said
    assert examples_files(tmp_path / "run") == {}


def test_finished_examples_that_do_not_say_what_they_are_of_are_left_and_named(
    place: Path, tmp_path: Path
) -> None:
    run, old = tmp_path / "run", tmp_path / "old"
    shutil.copytree(place / "half", run)
    shutil.copytree(place / "twelve", old)
    head = json.loads((old / "examples/examples.json").read_text())
    del head["origin"]
    (old / "examples/examples.json").write_text(json.dumps(head))
    begun = examples_files(run)
    said = merged(place, run, str(old))
    assert f"the examples of {old} were left, because {run} has begun others" in said
    assert "it is not known in what they differ" in said
    assert examples_files(run) == begun


class _KilledError(Exception):
    pass


def test_a_copy_that_was_cut_short_is_not_read_as_finished(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fvcli.run.examples.merge_examples as of

    written, run = [], tmp_path / "run"
    really = of.write_atomic

    def write_until_killed(path: Path, content: bytes, *, durable: bool = True) -> None:
        if len(written) == 9:
            raise _KilledError
        written.append(path)
        really(path, content, durable=durable)

    monkeypatch.setattr(of, "write_atomic", write_until_killed)
    with pytest.raises(_KilledError):
        take_examples(choose_examples([place / "twelve"], run), run)
    monkeypatch.undo()
    assert len(examples_files(run)) == 9
    assert read_examples(run) is None
    take_examples(choose_examples([place / "twelve"], run), run)
    assert examples_files(run) == examples_files(place / "twelve")


def test_the_head_is_written_last(place: Path, tmp_path: Path) -> None:
    take_examples(choose_examples([place / "twelve"], tmp_path), tmp_path)
    files = [path for path in (tmp_path / "examples").rglob("*") if path.is_file()]
    last = max(files, key=lambda path: path.stat().st_mtime_ns)
    assert last == tmp_path / "examples/examples.json"


def test_a_damaged_head_stops_the_merge_before_anything_is_written(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "eight", tmp_path / "bad")
    (tmp_path / "bad/examples/examples.json").write_text("{}")
    done = fvcli("merge", tmp_path / "bad", "-o", tmp_path / "run")
    assert done.exit_code == 1
    assert "examples/examples.json is damaged" in done.stderr
    assert not (tmp_path / "run").exists()
