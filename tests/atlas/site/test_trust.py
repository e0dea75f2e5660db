"""What fvcli score found is shown on the pages of units, of layers and on the overview."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fvcli.atlas.site import SiteOptions, build_site
from fvcli.atlas.site.collect import collect
from fvcli.atlas.site.trust import decimal, flag_said, overview_trust, rounded
from fvcli.plan import Unit
from fvcli.run import RunFolder
from fvcli.run.remarks import FRAGILE, NOT_PREDICTIVE, OTHER_PATH, SAID, WEAKER
from fvcli.run.scores import read_run_scores
from tests.helpers.atlas_runs import (
    EARLY,
    LAYER,
    Page,
    all_pages,
    contents,
    dead_links,
    paint_one,
    site_of,
    times_ns,
    whole_run,
)
from tests.helpers.scored_runs import score_all, score_run, score_unit

TITLE = "How far to trust it"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a run with everything, where all that is finished is scored."""
    run = whole_run(tmp_path_factory.mktemp("scored"))
    score_all(run)
    return site_of(run)


def data_of(site: Path, folder: str) -> dict[str, Any]:
    text = (site / f"d/{folder}-1.js").read_text()
    return json.loads(text[text.index("(") + 1 : text.rindex(")")])  # type: ignore[no-any-return]


def units_of(site: Path, folder: str) -> dict[str, Any]:
    return {unit["name"]: unit for unit in json.loads((site / f"d/{folder}-1.json").read_text())["units"]}


def notes_of(run: RunFolder) -> list[str]:
    return list(build_site(RunFolder.read(run.path), SiteOptions()).notes)


def unit_of(run: RunFolder, path: str) -> Unit:
    return next(unit for unit in run.plan.units if unit.path == path)


def changed(before: dict[str, int], site: Path) -> set[str]:
    after = times_ns(site)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def test_the_page_of_a_unit_has_its_numbers_and_what_they_are(small: RunFolder) -> None:
    score_unit(small, "edges/channel-0001", 0.75, (OTHER_PATH,))
    page = Page(site_of(small) / "u/stem_bn/1.html")
    assert "trust" in page.ids
    rows = [
        ("2AFC", "0.75 (0.62 to 0.88)", "shown its 4 pictures and two photos"),
        ("by photos", "0.88", "shown 4 photos of the unit instead"),
        ("by others", "0.56", "pictures of other units"),
        ("by noise", "0.52", "pictures of noise"),
        ("MIS", "0.69", "By photos: 0.81."),
        ("strength", "1.25", "1 as the best photo"),
        ("way", "\u22120.12", "through the channels that photos use"),
        ("survival", "0.88", "saved as a JPEG"),
        ("agreement", "0.44", "How alike the pictures of the unit are"),
    ]
    for name, value, said in rows:
        place = page.texts.index(name)
        assert page.texts[place + 1] == value
        assert said in page.texts[place + 2], name
    assert "efficientnet-lite1 0.74, efficientnet-lite2 0.76" in page.text
    assert page.texts[page.texts.index("way") + 3] == "Flagged."
    assert page.texts.count("Flagged.") == 1
    assert f"Flagged: {SAID[OTHER_PATH]}. {TITLE}" in page.text
    assert f"Look: {SAID[OTHER_PATH]}" not in page.text  # it stands above
    assert "named" not in page.texts  # it is no class
    assert "../../index.html#trust" in page.links


def test_units_without_scores_show_nothing_of_it(small: RunFolder) -> None:
    bare = {name: Page(small.path / "site" / name) for name in ("index.html", "l/stem_bn/index.html")}
    assert all("trust" not in page.ids and "2AFC" not in page.text for page in bare.values())
    assert data_of(small.path / "site", "stem_bn")["twoAfc"] is None
    score_unit(small, "edges/channel-0001")
    site = site_of(small)
    for name in ("u/stem_bn/0.html", "u/stem_bn/5.html", "l/block1_expand_bn/index.html"):
        page = Page(site / name)
        assert "trust" not in page.ids, name
        assert "2AFC" not in page.text, name
    assert units_of(site, "stem_bn")["0"]["two_afc"] is None
    assert units_of(site, "stem_bn")["0"]["flags"] is None
    assert units_of(site, "stem_bn")["1"]["flags"] == []


