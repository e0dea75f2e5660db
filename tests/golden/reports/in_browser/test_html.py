"""report.html in a real browser: what is seen, and what mouse and keyboard do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from fvcli.golden.reports.html import write_html
from tests.helpers.browser import pixels_of, prefer, resize
from tests.helpers.comparisons import comparison, unit_result, write_picture
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

GOLDEN, RUN = (100, 100, 100), (110, 100, 90)
DIFFERENCE = (160, 0, 160)  # 16 x |golden - run|
WIDE = 12  # an odd pair: planes side by side
CUT_OFF = """
return [...document.querySelectorAll("html, .text, .pair, .tools, #viewer[open], #viewer-text")]
    .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.className || one.id)"""


@pytest.fixture(scope="module")
def report(folder: Path) -> Path:
    """A page with a unit of each kind, in two jobs."""
    golden, run = (write_picture(folder / f"{i}.png", colour) for i, colour in enumerate((GOLDEN, RUN)))
    wide = write_picture(folder / "wide.png", GOLDEN, 8, 8 * WIDE)
    damaged = folder / "damaged.png"
    damaged.write_bytes(Path(golden).read_bytes()[:40])
    units = [
        unit_result("cats/damaged", "error", golden, str(damaged)),
        unit_result("cats/gone", "missing", golden, None),
        unit_result("cats/one", "diff", golden, run, settings=["render.steps: 32 -> 64"]),
        unit_result("dogs/two", "diff", golden, run, label="Hound, E\u0301pagneul"),
        unit_result("dogs/wide", "close", wide, wide),
        unit_result("dogs/same", "match", golden, golden),
    ]
    return write_html(comparison(*units), folder / "report")


@pytest.fixture
def opened(chrome: Chrome, report: Path) -> Callable[[str], Chrome]:
    """Open the page anew, with what stands after #."""

    def open_at(state: str = "") -> Chrome:
        return open_page(chrome, report, state)

    return open_at


def test_units_stand_worst_first_with_the_reason_and_the_measures(opened: Callable[..., Chrome]) -> None:
    chrome = opened()
    assert names(chrome) == [
        *("cats/damaged", "cats/gone", "cats/one", "dogs/two", "dogs/wide", "dogs/same"),
    ]
    assert texts(chrome, ".section-head h2") == ["error 1", "missing 1", "diff 2", "close 1", "match 1"]
    assert texts(chrome, "article")[2] == (
        "cats/one diff label of one \N{MIDDLE DOT} mixed4a "
        "texture 37.4 % apart (limit 20 %) Decided by: texture, 1.87 times its limit "
        "score -5 % \u2264 20 % "
        "texture 37.4 % beyond the limit \u2264 20 % "
        "structure 0.650 \u2265 0.300 "
        "pixel difference 23.4 of 255 \N{EN DASH} "
        "golden run score 4.5 4.25 "
        "Changed settings render.steps: 32 -> 64 "
        "golden run difference \N{MULTIPLICATION SIGN} 16"
    )
    width = "return document.querySelectorAll('.gauge-fill')[1].getBoundingClientRect().width"
    whole = "return document.querySelectorAll('.gauge')[1].getBoundingClientRect().width"
    assert chrome.execute_script(width) == pytest.approx(1.87 / 2 * chrome.execute_script(whole), abs=0.5)
    assert not chrome.find_elements(By.ID, "plain")


def test_side_by_side_shows_both_pictures_and_their_difference(opened: Callable[..., Chrome]) -> None:
    chrome = opened("q=cats/one")
    wait_for_pictures(chrome)
    shown = [pixels_of(frame) for frame in chrome.find_elements(By.CSS_SELECTOR, ".one .frame, .stage")]
    assert [colour(pixels) for pixels in shown] == [GOLDEN, RUN, DIFFERENCE]


def test_pictures_that_are_not_there_say_so(opened: Callable[..., Chrome]) -> None:
    chrome = opened()
    until(chrome, lambda: len(texts(chrome, ".frame.lacks")) == 2)
    assert set(texts(chrome, ".frame.lacks")) == {
        "The picture cannot be shown: its file is damaged or missing.",
        "The run has no picture.",
    }
    same = chrome.find_elements(By.CSS_SELECTOR, "article")[-1]
    assert len(same.find_elements(By.CSS_SELECTOR, "img")) == 1


def test_the_slider_moves_by_mouse_and_by_keyboard(opened: Callable[..., Chrome]) -> None:
    chrome = opened("q=cats/one&view=slider")
    wait_for_pictures(chrome)
    stage, divider = find(chrome, ".stage"), find(chrome, ".stage input")

    def golden_share() -> float:
        row = (pixels_of(stage)[10] == GOLDEN).all(-1)
        assert not (row[1:] & ~row[:-1])[1:].any()  # the golden is on the left
        return float(row.mean())

    assert golden_share() == pytest.approx(0.5, abs=0.02)
    width = stage.size["width"]
    drag = ActionChains(chrome).move_to_element(divider).click_and_hold()
    drag.move_by_offset(round(width * 0.3), 0).release().perform()
    assert golden_share() == pytest.approx(0.8, abs=0.03)
    assert not chrome.find_elements(By.CSS_SELECTOR, "#viewer[open]")
    press(chrome, Keys.HOME, *[Keys.ARROW_RIGHT] * 10)
    assert golden_share() == pytest.approx(0.1, abs=0.02)
    assert divider.get_attribute("value") == "10"
    assert divider.accessible_name == "golden: how much of it is seen, in percent"


