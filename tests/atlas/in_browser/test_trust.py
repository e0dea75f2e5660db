"""Scores in a browser: units are sorted by them, and flagged ones are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from fvcli.run.remarks import FRAGILE, NOT_PREDICTIVE, OTHER_PATH, SAID, WEAKER
from tests.helpers.atlas_runs import LAYER
from tests.helpers.browser import resize
from tests.helpers.report_in_browser import find, press, until
from tests.helpers.site_in_browser import (
    CHAPTER,
    OVERVIEW,
    UNIT,
    data_of,
    now_at,
    now_shown,
    open_page,
    path_of,
)

VALUES = """
const shown = [...document.querySelectorAll("#tiles li:not([hidden]) .value")];
return shown.map((one) => one.textContent)"""
WIDTH = "return document.documentElement.scrollWidth"


def by_share(data: dict[str, Any]) -> list[int]:
    """Return all units, those with the greatest shares first and those without at the end."""
    shares = data["twoAfc"]
    return sorted(range(len(shares)), key=lambda i: 1.0 if shares[i] is None else -shares[i])


def flagged_in(data: dict[str, Any], flag: str = "") -> list[int]:
    kinds = [name for name, _ in data["flagKinds"]]
    return [
        int(i) for i, flags in data["flags"].items() if not flag or flag in [kinds[kind] for kind in flags]
    ]


def test_units_are_sorted_by_share_and_filtered_by_flags(chrome: Chrome, site: Path) -> None:
    data = data_of(site, LAYER)
    scored = [i for i in range(80) if data["twoAfc"][i] is not None]
    open_page(chrome, site, CHAPTER)
    Select(find(chrome, "#sort")).select_by_value("2afc")
    order = by_share(data)
    now_shown(chrome, order)
    assert set(order[-2:]) == {6, 7}  # they have no picture
    values = chrome.execute_script(VALUES)
    best = max(data["twoAfc"][i] for i in scored)
    assert values[0].removesuffix(", flagged") == f"{best:.2f}"
    assert values[-1] == "not scored"
    assert "0.5 is chance" in find(chrome, "#sorted").text
    state = Select(find(chrome, "#state"))
    for value, units in (
        ("flagged", flagged_in(data)),
        ("unflagged", [i for i in scored if i not in flagged_in(data)]),
        *((flag, flagged_in(data, flag)) for flag in (NOT_PREDICTIVE, WEAKER, OTHER_PATH, FRAGILE)),
    ):
        assert units
        state.select_by_value(value)
        now_shown(chrome, [i for i in order if i in units])
        assert all(one.endswith("flagged") is (value != "unflagged") for one in chrome.execute_script(VALUES))
    find(chrome, "#clear").click()
    now_shown(chrome, [*range(80)])
    assert chrome.execute_script(VALUES) == []


def test_an_address_keeps_sort_and_flag(chrome: Chrome, site: Path) -> None:
    data = data_of(site, LAYER)
    open_page(chrome, site, CHAPTER, f"#sort=2afc&state={FRAGILE}")
    order = sorted(flagged_in(data, FRAGILE), key=lambda i: -data["twoAfc"][i])
    for _ in range(2):
        now_shown(chrome, order)
        assert find(chrome, "#state").get_property("value") == FRAGILE
        chrome.refresh()
    find(chrome, "#state").send_keys(Keys.HOME)  # with keys alone
    now_shown(chrome, by_share(data))
    assert path_of(chrome, site) == f"{CHAPTER}#sort=2afc"
    open_page(chrome, site, CHAPTER, "#state=nothing_like_this")
    now_shown(chrome, [*range(80)])


def test_a_quick_look_says_share_and_flags(chrome: Chrome, site: Path) -> None:
    open_page(chrome, site, CHAPTER, "#u-12")
    find(chrome, "#u-12 a").send_keys(" ")
    until(chrome, find(chrome, "#look").is_displayed)
    said = find(chrome, "#look p").text
    assert f"2AFC {data_of(site, LAYER)['twoAfc'][12]:.2f}" in said
    assert all(SAID[flag] in said for flag in (WEAKER, NOT_PREDICTIVE, OTHER_PATH, FRAGILE))
    press(chrome, Keys.ESCAPE)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_flags_of_a_unit_lead_to_its_numbers_and_those_to_the_whole(
    chrome: Chrome, site: Path, width: int
) -> None:
    resize(chrome, width, 900)
    open_page(chrome, site, UNIT)
    remark = find(chrome, "p.remark")
    assert remark.is_displayed()
    assert SAID[NOT_PREDICTIVE] in remark.text
    assert find(chrome, "section.pictures").rect["y"] > remark.rect["y"]
    remark.find_element(By.TAG_NAME, "a").click()
    until(chrome, lambda: chrome.current_url.endswith("#trust"))
    find(chrome, ".trust summary").click()
    table = find(chrome, ".trust .wide")
    until(chrome, table.is_displayed)
    assert chrome.execute_script(WIDTH) <= width
    assert len(table.find_elements(By.CSS_SELECTOR, "tbody tr")) == 9
    numbers = chrome.find_elements(By.CSS_SELECTOR, ".numbers .number")
    assert len({one.rect["x"] for one in numbers}) == 1
    find(chrome, ".trust .lead a").click()
    now_at(chrome, site, OVERVIEW)
    until(chrome, lambda: chrome.current_url.endswith("#trust"))
    assert find(chrome, ".trust table").is_displayed()
    assert chrome.execute_script(WIDTH) <= width
