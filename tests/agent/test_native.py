"""The agent's own binary, run on this machine over a socket pair: what it does needs no guest."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.guest.agent_client import PROTOCOL_VERSION, Agent, Ran
from harness.guest.image.programs import AGENT
from tests import ROOT
from usbfuzz.errors import GuestError

SOURCES = ROOT / "harness/guest/agent"


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return AGENT.binary(tmp_path_factory.mktemp("cache"))


class Peer:
    """The host's end of the port."""

    def __init__(self, binary: Path, *launcher: str) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            command = [*launcher, str(binary), "--fd", str(theirs.fileno())]
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        self.socket.settimeout(10)
        self.lines = self.socket.makefile("rb")

    def ask(self, *requests: str) -> None:
        self.socket.sendall("".join(f"{request}\n" for request in requests).encode())

    def line(self) -> str:
        return self.lines.readline().decode().rstrip("\n")

    def data(self) -> bytes:
        kind, _, length = self.line().partition(" data ")
        assert kind.isdigit()
        body = self.lines.read(int(length) + 1)
        assert body.endswith(b"\n")
        return body[:-1]

    def run(self, *argv: str, ms: int = 10_000, key: str = "-") -> tuple[int, bytes]:
        self.ask(f"1 run {ms} {key} " + b"".join(argument.encode() + b"\0" for argument in argv).hex())
        status, _, output = self.data().partition(b"\n")
        return int(status), output

    def close(self) -> None:
        self.lines.close()
        self.socket.close()
        assert self.process.wait(10) == 0


@pytest.fixture
def peer(binary: Path) -> Iterator[Peer]:
    peer = Peer(binary)
    assert peer.line() == f"* ready {PROTOCOL_VERSION} {os.uname().release}"
    yield peer
    peer.close()


