"""A whole atlas as one file."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from fvcli.atlas.site import SiteOptions, build_site, document
from fvcli.errors import UsageError
from fvcli.run import RunFolder
from tests.helpers.atlas_runs import HEBREW, LAYER, Page
from tests.helpers.running import fvcli


@pytest.fixture(scope="module")
def page(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("document")
    path = folder / "atlas.html"
    built = build_site(run, SiteOptions(out=folder / "site", single=path))
    assert built.files[-1] == path
    return Page(path)


def pictures(page: Page) -> list[tuple[str, bytes]]:
    """Return the description and content of every picture in a page."""
    found = []
    for tag, attributes in page.tags:
        if tag == "img":
            kind, _, content = str(attributes["src"]).partition(";base64,")
            assert kind == "data:image/webp"
            found.append((str(attributes["alt"]), base64.b64decode(content)))
    return found


def test_all_pictures_are_inside(page: Page) -> None:
    shown = pictures(page)
    for alt, content in shown:
        assert alt
        Image.open(io.BytesIO(content)).load()
    ours = [alt for alt, _ in shown if alt.startswith(f"{LAYER} unit 0,")]
    kinds = ["channel", "neuron", "negative channel", *["channel"] * 4, *["channel"] * 2]
    assert ours == [f"{LAYER} unit 0, {kind} objective" for kind in kinds]
    photos = [content for alt, content in shown if alt.startswith("The 20 photos")]
    assert len(photos) == 12
    assert Image.open(io.BytesIO(photos[0])).size == (960, 192)


def test_it_loads_nothing_and_says_what_lacks(page: Page) -> None:
    links = [link for link in page.links if not link.startswith("data:")]
    assert all(link.startswith("#") or link == "https://pypi.org/project/fvcli/" for link in links)
    assert {link[1:] for link in links if link.startswith("#")} <= set(page.ids)
    text = " ".join(page.texts)
    assert "not rendered" in text
    assert "failed" in text
    assert HEBREW in text
    assert "wheels" in text
    assert not any(tag == "script" for tag, _ in page.tags)


def test_a_large_run_is_refused_before_anything_is_built(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "MOST_UNITS", 98)
    with pytest.raises(UsageError, match=r"99 units are too many for one file, which takes 98"):
        build_site(run, SiteOptions(out=tmp_path / "site", single=tmp_path / "one.html"))
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_what_it_wrote(run: RunFolder, tmp_path: Path) -> None:
    site, one = tmp_path / "site", tmp_path / "one.html"
    result = fvcli("atlas", run.path, "-o", site, "--single", one, "--figure", f"{LAYER}:0")
    figures = [site / "figures" / f"{LAYER}-0.{ending}" for ending in ("svg", "png")]
    assert result.stdout.splitlines() == [str(path) for path in (site / "index.html", one, *figures)]
    assert re.search(r"99 units, 99 pages written", result.stderr)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("notes.html", "is there and holds something else"),
        ("run/one.html", "is among the files of the run"),
        ("atlas.txt", "a browser opens names that end in .html"),
        ("folder.html", "is a folder"),
    ],
)
def test_no_other_file_is_overwritten(run: RunFolder, tmp_path: Path, name: str, said: str) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    (tmp_path / "notes.html").write_text("<h1>My thesis</h1>")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(UsageError, match=said):
        build_site(RunFolder.read(copy), SiteOptions(out=tmp_path / "site", single=tmp_path / name))
    assert (tmp_path / "notes.html").read_text() == "<h1>My thesis</h1>"
    assert not (tmp_path / "site").exists()
    one = tmp_path / "one.html"
    for _ in range(2):  # a file of ours may be written again
        build_site(RunFolder.read(copy), SiteOptions(out=tmp_path / "site", single=one))
