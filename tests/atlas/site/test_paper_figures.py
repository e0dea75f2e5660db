"""Figures for papers."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from fvcli.atlas.site import SiteOptions, build_site
from fvcli.errors import UsageError
from fvcli.media import read_picture
from fvcli.run import RunFolder
from tests.helpers.atlas_runs import EARLY, LATE, LAYER

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"


@pytest.fixture(scope="module")
def figures(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("figures") / "site"
    asked = ("network", EARLY, f"{LAYER}:0", f"{LAYER}:5-7,79", f"{LATE}")
    build_site(run, SiteOptions(out=site, figures=asked))
    return site / "figures"


def parsed(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """Return the pictures and texts of an SVG."""
    root = ElementTree.parse(path).getroot()
    found = [image.attrib[LINK].partition(";base64,")[2] for image in root.iter(f"{SVG}image")]
    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))) for one in found]
    return pixels, ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_a_layer_has_all_its_units_exactly_as_rendered(figures: Path, run: RunFolder) -> None:
    pixels, texts = parsed(figures / f"{EARLY}.svg")
    rendered = [unit for unit in run.plan.units if unit.job == "edges" and unit.name != "channel-0003"]
    assert [picture.tolist() for picture in pixels] == [
        read_picture(run.png(unit)).tolist() for unit in rendered
    ]
    assert texts[0] == EARLY
    assert [text for text in texts if text.isdigit()] == ["0", "1", "3", "4", "5"]
    assert "2 \u201c\u05e9\u05dc\u05d5\u05dd\u201d" in texts
    assert "failed" in texts


def test_a_unit_has_all_its_pictures_and_the_photos(figures: Path) -> None:
    pixels, texts = parsed(figures / f"{LAYER}-0.svg")
    assert len(pixels) == 9 + 20
    assert texts[:5] == [f"{LAYER} 0 \u201cwheels\u201d", "channel", "neuron", "negative", "diversity"]


def test_chosen_units_keep_their_places_and_states(figures: Path) -> None:
    pixels, texts = parsed(figures / f"{LAYER}-5-7_79.svg")
    assert len(pixels) == 2
    assert texts == [LAYER, "dead", "5", "failed", "6", "pending", "7", "79"]
    nothing, texts = parsed(figures / f"{LATE}.svg")
    assert nothing == []
    assert texts.count("pending") == 3


def test_a_png_is_for_print(figures: Path) -> None:
    with Image.open(figures / f"{EARLY}.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert np.asarray(image).std() > 20


def test_the_network_marks_the_layers_of_the_atlas(figures: Path) -> None:
    root = ElementTree.parse(figures / "network.svg").getroot()
    marked = [bar for bar in root.iter(f"{SVG}rect") if bar.attrib["fill"] == "#15528f"]
    titles = ["".join(bar.itertext()) for bar in marked]
    assert titles == [
        "stem_conv, 32 channels",
        "block2_expand_conv, 144 channels",
        "block4_expand_conv, 240 channels",
        "logits, 1000 channels",
    ]
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {EARLY, LATE, LAYER, "logits", "112 \u00d7 112", "vector"} <= set(texts)


def test_the_network_is_a_picture_too(figures: Path) -> None:
    with Image.open(figures / "network.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        pixels = np.asarray(image)
    root = ElementTree.parse(figures / "network.svg").getroot()
    assert image.size[0] == pytest.approx(float(root.attrib["width"]) * 300 / 96, rel=0.1)
    marked = [bar for bar in root.iter(f"{SVG}rect") if bar.attrib["fill"] == "#15528f"]
    area = sum(float(bar.attrib["width"]) * float(bar.attrib["height"]) for bar in marked)
    blue = (pixels == (21, 82, 143)).all(axis=-1).sum()
    assert blue == pytest.approx(area * (300 / 96) ** 2, rel=0.03)
    assert (pixels[[0, -1]] == 255).all()
    assert (pixels[:, [0, -1]] == 255).all()  # nothing is cut off


def test_what_is_not_there_is_said_all_at_once_and_nothing_is_built(run: RunFolder, tmp_path: Path) -> None:
    asked = ("nowhere", f"{LAYER}:3,80", f"{EARLY}:x")
    with pytest.raises(UsageError) as error:
        build_site(run, SiteOptions(out=tmp_path / "site", figures=asked))
    assert error.value.message == (
        "--figure nowhere: nowhere is no layer of the atlas"
        f"; --figure {LAYER}:3,80: the atlas has no unit 80 of {LAYER}"
        f"; --figure {EARLY}:x: the atlas has no unit x of {EARLY}"
    )
    assert error.value.hint is not None
    assert LAYER in error.value.hint
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (f"{LAYER}:3-1", "3-1 ends before it begins"),
        (f"{LAYER}:0-999999999", "1,000,000,000 units, and a figure takes 400"),
        (f"{LAYER}:", f"{LAYER}: is no layer of the atlas"),
    ],
)
def test_ranges_that_make_no_figure_are_refused(
    run: RunFolder, tmp_path: Path, asked: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        build_site(run, SiteOptions(out=tmp_path / "site", figures=(asked,)))
