"""Building a site again: only what changed is written, and nothing is left over."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fvcli.atlas.site import SiteOptions, build_chapter, build_site
from fvcli.atlas.site.overview_page import tiles_a_chapter
from fvcli.atlas.site.state import ChapterState
from fvcli.errors import UsageError
from fvcli.run import RunFolder
from tests.atlas.site.conftest import SMALL
from tests.helpers.atlas_runs import (
    EARLY,
    JOBS,
    LABELS,
    LAYER,
    Page,
    all_pages,
    contents,
    dead_links,
    paint_one,
    painted,
    site_of,
    times_ns,
    whole_run,
    write_examples,
    write_some_links,
)
from tests.helpers.painting import paint


def built_again(run: RunFolder, **options: object) -> tuple[Path, int]:
    found = build_site(RunFolder.read(run.path), SiteOptions(**options))  # type: ignore[arg-type]
    return found.files[0].parent, found.written


def changed(before: dict[str, int], site: Path) -> set[str]:
    """Return which files were written or removed since."""
    after = times_ns(site)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def unit_called(run: RunFolder, path: str) -> int:
    return next(i for i, unit in enumerate(run.plan.units) if unit.path == path)


def whole(run: RunFolder, site: Path, fresh: Path) -> None:
    """Assert that a site is what a build from nothing makes."""
    built_again(run, out=fresh)
    assert contents(site) == contents(fresh)
    assert dead_links(site, all_pages(site)) == []


def test_a_second_build_writes_nothing(small: RunFolder) -> None:
    site = small.path / "site"
    before = times_ns(site)
    assert built_again(small) == (site, 0)
    assert changed(before, site) == set()


def test_after_one_more_unit_only_its_layer_is_made_anew(small: RunFolder, tmp_path: Path) -> None:
    site = small.path / "site"
    before = times_ns(site)
    place = unit_called(small, "edges/channel-0005")
    unit = small.plan.units[place]
    paint_one(small, unit, place)
    built_again(small)
    others = {f"u/stem_bn/{i}.html" for i in range(6)}  # it may be one of their relatives
    assert changed(before, site) - others == {
        "index.html",
        "atlas.json",
        "build/stem_bn.json",
        "build/parts/stem_bn/0.json",
        "d/stem_bn-1.js",
        "d/stem_bn-1.json",
        "l/stem_bn/index.html",
        "s/stem_bn/0.webp",
        f"p/stem_bn/{unit.key}.webp",
    }
    assert "not rendered" not in Page(site / "u/stem_bn/5.html").text
    whole(small, site, tmp_path / "fresh")


def test_a_picture_that_is_rendered_again_is_shown_anew(small: RunFolder, tmp_path: Path) -> None:
    site = small.path / "site"
    before = contents(site)
    unit = small.plan.units[0]
    paint_one(small, unit, 33)
    built_again(small)
    after = contents(site)
    name = f"p/stem_bn/{unit.key}.webp"
    assert before[name] != after[name]
    assert before["s/stem_bn/0.webp"] != after["s/stem_bn/0.webp"]
    assert {one for one in after if one.startswith("p/") and before[one] != after[one]} == {name}
    whole(small, site, tmp_path / "fresh")


def test_a_picture_that_fails_when_it_is_rendered_again_goes(small: RunFolder, tmp_path: Path) -> None:
    site = small.path / "site"
    unit = small.plan.units[0]
    small.json(unit).unlink()
    small.png(unit).unlink()
    paint(small, unit, status="failed")
    built_again(small)
    assert not (site / f"p/stem_bn/{unit.key}.webp").exists()
    assert "it broke" in Page(site / "u/stem_bn/0.html").text
    whole(small, site, tmp_path / "fresh")


def test_what_a_job_had_goes_with_it(small: RunFolder, tmp_path: Path) -> None:
    site = small.path / "site"
    text = "\n".join(line for line in SMALL.splitlines() if "ways" not in line and "more" not in line)
    less = painted(tmp_path / "less", text, {"edges/channel-0005": "missing"})
    built_again(less, out=site)
    assert {path.name for path in (site / "u").iterdir()} == {"stem_bn"}
    assert {path.name for path in (site / "p").iterdir()} == {"stem_bn"}
    assert len(list((site / "k").iterdir())) == 6
    whole(less, site, tmp_path / "fresh")


def test_the_keys_of_a_job_that_is_called_otherwise_lead_to_its_new_pages(
    small: RunFolder, tmp_path: Path
) -> None:
    site = small.path / "site"
    renamed = painted(
        tmp_path / "renamed", SMALL.replace("ways", "astray"), {"edges/channel-0005": "missing"}
    )
    built_again(renamed, out=site)
    key = next(unit.key for unit in renamed.plan.units if unit.job == "astray")
    assert "../u/job-astray/" in (site / f"k/{key}.html").read_text()
    assert not (site / "u/job-ways").exists()
    whole(renamed, site, tmp_path / "fresh")


def test_a_key_of_two_jobs_leads_to_the_first_and_stays_when_that_goes(tmp_path: Path) -> None:
    way = "layer: stem_bn, objective: direction, vectors: [{random: 0-1}]"
    first, second = (f"  - {{name: {name}, {way}}}\n" for name in ("one", "two"))
    both = painted(tmp_path / "both", JOBS + first + second)
    site = site_of(both)
    key = both.plan.units[0].key
    assert "../u/job-one/" in (site / f"k/{key}.html").read_text()
    assert built_again(both) == (site, 0)
    one = painted(tmp_path / "one", JOBS + second)
    built_again(one, out=site)
    assert "../u/job-two/" in (site / f"k/{key}.html").read_text()
    whole(one, site, tmp_path / "fresh")


KILLED = """
import os, signal, sys
from pathlib import Path
from fvcli.atlas.site import SiteOptions, build_chapter, build_site
from fvcli.atlas.site.state import ChapterState
from fvcli.run import RunFolder
def told(_what, count, _total):
    if count >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
