"""Pages in a headless Chromium: no complaints, nothing sticks out, sorting and filtering, ten thousand rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from usbfuzz.jobs.page.page import Place, render_page
from usbfuzz.jobs.page.read import Whole, read_account
from usbfuzz.jobs.page.write import Report

from .browser import Browser
from .made import campaign, crashes

_ROWS = "[...document.querySelectorAll('#bugs tbody tr')]"
_TITLES = f"{_ROWS}.filter((row) => !row.hidden).map((row) => row.cells[0].textContent)"
_FUNCTIONS = ("wacom_probe", "wacom_open", "a_function_with_a_name_that_is_longer_than_any_column_of_a_table_is_wide")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything on it, compared with another campaign."""
    out, other = (tmp_path_factory.mktemp(name) for name in ("out", "other"))
    campaign(out)
    crashes(out, *_FUNCTIONS)
    campaign(other, samples=5)
    crashes(other, "wacom_close")
    file = out / "page.html"
    file.write_bytes(Report.read(out, other).html(file))
    return file


def _large(page: Path, rows: int) -> Path:
    """A page with so many bugs."""
    whole = read_account(page.parent)
    bug = whole.account.bugs[0]
    many = tuple(evolve(bug, slug=f"{bug.slug}-{n}", title=f"{bug.title}_{n:05}", hits={"k": n}) for n in range(rows))
    details = {each.slug: whole.details[bug.slug] for each in many[:200]}
    file = page.parent / f"{rows}.html"
    file.write_bytes(render_page(Whole(evolve(whole.account, bugs=many), details), Place(file, page.parent)))
    return file


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_fits_its_window_and_the_console_is_silent(
    browser: Browser, page: Path, width: int, *, dark: bool
) -> None:
    tab = browser.open(page, width, dark=dark)
    tab.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.value("document.querySelectorAll('svg.plot').length") == 8
    background = tab.value("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(21, 24, 27)" if dark else "rgb(251, 251, 250)")
    assert tab.complaints == []


def test_a_click_sorts_and_the_field_filters(browser: Browser, page: Path) -> None:
    tab = browser.open(page, 1280)
    tab.value("document.querySelector('#bugs th button').click()")
    first = tab.value(_TITLES)
    tab.value("document.querySelector('#bugs th button').click()")
    assert first == sorted(first)
    assert tab.value(_TITLES) == first[::-1]
    field = "document.querySelector('.filter[data-for=bugs] input')"
    tab.value(f"{{ {field}.value = 'WACOM_op'; {field}.dispatchEvent(new Event('input')); }}")
    assert [title.rpartition(" ")[2] for title in tab.value(_TITLES)] == ["wacom_open"]
    assert tab.value("document.querySelector('.filter output').textContent") == "1 of 3"


def test_a_bug_opens_from_its_row_and_by_its_address(browser: Browser, page: Path) -> None:
    tab = browser.open(page, 1280)
    tab.value("document.querySelector('#bugs tbody a').click()")
    assert tab.value("new Promise((done) => setTimeout(() => done(document.querySelector('#bug-0').open), 100))")
    assert browser.open(page, 1280, fragment="#bug-2").value("document.querySelector('#bug-2').open")


def test_the_policy_stops_what_a_page_must_not_do(browser: Browser, page: Path) -> None:
    tab = browser.open(page, 1280)
    tab.value("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.broken = 1\">')")
    assert tab.value("new Promise((done) => setTimeout(() => done(window.broken), 100))") is None
    assert any("Content Security Policy" in line for line in tab.complaints)


def test_without_scripts_a_page_is_all_there(browser: Browser, page: Path) -> None:
    tab = browser.open(page, 1280, scripts=False)
    assert tab.value(f"{_ROWS}.length") == 3
    assert tab.value("document.querySelector('.filter').hidden")


def test_ten_thousand_bugs_stay_usable(browser: Browser, page: Path) -> None:
    large = _large(page, 10_000)
    assert large.stat().st_size < 16 << 20
    tab = browser.open(large, 1280)
    assert tab.cpu_seconds() < 5  # a tenth of it was measured
    assert tab.value(f"{_ROWS}.length") == 10_000
    assert tab.value(f"{_ROWS}.filter((row) => !row.hidden).length") == 300
    tab.value("document.querySelectorAll('#bugs th button')[4].click()")
    assert tab.value(f"{_ROWS}[0].cells[4].textContent") == "9,999"
    field = "document.querySelector('.filter[data-for=bugs] input')"
    tab.value(f"{{ {field}.value = '_01234'; {field}.dispatchEvent(new Event('input')); }}")
    assert len(tab.value(_TITLES)) == 1
    tab.value(f"{{ {field}.value = ''; {field}.dispatchEvent(new Event('input')); }}")
    tab.value("document.querySelector('.filter[data-for=bugs] button').click()")
    assert tab.value(f"{_ROWS}.filter((row) => !row.hidden).length") == 10_000
    assert tab.complaints == []


def test_without_scripts_a_long_table_is_all_there(browser: Browser, page: Path) -> None:
    tab = browser.open(_large(page, 400), 1280, scripts=False)
    assert tab.value("getComputedStyle(document.querySelector('#bugs tbody').rows[399]).display") == "table-row"
