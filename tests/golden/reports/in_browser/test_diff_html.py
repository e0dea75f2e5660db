"""diff.html in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from fvcli.golden.reports.diff_html import write_diff_html
from tests.helpers.browser import pixels_of, prefer, resize
from tests.helpers.comparisons import HOSTILE, write_picture
from tests.helpers.model_diffs import hostile_diff, model_diff, one_side, unit_diff
from tests.helpers.report_in_browser import (
    colour,
    find,
    focused,
    names,
    open_page,
    outside_the_viewer,
    press,
    state_of,
    texts,
    until,
    wait_for_pictures,
)

OF_A, OF_B = (100, 100, 100), (110, 100, 90)
OPENS_IN_S = 6  # 0.3 s on a laptop; machines of CI are slow and shared
CUT_OFF = """
return [...document.querySelectorAll("html, .text, .pair, .tools, #viewer[open], #viewer-text")]
    .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.className || one.id)"""


@pytest.fixture(scope="module")
def pictures(folder: Path) -> tuple[str, str]:
    return write_picture(folder / "a.png", OF_A), write_picture(folder / "b.png", OF_B)


@pytest.fixture(scope="module")
def report(folder: Path, pictures: tuple[str, str]) -> Path:
    a, b = (one_side(picture) for picture in pictures)
    units = [
        unit_diff("cats/dead", a, one_side(pictures[1], None), 1.0),
        unit_diff("dogs/lost", one_side("/nowhere/lost.png"), b, 0.8),
        unit_diff("cats/one", a, b, 0.75),
        unit_diff("dogs/two", a, b, 0.1, label="Hound"),
        unit_diff("dogs/plain", one_side(pictures[0], 1.0, rank=None), b, 0.0, ranked=None),
    ]
    return write_diff_html(model_diff(*units), folder / "report")


def test_units_stand_in_their_order_with_bars_ranks_and_scores(chrome: Chrome, report: Path) -> None:
    open_page(chrome, report)
    assert names(chrome) == ["cats/dead", "dogs/lost", "cats/one", "dogs/two", "dogs/plain"]
    assert texts(chrome, "article")[0] == (
        "cats/dead changed 1.00 label of dead \N{MIDDLE DOT} mixed4a "
        "shared in A 0.25 rank 3 of 16 shared in B no rise rank 3 of 16 "
        "A's picture B's picture noise score in A 9 3 1 score in B 3 9 1 A B"
    )
    assert "rank" not in texts(chrome, "article")[4].split("shared in B")[0]
    parts = ".gauge-fill", ".gauge"
    widths = [
        chrome.execute_script(f"return document.querySelector('{part}').getBoundingClientRect().width")
        for part in parts
    ]
    assert widths[0] == pytest.approx(0.25 * widths[1], abs=0.5)
    assert texts(chrome, ".frame.lacks") == ["The file lost.png of A is missing."]


def test_both_pictures_stand_side_by_side_and_blink(chrome: Chrome, report: Path) -> None:
    open_page(chrome, report, "q=cats/one")
    wait_for_pictures(chrome)
    frames = chrome.find_elements(By.CSS_SELECTOR, ".one .frame")
    assert [colour(pixels_of(frame)) for frame in frames] == [OF_A, OF_B]
    assert frames[0].location["y"] == frames[1].location["y"]
    assert not find(chrome, ".stack").is_displayed()
    prefer(chrome, prefers_reduced_motion="reduce")
    press(chrome, "d")  # a view that this page does not have
    assert state_of(chrome) == "#q=cats/one"
    press(chrome, "b", "b")
    assert state_of(chrome) == "#q=cats/one&view=blink"
    assert colour(pixels_of(find(chrome, ".stage"))) == OF_B
    assert texts(chrome, ".stack button") == ["B"]


def test_filters_and_keys(chrome: Chrome, report: Path) -> None:
    open_page(chrome, report)
    find(chrome, "#job option[value=dogs]").click()
    assert names(chrome) == ["dogs/lost", "dogs/two", "dogs/plain"]
    press(chrome, Keys.ESCAPE, "/", "o", Keys.ENTER, "j", "j", "k")
    assert focused(chrome) == "dogs/two"
    press(chrome, Keys.ENTER)
    assert texts(chrome, "#viewer-title") == ["dogs/two changed 0.10"]
    press(chrome, "k")
    assert texts(chrome, "#position") == ["1 of 3"]
    press(chrome, Keys.ESCAPE)
    until(chrome, lambda: focused(chrome) == "dogs/lost")
    assert state_of(chrome) == "#job=dogs&q=o"
    find(chrome, "#search").send_keys(" hOUND")
    assert names(chrome) == ["dogs/two"]
    assert texts(chrome, "#found") == ["1 of 5 units"]


@pytest.mark.parametrize("view", ["side", "slider"])
@pytest.mark.parametrize("width", [390, 1280, 1440, 1920, 3840])
def test_large_pictures_are_seen_whole(chrome: Chrome, report: Path, width: int, view: str) -> None:
    resize(chrome, width, 2160 if width == 3840 else 900)
    open_page(chrome, report, f"view={view}&unit=cats/one")
    wait_for_pictures(chrome)
    assert outside_the_viewer(chrome) == []


def test_names_that_try_to_break_out_are_only_text(
    chrome: Chrome, folder: Path, pictures: tuple[str, str]
) -> None:
    a, b = (one_side(picture) for picture in pictures)
    units = [hostile_diff(name, a, b) for name in HOSTILE]
    found = model_diff(*units, remarks=tuple(HOSTILE), a=HOSTILE[0], model_b=HOSTILE[2])
    open_page(chrome, write_diff_html(found, folder / "hostile", budget_bytes=600))
    wait_for_pictures(chrome)
    links = [found.get_attribute("textContent") for found in chrome.find_elements(By.CSS_SELECTOR, "h3 a")]
    assert links == [f"{name}/{name}" for name in HOSTILE]
    strange = "return document.querySelectorAll('img[onerror], img[src=x], article script, b b').length"
    assert chrome.execute_script(strange) == 0
    broken = "return [...document.querySelectorAll('.one img')].filter((one) => !one.naturalWidth).length"
    assert chrome.execute_script(broken) == 0


@pytest.mark.parametrize("width", [390, 1280, 3840])
def test_nothing_is_cut_off_on_small_and_large_screens(chrome: Chrome, report: Path, width: int) -> None:
    resize(chrome, width, 2160 if width == 3840 else 800)
    prefer(chrome, prefers_color_scheme="dark")
    for state in ("", "unit=cats/one", "view=slider"):
        open_page(chrome, report, state)
        wait_for_pictures(chrome)
        assert chrome.execute_script(CUT_OFF) == []


def test_a_page_of_nothing_says_so(chrome: Chrome, folder: Path) -> None:
    open_page(chrome, write_diff_html(model_diff(), folder / "empty"))
    assert texts(chrome, "h1") == ["No unit was compared."]
    assert texts(chrome, ".nothing") == ["There are no units to show."]
    press(chrome, "j", "k", Keys.ENTER, "b", "b")


def test_5000_units_open_quickly_and_are_built_as_one_scrolls(
    chrome: Chrome, folder: Path, pictures: tuple[str, str]
) -> None:
    a, b = (one_side(picture) for picture in pictures)
    units = [unit_diff(f"job-{i // 500}/unit-{i}", a, b, 1 - i / 5000) for i in range(5000)]
    page = write_diff_html(model_diff(*units), folder / "many", budget_bytes=500_000)
    open_page(chrome, page)
    mark = "return performance.getEntriesByName('first units painted')[0]?.startTime"
    until(chrome, lambda: chrome.execute_script(mark))
    assert chrome.execute_script(mark) < 1000 * OPENS_IN_S
    built = "return document.querySelectorAll('article').length"
    assert chrome.execute_script(built) < 100
    find(chrome, "#search").send_keys("unit-4999")
    assert names(chrome) == ["job-9/unit-4999"]
