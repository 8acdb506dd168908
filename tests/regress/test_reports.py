"""The matrix as table, JUnit XML, HTML page and JSON; what guests and files said in it is hostile."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from usbfuzz.case.model import Expectation
from usbfuzz.errors import BootError, CaseError, GuestError, KernelError
from usbfuzz.jobs.regress.data import to_json
from usbfuzz.jobs.regress.junit import junit
from usbfuzz.jobs.regress.matrix import Matrix, Status
from usbfuzz.jobs.regress.page import page
from usbfuzz.jobs.regress.table import WIDTH, render
from usbfuzz.jobs.regress.words import topics

from .cells import KERNEL, OOPS, cell, column, entry, report, seen

HOSTILE = "</script><script>alert(1)</script> & \x1b[2J \x00 \ufffe ]]> '\" \N{RIGHT-TO-LEFT OVERRIDE}"
TEXT = st.text(max_size=40) | st.just(HOSTILE)


def matrix(title: str = OOPS, log: str = "usb 1-1: words", name: str = "mouse") -> Matrix:
    """Every status once, on three kernels of which one cannot be had."""
    good, other, absent = column(), column("debian:6.12.117-1", "debian:6.12"), column(error=KernelError(f"no: {log}"))
    harmless, crashes = Expectation(KERNEL, "", drivers=("1.0 usbhid",), log=()), Expectation(KERNEL, title)
    rows = tuple(entry(row, name=f"{name}-{n}") for n, row in enumerate((harmless, crashes, crashes, harmless)))
    broken = evolve(entry(name="broken"), case=None, error=CaseError(f"broken.toml:2: {log}"))
    crash = seen(evolve(report(title), text=f"{log}\nModules linked in: a b\n c d\nRIP: 0010:f\n" + "x\n" * 100))
    cells = [
        *(cell(rows[0], good, seen()), cell(rows[0], other, seen())),
        *(cell(rows[1], good, crash), cell(rows[1], other, crash)),
        *(cell(rows[2], good, seen()), cell(rows[2], other, error=GuestError(f"took too long {log}"))),
        *(cell(rows[3], good, seen(log=(log,))), cell(rows[3], other, error=BootError(log))),
        *(cell(broken, good), cell(broken, other)),
    ]
    cells = [
        compared
        for pair in range(0, len(cells), 2)
        for compared in (*cells[pair : pair + 2], cell(cells[pair].entry, absent))
    ]
    return Matrix((*rows, broken), (good, other, absent), tuple(cells), seconds=12.3)


def table(of: Matrix) -> str:
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    console.print(render(of))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_has_a_row_a_case_and_fits_its_width() -> None:
    text = table(matrix())
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    (row,) = [line for line in lines if "mouse-1 " in line and "│" in line]
    assert [word.strip() for word in row.strip("│").split("│")] == ["mouse-1", "✓ ok crash", "✗ crash", "! error"]
    assert lines[-1] == "5 cases on 3 kernels: 2 ok, 1 new, 1 crash, 1 gone, 1 changed, 9 error; 12 s"


def test_five_kernels_with_long_names_fit_too() -> None:
    columns = tuple(column(f"debian:{n}.12.117-1~bpo13+1") for n in range(5))
    row = entry(name="a-case-with-a-rather-long-name-that-says-it-all")
    text = table(Matrix((row,), columns, tuple(cell(row, column, seen()) for column in columns)))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("· new") == 5


def test_what_user_space_no_longer_sees_stands_in_every_report() -> None:
    row = entry(Expectation(KERNEL, "", userspace=("1.2 sound capture rates: 48000",)))
    on = column()
    of = Matrix((row,), (on,), (cell(row, on, seen(userspace=())),))
    change = "userspace: 1.2 sound capture rates: 48000 → none"
    for text in (table(of), junit(of).decode(), page(of).decode()):
        assert change in text
    (told,) = json.loads(to_json(of))["cells"]
    assert told["details"] == [change]
    assert told["userspace"] == []


def test_below_the_table_each_difference_has_title_place_and_command() -> None:
    text = table(matrix())
    crash = text[text.index("✗ mouse-1 on debian:6.12.117-1") :]
    assert OOPS in crash
    assert "nothing is recorded for this kernel" in crash
    assert "look at: in qt2_read_bulk_callback drivers/usb/serial/quatech2.c [quatech2]" in crash
    assert "usbfuzz replay mouse.toml --kernel debian:6.12" in crash
    assert "Modules linked in" not in text
    assert "log: + usb 1-1: words" in text


def test_a_broken_file_and_an_absent_kernel_are_told_once() -> None:
    text = table(matrix())
    assert text.count("broken.toml:2:") == 1
    assert text.count("no: usb 1-1: words") == 1
    assert sum(topic.status is Status.ERROR for topic in topics(matrix())) == 4


def test_nothing_a_guest_says_moves_the_terminals_cursor() -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", table(matrix(HOSTILE, HOSTILE)))


def test_junit_has_a_suite_a_kernel_and_counts_what_it_holds() -> None:
    root = ET.fromstring(junit(matrix()))
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == [KERNEL, "debian:6.12.117-1", "debian:6.1"]
    for counted in (root, *root):
        assert int(counted.get("tests", "")) == len(counted.findall(".//testcase"))
        assert int(counted.get("failures", "")) == len(counted.findall(".//failure"))
        assert int(counted.get("errors", "")) == len(counted.findall(".//error"))
        assert float(counted.get("time", "")) >= 0
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("15", "3", "9")


def test_junit_has_only_what_ci_systems_know() -> None:
    children = {
        "testsuites": {"testsuite"},
        "testsuite": {"properties", "testcase"},
        "properties": {"property"},
        "testcase": {"failure", "error", "system-out"},
    }
    required = {"testsuite": {"name", "tests", "failures", "errors", "skipped", "time"}, "property": {"name", "value"}}
    required |= {
        "testcase": {"name", "classname", "time"},
        "failure": {"message", "type"},
        "error": {"message", "type"},
    }
    for element in ET.fromstring(junit(matrix())).iter():
        assert {child.tag for child in element} <= children.get(element.tag, set())
        assert required.get(element.tag, set()) <= set(element.keys())
    (failure,) = [
        element for element in ET.fromstring(junit(matrix())).iter("failure") if element.get("type") == "crash"
    ]
    assert failure.get("message") == OOPS
    assert "usbfuzz replay" in (failure.text or "")


class Tags(HTMLParser):
    """Checks nesting, and collects what a browser would load or run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        self.anchors |= {f"#{value}" for name, value in attrs if name == "id"}
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(of: Matrix) -> Tags:
    tags = Tags()
    tags.feed(page(of).decode())
    tags.close()
    assert tags.open == []
    return tags


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    text = page(matrix()).decode()
    assert text.startswith("<!doctype html>")
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|url\(|@import|<script|<link|<img|<iframe", text)
    assert OOPS in text


def test_each_link_of_the_page_leads_to_a_difference_on_it() -> None:
    tags = parsed(matrix())
    assert set(tags.links) == tags.anchors
    assert len(tags.links) == 12


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=15)
@given(TEXT, TEXT, TEXT)
def test_hostile_words_stay_words_in_every_report(title: str, log: str, name: str) -> None:
    of = matrix(title, log, name)
    assert "script" not in parsed(of).seen
    ET.fromstring(junit(of))
    assert json.loads(to_json(of))["exit_status"] == of.exit_code
    assert "\x1b" not in to_json(of)


