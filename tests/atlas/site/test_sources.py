"""What an atlas lacks of photos and links is said, with the command that mends it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fvcli.atlas.site import SiteOptions, build_site
from fvcli.run import RunFolder
from fvcli.run.examples.origin import Origin
from fvcli.run.examples.parts import BlockFacts, Parts
from tests.helpers.atlas_runs import EARLY, JOBS, LAYER, Page, painted, site_of, whole_run, write_examples
from tests.helpers.running import fvcli

AGAIN = "fvcli examples RUN --images FOLDER --again"
LINKS = "The number is the size of these weights"


def notes_of(run: RunFolder) -> list[str]:
    return list(build_site(RunFolder.read(run.path), SiteOptions()).notes)


def begun(run: RunFolder, blocks: int, done: int) -> None:
    """Begin photos as ``fvcli examples`` does, of which some blocks are done."""
    parts = Parts(run.path)
    weights = run.plan.programs[0].weights_sha256
    parts.begin(Origin("units", weights, "as it is", (224, 224), blocks * 8, "names", block=8))
    none = np.zeros(0, np.int32)
    for block in range(done):
        parts.write(block, BlockFacts(none, [], none, none, none, none), [])


def test_photos_that_are_half_done_are_said(small: RunFolder) -> None:
    begun(small, 5, 2)
    said = "photos are not finished: 2 of 5 blocks done"
    [note] = notes_of(small)
    assert note == (
        f"the {said}; this goes on, with the FOLDER that was given before: "
        f"fvcli examples {small.path} --images FOLDER --block 8"
    )
    page = Page(small.path / "site/index.html").text
    assert f"The {said}." in page
    assert "fvcli examples RUN --images FOLDER" in page
    assert "This run has no photos" not in page
    shutil.rmtree(small.path / "examples")
    assert notes_of(small) == []
    assert "This run has no photos" in Page(small.path / "site/index.html").text


@pytest.mark.parametrize("finished", [False, True])
def test_photos_of_an_older_method_are_left_out_and_said(small: RunFolder, finished: bool) -> None:
    if finished:
        write_examples(small, "stem_bn", 6)
        place = small.path / "examples/examples.json"
        head = json.loads(place.read_text())
        origin = Origin("units", small.plan.programs[0].weights_sha256, "as it is", (224, 224), 8, "names")
        place.write_text(json.dumps({**head, "origin": {**json.loads(origin.to_json()), "method": 1}}))
    else:
        begun(small, 5, 2)
        place = small.path / "examples/parts/origin.json"
        place.write_text(json.dumps({**json.loads(place.read_text()), "method": 1}))
    [note] = notes_of(small)
    assert "older fvcli" in note
    assert note.endswith("--again")
    assert not (small.path / "site/e").exists()


def test_photos_whose_origin_is_damaged_are_said(small: RunFolder) -> None:
    begun(small, 5, 2)
    (small.path / "examples/parts/origin.json").write_text("{")
    [note] = notes_of(small)
    assert note.startswith("the photos are half done, and what they are of is damaged; this begins anew: ")
    assert note.endswith(" --images FOLDER --again")


def test_a_layer_that_came_later_says_that_it_has_no_photos(small: RunFolder) -> None:
    write_examples(small, "stem_bn", 6)
    [note] = notes_of(small)
    said, mends = note.split("; ")
    assert said == (
        "3 units of block1_expand_bn have no photos, because they came to the run after they were looked for"
    )
    assert mends == f"this looks again: fvcli examples {small.path} --images FOLDER --again"
    site = small.path / "site"
    later = Page(site / "l/block1_expand_bn/index.html").text
    assert "This layer was not in the run yet when photos were looked for, so its units have none." in later
    assert AGAIN in later
    for name in ("l/stem_bn/index.html", "u/stem_bn/0.html", "l/job-ways/index.html"):
        assert AGAIN not in Page(site / name).text, name
    assert "It has no photos" in Page(site / "u/block1_expand_bn/2.html").text
    write_examples_of_both(small)
    assert notes_of(small) == []
    assert AGAIN not in Page(site / "l/block1_expand_bn/index.html").text
    assert "It has no photos" not in Page(site / "u/block1_expand_bn/2.html").text


def write_examples_of_both(run: RunFolder) -> None:
    """Look again, for both layers."""
    heads = []
    kept = run.path / "kept"
    for layer, units in (("stem_bn", 6), ("block1_expand_bn", 3)):
        shutil.rmtree(run.path / "examples")
        write_examples(run, layer, units)
        heads.append(json.loads((run.path / "examples/examples.json").read_text()))
        shutil.copytree(run.path / "examples", kept, dirs_exist_ok=True)
    both = {**heads[0], "layers": [*heads[0]["layers"], *heads[1]["layers"]]}
    (kept / "examples.json").write_text(json.dumps(both))
    shutil.rmtree(run.path / "examples")
    kept.rename(run.path / "examples")


def test_units_that_came_later_say_that_they_have_no_photos(small: RunFolder) -> None:
    write_examples(small, "stem_bn", 4)
    site = site_of(small)
    layer = Page(site / "l/stem_bn/index.html").text
    assert "2 of 6 units have no photos, and so no likeness to others: they were not in the run yet." in layer
    assert AGAIN in layer
    for number, lacks in ((3, False), (4, True)):
        page = Page(site / f"u/stem_bn/{number}.html")
        assert ("It has no photos: it was not in the run yet" in page.text) is lacks
        assert (AGAIN in page.text) is lacks
        assert ("fig-5" in page.ids) is not lacks


def test_directions_say_that_photos_are_not_looked_for(small: RunFolder) -> None:
    site = small.path / "site"
    direction = next((site / "u/job-ways").iterdir())
    assert "of no single channel or class, so photos are not looked for" in Page(direction).text
    said = "They are of no single channel or class, so photos are not looked for."
    assert said in Page(site / "l/job-ways/index.html").text
    assert said not in Page(site / "l/stem_bn/index.html").text


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("name", "said"),
    [("links.json", "are damaged"), (f"{LAYER}.npz", "are damaged"), ("newer", "are of a newer fvcli")],
)
def test_links_that_cannot_be_read_are_said(tmp_path: Path, name: str, said: str) -> None:
    run = whole_run(tmp_path)
    shutil.rmtree(run.path / "examples")
    page = run.path / f"site/u/{LAYER}/0.html"
    assert notes_of(run) == []
    assert LINKS in page.read_text("utf-8")
    head = run.path / "links/links.json"
    if name == "newer":
        head.write_text(json.dumps({**json.loads(head.read_text()), "version": 99}))
    else:
        cut(run.path / "links" / name)
    [note] = notes_of(run)
    assert said in note
    assert note.endswith(
        "so they are left out; this makes them anew, with the FOLDER that was given before: "
        f"fvcli examples {run.path} --images FOLDER"
    )
    assert LINKS not in page.read_text("utf-8")
    overview = Page(run.path / "site/index.html").text
    assert said in overview
    assert "fvcli examples RUN --images FOLDER" in overview


def test_remarks_are_notes_of_the_command(small: RunFolder) -> None:
    write_examples(small, "stem_bn", 6)
    result = fvcli("atlas", small.path)
    assert result.exit_code == 0
    assert "Note: 3 units of block1_expand_bn have no photos" in result.stderr


def test_a_run_of_directions_alone_has_an_overview_of_jobs(tmp_path: Path) -> None:
    jobs = """\
  - {name: ways, layer: stem_bn, objective: direction, vectors: [{random: 0-5}]}
