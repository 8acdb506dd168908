"""The agent's client against agents that are slow, gone or hostile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.guest.agent_client import PROTOCOL_VERSION, Agent, Ran, UEvent
from usbfuzz.errors import GuestError, QemuError, UsbfuzzError

READY = f"* ready {PROTOCOL_VERSION} 6.1.0-test\n".encode()
Answer = Callable[[str, str], bytes | None]


def _pong(number: str, _: str) -> bytes | None:
    return f"{number} ok\n".encode()


@asynccontextmanager
async def _agent(directory: Path, answer: Answer, greeting: bytes = READY) -> AsyncIterator[Agent]:
    """A client of a pretended agent: pings succeed, ``answer`` gets (id, line) of the rest, None drops the line."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := (await reader.readline()).decode().strip("\n"):
            number, _, rest = line.partition(" ")
            text = _pong(number, rest) if rest == "ping" else answer(number, rest)
            if text is None:
                break
            writer.write(text)
        writer.close()

    async def skip_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"\n"
        await serve(reader, writer)

    path = directory / "agent"
    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(skip_first, path)
    try:
        agent = await Agent.connect(path)
        yield agent
        await agent.close()
    finally:
        server.close()


def _run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await main()

    asyncio.run(bounded())


def test_connecting_waits_for_the_agent_and_learns_the_release(tmp_path: Path) -> None:
    async def main() -> None:
        async with _agent(tmp_path, _pong) as agent:
            assert agent.release == "6.1.0-test"

    _run(main)


@pytest.mark.parametrize(
    "leftover",
    [b"c1234 t half_a_symbol\n", b"9 data 50\nshort", b"x" * (1 << 19) + b"\n", b"half a line", b"\n\0\xff\n7 ok\n"],
    ids=["tail", "data", "endless", "glued", "noise"],
)
@pytest.mark.parametrize("greeting", [READY, b""])
def test_what_an_earlier_host_left_unread_is_skipped(tmp_path: Path, leftover: bytes, greeting: bytes) -> None:
    async def main() -> None:
        async with _agent(tmp_path, lambda number, _: f"{number} ok 7\n".encode(), leftover + greeting) as agent:
            assert agent.release == ("6.1.0-test" if greeting else "")
            assert await agent.validate() == 7

    _run(main)


def test_a_connection_without_an_answer_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.guest.agent_client._ANSWER_S", 0.1)
    hosts: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hosts.append(writer)
        assert await reader.readline() == b"\n"
        number = (await reader.readline()).split()[0].decode()
        if len(hosts) == 3:
            writer.write(_pong(number, "") or b"")
        await reader.read()
        writer.close()

    async def main() -> None:
        async with await asyncio.start_unix_server(serve, tmp_path / "agent"):
            agent = await Agent.connect(tmp_path / "agent")
            await agent.close()
            assert len(hosts) == 3

    _run(main)


def test_connecting_where_no_qemu_listens_is_a_qemu_error(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(QemuError, match="is QEMU running"):
            await Agent.connect(tmp_path / "nobody")

    _run(main)


def test_replies_find_their_calls_in_any_order(tmp_path: Path) -> None:
    held: list[bytes] = []

    def answer(number: str, line: str) -> bytes:
        held.append(f"{number} data {len(line)}\n{line}\n".encode())
        return b"".join(reversed(held)) if len(held) == 3 else b""

    async def main() -> None:
        async with _agent(tmp_path, answer) as agent:
            texts = await asyncio.gather(*(agent.read(f"/proc/{i}") for i in range(3)))
            assert texts == [b"read /proc/0", b"read /proc/1", b"read /proc/2"]

    _run(main)


def test_settle_returns_the_events_since_the_last_one(tmp_path: Path) -> None:
    def answer(number: str, line: str) -> bytes:
        events = "" if line == "settle 9" else "* add usb 3-1 bus/usb/003/002\n* bind usb 3-1:1.0 usbhid\n* lost\n"
        return f"{events}{number} ok\n".encode()

    async def main() -> None:
        async with _agent(tmp_path, answer) as agent:
            assert await agent.settle(8) == [
                UEvent("add", "usb", "3-1", "bus/usb/003/002"),
                UEvent("bind", "usb", "3-1:1.0", "usbhid"),
                UEvent("lost"),
            ]
            assert await agent.settle(9) == []

    _run(main)


def test_data_may_hold_anything_even_lines_that_look_like_replies(tmp_path: Path) -> None:
    body = b"1 ok\n* add usb\n\0\xff\n"

    async def main() -> None:
        async with _agent(
            tmp_path, lambda number, _: b"%s data %d\n%s\n" % (number.encode(), len(body), body)
        ) as agent:
            assert await agent.read("/proc/version") == body

    _run(main)


def test_lsusb_gives_raw_descriptors_by_name(tmp_path: Path) -> None:
    body = b"usb1 1201\n1-1 1201ff\n1-2 \n"

    async def main() -> None:
        async with _agent(
            tmp_path, lambda number, _: b"%s data %d\n%s\n" % (number.encode(), len(body), body)
        ) as agent:
            assert await agent.lsusb() == {"usb1": b"\x12\x01", "1-1": b"\x12\x01\xff", "1-2": b""}

    _run(main)


def test_an_error_reply_raises_with_the_agents_words_and_the_connection_stays(tmp_path: Path) -> None:
    async def main() -> None:
        async with _agent(tmp_path, lambda number, _: f"{number} error load x: No such file\n".encode()) as agent:
            with pytest.raises(GuestError, match="load x: No such file"):
                await agent.load("x")
            assert await agent.ping() == ""

    _run(main)


def test_a_late_answer_to_a_call_given_up_is_ignored(tmp_path: Path) -> None:
    late: list[str] = []

    def answer(number: str, line: str) -> bytes:
        late.append(number)
        return b"" if line == "sleep 1" else "".join(f"{n} ok\n" for n in late).encode()

    async def main() -> None:
        async with _agent(tmp_path, answer) as agent:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await agent.sleep(1)
            await agent.sleep(2)

    _run(main)


def test_a_dropped_connection_fails_all_pending_and_later_calls(tmp_path: Path) -> None:
    async def main() -> None:
        async with _agent(tmp_path, lambda _, line: None if line == "sleep 2" else b"") as agent:
            results = await asyncio.gather(agent.sleep(1), agent.sleep(2), return_exceptions=True)
            assert [type(result) for result in results] == [QemuError, QemuError]
            with pytest.raises(QemuError, match="closed"):
                await agent.ping()

    _run(main)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe\x00\n",
        b"* explode usb 1\n",
        b"* ready 1 6.1\n",
        b"x" * 5000 + b"\n",
        b"x" * 600_000,
        b"1 data 999999999999\n",
        b"1 data -1\n",
        b"1 data\n",
        b"1 data 2\nab!",
        b"999999999999999999999999 ok\n",
        b"1 maybe\n",
    ],
)
def test_nonsense_is_the_guests_fault_and_ends_the_connection(tmp_path: Path, garbage: bytes) -> None:
    async def main() -> None:
        async with _agent(tmp_path, lambda *_: garbage) as agent:
            with pytest.raises(GuestError):
                await agent.sleep(1)
            with pytest.raises(GuestError):
                await agent.ping()

    _run(main)