def test_json_has_every_cell() -> None:
    document = json.loads(to_json(matrix()))
    assert len(document["cells"]) == 15
    assert {row["status"] for row in document["cells"]} == {"ok", "new", "crash", "gone", "changed", "error"}
    (known,) = [row for row in document["cells"] if (row["case"], row["kernel"]) == ("mouse-1", KERNEL)]
    assert (known["title"], known["expected"], known["runs"]) == (OOPS, OOPS, [{"title": OOPS, "seconds": 0.1}])


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ([cell(entry(), column(), seen())], 0),
        ([cell(entry(), column(), seen(report()))], 1),
        ([cell(entry(), column(), seen(report())), cell(entry(), column(error=BootError("no")))], 3),
        ([cell(entry(), column(error=KernelError("no")))], 2),
        ([cell(evolve(entry(), error=CaseError("no")), column())], 2),
        ([cell(entry(), column(), error=GuestError("late"))], 3),
    ],
)
def test_the_exit_status_is_that_of_the_error_tree_before_that_of_a_difference(
    cells: list[object], status: int
) -> None:
    assert Matrix((), (), tuple(cells)).exit_code == status  # type: ignore[arg-type]


def test_a_file_name_cannot_become_a_command() -> None:
    row = entry(path=Path("a; rm -rf ~/$(x).toml"))
    text = table(Matrix((row,), (column(),), (cell(row, column(), seen(report())),)))
    assert "usbfuzz replay 'a; rm -rf ~/$(x).toml' --kernel debian:6.1" in text
