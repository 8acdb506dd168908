"""Programs of calls in the agent's own binary, on this machine, where there is no device to open."""

from __future__ import annotations

import re
import time

import pytest

from usbfuzz.uses import compiled

from .native import Peer


def play(peer: Peer, *program: str, ms: int = 2000, after: int = 100) -> tuple[str, list[tuple[str, int, int]]]:
    """How a program ended, and state, result and count of each of its steps."""
    peer.ask(f"1 feed 7 {compiled(program).hex()}", f"2 use 7 {ms} 0 3 4")
    assert [peer.line(), peer.line()] == ["1 ok", "2 ok"]
    peer.ask(f"3 used 7 {after}")
    how, *lines = peer.data().decode().splitlines()
    steps = [re.fullmatch(r"([-rds]) (-?[0-9]+) ([0-9]+)", line) for line in lines]
    return how, [(step[1], int(step[2]), int(step[3])) for step in steps if step]


def test_calls_run_in_order_and_tell_what_they_returned(peer: Peer) -> None:
    how, steps = play(
        peer,
        "s = socket(1, 2, 0)",
        "other = dup(s)",
        "close(s)",
        'sendto(s, "00 01")',
        "m = mmap(other, 4096, PROT_READ, MAP_PRIVATE, 0)",
        "touch(m)",
    )
    assert how == "ended"
    assert [step[0] for step in steps] == ["d", "d", "d", "d", "d", "s"]
    assert steps[0][1] > 2
    assert steps[1][1] > 2
    assert [step[1] for step in steps[2:5]] == [0, -9, -19]  # EBADF, ENODEV


def test_what_is_not_there_is_passed_over(peer: Peer) -> None:
    how, steps = play(peer, 'fd = open("/dev/nu*", O_RDWR)', "read(fd, 1)", 'n = node("/sys/class/net/*")', "sleep(1)")
    assert how == "ended"
    assert [step[0] for step in steps] == ["s", "s", "s", "d"]


def test_threads_share_what_was_opened_and_repeat(peer: Peer) -> None:
    how, steps = play(
        peer,
        "s = socket(1, 2, 0)",
        "thread",
        'setsockopt(s, 1, 9, "01 00 00 00")',
        "repeat 4 times",
        "thread",
        "sleep(20)",
        "close(s)",
    )
    assert how == "ended"
    assert steps[1] == ("d", 0, 5)
    assert steps[-1] == ("d", 0, 1)


def test_a_program_that_blocks_is_killed_and_says_where(peer: Peer) -> None:
    start = time.monotonic()
    how, steps = play(peer, "s = socket(1, 2, 0)", "recvfrom(s, 64)", "close(s)", ms=50, after=50)
    assert how == "killed"
    assert [step[0] for step in steps] == ["d", "r", "-"]
    assert time.monotonic() - start < 5


def test_without_a_device_nothing_is_held(peer: Peer) -> None:
    how, steps = play(peer, "hold until unplugged", "sleep(1)", "repeat until unplugged")
    assert how == "ended"
    assert [step[0] for step in steps] == ["d", "d", "d"]


def test_what_is_no_whole_program_is_refused(peer: Peer) -> None:
    program = compiled(
        ("s = socket(1, 2, 0)", 'ioctl(s, SIOCSIFFLAGS, name="61", data="00" * 8)', "poll(s, POLLIN, 1)")
    )
    for length in range(len(program)):
        peer.ask(f"1 feed 9 {program[:length].hex() or '00'}", "2 use 9 10 0")
        assert [peer.line(), peer.line()] == ["1 ok", "2 error use: not a program, or no room for one more"]


@pytest.mark.parametrize("line", ["use", "use 5 10 0", "use x 10 0", "used 5 10", "used", "used - 1", "used x 1"])
def test_what_was_not_fed_or_begun_is_an_error(peer: Peer, line: str) -> None:
    peer.ask(f"1 {line}")
    assert peer.line().startswith("1 error use")
