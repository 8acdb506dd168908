"""What ``plug``, ``serve`` and ``shell`` show: a line for each message of a channel, the kernel's log, trouble."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.channel.said import Sender
from harness.usbip.messages import (
    Direction,
    ImportRefusal,
    ImportRequest,
    IsoPacket,
    ListReply,
    ListRequest,
    OpStatus,
    Reply,
    Request,
    Submit,
    Submitted,
    Unlink,
    Unlinked,
)
from harness.usbip.said import UsbipSaid
from harness.usbredir.announce import device_connect, ep_info, interface_info
from harness.usbredir.constants import Capability, WireStatus
from harness.usbredir.message import Message
from harness.usbredir.messages import Hello
from harness.usbredir.packets import BulkPacket, ControlPacket
from harness.usbredir.said import RedirSaid
from usbfuzz.cli.live import Screen
from usbfuzz.descriptors.layout import Layout, layout
from usbfuzz.models.serial.acm import Modem
from usbfuzz.wire import Speed

SETUP = bytes.fromhex("80 06 00 01 00 00 12 00")
MODEM = layout(Modem.configurations[0])


def _submit(direction: Direction, ep: int, **fields: object) -> Submit:
    known = {"length": 4, "start_frame": 0, "number_of_packets": 0, "interval": 0, "setup": bytes(8)}
    return Submit(7, 0, direction, ep, 0, **(known | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sender", "message", "line"),
    [
        (
            Sender.GUEST,
            ControlPacket(0x80, 6, 0x80, 0, 0x0100, 0, 18, id=1),
            "control GET_DESCRIPTOR [80 06 wValue 0100 wIndex 0000] wLength 18",
        ),
        (Sender.HOST, ControlPacket(0x80, 6, 0x80, WireStatus.STALL, 0x0100, 0, 0, id=1), "control stall 0 bytes"),
        (
            Sender.GUEST,
            ControlPacket(0, 0x22, 0x21, 0, 3, 0, 2, payload=b"ab", id=1),
            "control request 0x22 [21 22 wValue 0003 wIndex 0000]: 2 bytes 61 62",
        ),
        (Sender.GUEST, BulkPacket(0x02, 0, 3, 0, payload=b"abc", id=1), "bulk 0x02 3 bytes 61 62 63"),
        (Sender.HOST, Hello.of("a version", Capability.FILTER), "hello a version"),
        (Sender.HOST, device_connect(Speed.HIGH, b""), "device_connect speed=2 device_class=0"),
        (Sender.HOST, ep_info(Layout()), "ep_info endpoint 0 only"),
        (Sender.HOST, ep_info(MODEM), "ep_info 0x02 bulk interval 0, 0x81 bulk interval 0, 0x83 interrupt interval 9"),
        (Sender.HOST, interface_info(Layout()), "interface_info none"),
        (Sender.HOST, interface_info(MODEM), "interface_info 0 class 02/02/01, 1 class 0a/00/00"),
    ],
)
def test_a_usbredir_message_is_a_line(sender: Sender, message: Message, line: str) -> None:
    assert RedirSaid(sender, message).line().startswith(line)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (ListRequest(), "list"),
        (ListReply(()), "list empty"),
        (ImportRequest("1-1"), "import 1-1"),
        (ImportRefusal(OpStatus.NO_DEVICE), "import no device"),
        (_submit(Direction.IN, 0, setup=SETUP), "control GET_DESCRIPTOR [80 06 wValue 0100 wIndex 0000] wLength 18"),
        (_submit(Direction.OUT, 2, data=b"abcd"), "urb 7 bulk 0x02 4 bytes 61 62 63 64"),
        (_submit(Direction.IN, 3, interval=8), "urb 7 interrupt 0x83 up to 4 bytes"),
        (_submit(Direction.IN, 4, interval=1, packets=(IsoPacket(0, 4),)), "urb 7 iso 0x84 up to 4 bytes"),
        (Submitted(7, 0, 2, data=b"ab"), "urb 7 2 bytes 61 62"),
        (Submitted(7, -32, 0), "urb 7 -EPIPE 0 bytes"),
        (Unlink(8, 0, 7), "unlink 8 of urb 7"),
        (Unlinked(8, -104), "unlink 8 -ECONNRESET"),
        (Unlinked(8, 0), "unlink 8 too late"),
    ],
)
def test_a_usbip_message_is_a_line(message: Request | Reply, line: str) -> None:
    assert UsbipSaid(Sender.HOST, message).line() == line


def _shown() -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(Console(file=out, width=400), transfers=True), out


def test_the_list_of_modules_is_left_out_of_the_kernels_log() -> None:
    screen, out = _shown()
    for text in ("Call Trace:", " f+0x1/0x2", "Modules linked in: a b", " c d", "CR2: 0", " g+0x1/0x2"):
        screen.kernel(f"[    1.000000] {text}")
    shown = [line.partition("] ")[2] for line in out.getvalue().splitlines()]
    assert shown == ["Call Trace:", " f+0x1/0x2", "Modules linked in: …", "CR2: 0", " g+0x1/0x2"]


def test_what_the_users_code_raised_is_shown_with_its_place() -> None:
    screen, out = _shown()
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        screen.device_error(error)
    assert "error  ZeroDivisionError: division by zero (" in out.getvalue()
    assert f"{__file__}:" in out.getvalue()


def test_transfers_are_counted_also_when_they_are_not_shown() -> None:
    screen, out = _shown()
    screen.transfers = False
    screen.transfer(0.0, UsbipSaid(Sender.GUEST, ListRequest()))
    screen.summary()
    assert out.getvalue() == "drivers bound: none; 1 messages from the host\n"
