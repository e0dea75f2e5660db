"""report.html in a real browser: hostile names, lost pictures, no units, thousands of units."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from fvcli.golden.reports.html import write_html
from fvcli.golden.results import UnitResult
from tests.helpers.browser import complaints, pixels_of, resize
from tests.helpers.comparisons import HOSTILE, comparison, hostile_unit, unit_result, write_picture
from tests.helpers.report_in_browser import (
    colour,
    find,
    names,
    open_page,
    press,
    texts,
    until,
    wait_for_pictures,
)

GOLDEN, RUN = (100, 100, 100), (110, 100, 90)
OPENS_IN_S = 6  # 0.3 s on a laptop; machines of CI are slow and shared


def test_names_that_try_to_break_out_are_only_text(chrome: Chrome, folder: Path) -> None:
    pictures = [write_picture(folder / f"hostile/{i}.png", c) for i, c in enumerate((GOLDEN, RUN))]
    units = [hostile_unit(name, pictures[0], pictures[1]) for name in HOSTILE]
    page = write_html(comparison(*units, remarks=tuple(HOSTILE)), folder / "hostile", budget_bytes=600)
    open_page(chrome, page)
    wait_for_pictures(chrome)
    shown = chrome.execute_script(
        "return [...document.querySelectorAll('article')].map((one) => one.unit.path)"
    )
    assert shown == [f"{name}/{name}" for name in HOSTILE]
    links = [found.get_attribute("textContent") for found in chrome.find_elements(By.CSS_SELECTOR, "h3 a")]
    assert links == shown
    strange = "return document.querySelectorAll('img[onerror], img[src=x], article script, b b').length"
    assert chrome.execute_script(strange) == 0
    assert len(chrome.find_elements(By.CSS_SELECTOR, ".notes li")) == len(HOSTILE)
    for name in HOSTILE:
        open_page(chrome, page, f"unit={quote(f'{name}/{name}')}")
        title = find(chrome, "#viewer-title").get_attribute("textContent")
        assert title == f"{name}/{name} diff"
    broken = "return [...document.querySelectorAll('.one img')].filter((one) => !one.naturalWidth).length"
    wait_for_pictures(chrome)
    assert chrome.execute_script(broken) == 0


def test_a_picture_beside_the_page_is_shown_until_it_is_lost(chrome: Chrome, folder: Path) -> None:
    picture = write_picture(folder / "beside.png", GOLDEN)
    page = write_html(comparison(unit_result("a/x", "match", picture, picture)), folder / "beside", 0)
    open_page(chrome, page)
    wait_for_pictures(chrome)
    assert colour(pixels_of(find(chrome, ".frame"))) == GOLDEN
    (page.parent / "pictures/00000-golden-a-x.png").unlink()
    open_page(chrome, page)
    until(chrome, lambda: texts(chrome, ".frame.lacks"))
    lost = (
        "The picture cannot be shown: pictures/00000-golden-a-x.png beside this page is damaged or missing."
    )
    assert texts(chrome, ".frame.lacks") == [lost]
    assert ["ERR_FILE_NOT_FOUND" in message for message in complaints(chrome)] == [True]


def test_lost_pictures_are_not_shown_as_equal(chrome: Chrome, folder: Path) -> None:
    golden, run = (write_picture(folder / f"pair/{i}.png", c) for i, c in enumerate((GOLDEN, RUN)))
    page = write_html(comparison(unit_result("a/x", "diff", golden, run)), folder / "lost", 0)
    (page.parent / "pictures/00000-run-a-x.png").unlink()
    open_page(chrome, page, "view=difference")
    until(chrome, lambda: chrome.find_elements(By.CSS_SELECTOR, ".pair.unpaired"))
    assert not find(chrome, ".stage").is_displayed()
    assert [one.is_displayed() for one in chrome.find_elements(By.CSS_SELECTOR, ".one")] == [True] * 2
    assert complaints(chrome)


def test_a_report_of_nothing_says_so(chrome: Chrome, folder: Path) -> None:
    open_page(chrome, write_html(comparison(drift=None), folder / "empty"))
    assert texts(chrome, "h1") == ["Pass. No unit was compared."]
    assert texts(chrome, ".nothing") == ["There are no units to show."]
    assert texts(chrome, "#found") == ["0 units"]
    press(chrome, "j", "k", Keys.ENTER, "b", "b")


def many(folder: Path, count: int) -> list[UnitResult]:
    golden, run = (write_picture(folder / f"many/{i}.png", c) for i, c in enumerate((GOLDEN, RUN)))
    return [unit_result(f"job-{i // 500}/unit-{i}", "diff", golden, run) for i in range(count)]


def test_5000_units_open_quickly_and_are_built_as_one_scrolls(chrome: Chrome, folder: Path) -> None:
    page = write_html(comparison(*many(folder, 5000)), folder / "many", budget_bytes=500_000)
    open_page(chrome, page)
    mark = "return performance.getEntriesByName('first units painted')[0]?.startTime"
    until(chrome, lambda: chrome.execute_script(mark))
    assert chrome.execute_script(mark) < 1000 * OPENS_IN_S
    built = "return document.querySelectorAll('article').length"
    assert chrome.execute_script(built) < 100
    chrome.execute_script("scrollTo(0, document.body.scrollHeight)")
    until(chrome, lambda: chrome.execute_script(built) >= 32)
    chrome.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert 300 <= chrome.execute_script(built) < 350
    find(chrome, "#search").send_keys("unit-4999")
    assert names(chrome) == ["job-9/unit-4999"]
    open_page(chrome, page, "unit=job-9/unit-4998")
    assert texts(chrome, "#position") == ["4999 of 5000"]


def test_a_large_screen_is_filled_without_scrolling(chrome: Chrome, folder: Path) -> None:
    resize(chrome, 3840, 2160)
    picture = write_picture(folder / "same.png", GOLDEN)
    units = [unit_result(f"job/{i}", "match", picture, picture) for i in range(400)]
    open_page(chrome, write_html(comparison(*units), folder / "same"))
    until(chrome, lambda: chrome.execute_script("return document.querySelectorAll('article').length") > 180)
    chrome.execute_script("location.hash = 'q=job/399'")  # and after the end of the list was reached
    until(chrome, lambda: names(chrome) == ["job/399"])
    chrome.execute_script("location.hash = ''")
    until(chrome, lambda: chrome.execute_script("return document.querySelectorAll('article').length") > 180)
