"""Looks at processes, as lines of a file, and what is told from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from usbfuzz.jobs.bench.soak.looks import Glance, Seen, journal_of, line_of, read_glances, rows
from usbfuzz.jobs.bench.soak.plan import Wanted
from usbfuzz.jobs.bench.soak.roles import Role

_MIB = 1 << 20


def _glance(role: Role, memory: int, *, pid: int = 1, descriptors: int = 20) -> Glance:
    return Glance(role, -1 if role is Role.SUPERVISOR else 0, pid, 1.0, 1.0, memory, descriptors, 4)


def test_looks_are_read_as_they_were_written_a_last_one_that_was_cut_off_left_out(tmp_path: Path) -> None:
    wanted = Wanted("debian:5.10.223-1", 60, 0, 1, 1, tmp_path)
    journal = journal_of(wanted)
    journal.open(new=True)
    both = [_glance(Role.SUPERVISOR, 90 * _MIB), _glance(Role.QEMU, 200 * _MIB, pid=2)]
    journal.append(line_of(1.0, both, 3, {"x": 7}))
    journal.append(line_of(2.0, [_glance(Role.SUPERVISOR, 91 * _MIB)], 4, {"x": 8}))
    journal.close(done=False)
    with wanted.looks.open("a") as file:
        file.write('{"at": 3.0, "of": [["super')
    seen = read_glances(journal_of(wanted))
    assert seen is not None
    assert [(at, each.role, each.memory // _MIB) for at, each in seen.glances] == [
        (1.0, Role.SUPERVISOR, 90),
        (1.0, Role.QEMU, 200),
        (2.0, Role.SUPERVISOR, 91),
    ]
    assert seen.cases == ((1.0, 3), (2.0, 4))
    assert [look.value for look in seen.sizes["x"]] == [7, 8]
    assert (seen.begin, seen.end, seen.last) == (1.0, 1.0, 2.0)  # a guest runs: what comes before and after is no soak


def test_looks_of_other_campaigns_are_none(tmp_path: Path) -> None:
    journal = journal_of(Wanted("debian:5.10.223-1", 60, 0, 1, 1, tmp_path))
    journal.open(new=True)
    journal.close(done=False)
    assert read_glances(journal_of(Wanted("debian:6.1", 60, 0, 1, 1, tmp_path))) is None


def _seen(seconds: int, a_second: float, leaked: float = 0.0, cases: int = 10) -> Seen:
    """A supervisor, and a guest whose QEMU grows by so much each second; so many cases are run in one."""
    looks = []
    for at in range(0, seconds, 5):
        looks.append((float(at), _glance(Role.SUPERVISOR, 90 * _MIB, descriptors=20 + int(leaked * at))))
        looks.append((float(at), _glance(Role.QEMU, 200 * _MIB + int(a_second * at), pid=2)))
    return Seen(tuple(looks), tuple((float(at), cases * at) for at in range(0, seconds, 5)))


def test_a_row_tells_what_grew() -> None:
    supervisor, qemu = rows(_seen(7200, a_second=4096))
    assert supervisor.findings == []
    (finding,) = qemu.findings
    assert finding.startswith("QEMU of lane 0: memory grew by")


def test_descriptors_that_are_never_closed_are_growth() -> None:
    supervisor, _ = rows(_seen(7200, a_second=0, leaked=0.001))
    assert supervisor.findings == ["supervisor: descriptors grew from 21 to 26"]


@pytest.mark.parametrize(("seconds", "cases"), [(300, 100), (595, 100), (1200, 0)])
def test_nothing_is_judged_before_ten_minutes_and_the_first_cases(seconds: int, cases: int) -> None:
    for row in rows(_seen(seconds, a_second=10 * _MIB, leaked=1, cases=cases)):
        assert not row.judged
        assert row.findings == []
