"""The site of a run in a real browser: from files and from a server, with mouse and keys, in every width."""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.helpers.atlas_runs import EARLY, LAYER, site_of, whole_run
from tests.helpers.browser import browser, complaints, pixels_of, prefer, requests_elsewhere, resize
from tests.helpers.report_in_browser import find, press, until

OVERVIEW, CHAPTER, UNIT = "index.html", f"l/{LAYER}/index.html", f"u/{LAYER}/0.html"
KINDS = (OVERVIEW, CHAPTER, UNIT)
SHOWN = "return [...document.querySelectorAll('#tiles li:not([hidden])')].map((one) => one.dataset.n)"
TOO_WIDE = """
const seen = [...document.querySelectorAll("body *:not(.pic *, .skip, .hidden, .hidden *)")];
const outside = seen.filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
return [document.documentElement.scrollWidth > innerWidth, outside.map((one) => one.outerHTML)]"""
SOME_LOADED = "return [...document.images].some((one) => one.complete && one.naturalWidth)"
NOT_LOADED = """
const seen = [...document.images].filter((one) => one.getBoundingClientRect().width);
return seen.filter((one) => !one.complete || !one.naturalWidth).map((one) => one.src)"""
INJECTED = """
const one = document.createElement("script");
one.textContent = "window.ran = 1";
document.body.append(one)"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_of(whole_run(tmp_path_factory.mktemp("atlas of #1 & 50 %")))


@pytest.fixture(scope="module")
def started() -> Iterator[Chrome]:
    with browser() as chrome:
        yield chrome


@pytest.fixture
def chrome(started: Chrome) -> Iterator[Chrome]:
    """A browser as if it was new; afterwards it must have had nothing to complain of."""
    resize(started, 1280, 900)
    prefer(started)
    yield started
    started.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert complaints(started) == []
    assert [url for url in requests_elsewhere(started) if not url.startswith("http://127.0.0.1")] == []
    started.execute_script("try { localStorage.clear() } catch {}")


def open_page(chrome: Chrome, site: Path, name: str, state: str = "") -> None:
    chrome.get("about:blank")  # another state alone does not load the page again
    chrome.get((site / name).as_uri() + state)


def shown(chrome: Chrome) -> list[int]:
    return [int(number) for number in chrome.execute_script(SHOWN)]


def now_shown(chrome: Chrome, numbers: list[int]) -> None:
    until(chrome, lambda: shown(chrome) == numbers)


def path_of(chrome: Chrome, site: Path) -> str:
    return chrome.current_url.removeprefix(f"{site.as_uri()}/")


def now_at(chrome: Chrome, site: Path, name: str) -> None:
    until(chrome, lambda: path_of(chrome, site).partition("#")[0] == name)
    until(chrome, lambda: chrome.execute_script("return document.readyState") == "complete")


def focused(chrome: Chrome) -> str:
    script = "const one = document.activeElement; return one.id || one.closest('li')?.id || one.tagName"
    return chrome.execute_script(script)


def data_of(site: Path, folder: str) -> dict[str, Any]:
    text = (site / f"d/{folder}-1.js").read_text()
    return json.loads(text[text.index("(") + 1 : text.rindex(")")])


def write(chrome: Chrome, selector: str, text: str) -> None:
    box = find(chrome, selector)
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(text or Keys.BACKSPACE)


# ---- with a mouse


def test_one_goes_from_the_overview_to_a_unit_and_back(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, OVERVIEW)
    find(chrome, f"#layers h3 a[href='{CHAPTER}']").click()
    now_at(chrome, site, CHAPTER)
    assert find(chrome, "h1").text == LAYER
    assert len(shown(chrome)) == 80
    find(chrome, "#u-30 a").click()
    now_at(chrome, site, f"u/{LAYER}/30.html")
    assert find(chrome, "#fig-1 img").get_property("naturalWidth") == 64
    find(chrome, "header nav a:last-child").click()
    now_at(chrome, site, CHAPTER)
    assert find(chrome, "#u-30 a").get_property("tabIndex") == 0  # where one comes from
    chrome.back()
    now_at(chrome, site, f"u/{LAYER}/30.html")
    find(chrome, "a[rel=next]").click()
    now_at(chrome, site, f"u/{LAYER}/31.html")


def test_units_are_filtered_by_text_number_range_state_and_class(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, CHAPTER)
    for text, numbers in (
        ("wheels", [0]),
        ("WHEELS", [0]),
        ("5", [5]),
        ("0007", [7]),
        ("10-13", [10, 11, 12, 13]),
        ("right", [1]),
        ("nothing like this", []),
        ("cats", [0, 3, 6, 9]),
        ("", [*range(80)]),
    ):
        write(chrome, "#search", text)
        now_shown(chrome, numbers)
        assert find(chrome, "#count").text == f"{len(numbers)} of 80 shown"
        assert find(chrome, "#none").is_displayed() == (not numbers)
    state = Select(find(chrome, "#state"))
    state.select_by_value("other")
    now_shown(chrome, [5, 6, 7])
    state.select_by_value("alive")
    now_shown(chrome, [i for i in range(80) if i not in {5, 6, 7}])
    write(chrome, "#class", "dogs\t")
    now_shown(chrome, [1, 4, 10])
    assert "class=dogs" in chrome.current_url
    find(chrome, "#clear").click()
    now_shown(chrome, [*range(80)])
    assert path_of(chrome, site) == f"{CHAPTER}#"


def test_units_are_sorted_by_score_and_likeness(chrome: Chrome, site: Path) -> None:
    data = data_of(site, LAYER)
    open_page(chrome, site, CHAPTER)
    sort = Select(find(chrome, "#sort"))
    sort.select_by_value("score")
    scores = [-1.0 if one is None else one for one in data["scores"]]
    now_shown(chrome, sorted(range(80), key=lambda i: -scores[i]))
    sort.select_by_value("similar")
    now_shown(chrome, sorted(range(80), key=lambda i: data["rank"][i]))
    sort.select_by_value("sparse")
    now_shown(chrome, [*range(11, -1, -1), *range(12, 80)])
    sort.select_by_value("class")
    until(chrome, lambda: shown(chrome)[:4] == [0, 3, 6, 9])
    sort.select_by_value("index")
    now_shown(chrome, [*range(80)])


def test_a_click_on_the_map_opens_the_unit_that_stands_there(chrome: Chrome, site: Path) -> None:
    data = data_of(site, EARLY)
    open_page(chrome, site, f"l/{EARLY}/index.html")
    find(chrome, "#map-button").click()
    canvas = find(chrome, "#map canvas")
    until(chrome, lambda: canvas.is_displayed() and pixels_of(canvas).std() > 20)
    assert "map=1" in chrome.current_url
    columns = data["map"]["columns"]
    column, row = data["map"]["places"][2 * 4 : 2 * 4 + 2]
    box = canvas.rect
    side = box["width"] / columns
    x, y = (column + 0.5) * side - box["width"] / 2, (row + 0.5) * side - box["height"] / 2
    to_it = ActionChains(chrome).move_to_element_with_offset(canvas, x, y)
    to_it.perform()
    until(chrome, lambda: find(chrome, "#map-caption").text.startswith("Unit 4"))
    ActionChains(chrome).click().perform()
    now_at(chrome, site, f"u/{EARLY}/4.html")


def test_an_address_keeps_sort_filter_and_size_when_it_is_loaded_again(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, CHAPTER, "#q=10-19&sort=score&state=alive&size=168")
    scores = data_of(site, LAYER)["scores"]
    expected = sorted(range(10, 20), key=lambda i: -scores[i])
    for _ in range(2):
        now_shown(chrome, expected)
        assert find(chrome, "#search").get_property("value") == "10-19"
        assert find(chrome, "#sort").get_property("value") == "score"
        assert find(chrome, "#u-10 .pic").rect["width"] == 168
        chrome.refresh()
    find(chrome, "#smaller").click()
    until(chrome, lambda: find(chrome, "#u-10 .pic").rect["width"] == 112)
    assert path_of(chrome, site) == f"{CHAPTER}#q=10-19&sort=score&state=alive"


def test_the_overview_searches_all_units(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, OVERVIEW)
    write(chrome, "#search", "3")
    until(chrome, lambda: find(chrome, "#found-count").text == "3 units.")  # of two layers and a job
    assert not find(chrome, "#layers").is_displayed()
    write(chrome, "#search", "daisy")
    until(chrome, lambda: find(chrome, "#found-count").text == "1 unit.")
    assert "logits" in find(chrome, "#found").text
    chrome.refresh()
    until(chrome, lambda: find(chrome, "#found-count").text == "1 unit.")
    find(chrome, "#found-tiles a").click()
    now_at(chrome, site, "u/logits/985.html")


# ---- with keys


def test_the_tiles_are_one_stop_and_arrows_move_among_them(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, CHAPTER)
    stops = "return [...document.querySelectorAll('#tiles a')].filter((one) => one.tabIndex === 0).length"
    assert chrome.execute_script(stops) == 1
    chrome.execute_script("document.getElementById('map-button').focus()")
    press(chrome, Keys.TAB)
    assert focused(chrome) == "u-0"
    across = chrome.execute_script(
        "return getComputedStyle(document.getElementById('tiles')).gridTemplateColumns.split(' ').length"
    )
    assert across == 10
    for key, at in (
        (Keys.ARROW_RIGHT, 1),
        (Keys.ARROW_DOWN, 11),
        (Keys.END, 19),
        (Keys.ARROW_RIGHT, 20),
        (Keys.ARROW_LEFT, 19),
        (Keys.HOME, 10),
        (Keys.ARROW_UP, 0),
        (Keys.ARROW_UP, 0),
        (Keys.ARROW_LEFT, 0),
    ):
        press(chrome, key)
        assert focused(chrome) == f"u-{at}", key
    for key, at in ((Keys.END, 79), (Keys.HOME, 0)):
        ActionChains(chrome).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()
        assert focused(chrome) == f"u-{at}"
    assert chrome.execute_script(stops) == 1
    press(chrome, Keys.TAB)
    assert not focused(chrome).startswith("u-")


def test_space_looks_and_escape_comes_back_and_enter_opens(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, CHAPTER, "#u-2")
    find(chrome, "#u-2 a").send_keys(" ")
    look = find(chrome, "#look")
    until(chrome, look.is_displayed)
    assert find(chrome, "#look p").text.startswith(f"{LAYER} 2")
    until(chrome, lambda: find(chrome, "#look img").get_property("naturalWidth") == 64)
    press(chrome, Keys.ESCAPE)
    until(chrome, lambda: not look.is_displayed())
    assert focused(chrome) == "u-2"
    find(chrome, "#u-6 a").send_keys(" ")  # there is nothing to look at
    assert not look.is_displayed()
    press(chrome, Keys.ENTER)
    now_at(chrome, site, f"u/{LAYER}/6.html")


def test_letters_search_show_the_map_and_the_keys_until_they_are_switched_off(
    chrome: Chrome, site: Path
) -> None:
    page = f"l/{EARLY}/index.html"
    open_page(chrome, site, page)
    press(chrome, "/")
    assert focused(chrome) == "search"
    press(chrome, "m?")  # a text now
    assert find(chrome, "#search").get_property("value") == "m?"
    open_page(chrome, site, page)
    press(chrome, "m")
    until(chrome, find(chrome, "#map").is_displayed)
    press(chrome, "m")
    until(chrome, lambda: not find(chrome, "#map").is_displayed())
    press(chrome, "+")
    until(chrome, lambda: "size=168" in chrome.current_url)
    press(chrome, "?")
    until(chrome, find(chrome, "#keys").is_displayed)
    assert "quick look" in find(chrome, "#keys").text
    find(chrome, "#letters").click()
    press(chrome, Keys.ESCAPE)
    open_page(chrome, site, page)
    press(chrome, "m?/")
    assert not find(chrome, "#map").is_displayed()
    assert not find(chrome, "#keys").is_displayed()
    assert focused(chrome) == "BODY"
    find(chrome, "#help").click()
    find(chrome, "#letters").click()
    press(chrome, Keys.ESCAPE, "m")
    until(chrome, find(chrome, "#map").is_displayed)


def test_keys_on_the_page_of_a_unit(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, f"u/{LAYER}/10.html")
    press(chrome, Keys.ARROW_RIGHT)
    now_at(chrome, site, f"u/{LAYER}/11.html")
    press(chrome, Keys.ARROW_LEFT)
    now_at(chrome, site, f"u/{LAYER}/10.html")
    press(chrome, "r")
    until(chrome, lambda: path_of(chrome, site) != f"u/{LAYER}/10.html")
    assert path_of(chrome, site).startswith(f"u/{LAYER}/")
    open_page(chrome, site, f"u/{LAYER}/10.html")
    press(chrome, "s")
    until(chrome, lambda: find(chrome, "#copy").text == "Copied")
    press(chrome, "u")
    now_at(chrome, site, CHAPTER)


# ---- widths, light, print, without scripts


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_nothing_is_wider_than_the_screen(chrome: Chrome, site: Path, width: int) -> None:
    resize(chrome, width, 844 if width < 400 else 900)
    for name in (*KINDS, f"u/{LAYER}/6.html", "l/job-ways/index.html"):
        open_page(chrome, site, name)
        assert chrome.execute_script(TOO_WIDE) == [False, []], name
    open_page(chrome, site, CHAPTER)
    lefts = [find(chrome, f"#u-{i}").rect["x"] for i in range(24)]
    a_row = next((i for i in range(1, 24) if lefts[i] <= lefts[i - 1]), 24)
    last = find(chrome, f"#u-{a_row - 1} .pic").rect
    assert a_row == {390: 3, 1280: 10, 2560: 20}[width]
    assert last["x"] + last["width"] <= width - 16 + 1


def test_small_controls_are_large_enough_for_fingers(chrome: Chrome, site: Path) -> None:
    resize(chrome, 390, 844)
    for name in KINDS:
        open_page(chrome, site, name)
        controls = chrome.find_elements(By.CSS_SELECTOR, "main .tools *, header button, .near a")
        for one in controls:
            if one.tag_name in {"button", "select", "input", "a"} and one.is_displayed():
                assert one.rect["height"] >= 44, (name, one.get_attribute("outerHTML"))


def brightness(chrome: Chrome) -> float:
    return float(np.median(pixels_of(find(chrome, "header"))))


def test_pages_are_dark_or_light_as_the_system_and_as_the_button_says(chrome: Chrome, site: Path) -> None:
    for scheme, low, high in (("light", 240, 256), ("dark", 0, 40)):
        prefer(chrome, prefers_color_scheme=scheme)
        for name in KINDS:
            open_page(chrome, site, name)
            assert low <= brightness(chrome) < high, name
    find(chrome, "#theme").click()  # of the last page, which is dark
    until(chrome, lambda: brightness(chrome) > 240)
    for name in KINDS:
        open_page(chrome, site, name)
        assert brightness(chrome) > 240, name
    assert find(chrome, "#theme").text == "Dark"


def test_without_scripts_all_pages_are_reached_and_no_control_is_shown(chrome: Chrome, site: Path) -> None:
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    chrome.get((site / OVERVIEW).as_uri())
    links = {one.get_dom_attribute("href") for one in chrome.find_elements(By.CSS_SELECTOR, "main a")}
    assert {f"l/{folder}/index.html" for folder in (EARLY, LAYER, "logits", "job-ways")} <= links
    assert not find(chrome, "#search").is_displayed()
    find(chrome, f"#layers h3 a[href='{CHAPTER}']").click()
    assert len(chrome.find_elements(By.CSS_SELECTOR, "#tiles a")) == 80
    for selector in ("#search", "#sort", "#theme", "#map-button", "#help", "#clear", "#map"):
        assert not find(chrome, selector).is_displayed(), selector
    find(chrome, "#u-0 a").click()
    assert path_of(chrome, site) == UNIT
    assert not find(chrome, "#copy").is_displayed()
    assert find(chrome, "#spec").text.startswith("version: 1")
    find(chrome, "a[rel=next]").click()
    assert path_of(chrome, site) == f"u/{LAYER}/1.html"


def test_in_another_page_the_frame_is_left_out(chrome: Chrome, site: Path) -> None:
    for name in KINDS:
        open_page(chrome, site, name, "?embed")
        assert not find(chrome, "header").is_displayed(), name
        assert not find(chrome, "footer").is_displayed(), name
        assert find(chrome, "main").is_displayed()


def test_pages_are_printed_without_controls(chrome: Chrome, site: Path) -> None:
    for name in KINDS:
        open_page(chrome, site, name)
        printed = chrome.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"]
        content = base64.b64decode(printed)
        assert content.startswith(b"%PDF")
        assert len(content) > 20_000, name
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        for selector in ("header", "#search", "#sort", "#copy", "dialog"):
            found = chrome.find_elements(By.CSS_SELECTOR, selector)
            assert not any(one.is_displayed() for one in found), (name, selector)
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_pictures_are_there_and_photos_can_be_darkened(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, UNIT)
    resize(chrome, 1280, 6000)
    until(chrome, lambda: chrome.execute_script(NOT_LOADED) == [])
    assert len(chrome.find_elements(By.CSS_SELECTOR, "#fig-5 > .cells li")) == 20
    assert len(chrome.find_elements(By.CSS_SELECTOR, "#fig-5 .group")) == 11
    photo = find(chrome, "#fig-5 .photo")
    before = pixels_of(photo).mean()
    find(chrome, "#where").click()
    until(chrome, lambda: pixels_of(photo).mean() < 0.6 * before)


# ---- from a server


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_from_a_server_everything_works_as_well(chrome: Chrome, site: Path, address: str) -> None:
    for name in KINDS:
        chrome.get(f"{address}/{name}")
        until(chrome, lambda: chrome.execute_script(SOME_LOADED))
    chrome.get(f"{address}/{CHAPTER}#sort=score")
    until(chrome, lambda: shown(chrome)[:1] != [0])
    find(chrome, "#map-button").click()
    until(chrome, lambda: pixels_of(find(chrome, "#map canvas")).std() > 20)
    key = data_of(site, LAYER)["pictures"][12]
    chrome.get(f"{address}/k/{key}.html")
    until(chrome, lambda: chrome.current_url == f"{address}/u/{LAYER}/12.html#fig-1")


def test_the_policy_lets_nothing_in(chrome: Chrome, site: Path, address: str) -> None:
    chrome.get(f"{address}/{OVERVIEW}")
    complaints(chrome)
    chrome.execute_script(INJECTED)
    chrome.execute_script("new Image().src = 'http://example.invalid/a.png'")
    assert chrome.execute_script("return window.ran") is None
    said = complaints(chrome)
    assert len(said) == 2
    assert all("Content Security Policy" in one for one in said)
    assert requests_elsewhere(chrome)[-1] == "http://example.invalid/a.png"  # which was not sent


# ---- for everybody

AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"], preload: false}).then((found) => done(found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => [one.id, one.help, one.nodes.slice(0, 3).map((node) => [node.html.slice(0, 200),
        (node.any[0] || node.all[0] || node.none[0] || {}).message])])))"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, which finds what people cannot read or reach."""
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.fail(
            "axe-core is needed: pip install --no-deps axe-playwright-python (scripts/setup-venv test)"
        )
    return (Path(found.origin).parent / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chrome: Chrome, site: Path, axe: str, scheme: str) -> None:
    prefer(chrome, prefers_color_scheme=scheme)
    for name in (*KINDS, f"u/{LAYER}/6.html"):
        open_page(chrome, site, name)
        chrome.execute_script(axe)
        assert chrome.execute_async_script(AXE) == [], name
    open_page(chrome, site, CHAPTER, "#map=1")
    until(chrome, find(chrome, "#map canvas").is_displayed)
    press(chrome, "?")
    chrome.execute_script(axe)
    assert chrome.execute_async_script(AXE) == []