def test_blinking_alternates_and_stops_when_asked(opened: Callable[..., Chrome]) -> None:
    chrome = opened("q=cats/one&view=blink")
    wait_for_pictures(chrome)
    stage, caption = find(chrome, ".stage"), find(chrome, ".stack button")
    seen = set()
    until(chrome, lambda: seen.add(colour(pixels_of(stage))) or len(seen) > 1)
    assert seen == {GOLDEN, RUN}
    press(chrome, "b")  # stops
    stopped = colour(pixels_of(stage)), caption.text
    assert stopped in {(GOLDEN, "golden"), (RUN, "run")}
    time.sleep(0.9)
    assert (colour(pixels_of(stage)), caption.text) == stopped
    caption.click()  # shows the other
    other = {"golden": (RUN, "run"), "run": (GOLDEN, "golden")}[stopped[1]]
    assert (colour(pixels_of(stage)), caption.text) == other


def test_nothing_blinks_for_who_prefers_less_motion(opened: Callable[..., Chrome], chrome: Chrome) -> None:
    prefer(chrome, prefers_reduced_motion="reduce")
    opened("q=cats/one&view=blink")
    showing = "return document.documentElement.dataset.showing"
    time.sleep(0.9)
    assert chrome.execute_script(showing) == "first"
    press(chrome, "b")
    assert chrome.execute_script(showing) == "second"


def test_the_difference_view_is_black_where_pictures_are_equal(opened: Callable[..., Chrome]) -> None:
    chrome = opened("view=difference")
    wait_for_pictures(chrome)
    stages = {
        card.find_element(By.CSS_SELECTOR, "h3 a").text: card.find_element(By.CSS_SELECTOR, ".stage")
        for card in chrome.find_elements(By.CSS_SELECTOR, "article:has(.stage)")
    }
    assert colour(pixels_of(stages["dogs/two"])) == DIFFERENCE
    assert colour(pixels_of(stages["dogs/wide"])) == (0, 0, 0)
    height = stages["dogs/wide"].size["height"]
    assert stages["dogs/wide"].size["width"] == pytest.approx(WIDE * height, rel=0.05)


def test_filters_stand_in_the_address_and_come_back_from_it(opened: Callable[..., Chrome]) -> None:
    chrome = opened()
    find(chrome, "[data-status=diff]").click()
    assert names(chrome) == ["cats/one", "dogs/two"]
    assert find(chrome, "[data-status=diff]").get_attribute("aria-pressed") == "true"
    find(chrome, "[data-status=close]").click()
    assert names(chrome) == ["cats/one", "dogs/two", "dogs/wide"]
    find(chrome, "#job option[value=dogs]").click()
    assert names(chrome) == ["dogs/two", "dogs/wide"]
    find(chrome, "#search").send_keys("ÉPAGNEUL hound")
    assert names(chrome) == ["dogs/two"]
    assert find(chrome, "#found").text == "1 of 6 units"
    state = state_of(chrome)
    assert state == "#status=diff,close&job=dogs&q=%C3%89PAGNEUL%20hound"
    opened(state[1:])
    assert names(chrome) == ["dogs/two"]
    assert find(chrome, "#search").get_attribute("value") == "ÉPAGNEUL hound"
    find(chrome, "[data-status='']").click()
    find(chrome, "#search").send_keys(" nothing")
    assert texts(chrome, ".nothing") == ["No unit passes these filters. Show all units"]
    find(chrome, ".nothing button").click()
    assert len(names(chrome)) == 6
    assert state_of(chrome) == ""


def test_everything_can_be_done_by_keyboard(opened: Callable[..., Chrome]) -> None:
    chrome = opened()
    press(chrome, "j", "j", "j", "k")
    assert focused(chrome) == "cats/gone"
    press(chrome, "/", "cats", Keys.ESCAPE)
    assert (len(names(chrome)), state_of(chrome), focused(chrome)) == (6, "", "search")
    press(chrome, "dogs", Keys.ENTER)
    assert names(chrome) == ["dogs/two", "dogs/wide", "dogs/same"]
    assert focused(chrome) == "dogs/two"
    press(chrome, Keys.ENTER)
    assert state_of(chrome) == "#q=dogs&unit=dogs/two"
    for key, view in {"s": "slider", "b": "blink", "d": "difference", "2": "side"}.items():
        press(chrome, key)
        assert find(chrome, "html").get_attribute("data-view") == view
        assert find(chrome, "#viewer-views input:checked").get_attribute("value") == view
    press(chrome, "?")
    assert find(chrome, "#help").is_displayed()
    press(chrome, Keys.ESCAPE)
    assert not find(chrome, "#help").is_displayed()
    press(chrome, "j")
    assert texts(chrome, "#viewer-title") == ["dogs/wide close"]
    assert texts(chrome, "#position") == ["2 of 3"]
    press(chrome, Keys.ARROW_RIGHT, "j")  # there are no more
    assert texts(chrome, "#viewer-title") == ["dogs/same match"]
    assert find(chrome, "#next").get_attribute("aria-disabled") == "true"
    press(chrome, "k", Keys.ESCAPE)
    assert not find(chrome, "#viewer").is_displayed()
    assert focused(chrome) == "dogs/wide"
    assert state_of(chrome) == "#q=dogs"


