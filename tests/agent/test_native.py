"""The agent's own binary, run on this machine over a socket pair: what it does needs no guest."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.guest.agent_client import Agent, Ran
from usbfuzz.errors import GuestError

from .native import Peer


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