def test_the_agent_compiles_without_a_warning(tmp_path: Path) -> None:
    flags = ["-static", "-O2", "-pthread", "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "agent")]
    subprocess.run(["cc", *flags, *map(str, sorted(SOURCES.glob("*.c")))], check=True)


def test_ping_returns_its_text(peer: Peer) -> None:
    peer.ask("1 ping", "2 ping hello  world")
    assert [peer.line(), peer.line()] == ["1 ok", "2 ok hello  world"]


def test_sleeps_overlap_and_end_in_order_of_time(peer: Peer) -> None:
    start = time.monotonic()
    peer.ask("1 sleep 150", "2 sleep 20", "3 ping")
    assert [peer.line() for _ in range(3)] == ["3 ok", "2 ok", "1 ok"]
    assert 0.14 < time.monotonic() - start < 5


@pytest.mark.parametrize("argument", ["", "-1", "1x", "99999999999999999999", "1 2"])
def test_a_time_that_is_no_time_is_refused(peer: Peer, argument: str) -> None:
    peer.ask(f"7 sleep {argument}")
    assert peer.line() == "7 error bad milliseconds"


def test_more_sleeps_than_timers_are_refused_and_the_rest_still_end(peer: Peer) -> None:
    peer.ask(*(f"{number} sleep 300" for number in range(300)))
    answers = [peer.line() for _ in range(300)]
    assert sum(answer.endswith("error too many timers") for answer in answers) == 300 - 256
    assert sum(answer.endswith(" ok") for answer in answers) == 256


def test_an_unknown_verb_is_an_error_and_a_line_without_number_is_nothing(peer: Peer) -> None:
    peer.ask("", "garbage", "-1 ping", "99999999999999999999999 ping", "5 explode", "6 ping")
    assert [peer.line(), peer.line()] == ["5 error unknown verb", "6 ok"]


def test_a_line_over_the_limit_is_dropped_and_the_next_one_works(peer: Peer) -> None:
    peer.ask("1 ping " + "x" * 20_000, "2 ping")
    assert [peer.line(), peer.line()] == ["0 error line is longer than 4096 bytes", "2 ok"]


def test_a_line_in_pieces_is_one_line(peer: Peer) -> None:
    for piece in ("1 pi", "ng a", "b\n2 ", "ping\n"):
        peer.socket.sendall(piece.encode())
        time.sleep(0.02)
    assert [peer.line(), peer.line()] == ["1 ok ab", "2 ok"]


def test_read_returns_a_whole_file(peer: Peer) -> None:
    peer.ask("1 read /proc/version")
    assert peer.data() == Path("/proc/version").read_bytes()


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/../etc/passwd", "/proc/kmsg", "/dev/zero", "", "/procx"])
def test_read_stays_below_its_roots(peer: Peer, path: str) -> None:
    peer.ask(f"1 read {path}")
    assert peer.line().startswith("1 error read: not a file below")


@pytest.mark.parametrize("request_text", ["/etc/hostname x", "/proc/sys/../../etc/x y", "/sys/power/state", ""])
def test_write_stays_below_its_roots_and_needs_text(peer: Peer, request_text: str) -> None:
    peer.ask(f"1 write {request_text}")
    assert peer.line().startswith("1 error write: not /proc/sysrq-trigger nor below")


def test_a_missing_file_is_an_error_with_its_reason(peer: Peer) -> None:
    peer.ask("1 read /proc/nonesuch")
    assert peer.line() == "1 error read: No such file or directory"


@pytest.mark.parametrize("device", ["", "../1-1", ".", "no-such-device"])
def test_reset_of_what_is_no_usb_device_fails(peer: Peer, device: str) -> None:
    peer.ask(f"1 reset {device}")
    assert peer.line().startswith("1 error reset")


def test_settle_without_usb_ends_after_its_time(peer: Peer) -> None:
    peer.ask("1 settle 10", "2 settle 10 3 4")
    assert sorted((peer.line(), peer.line())) == ["1 ok", "2 ok"]


@pytest.mark.parametrize("buses", ["0", "64", "x", "1 -2", "3,4"])
def test_settle_on_what_is_no_bus_is_refused(peer: Peer, buses: str) -> None:
    peer.ask(f"1 settle 0 {buses}")
    assert peer.line() == "1 error bad bus"


def test_exercise_with_nothing_new_opens_nothing(peer: Peer) -> None:
    peer.ask("1 exercise 1000")
    assert peer.line() == "1 ok 0"


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


def test_a_large_file_arrives_while_the_host_reads_slowly(peer: Peer) -> None:
    size = len(Path("/proc/kallsyms").read_bytes())
    peer.ask("1 read /proc/kallsyms")
    time.sleep(0.3)
    assert abs(len(peer.data()) - size) < size // 10
    peer.ask("2 ping")
    assert peer.line() == "2 ok"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(garbage=st.binary(max_size=300))
def test_no_input_stops_the_agent(peer: Peer, garbage: bytes) -> None:
    peer.socket.sendall(
        garbage.replace(b" write ", b"").replace(b" load ", b"").replace(b" run ", b"")
        + b"\n18446744073709551615 ping alive\n"
    )
    while peer.line() != "18446744073709551615 ok alive":
        pass


def test_the_client_and_the_agent_agree(binary: Path, tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "agent"

        async def bridge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = Peer(binary)
            peer.lines.close()
            ours_reader, ours_writer = await asyncio.open_connection(sock=peer.socket)

            async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while piece := await source.read(65536):
                    sink.write(piece)
                sink.close()

            await asyncio.gather(copy(reader, ours_writer), copy(ours_reader, writer))
            await asyncio.to_thread(peer.process.wait, 10)

        server = await asyncio.start_unix_server(bridge, path)
        async with asyncio.timeout(20):
            agent = await Agent.connect(path)
            assert await agent.ping("text") == "text"
            await agent.sleep(10)
            assert await agent.settle(1) == []
            assert await agent.exercise(1) == 0
            assert await agent.read("/proc/version") == Path("/proc/version").read_bytes()
            with pytest.raises(GuestError, match="No such device"):
                await agent.reset("9-9")
            several = (agent.run(("cat",), 10, bytes((n,)) * 5000) for n in range(8))
            assert await asyncio.gather(*several) == [Ran(0, bytes((n,)) * 5000) for n in range(8)]
            await agent.close()
            await asyncio.sleep(0.2)
        server.close()

    asyncio.run(main())


def test_modprobe_without_module_tables_fails_quietly(binary: Path, tmp_path: Path) -> None:
    helper = Path(shutil.copy(binary, tmp_path / "modprobe"))
    done = subprocess.run([str(helper), "-q", "--", "no-such-module-at-all"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_without_arguments_it_says_what_it_is(binary: Path) -> None:
    done = subprocess.run([str(binary)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usbfuzz guest" in done.stderr