def test_a_class_says_who_names_it(scored: Path) -> None:
    page = Page(scored / "u/logits/281.html")
    place = page.texts.index("named")
    assert page.texts[place + 1] == "1 of 2"
    said = "; 2 among their first five. Named first: efficientnet-lite1: tabby, efficientnet-lite2: tiger"
    assert said in page.texts[place + 2]


def test_all_pictures_of_a_unit_have_their_numbers(scored: Path) -> None:
    page = Page(scored / f"u/{LAYER}/0.html")
    names = [
        "Figure 1",
        "Figure 2, the neuron",
        "Figure 3, the opposite",
        *(f"Figure 4, picture {number}" for number in range(1, 5)),
        "seeds/channel-0000-one",
        "seeds/channel-0000-two",
    ]
    begin = page.texts.index("The numbers of all its pictures")
    assert [text for text in page.texts[begin:] if text in names][: len(names)] == names
    flags = "weaker than a photo; tells no photos apart; another way than photos; loses its effect"
    assert flags in page.text
    assert "The numbers of all its pictures" not in Page(scored / f"u/{LAYER}/30.html").text


def test_where_the_main_picture_has_no_scores_another_one_speaks_and_is_named(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    score_unit(run, "opposite/channel-0002-negative", 0.625, (FRAGILE,))
    site = site_of(run)
    page = Page(site / f"u/{LAYER}/2.html").text
    assert f"Flagged: Figure 3, the opposite: {SAID[FRAGILE]}." in page
    assert "0.62 (0.50 to 0.75)" in page
    assert data_of(site, LAYER)["twoAfc"][2] == 0.62


def test_flags_of_other_pictures_stay_in_their_captions(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    score_unit(run, "textures/channel-0002", 0.75, (WEAKER,))
    score_unit(run, "opposite/channel-0002-negative", 0.75, (WEAKER,))
    page = Page(site_of(run) / f"u/{LAYER}/2.html").text
    assert page.count(f"Look: {SAID[WEAKER]}") == 1
    assert page.index(f"Look: {SAID[WEAKER]}") > page.index("Figure 3")


def test_the_data_of_a_layer_has_shares_and_flags(scored: Path) -> None:
    data = data_of(scored, LAYER)
    assert data["twoAfc"][:3] == [0.5, 0.62, 0.75]
    assert data["twoAfc"][6] is None  # it failed
    assert data["flagKinds"] == [[name, SAID[name]] for name in (NOT_PREDICTIVE, WEAKER, OTHER_PATH, FRAGILE)]
    assert {int(i) for i in data["flags"]} == {i for i in range(80) if i % 3 == 0 and i != 6}
    assert data["flags"]["3"] == [0]
    assert data["flags"]["12"] == [1, 0, 2, 3]
    for name, unit in units_of(scored, LAYER).items():
        place = data["names"].index(name)
        assert unit["two_afc"] == data["twoAfc"][place]
        flags = [data["flagKinds"][i][0] for i in data["flags"].get(str(place), [])]
        assert (unit["flags"] or []) == flags


def test_the_page_of_a_layer_offers_the_flags_that_there_are(scored: Path) -> None:
    page = Page(scored / f"l/{LAYER}/index.html")
    values = [attrs.get("value") for tag, attrs in page.tags if tag == "option"]
    assert "2afc" in values
    states = values[values.index("alive") :]
    assert states[:8] == [
        *("alive", "other", "unflagged", "flagged"),
        *(NOT_PREDICTIVE, WEAKER, OTHER_PATH, FRAGILE),
    ]
    flags = [unit["flags"] for unit in units_of(scored, LAYER).values() if unit["flags"]]
    assert f"flagged ({len(flags)})" in page.texts
    assert f"tells no photos apart ({sum(NOT_PREDICTIVE in some for some in flags)})" in page.texts


def test_the_overview_has_means_judges_and_why_units_are_flagged(scored: Path) -> None:
    page = Page(scored / "index.html")
    rows = (
        ("the pictures of the unit", "0.71", "0.66 to 0.76"),
        ("as many photos of it", "0.85", "0.82 to 0.88"),
        ("pictures of other units", "0.55", "0.50 to 0.60"),
        ("pictures of noise", "0.52", "0.47 to 0.57"),
    )
    for row in rows:
        place = page.texts.index(row[0])
        assert tuple(page.texts[place : place + 3]) == row
    assert "efficientnet-lite1, efficientnet-lite2" in page.text
    assert "two photos of 1,000 photos" in page.text
    assert "choose the photo that excites a unit in 71 % of cases, and by photos of it in 85 %" in page.text
    datas = [data_of(scored, folder) for folder in (EARLY, LAYER, "logits", "job-ways")]
    flagged = sum(len(data["flags"]) for data in datas)
    shares = sum(share is not None for data in datas for share in data["twoAfc"])
    assert f"{flagged} of {shares} units with scores are flagged ." in page.text
    assert f"{shares} of 99 units have scores; {flagged} are flagged:" in page.text
    for flag, limit in (
        (NOT_PREDICTIVE, "the upper end of 2AFC below 0.55"),
        (OTHER_PATH, "way below 0.33"),
        (FRAGILE, "survival below 0.30"),
        (WEAKER, "strength below 1"),
    ):
        place = page.texts.index(f"{SAID[flag]} ({limit})")
        of_it = sum(flag in (unit["flags"] or ()) for folder in all_folders(scored) for unit in folder)
        assert page.texts[place - 1] == str(of_it)


def all_folders(site: Path) -> list[list[dict[str, Any]]]:
    return [list(units_of(site, folder).values()) for folder in (EARLY, LAYER, "logits", "job-ways")]


def test_every_link_of_a_scored_site_leads_somewhere(scored: Path) -> None:
    assert dead_links(scored, all_pages(scored)) == []


def test_the_one_file_and_the_table_have_them(small: RunFolder, tmp_path: Path) -> None:
    score_unit(small, "edges/channel-0001", 0.75, (WEAKER, FRAGILE))
    options = SiteOptions(single=tmp_path / "one.html", table=True)
    build_site(RunFolder.read(small.path), options)
    one = Page(tmp_path / "one.html").text
    assert one.count("2AFC") == 1
    assert f"2AFC 0.75 (0.62 to 0.88), by photos 0.88. Flagged: {SAID[WEAKER]}; {SAID[FRAGILE]}." in one
    rows = pq.read_table(small.path / "site/units.parquet").to_pylist()
    by_name = {(row["layer"], row["name"]): row for row in rows}
    assert by_name["stem_bn", "1"]["two_afc"] == 0.75
    assert by_name["stem_bn", "1"]["flags"] == [WEAKER, FRAGILE]
    assert (by_name["stem_bn", "0"]["two_afc"], by_name["stem_bn", "0"]["flags"]) == (None, None)


# ---- building again


def test_only_pages_whose_scores_change_are_made_anew(small: RunFolder, tmp_path: Path) -> None:
    site = small.path / "site"
    score_unit(small, "edges/channel-0001")
    score_unit(small, "edges/channel-0002")
    before = times_ns(site)
    site_of(small)
    of_layer = {"build/stem_bn.json", "build/parts/stem_bn/0.json", "d/stem_bn-1.js", "d/stem_bn-1.json"}
    pages = {"index.html", "l/stem_bn/index.html", "u/stem_bn/1.html", "u/stem_bn/2.html"}
    assert changed(before, site) == {*of_layer, *pages}
    before = times_ns(site)
    score_unit(small, "edges/channel-0002", 0.75, (WEAKER,))
    site_of(small)
    assert changed(before, site) == {*of_layer, *pages} - {"u/stem_bn/1.html"}
    before = times_ns(site)
    score_run(small)
    site_of(small)
    assert changed(before, site) == {"index.html"}
    build_site(RunFolder.read(small.path), SiteOptions(out=tmp_path / "fresh"))
    assert contents(site) == contents(tmp_path / "fresh")
    assert changed(times_ns(site_of(small)), site) == set()


def test_scores_of_other_pixels_go_with_their_picture(small: RunFolder) -> None:
    score_unit(small, "edges/channel-0001", 0.75, (WEAKER,))
    unit = unit_of(small, "edges/channel-0001")
    sidecar = small.sidecar(unit)
    scores = small.extra(unit, "scores.json").read_bytes()
    paint_one(small, unit, 33)
    painted = small.sidecar(unit)
    assert sidecar is not None
    assert painted is not None
    small.extra(unit, "scores.json").write_bytes(scores)
    small.json(unit).write_text(replace(painted, extras=sidecar.extras).to_json())
    site = site_of(small)
    assert "trust" not in Page(site / "u/stem_bn/1.html").ids
    assert notes_of(small) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}', '{"version": 1, "two_afc": {"share": 1}}'])
def test_damaged_scores_are_left_out_and_said(small: RunFolder, text: str) -> None:
    for number in (1, 2):
        score_unit(small, f"edges/channel-000{number}")
    for number in (2, 1):
        small.extra(unit_of(small, f"edges/channel-000{number}"), "scores.json").write_text(text)
        [note] = notes_of(small)
        assert "edges/channel-0002" in note
        assert ("edges/channel-0001" in note) is (number == 1)
        assert note.endswith(
            "are damaged and left out; this makes them anew, with the FOLDER that was given before: "
            f"fvcli score {small.path} --images FOLDER"
        )
        overview = Page(small.path / "site/index.html").text
        assert "The scores of edges/channel-000" in overview
        assert "fvcli score RUN --images FOLDER" in overview
    assert "trust" not in Page(small.path / "site/u/stem_bn/2.html").ids
    assert "done" in {unit["status"] for unit in units_of(small.path / "site", "stem_bn").values()}


def test_damaged_means_are_left_out_and_said(small: RunFolder) -> None:
    score_unit(small, "edges/channel-0001", 0.75, (WEAKER,))
    (small.path / "scores.json").write_text('{"version": 1, "photos": "many"}')
    [note] = notes_of(small)
    assert note.startswith("the means of the scores are damaged and left out; this makes them anew")
    assert note.endswith(f"fvcli score {small.path} --images FOLDER")
    page = Page(small.path / "site/index.html")
    assert "1 of 1 unit with scores is flagged ." in page.text
    assert "of cases" not in page.text
    assert f"{SAID[WEAKER]} (strength below 1)" in page.texts


def test_a_copied_run_gives_the_same_bytes(small: RunFolder, tmp_path: Path) -> None:
    score_all(small)
    site = site_of(small)
    shutil.copytree(small.path, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("site"))
    assert contents(site_of(RunFolder.read(tmp_path / "elsewhere"))) == contents(site)


# ---- words


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (0.125, "0.12", 0.12),
        (-0.5, "\u22120.50", -0.5),
        (1.0, "1.00", 1.0),
        (None, "-", None),
        (float("nan"), "-", None),
        (float("inf"), "-", None),
    ],
)
def test_numbers_have_two_decimals(value: float | None, text: str, number: float | None) -> None:
    assert decimal(value) == text
    assert rounded(value) == number


def test_a_flag_of_a_newer_fvcli_is_told_as_it_is(small: RunFolder) -> None:
    assert flag_said("quite_odd") == "quite odd"
    score_unit(small, "edges/channel-0001", 0.75, ("quite_odd",))
    site = site_of(small)
    page = Page(site / "u/stem_bn/1.html")
    assert "Flagged: quite odd." in page.text
    place = page.texts.index("quite odd", page.texts.index("agreement"))
    assert page.texts[place : place + 3] == ["quite odd", "Quite odd.", "Flagged."]
    assert data_of(site, "stem_bn")["flagKinds"] == [["quite_odd", "quite odd"]]
    assert "quite odd (1)" in Page(site / "l/stem_bn/index.html").texts


def test_without_scores_of_units_the_means_are_not_shown(small: RunFolder) -> None:
    score_run(small)
    found = read_run_scores(small.path)
    assert found is not None
    assert overview_trust(collect(small, None, {}), found) is None
