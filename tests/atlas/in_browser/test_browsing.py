"""A site with a mouse: from page to page, finding, sorting, the map, addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from tests.helpers.atlas_runs import EARLY, LAYER
from tests.helpers.browser import pixels_of, resize
from tests.helpers.report_in_browser import find, until
from tests.helpers.site_in_browser import (
    CHAPTER,
    OVERVIEW,
    UNIT,
    data_of,
    now_at,
    now_shown,
    open_page,
    path_of,
    shown,
    write,
)


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
        ("1,3", [1, 3]),
        ("70-72, 3, 0007", [3, 7, 70, 71, 72]),
        (f"{LAYER} 3", [3]),
        ("Block4 2,10-11", [2, 10, 11]),
        ("block4_expand_bn:12", [12]),
        ("block5 3", []),
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


def test_below_the_tiles_stands_what_they_are_sorted_by(chrome: Chrome, site: Path) -> None:
    data = data_of(site, LAYER)
    open_page(chrome, site, CHAPTER)
    values = "return [...document.querySelectorAll('#tiles .value')].map((one) => one.textContent)"
    assert chrome.execute_script(values) == []
    sort = Select(find(chrome, "#sort"))
    for way, first, last, said in (
        ("score", "6.5", "no score", "score"),
        ("sparse", "1 %", "not known", "all places in all photos"),
        ("class", "cats", "no class", "most frequent class"),
    ):
        sort.select_by_value(way)
        until(chrome, lambda said=said: said in find(chrome, "#sorted").text)  # type: ignore[misc]
        written = chrome.execute_script(values)
        assert (len(written), written[0], written[-1]) == (80, first, last)
    assert max(data["scores"][i] or 0 for i in range(80)) == 6.5
    assert min(one for one in data["density"] if one is not None) == 0.01
    sort.select_by_value("similar")
    until(chrome, lambda: "alike" in find(chrome, "#sorted").text)
    assert chrome.execute_script(values) == []
    find(chrome, "#clear").click()
    until(chrome, lambda: find(chrome, "#sorted").text == "")


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_filters_and_clearing_them_do_not_move_the_tiles(chrome: Chrome, site: Path, width: int) -> None:
    resize(chrome, width, 900)
    open_page(chrome, site, CHAPTER)
    top = find(chrome, "#tiles").rect["y"]
    assert not find(chrome, "#clear").is_enabled()
    write(chrome, "#search", "10-19")
    now_shown(chrome, [*range(10, 20)])
    assert find(chrome, "#tiles").rect["y"] == top
    assert find(chrome, "#clear").is_enabled()
    find(chrome, "#clear").click()
    now_shown(chrome, [*range(80)])
    assert find(chrome, "#tiles").rect["y"] == top
    assert not find(chrome, "#clear").is_enabled()


def test_the_class_filter_says_what_it_knows(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, CHAPTER)
    assert find(chrome, "#class").get_attribute("placeholder") == "of its 20 top photos"
    options = "return [...document.querySelectorAll('#classes option')].map((one) => one.value)"
    assert chrome.execute_script(options) == ["cats", "dogs", "flowers"]


def test_the_overview_finds_layers_and_units_of_a_layer(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, OVERVIEW)
    for text, count, layers in (
        (f"{LAYER} 3", "1 unit.", []),
        ("stem_bn 1,3", "2 units.", []),
        ("BLOCK", "0 units.", ["block2_expand_bn", LAYER]),
        ("expand_bn 1-2", "4 units.", []),
    ):
        write(chrome, "#search", text)
        until(chrome, lambda count=count: find(chrome, "#found-count").text == count)  # type: ignore[misc]
        found = chrome.find_elements(By.CSS_SELECTOR, "#found-layers a")
        assert [one.text for one in found if one.is_displayed()] == layers
    write(chrome, "#search", "block4")
    until(chrome, lambda: len(chrome.find_elements(By.CSS_SELECTOR, "#found-layers a")) == 1)
    find(chrome, "#found-layers a").click()
    now_at(chrome, site, CHAPTER)


def test_the_files_of_photos_are_listed(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, UNIT)
    files = find(chrome, "#fig-5 .files")
    assert not files.is_displayed()
    find(chrome, "#fig-5 summary").click()
    until(chrome, files.is_displayed)
    lines = [one.text.split() for one in files.find_elements(By.TAG_NAME, "li")]
    assert len(lines) == 20
    assert all(name.startswith("cats/") and name.endswith(".jpg") for _, name in lines)
    first = find(chrome, "#fig-5 .cells li")
    assert [find(chrome, "#fig-5 .value").text, first.get_attribute("title")] == lines[0]
