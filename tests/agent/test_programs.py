"""Programs that the guest agent runs, without a guest: arguments, input, output, and their end."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from .native import Peer


def test_a_program_gets_its_arguments_as_they_are_and_says_how_it_ended(peer: Peer) -> None:
    assert peer.run("printf", "%s|", "a b", "", "$HOME", "\xe9\n") == (0, "a b||$HOME|\xe9\n|".encode())
    assert peer.run("sh", "-c", "echo out; echo err >&2; exit 3") == (3, b"out\nerr\n")
    assert peer.run("sh", "-c", "kill -TERM $$") == (-15, b"")


def test_a_program_that_does_not_exist_is_127(peer: Peer) -> None:
    assert peer.run("no-such-program") == (127, b"no-such-program: No such file or directory\n")


#: Every signal, also the two the C library does not let a program set; 13 is rt_sigaction, 1 SIG_IGN.
IGNORING_ALL = """
import ctypes, os, sys
ignore = (ctypes.c_ulong * 4)(1)
for number in range(1, 65):
    ctypes.CDLL(None).syscall(13, number, ignore, None, 8)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("launcher", [(), (sys.executable, "-c", IGNORING_ALL)], ids=["as we are", "ignoring all"])
def test_signals_are_the_defaults_in_a_program(binary: Path, launcher: tuple[str, ...]) -> None:
    peer = Peer(binary, *launcher)
    assert peer.line().startswith("* ready")
    status, output = peer.run("sh", "-c", "yes | head -n 1; grep -E 'Sig(Ign|Blk)' /proc/self/status | tr -d '0\t'")
    assert (status, output.decode()) == (0, "y\nSigBlk:\nSigIgn:\n")
    peer.close()


def test_a_program_reads_what_was_fed_in_pieces_and_nothing_else(peer: Peer) -> None:
    peer.ask("2 feed 77 616263", "3 feed 77 0a00", "4 feed 77 ")
    assert [peer.line() for _ in range(3)] == ["2 ok", "3 ok", "4 ok"]
    assert peer.run("cat", key="77") == (0, b"abc\n\0")
    assert peer.run("cat") == (0, b"")
    peer.ask("5 run 100 77 636174006100")
    assert peer.line() == "5 error run: no arguments, or nothing was fed"


def test_a_program_is_killed_with_its_children_when_its_time_is_over(peer: Peer) -> None:
    start = time.monotonic()
    status, output = peer.run("sh", "-c", "sleep 60 & echo $!; wait", ms=300)
    assert status == -9
    assert 0.2 < time.monotonic() - start < 5
    assert _gone(int(output))


def test_what_a_program_leaves_running_ends_with_it(peer: Peer) -> None:
    status, output = peer.run("sh", "-c", "sleep 60 & echo $!")
    assert status == 0
    assert _gone(int(output))


def test_output_is_cut_at_its_bound_and_the_program_still_ends(peer: Peer) -> None:
    status, output = peer.run("head", "-c", "3000000", "/dev/zero")
    assert (status, output) == (0, bytes(1 << 20))


def test_the_agent_answers_while_programs_run(peer: Peer) -> None:
    peer.ask("8 run 10000 - " + b"sleep\x000.5\0".hex(), "9 ping")
    assert peer.line() == "9 ok"
    assert peer.line() == "8 data 2"


@pytest.mark.parametrize(
    ("request_text", "error"),
    [
        ("run", "bad milliseconds"),
        ("run -1 - 7800", "bad milliseconds"),
        ("run 999999999 - 7800", "bad milliseconds"),
        ("run 1 - ", "run: no arguments, or nothing was fed"),
        ("run 1 - 78", "run: no arguments, or nothing was fed"),
        ("run 1 - 7g00", "run: no arguments, or nothing was fed"),
        ("run 1 5 7800", "run: no arguments, or nothing was fed"),
        ("run 1 ../x 7800", "run: no arguments, or nothing was fed"),
        ("feed", "feed: not a key and hex digits"),
        ("feed - 00", "feed: not a key and hex digits"),
        ("feed 1 0", "feed: not a key and hex digits"),
        ("feed 999999999999999999999 00", "feed: not a key and hex digits"),
    ],
)
def test_a_run_or_feed_that_is_none_is_refused(peer: Peer, request_text: str, error: str) -> None:
    peer.ask(f"7 {request_text}")
    assert peer.line() == f"7 error {error}"


def test_input_that_nobody_reads_is_bounded(peer: Peer) -> None:
    piece = "00" * 1900
    peer.ask(*(f"{n} feed 1 {piece}" for n in range(560)))
    answers = [peer.line() for _ in range(560)]
    assert answers[0] == "0 ok"
    assert answers[-1] == "559 error feed: more than 1048576 bytes, or no memory"
    peer.ask(*(f"{n} feed {n} 78" for n in range(2, 30)))
    assert [peer.line() for _ in range(2, 30)] == [f"{n} ok" for n in range(2, 30)]
    peer.ask("30 run 100 1 7800")
    assert peer.line() == "30 error run: no arguments, or nothing was fed"
    assert peer.run("cat", key="29") == (0, b"x")


def _gone(pid: int) -> bool:
    """Whether the process has ended, or does so at once."""
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.01)
    return False
