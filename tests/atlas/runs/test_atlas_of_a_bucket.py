"""The atlas of a run in an object store is that of the same run on a disk, built on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs

from fvcli.run import RunFolder
from tests.helpers.atlas_runs import contents, painted, write_examples, write_some_links
from tests.helpers.running import fvcli
from tests.helpers.s3_server import bucket
from tests.helpers.scored_runs import score_all

SPEC = """\
model: efficientnet-lite0
render: {size_px: 64, steps: 24}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-3}
  - {name: ways, layer: stem_bn, objective: direction, vectors: [{random: 0}]}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    found = painted(tmp_path_factory.mktemp("atlas"), SPEC, {"edges/channel-0003": "failed"})
    write_examples(found, "stem_bn", 2)
    write_some_links(found)
    score_all(found)
    (found.path / "labels.tsv").write_text("stem_bn\t1\tdots\n")
    return found


@pytest.fixture(scope="module")
def address(run: RunFolder) -> Iterator[str]:
    with bucket() as name:
        place = f"{name}/run"
        s3fs.S3FileSystem(skip_instance_cache=True).put(f"{run.path}/", place, recursive=True)
        yield place


def test_it_has_the_same_bytes(run: RunFolder, address: str, tmp_path: Path) -> None:
    asked = ("--table", "--single", tmp_path / "one.html", "--figure", "stem_bn:0", "--figure", "network")
    result = fvcli("atlas", address, "-o", tmp_path / "far", *asked)
    assert result.exit_code == 0, result.stderr
    one = (tmp_path / "one.html").read_bytes()
    assert fvcli("atlas", run.path, "-o", tmp_path / "near", *asked).exit_code == 0
    far, near = contents(tmp_path / "far"), contents(tmp_path / "near")
    assert sorted(far) == sorted(near)
    assert [name for name in far if far[name] != near[name]] == []
    assert "e/stem_bn/0.jpg" in far
    assert b"By the pictures, other networks choose" in far["index.html"]
    assert b'id="trust"' in far["u/stem_bn/0.html"]
    assert one == (tmp_path / "one.html").read_bytes()
    again = fvcli("atlas", address, "-o", tmp_path / "far")
    assert "5 units, 0 pages written" in again.stderr


def test_it_needs_a_place_on_this_machine(address: str, tmp_path: Path) -> None:
    result = fvcli("atlas", address, "--url", "foo")
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first == "Error: a run in an object store needs a place for its atlas: give -o DIR"
    assert "--url foo" in second
    result = fvcli("atlas", address, "-o", f"{address}/site")
    assert result.exit_code == 2
    assert "it must be on disk" in result.stderr


def test_what_it_lacks_is_said_with_its_address(address: str, tmp_path: Path) -> None:
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    head, links = f"{address}/examples/examples.json", f"{address}/links/links.json"
    kept = {place: files.cat_file(place) for place in (head, links)}
    try:
        files.rm_file(head)
        files.pipe_file(links, kept[links][:-9])
        result = fvcli("atlas", address, "-o", tmp_path / "far")
    finally:
        for place, content in kept.items():
            files.pipe_file(place, content)
    assert result.exit_code == 0, result.stderr
    assert "Note: the links between units are damaged" in result.stderr
    assert f"fvcli examples {address} --images FOLDER" in result.stderr
