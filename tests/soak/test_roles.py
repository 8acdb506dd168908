"""Which process of a campaign is what."""

from __future__ import annotations

from attrs import evolve

from usbfuzz.jobs.bench.processes import Running
from usbfuzz.jobs.bench.soak.roles import Role, Roster

_WORKER = ("python", "-m", "usbfuzz.jobs.campaign.worker", "1")
_GENERATOR = ("python", "-m", "usbfuzz.jobs.campaign.generator", "{}", "10")
_QEMU = ("/usr/bin/qemu-system-x86_64", "-nodefaults")


def _process(pid: int, parent: int, words: tuple[str, ...], started: float = 0.0) -> Running:
    return Running(pid, parent, started or pid, 1, zombie=False, words=words)


_CAMPAIGN = (
    _process(1, 0, ("python", "-m", "usbfuzz", "fuzz")),
    _process(10, 1, _WORKER),
    _process(11, 1, _WORKER),
    _process(12, 10, _GENERATOR),
    _process(13, 11, _QEMU),
    _process(14, 1, ("python", "-m", "usbfuzz.jobs.page.live", "out", "page.html", "10")),
)


def _roles(roster: Roster, *processes: Running) -> dict[int, tuple[Role, int]]:
    return {member.process.pid: (member.role, member.lane) for member in roster.members(1, processes)}


def test_the_processes_of_a_campaign_are_told_by_what_they_run_and_who_started_them() -> None:
    assert _roles(Roster(), *_CAMPAIGN) == {
        1: (Role.SUPERVISOR, -1),
        10: (Role.WORKER, 0),
        11: (Role.WORKER, 1),
        12: (Role.GENERATOR, 0),
        13: (Role.QEMU, 1),
        14: (Role.PAGE, -1),
    }


def test_a_worker_takes_the_lane_of_the_one_that_died() -> None:
    roster = Roster()
    _roles(roster, *_CAMPAIGN)
    found = _roles(roster, _CAMPAIGN[0], _CAMPAIGN[2], _process(20, 1, _WORKER))
    assert found[11] == (Role.WORKER, 1)
    assert found[20] == (Role.WORKER, 0)


def test_what_is_about_to_become_qemu_and_what_its_worker_left_behind_are_none() -> None:
    starting = _process(30, 10, ("nice", "-n", "5", "chrt", "--batch", "0", *_QEMU))
    orphan = _process(31, 0, _QEMU)
    forked = _process(32, 10, _WORKER)
    loaded = _process(33, 10, ("/lib64/ld-linux-x86-64.so.2", "--library-path", "/x", *_QEMU))
    ended = evolve(_process(34, 10, ()), zombie=True)
    found = _roles(Roster(), *_CAMPAIGN[:3], starting, orphan, forked, loaded, ended)
    assert found.keys() == {1, 10, 11, 33}
    assert found[33] == (Role.QEMU, 0)