build_site(RunFolder.read(Path(sys.argv[1])), SiteOptions(Path(sys.argv[2])), told)
"""


@pytest.mark.parametrize("units", [6, 20])  # among the pictures, and among the pages
def test_a_build_that_was_killed_is_finished_by_the_next(
    small: RunFolder, tmp_path: Path, units: int
) -> None:
    site = tmp_path / "killed"
    words = [sys.executable, "-c", KILLED, str(small.path), str(site), str(units)]
    assert subprocess.run(words, check=False).returncode == -9
    assert not (site / "index.html").exists()
    assert any(site.rglob("*.webp"))
    (site / "p/.tmp-0123456789abcdef").parent.mkdir(exist_ok=True)
    (site / "p/.tmp-0123456789abcdef").write_bytes(b"half")
    built_again(small, out=site)
    whole(small, site, tmp_path / "fresh")


def test_a_build_that_was_stopped_is_not_taken_for_the_one_before(
    small: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = small.path / "site"
    real = build_chapter.write_state
    with monkeypatch.context() as patch:

        def stop(place: Path, folder: str, state: ChapterState) -> None:
            if state.sum:
                raise KeyboardInterrupt
            real(place, folder, state)

        patch.setattr(build_chapter, "write_state", stop)
        with pytest.raises(KeyboardInterrupt):
            built_again(small, title="DRAFT")
    assert any("DRAFT" in path.read_text() for path in site.rglob("*.html"))
    built_again(small)
    whole(small, site, tmp_path / "fresh")


def test_tiles_of_other_layers_have_new_names(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    site = site_of(run)
    page = site / f"u/{LAYER}/0.html"
    assert "\u05e9\u05dc\u05d5\u05dd" in page.read_text("utf-8")  # of the unit below, in Figure 9
    (run.path / "labels.tsv").write_text(f"{EARLY}\t2\tanother name\n", "utf-8")
    built_again(run)
    assert "another name" in page.read_text("utf-8")
    whole(run, site, tmp_path / "fresh")


def test_photos_and_links_of_other_weights_are_left_out_and_said(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    for place in (run.path / "examples/examples.json", run.path / "links/links.json"):
        known = run.plan.programs[0].weights_sha256
        place.write_text(place.read_text().replace(known, "0" * 64))
    built = build_site(run, SiteOptions())
    page = (built.files[0].parent / f"u/{LAYER}/0.html").read_text("utf-8")
    assert 'id="fig-5"' not in page
    assert 'id="fig-9"' not in page
    assert [note.partition(" and left out")[0] for note in built.notes] == [
        "the photos are of other weights",
        "the links between units are of other weights",
    ]


def test_names_of_units_that_are_not_there_are_said(small: RunFolder, tmp_path: Path) -> None:
    place = tmp_path / "labels.tsv"
    place.write_text("stem_bn\t0001\tedges\nstem_bm\t1\ttypo\nstem_bn\t77\tfar\n")
    built = build_site(small, SiteOptions(labels=place))
    assert built.notes == ["the atlas has no unit stem_bm 1, stem_bn 77, which labels.tsv names"]


def test_a_table_that_goes_is_said(small: RunFolder) -> None:
    build_site(small, SiteOptions(table=True))
    [note] = build_site(small, SiteOptions()).notes
    assert "units.parquet was of an earlier build and is removed" in note


def test_a_job_that_is_called_like_a_layer_takes_nothing_from_it(tmp_path: Path) -> None:
    run = painted(tmp_path, SMALL.replace("ways", "stem_bn"))
    built = build_site(run, SiteOptions(figures=("stem_bn",)))
    site = built.files[0].parent
    index = (site / "index.html").read_text()
    network = index.partition('id="fig-1"')[2].partition("</figure>")[0]
    assert 'href="l/stem_bn/index.html"' in network
    assert 'href="l/job-stem_bn/index.html"' not in network
    assert ">0</text>" in (site / "figures/stem_bn.svg").read_text()  # of a channel, no direction


def test_a_site_whose_notes_are_lost_or_torn_is_built_again(small: RunFolder, tmp_path: Path) -> None:
    site = small.path / "site"
    (site / "build/stem_bn.json").write_text('{"version": 1, "sum')
    (site / "build/parts/job-ways/0.json").write_text("{}")
    (site / "u/job-ways").joinpath(next((site / "u/job-ways").iterdir()).name).write_text("torn")
    (site / "build/job-ways.json").unlink()
    (site / "l/stem_bn/index.html").unlink()
    built_again(small)
    whole(small, site, tmp_path / "fresh")


def test_pictures_that_cannot_be_read_are_shown_as_failed_until_they_can(
    small: RunFolder, tmp_path: Path
) -> None:
    site = small.path / "site"
    unit = small.plan.units[1]
    good = small.png(unit).read_bytes()
    paint_one(small, unit, 50)
    other = small.png(unit).read_bytes()
    small.png(unit).write_bytes(b"x" * len(other))
    found = build_site(RunFolder.read(small.path), SiteOptions())
    assert found.damaged == ["edges/channel-0001"]
    assert "the file of the picture cannot be read" in Page(site / "u/stem_bn/1.html").text
    assert not (site / f"p/stem_bn/{unit.key}.webp").exists()
    assert json.loads((site / "atlas.json").read_text())["counts"]["failed"] == 1
    before = times_ns(site)
    again = build_site(RunFolder.read(small.path), SiteOptions())
    assert (again.damaged, again.written, changed(before, site)) == (["edges/channel-0001"], 0, set())
    whole(small, site, tmp_path / "fresh")
    small.png(unit).write_bytes(other)
    assert good != other
    assert build_site(RunFolder.read(small.path), SiteOptions()).damaged == []
    whole(small, site, tmp_path / "mended")


def test_new_labels_photos_and_weights_are_shown(tmp_path: Path) -> None:
    text = JOBS + (
        "  - {name: a, layer: block4_expand_bn, channels: 0-3}\n  - {name: b, layer: stem_bn, channels: 2}\n"
    )
    run = painted(tmp_path / "own", text)
    site = site_of(run)
    page = site / "u/block4_expand_bn/0.html"

    def shows(*words: str) -> bool:
        site_of(run)
        return all(word in page.read_text("utf-8") for word in words)

    (run.path / "labels.tsv").write_text(LABELS, "utf-8")
    assert shows("wheels", "round things")
    write_examples(run, channels=4)
    assert shows('id="fig-5"', 'id="fig-6"', 'id="fig-7"')
    assert dead_links(site, all_pages(site)) == []
    write_some_links(run)
    assert shows('id="fig-9"', "+0.500")
    assert built_again(run) == (site, 0)
    classes = painted(tmp_path / "more", f"{text}  - {{name: c, objective: class_logit, classes: 281}}\n")
    for name in ("labels.tsv", "examples", "links"):
        copy = shutil.copytree if (run.path / name).is_dir() else shutil.copy
        copy(run.path / name, classes.path / name)
    built_again(classes, out=site)
    assert 'href="../../u/logits/281.html"' in page.read_text("utf-8")
    whole(classes, site, tmp_path / "fresh")
    shutil.rmtree(classes.path / "examples")
    built_again(classes, out=site)
    assert not (site / "e").exists() or not any((site / "e").rglob("*.jpg"))
    whole(classes, site, tmp_path / "without")


def test_photos_that_are_found_anew_are_shown_anew(tmp_path: Path) -> None:
    run = painted(tmp_path / "own", JOBS + "  - {name: a, layer: stem_bn, channels: 0-3}")
    write_examples(run, "stem_bn", 4)
    site = site_of(run)
    shutil.rmtree(run.path / "examples")
    write_examples(run, "stem_bn", 4, seed=1)
    sheet = run.path / "examples/sheets/stem_bn/0000/00000.jpg"
    content = sheet.read_bytes()
    sheet.unlink()
    sheet.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # of the same size
    built_again(run)
    assert (site / "e/stem_bn/0.jpg").read_bytes() == sheet.read_bytes()
    whole(run, site, tmp_path / "fresh")


@pytest.mark.parametrize("made", ["notes.txt", "build/lib/a.py", "index.html"])
def test_a_folder_of_something_else_is_refused_and_stays_as_it_is(
    small: RunFolder, tmp_path: Path, made: str
) -> None:
    other = tmp_path / "other"
    (other / made).parent.mkdir(parents=True)
    (other / made).write_text("mine")
    with pytest.raises(UsageError, match="holds something else than an atlas"):
        built_again(small, out=other)
    assert contents(other) == {made: b"mine"}
    with pytest.raises(UsageError, match="holds something else"):
        built_again(small, out=small.path)


def test_an_empty_folder_will_do_and_a_file_will_not(small: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    site, _ = built_again(small, out=tmp_path / "empty")
    assert (site / "index.html").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        built_again(small, out=tmp_path / "file")


def test_what_is_long_is_in_several_files(
    small: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fvcli.atlas.site.state.A_PART", 4)
    monkeypatch.setattr("fvcli.atlas.site.data_files.A_PART_BYTES", 600)
    site, written = built_again(small, out=tmp_path / "parts")
    assert written == 14
    told = json.loads((site / "atlas.json").read_text())
    for layer in told["layers"]:
        texts = [json.loads((site / name).read_text()) for name in layer["data"]]
        assert [one["part"] for one in texts] == [*range(1, len(texts) + 1)]
        assert sum(len(one["units"]) for one in texts) == layer["units"]
    assert len(told["layers"][0]["data"]) == 3
    assert len(list((site / "build/parts/stem_bn").iterdir())) == 3
    before = times_ns(site)
    assert built_again(small, out=site) == (site, 0)
    assert changed(before, site) == set()
    less = painted(
        tmp_path / "less",
        "\n".join(SMALL.splitlines()[:3]) + "\n  - {name: edges, layer: stem_bn, channels: 0}",
    )
    built_again(less, out=site)
    assert [path.name for path in (site / "d").glob("stem_bn-*.json")] == ["stem_bn-1.json"]
    assert [path.name for path in site.glob("build/parts/*/*")] == ["0.json"]
    whole(less, site, tmp_path / "fresh")


def test_the_overview_of_many_jobs_shows_fewer_units_of_each(
    small: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [tiles_a_chapter(count) for count in (1, 200, 500, 1000, 2000)] == [12, 12, 4, 1, 0]

    def strips(out: Path) -> list[int]:
        sections = (
            (built_again(small, out=out)[0] / "index.html").read_text().split('<section class="chapter"')
        )
        return [one.count('<a class="tile') for one in sections[1:]]

    whole = strips(tmp_path / "whole")
    assert len(whole) == 3
    assert min(whole) > 2
    monkeypatch.setattr("fvcli.atlas.site.overview_page.ROOM", 3 * (420 + 2 * 310))
    assert strips(tmp_path / "less") == [2, 2, 2]
