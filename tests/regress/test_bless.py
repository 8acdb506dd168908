"""What cells showed is recorded in their files, and nothing else there changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.case.anything import EXPECTATIONS, cases
from usbfuzz.case import dumps, load, loads
from usbfuzz.case.model import Case, Expectation
from usbfuzz.errors import BootError, StorageError
from usbfuzz.jobs.regress.bless import bless, learned, with_expectation, write_expectations
from usbfuzz.jobs.regress.matrix import Matrix, Observation

from .cells import KERNEL, OOPS, cell, column, entry, report, seen

TEXT = """\
# A comment of the user's.
format = 1

[[device]]
name   =   "mouse"   # oddly spaced
device = "12 01  # not a comment of TOML"

[[expect]]   # seen by hand
kernel = "debian:5.10.223-1"
title = "WARNING in f"

[provenance]
notes = "[[expect]] in a text is no table"
"""


def _learned(*runs: Observation, expect: tuple[Expectation, ...] = ()) -> Expectation | None:
    return learned(cell(entry(*expect), column(), *runs))


def test_two_clean_runs_that_agree_are_what_to_expect() -> None:
    odd, usual = seen(drivers=(), log=("x",), userspace=()), seen(userspace=("1.0 net: up",))
    expected = Expectation(KERNEL, "", drivers=("1.0 usbhid",), log=(), userspace=("1.0 net: up",))
    assert _learned(usual, odd, usual) == expected


def test_behaviour_that_no_two_runs_share_is_not_recorded() -> None:
    assert _learned(seen(), seen(drivers=())) == Expectation(KERNEL, "", log=())
    expected = Expectation(KERNEL, "", drivers=("1.0 usbhid",), log=())
    assert _learned(seen(userspace=()), seen(userspace=("1.0 net: up",))) == expected


def test_a_crash_is_recorded_with_all_its_names_and_how_often_it_came() -> None:
    oops = evolve(report(), alt_titles=("bad-access in qt2_read_bulk_callback",))
    expected = Expectation(KERNEL, OOPS, ("bad-access in qt2_read_bulk_callback",), reliability=66)
    assert _learned(seen(oops), seen(), seen(oops)) == expected


def test_a_crash_that_is_recorded_keeps_its_name() -> None:
    known = Expectation(KERNEL, "an old name", (OOPS,))
    assert _learned(seen(report()), seen(report()), seen(report()), expect=(known,)) == known


def test_a_crash_that_is_gone_becomes_harmless() -> None:
    row = _learned(seen(), seen(), expect=(Expectation(KERNEL, OOPS),))
    assert row is not None
    assert row.title == ""


def test_a_row_recorded_for_a_series_stays_one() -> None:
    row = _learned(seen(), seen(), expect=(Expectation("debian:6.1", OOPS),))
    assert row is not None
    assert row.kernel == "debian:6.1"


def test_a_cell_that_could_not_run_teaches_nothing() -> None:
    assert learned(cell(entry(), column(error=BootError("no")))) is None
    assert _learned(seen(trusted=False)) is None


def test_everything_else_of_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "mouse.toml"
    path.write_text(TEXT)
    row = Expectation("debian:6.1.192-2", "", drivers=("1.0 usbhid", "hid hid-generic"), log=())
    assert write_expectations(path, [row])
    new = path.read_text()
    added = """\
[[expect]]
kernel = "debian:6.1.192-2"
title = ""
drivers = [
    "1.0 usbhid",
    "hid hid-generic",
]
log = []

"""
    assert new == TEXT.replace("[provenance]", f"{added}[provenance]")
    assert not write_expectations(path, [row])


def test_the_row_of_a_kernel_is_replaced_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mouse.toml"
    path.write_text(TEXT)
    assert write_expectations(path, [Expectation("debian:5.10.223-1", "", drivers=(), log=())])
    assert "# seen by hand" in path.read_text()
    assert load(path).expect == (Expectation("debian:5.10.223-1", "", drivers=(), log=()),)


def test_blessing_writes_the_files_of_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "mouse.toml"
    path.write_text(TEXT)
    row, one, other = (
        evolve(entry(), path=path, case=load(path)),
        column(),
        column("debian:5.10.223-1", "debian:5.10.223"),
    )
    matrix = Matrix((row,), (one, other), (cell(row, one, seen(), seen()), cell(row, other, seen(), seen())))
    assert bless(matrix) == (path,)
    assert [(item.kernel, item.title) for item in load(path).expect] == [("debian:5.10.223-1", ""), (KERNEL, "")]


def test_a_file_that_cannot_be_written_is_one_clear_error_and_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "mouse.toml"
    path.write_text(TEXT)
    with pytest.MonkeyPatch.context() as patch:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr("os.fsync", full)
        with pytest.raises(StorageError, match="No space left"):
            write_expectations(path, [Expectation("k", "")])
    assert path.read_text() == TEXT
    assert list(tmp_path.iterdir()) == [path]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(cases(), st.lists(EXPECTATIONS, max_size=3))
def test_whatever_the_case_it_is_the_same_but_for_what_is_expected(
    tmp_path: Path, case: Case, rows: list[Expectation]
) -> None:
    path = tmp_path / "case.toml"
    path.write_text(dumps(case), newline="")
    before = loads(path.read_text())
    write_expectations(path, rows)
    for row in rows:
        before = with_expectation(before, row)
    assert load(path) == before
