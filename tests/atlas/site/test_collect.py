"""What an atlas shows of a run: chapters, entries and the figure of each picture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fvcli.atlas.site.collect import Atlas, Chapter, Entry, collect
from fvcli.atlas.site.labels_file import Label
from fvcli.atlas.site.read_picture import Figure
from fvcli.models import ModelFacts
from fvcli.run import RunFolder
from tests.helpers.atlas_runs import EARLY, JOBS, LATE, LAYER, Page, paint_all, painted, site_of
from tests.helpers.plans import plan_of


@pytest.fixture(scope="module")
def atlas(run: RunFolder) -> Atlas:
    return collect(run, None, {(LAYER, "0"): Label("wheels", "round things")})


def chapter(atlas: Atlas, name: str) -> Chapter:
    return next(one for one in atlas.chapters if one.name == name)


def entry(atlas: Atlas, name: str, which: str) -> Entry:
    return next(one for one in chapter(atlas, name).entries if one.name == which)


def test_layers_come_in_the_order_of_the_network_and_then_jobs(atlas: Atlas) -> None:
    assert [(one.name, one.is_layer) for one in atlas.chapters] == [
        (EARLY, True),
        (LATE, True),
        (LAYER, True),
        ("logits", True),
        ("ways", False),
    ]
    facts = chapter(atlas, LAYER).facts
    assert (facts["height"], facts["width"], facts["channels"]) == (28, 28, 240)
    assert atlas.title == "efficientnet-lite0 atlas"


def test_a_channel_has_the_pictures_of_all_jobs_by_figure(atlas: Atlas) -> None:
    found = [(int(one.figure), one.unit) for one in entry(atlas, LAYER, "0").pictures]
    diverse = [(4, f"diverse/channel-0000-d{i}") for i in range(1, 5)]
    seeds = [(12, f"seeds/channel-0000-{name}") for name in ("one", "two")]
    assert found == [
        (1, "textures/channel-0000"),
        (2, "middle/neuron-0000"),
        (3, "opposite/channel-0000-negative"),
        *diverse,
        *seeds,
    ]


def test_entries_are_by_number_and_have_names_and_labels(atlas: Atlas) -> None:
    assert [one.number for one in chapter(atlas, LAYER).entries] == [*range(80)]
    assert entry(atlas, LAYER, "0").label == Label("wheels", "round things")
    assert entry(atlas, LAYER, "1").label is None
    classes = [(one.name, one.title) for one in chapter(atlas, "logits").entries]
    assert classes == [("207", "Golden Retriever"), ("281", "tabby cat"), ("963", "pizza"), ("985", "daisy")]
    ways = chapter(atlas, "ways").entries
    assert [one.number for one in ways] == [None] * 6
    assert ways[0].name == ways[0].pictures[0].unit.removeprefix("ways/")


def test_what_is_dead_failed_or_missing_keeps_its_place(atlas: Atlas) -> None:
    states = {one.name: one.status for one in chapter(atlas, LAYER).entries if one.status != "done"}
    assert states == {"5": "dead", "6": "failed", "7": "missing"}
    dead, failed, missing = (entry(atlas, LAYER, name).main for name in "567")
    assert (dead.is_shown, dead.error) == (True, "it never fired")
    assert (failed.is_shown, failed.error, failed.saved, failed.pixels) == (False, "it broke", None, "")
    assert (missing.is_shown, missing.steps, missing.trace) == (False, 0, ())
    assert chapter(atlas, LATE).counts == {"missing": 3}
    assert atlas.counts == {"done": 112, "dead": 1, "failed": 2, "missing": 4}


def test_a_picture_tells_what_its_sidecar_says(atlas: Atlas, run: RunFolder) -> None:
    picture = entry(atlas, EARLY, "1").main
    told = json.loads((run.units / f"{picture.stem}.json").read_text())
    assert picture.pixels == told["pixel_sha256"][:16]
    assert (picture.key, picture.steps, picture.saved) == (told["key"], 24, told["score"]["saved"])
    assert picture.trace == tuple(told["trace"])
    assert run.plan.units[picture.position].path == picture.unit


def test_the_first_picture_that_there_is_stands_for_a_channel(tmp_path: Path) -> None:
    jobs = (
        "- {name: a, layer: stem_bn, channels: 0}\n- {name: b, layer: stem_bn, channels: 0, sign: negative}\n"
    )
    run = painted(tmp_path, JOBS + jobs, {"a/channel-0000": "failed"})
    (found,) = collect(run, None, {}).chapters[0].entries
    assert [one.status for one in found.pictures] == ["failed", "done"]
    assert (found.main.unit, found.status) == ("b/channel-0000-negative", "done")


def test_of_two_jobs_of_the_same_the_first_is_shown_and_the_other_is_a_variant(tmp_path: Path) -> None:
    jobs = (
        "- {name: a, layer: stem_bn, channels: 0}",
        "- {name: b, layer: stem_bn, channels: 0}",
        "- {name: c, layer: stem_bn, channels: 0, diversity: {count: 2}}",
        "- {name: d, layer: stem_bn, channels: 0, diversity: {count: 2}}",
        "- {name: e, layer: stem_bn, channels: 0, diversity: {count: 2}, sign: negative}",
    )
    run = painted(tmp_path, JOBS + "\n".join(jobs))
    (found,) = collect(run, None, {}).chapters[0].entries
    figures = [(one.figure, one.job) for one in found.pictures]
    others = [(Figure.OTHER, job) for job in ("b", "d", "d", "e", "e")]
    assert figures == [(Figure.CHANNEL, "a"), (Figure.DIVERSITY, "c"), (Figure.DIVERSITY, "c"), *others]
    keys = {one.job: one.key for one in found.pictures}
    assert keys["a"] == keys["b"]  # the key of a picture does not depend on the job


def test_what_a_newer_version_wrote_is_not_shown(tmp_path: Path) -> None:
    run = painted(tmp_path, JOBS + "- {name: a, layer: stem_bn, channels: 0-1}")
    place = run.json(run.plan.units[0])
    place.write_text(json.dumps({**json.loads(place.read_text()), "schema_version": 999}))
    first, second = collect(run, None, {}).chapters[0].entries
    assert (first.status, second.status) == ("newer", "done")
    assert "newer" in first.main.error
    assert not first.main.is_shown


def test_a_title_is_given_or_the_figures_or_the_models(tmp_path: Path) -> None:
    text = JOBS + "- {name: a, layer: stem_bn, channels: 0}\noutput: {figure: {title: Edges}}"
    run = painted(tmp_path, text)
    assert collect(run, None, {}).title == "Edges"
    assert collect(run, "Given", {}).title == "Given"


def test_without_facts_of_the_model_there_are_still_layers(tmp_path: Path) -> None:
    text = JOBS + "- {name: a, layer: [stem_bn, block1_expand_bn], channels: 0}"
    run = painted(tmp_path, text + "\n- {name: b, objective: class_logit, classes: tabby}")
    (run.path / "model.json").unlink()
    found = collect(RunFolder.read(run.path), None, {})
    assert {one.name for one in found.chapters} == {"stem_bn", "block1_expand_bn", "logits"}
    assert all(not one.facts for one in found.chapters)
    assert found.chapters[-1].entries[0].title == "281"


def test_layers_whose_names_a_disk_takes_for_one_have_folders_of_their_own(
    tmp_path: Path, facts: ModelFacts
) -> None:
    names = ["a/b", "a.b", "A.B", "a:b", "..", "x" * 300, "x" * 301, "层/1"]
    others = [node.name for node in facts.nodes if node.channels and node.kind == "batch_norm"][: len(names)]
    renamed = dict(zip(others, names, strict=True))

    def called(name: str) -> str:
        return renamed.get(name, name)

    nodes = [
        replace(one, name=called(one.name), inputs=tuple(map(called, one.inputs))) for one in facts.nodes
    ]
    strange = replace(facts, nodes=tuple(nodes))
    plan = plan_of(strange, [{"name": f"j{i}", "layer": name, "channels": 0} for i, name in enumerate(names)])
    with RunFolder.begin(tmp_path / "run", plan, "", strange) as run:
        paint_all(run, {})
    found = collect(RunFolder.read(tmp_path / "run"), None, {}).chapters
    assert sorted(one.name for one in found) == sorted(names)
    folders = [one.folder for one in found]
    assert len({folder.casefold() for folder in folders}) == len(names)
    assert all(0 < len(folder.encode()) <= 110 and "/" not in folder for folder in folders)
    assert not {".", ".."} & set(folders)


def test_a_caption_says_where_a_neuron_is(tmp_path: Path) -> None:
    jobs = """\
  - {name: there, layer: stem_bn, channels: 0, objective: {kind: neuron, row: 3, column: 4}}
  - {name: middle, layer: stem_bn, channels: 1, objective: neuron, sign: negative}
"""
    site = site_of(painted(tmp_path, JOBS + jobs))
    first, second = (Page(site / f"u/stem_bn/{i}.html").text for i in (0, 1))
    assert "One neuron of it, at row 3 and column 4 of the map." in first
    assert (
        "The opposite of one neuron of it, in the middle of the map: made as small as it could be." in second
    )