def test_an_endless_stream_of_events_is_cut_off(tmp_path: Path) -> None:
    async def main() -> None:
        async with _agent(tmp_path, lambda *_: b"* add usb 3-1\n" * 60_000) as agent:
            with pytest.raises(GuestError):
                await agent.sleep(1)

    _run(main)


@pytest.mark.parametrize("answer", ["ok many", "ok -1", "ok", "ok 99999999999999999999", "data 1\nx"])
def test_a_count_that_is_no_number_is_refused(tmp_path: Path, answer: str) -> None:
    async def main() -> None:
        async with _agent(tmp_path, lambda number, _: f"{number} {answer}\n".encode()) as agent:
            with pytest.raises(GuestError):
                await agent.validate()

    _run(main)


@pytest.mark.parametrize("text", ["two\nlines", "\u00e9", "x" * 5000])
def test_a_request_that_is_not_one_ascii_line_never_leaves(tmp_path: Path, text: str) -> None:
    async def main() -> None:
        async with _agent(tmp_path, _pong) as agent:
            with pytest.raises(ValueError, match="one short line"):
                await agent.mark(text)

    _run(main)


def test_run_tells_how_the_program_ended_and_what_it_wrote(tmp_path: Path) -> None:
    lines: list[str] = []

    def answer(number: str, line: str) -> bytes:
        lines.append(line)
        return f"{number} ok\n".encode() if line.startswith("feed") else f"{number} data 7\n-9\n12\n3\n".encode()

    async def main() -> None:
        async with _agent(tmp_path, answer) as agent:
            assert await agent.run(("tr", "", "\n"), 1.5, b"x" * 2000) == Ran(-9, b"12\n3")

    _run(main)
    key = lines[0].split()[1]
    assert lines == [f"feed {key} {'78' * 1900}", f"feed {key} {'78' * 100}", f"run 1500 {key} 747200000a00"]


@pytest.mark.parametrize("body", [b"", b"1", b"x\n", b"-\n", b"1000\n"])
def test_a_program_that_ended_in_no_known_way_is_the_guests_fault(tmp_path: Path, body: bytes) -> None:
    async def main() -> None:
        async with _agent(
            tmp_path, lambda number, _: b"%s data %d\n%s\n" % (number.encode(), len(body), body)
        ) as agent:
            with pytest.raises(GuestError, match="how a program ended"):
                await agent.run(("true",), 1)

    _run(main)


@pytest.mark.parametrize("argv", [(), ("a\0b",), ("x" * 2000,)])
def test_arguments_that_cannot_be_sent_never_leave(tmp_path: Path, argv: tuple[str, ...]) -> None:
    async def main() -> None:
        async with _agent(tmp_path, _pong) as agent:
            with pytest.raises(ValueError, match="not a program"):
                await agent.run(argv, 1)
            with pytest.raises(ValueError, match="more than a program's input"):
                await agent.run(("cat",), 1, bytes((1 << 20) + 1))

    _run(main)


@given(garbage=st.binary(max_size=200))
def test_no_bytes_from_the_guest_raise_anything_but_our_errors(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes
) -> None:
    async def main() -> None:
        async with _agent(tmp_path_factory.getbasetemp(), lambda *_: garbage + b"\n" * 300) as agent:
            try:
                async with asyncio.timeout(0.05):
                    await agent.sleep(1)
            except (UsbfuzzError, TimeoutError):
                pass

    _run(main)