def test_a_unit_can_be_linked(opened: Callable[..., Chrome]) -> None:
    chrome = opened("unit=cats/one&view=difference")
    wait_for_pictures(chrome)
    assert texts(chrome, "#viewer-title") == ["cats/one diff"]
    stage = find(chrome, "#viewer .stage")
    assert colour(pixels_of(stage)) == DIFFERENCE
    assert stage.size["width"] > 400  # large
    assert texts(chrome, "#viewer-text .both tbody th") == [
        "score",
        "steps",
        "size",
        "state",
        "seconds",
        "key",
    ]
    find(chrome, "#next").click()
    assert state_of(chrome) == "#view=difference&unit=dogs/two"
    find(chrome, "#close").click()
    until(chrome, lambda: state_of(chrome) == "#view=difference")
    chrome.execute_script("location.hash = 'unit=cats/nobody&view=nonsense&status=nonsense'")
    until(chrome, lambda: texts(chrome, "#found") == ["There is no unit cats/nobody."])
    assert find(chrome, "html").get_attribute("data-view") == "side"
    find(chrome, "article h3 a").click()
    assert texts(chrome, "#viewer-title") == ["cats/damaged error"]


@pytest.mark.parametrize("width", [390, 1280, 3840])
@pytest.mark.parametrize("view", ["side", "slider"])
def test_nothing_is_cut_off_on_small_and_large_screens(
    opened: Callable[..., Chrome], chrome: Chrome, width: int, view: str
) -> None:
    resize(chrome, width, 2160 if width == 3840 else 800)
    prefer(chrome, prefers_color_scheme="dark")
    opened(f"view={view}")
    for state in (f"view={view}", f"view={view}&unit=cats/one"):
        chrome.execute_script(f"location.hash = '{state}'")
        until(chrome, lambda: chrome.execute_script("return document.readyState") == "complete")
        assert chrome.execute_script(CUT_OFF) == []
    background = "return getComputedStyle(document.body).backgroundColor"
    assert chrome.execute_script(background) == "rgb(22, 22, 24)"


@pytest.mark.parametrize("view", ["side", "slider", "blink", "difference"])
@pytest.mark.parametrize("width", [390, 1280, 1440, 1920, 3840])
def test_large_pictures_are_seen_whole(
    opened: Callable[..., Chrome], chrome: Chrome, width: int, view: str
) -> None:
    resize(chrome, width, 2160 if width == 3840 else 900)
    for unit in ("cats/one", "cats/gone", "dogs/wide"):
        opened(f"view={view}&unit={unit}")
        wait_for_pictures(chrome)
        assert outside_the_viewer(chrome) == []


def test_what_has_the_focus_is_not_below_the_filters(opened: Callable[..., Chrome], chrome: Chrome) -> None:
    resize(chrome, 1280, 400)
    opened()
    press(chrome, *"jjjjj", *"kk")
    assert focused(chrome) == "cats/one"
    bar, card = (find(chrome, one).rect for one in (".tools", "article:focus"))
    scrolled = chrome.execute_script("return scrollY")
    assert scrolled > 0
    assert card["y"] - scrolled >= bar["height"]


def test_no_difference_is_drawn_of_what_could_not_be_compared(opened: Callable[..., Chrome]) -> None:
    chrome = opened("view=difference&status=error,missing")
    assert names(chrome) == ["cats/damaged", "cats/gone"]
    assert not chrome.find_elements(By.CSS_SELECTOR, ".stage")
    assert [one.is_displayed() for one in chrome.find_elements(By.CSS_SELECTOR, ".one")] == [True] * 4


def operable_in(chrome: Chrome) -> list[dict[str, Any]]:
    """Return what stands in the accessibility tree and can be operated."""
    tree = chrome.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {"button", "textbox", "searchbox", "combobox", "radio", "slider", "link", "dialog", "img"}
    return [node for node in tree if node.get("role", {}).get("value") in roles and not node["ignored"]]


def test_all_that_can_be_operated_has_a_name_and_a_visible_focus(opened: Callable[..., Chrome]) -> None:
    chrome = opened("view=slider")
    chrome.execute_cdp_cmd("Accessibility.enable", {})
    # The tree is made beside the page, and may not be there at once.
    operable = WebDriverWait(chrome, 20).until(
        lambda chrome: len(found := operable_in(chrome)) > 20 and found
    )
    assert [node for node in operable if not node.get("name", {}).get("value")] == []
    press(chrome, "j", Keys.TAB)
    outline = "return getComputedStyle(document.activeElement).outlineWidth"
    assert chrome.execute_script(outline) == "2px"