# ---- odd states


def test_a_search_keeps_what_is_being_typed_and_the_skip_link_keeps_the_search(
    chrome: Chrome, site: Path
) -> None:
    open_page(chrome, site, CHAPTER)
    write(chrome, "#search", "wheels ")
    now_shown(chrome, [0])
    until(chrome, lambda: "q=wheels" in chrome.current_url)
    chrome.execute_async_script("setTimeout(arguments[0], 300)")
    assert find(chrome, "#search").get_attribute("value") == "wheels "
    chrome.execute_script("document.querySelector('a.skip').click()")
    chrome.execute_async_script("setTimeout(arguments[0], 300)")
    assert chrome.current_url.endswith("#tiles")
    assert shown(chrome) == [0]


@pytest.mark.parametrize("state", ["#u-%", "#map=1", "#sort=nothing&size=9", "#q=%E0%A4%A"])
def test_an_odd_address_shows_all_units_and_keys_work(chrome: Chrome, site: Path, state: str) -> None:
    open_page(
        chrome, site, f"l/{EARLY}/index.html" if state != "#map=1" else "l/block2_expand_bn/index.html", state
    )
    until(chrome, lambda: len(shown(chrome)) > 0 or "q=" in state)
    assert not find(chrome, "#map").is_displayed()
    press(chrome, "?")
    assert find(chrome, "#keys-list div")
    assert find(chrome, "#keys").get_attribute("open") is not None


def test_a_copied_link_and_spec_are_said_and_buttons_keep_their_words(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, UNIT)
    for selector, words in (("#copy", "Copy the spec"), ("#copy-link", "Copy the link")):
        button = find(chrome, selector)
        button.click()
        until(chrome, lambda: find(chrome, "#said").get_property("textContent") == "Copied")
        button.click()
        until(chrome, lambda button=button, words=words: button.text == words)  # type: ignore[misc]
        assert find(chrome, "#said").get_property("textContent") == ""