"""
    run = painted(tmp_path, JOBS + jobs)
    assert notes_of(run) == []
    page = Page(run.path / "site/index.html")
    assert "fig-1" not in page.ids  # a network of which nothing is shown
    assert "6 of 6 pictures." in page.texts
    assert "Pictures, by job" in page.text
    for words in ("layers", "one channel", "Of each layer", "has no photos to compare"):
        assert words not in page.text.replace("lists all layers", "").replace("whole layers", ""), words


def test_a_job_with_the_name_of_a_layer_does_not_hide_that_photos_lack(tmp_path: Path) -> None:
    jobs = """\
  - {name: stem_bn, layer: stem_bn, objective: direction, vectors: [{random: 0-2}]}
  - {name: edges, layer: stem_bn, channels: 0-5}
"""
    run = painted(tmp_path, JOBS + jobs)
    write_examples(run, "stem_bn", 4)
    [note] = notes_of(run)
    assert note.startswith("2 units of stem_bn have no photos, because they came ")


def test_names_of_a_layer_are_not_those_of_a_job_of_the_same_name(tmp_path: Path) -> None:
    jobs = f"""\
  - {{name: edges, layer: {EARLY}, channels: 0-2}}
  - {{name: {EARLY}, layer: {EARLY}, objective: direction, vectors: [{{random: 0-2}}]}}
"""
    run = painted(tmp_path, JOBS + jobs)
    (run.path / "labels.tsv").write_text(f"{EARLY}\t1\tdots\n{EARLY}\tdirection-random-0001\ta way\n")
    assert notes_of(run) == []
    site = run.path / "site"
    for name, label in (
        (f"u/{EARLY}/1.html", "dots"),
        (f"u/job-{EARLY}/direction-random-0001.html", "a way"),
    ):
        assert label in Page(site / name).texts
    for name in (f"u/{EARLY}/0.html", f"u/job-{EARLY}/direction-random-0000.html"):
        assert not {"dots", "a way"} & set(Page(site / name).texts[:8])
