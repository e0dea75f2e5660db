"""Texts that others chose are shown as texts, whatever is in them, and break no page and no script."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from fvcli.atlas.site import SiteOptions, build_site
from fvcli.models import ModelFacts
from fvcli.run import RunFolder
from fvcli.run.scores import Transfer, write_unit_scores
from tests.helpers.atlas_runs import HEBREW, Page, all_pages, dead_links, paint_all
from tests.helpers.plans import plan_of
from tests.helpers.scored_runs import score_run, scores_of

MARKUP = "<b>x</b>/\"y\" '&amp;' </script><script>alert(1)</script>"
OVERRIDE = f"\u202e{HEBREW} {{{{ 7 * 7 }}}} %s \\ \N{GRINNING FACE}"
LONG = "long " * 58 + "\u2028</style>"
LAYERS = [MARKUP, OVERRIDE, LONG, "index", "keys", "search", "found", "..", "con", "#a?b=c&d%20"]
TITLE = f"</title><script>alert(2)</script>{OVERRIDE}"
NOTE = '"><img src=x onerror=alert(3)>'
LABEL = f"</script><!-- {NOTE} ]]> {OVERRIDE}"


def score_strangely(run: RunFolder) -> None:
    """Write scores of the first class, by judges, of flags and of classes that are called like this."""
    unit = next(one for one in run.plan.units if one.job == "classes")
    sidecar, scores = run.sidecar(unit), scores_of(run, unit)
    assert sidecar is not None
    judges = {MARKUP: 0.5, OVERRIDE: 0.5}
    strange = replace(
        scores,
        two_afc=replace(scores.two_afc, by_judge=judges),
        transfer=Transfer(0.5, 0.5, {MARKUP: OVERRIDE, OVERRIDE: NOTE}),
        flags=(MARKUP,),
    )
    write_unit_scores(run, unit, sidecar, strange, ())
    score_run(run, judges=tuple(judges))


class Made(NamedTuple):
    site: Path
    pages: dict[str, Page]
    folders: dict[str, str]  # of layers


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, facts: ModelFacts) -> Made:
    """A run of a model whose layers and classes are called like this, and its site."""
    folder = tmp_path_factory.mktemp("hostile <i> #%") / "run"
    others = [node.name for node in facts.nodes if node.channels and node.kind == "batch_norm"]
    renamed = dict(zip(others, LAYERS, strict=False))

    def called(name: str) -> str:
        return renamed.get(name, name)

    nodes = tuple(
        replace(one, name=called(one.name), inputs=tuple(map(called, one.inputs))) for one in facts.nodes
    )
    labels = (MARKUP, OVERRIDE, *facts.labels[2:])
    strange = replace(facts, nodes=nodes, labels=labels, name=MARKUP)
    jobs = [{"name": f"j{i}", "layer": name, "channels": [0, 1]} for i, name in enumerate(LAYERS)]
    jobs.append({"name": "classes", "objective": "class_logit", "classes": [0, 1]})
    jobs.append({"name": "index", "layer": LONG, "objective": "direction", "vectors": [{"random": "0-4"}]})
    with RunFolder.begin(folder, plan_of(strange, jobs), f"# {MARKUP}", strange) as run:
        paint_all(run, {"j0/channel-0001": "failed"})
        score_strangely(run)
    lines = [f"{' '.join(name.split())}\t0\t{LABEL}\t{NOTE}" for name in (MARKUP, "index", "..")]
    (folder / "labels.tsv").write_text("\n".join(lines), "utf-8")
    site = build_site(RunFolder.read(folder), SiteOptions(title=TITLE)).files[0].parent
    told = json.loads((site / "atlas.json").read_text("utf-8"))
    return Made(site, all_pages(site), {one["name"]: one["folder"] for one in reversed(told["layers"])})


def spaced(text: str) -> str:
    return " ".join(text.split())


def test_all_links_lead_somewhere_and_no_file_is_outside(made: Made) -> None:
    assert dead_links(made.site, made.pages) == []
    assert set(made.folders) == {*LAYERS, "logits"} | {"index"}
    known = {"site", "labels.tsv", "scores.json", "plan.json", "model.json", "spec.yaml"}
    outside = {path.name for path in made.site.parent.iterdir() if path.is_file()}
    assert {name for name in outside if not name.startswith(".lock")} <= known


def test_nothing_runs_and_nothing_is_loaded_that_the_pages_do_not_name(made: Made) -> None:
    for name, page in made.pages.items():
        scripts = {str(one.get("src")).rsplit("/", 1)[-1] for tag, one in page.tags if tag == "script"}
        assert scripts <= {"atlas.js", "theme.js", "index.js"}, name
        assert not [one for tag, one in page.tags if tag == "img" and one.get("src") == "x"], name
        assert not {"b", "style"} & {tag for tag, _ in page.tags} or name == "index.html", name
        assert not [one for _, one in page.tags if any(key.startswith("on") for key in one)], name
        assert len(page.ids) == len(set(page.ids)), name


def test_names_stand_on_the_pages_as_they_are(made: Made) -> None:
    for layer in LAYERS:
        page = made.pages[f"l/{made.folders[layer]}/index.html"]
        assert spaced(layer) in page.texts, layer
        assert spaced(layer) in made.pages["index.html"].texts, layer
        assert spaced(layer) in made.pages[f"u/{made.folders[layer]}/0.html"].texts, layer
    assert spaced(TITLE) in made.pages["index.html"].texts
    assert MARKUP in made.pages["u/logits/0.html"].texts
    unit = made.pages[f"u/{made.folders['..']}/0.html"]
    assert {spaced(LABEL), NOTE} <= set(unit.texts)
    assert f"# {MARKUP}" in made.pages["index.html"].texts


def test_right_to_left_texts_turn_nothing_around_them(made: Made) -> None:
    for name, page in made.pages.items():
        source = (made.site / name).read_text("utf-8")
        shown = re.sub(r"<bdi[ >].*?</bdi>|<(title|pre)[ >].*?</\1>|<[^>]*>", "", source, flags=re.DOTALL)
        shown = re.sub("\u2068.*?\u2069", "", shown)
        assert "\u202e" not in shown, name
        assert page.text


def test_scripts_are_data_that_no_text_can_end(made: Made) -> None:
    scripts = sorted((made.site / "d").glob("*.js"))
    assert len(scripts) == 1 + len(made.folders) + 1
    for path in scripts:
        text = path.read_text("ascii")
        (kind, data) = re.fullmatch(r"fvcli\.(page|index)\((.*)\);\n", text).groups()  # type: ignore[union-attr]
        assert "<" not in text
        told = json.loads(data)
        if kind == "page" and told["heading"] == "..":
            assert spaced(told["labels"]["0"]) == spaced(LABEL)
    names = {path.name for path in scripts}
    assert {"index.js", "index-1.js"} <= names


def test_a_layer_called_index_is_a_layer_like_others(made: Made) -> None:
    folders = [one for one in made.folders.values() if one.startswith("index")]
    assert (made.site / "l/index/index.html").is_file()
    assert (made.site / "u/index/0.html").is_file()
    assert folders
