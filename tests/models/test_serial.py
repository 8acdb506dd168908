"""Simulated serial adapters, printer and hub without a guest: their class requests and what they refuse."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.models.hub import Hub
from usbfuzz.models.printer import Printer
from usbfuzz.models.serial.acm import ControlLine, LineCoding, Modem, Parity, SerialState
from usbfuzz.models.serial.ftdi import Ft232r
from usbfuzz.wire import NAK, STALL, Answer, Setup, data

MIB = 1 << 20
DTR_ON, DTR_OFF = Setup(0x21, 0x22, 1, 0, 0), Setup(0x21, 0x22, 0, 0, 0)


def _state(bits: SerialState) -> Answer:
    return data(bytes.fromhex("a1 20 0000 0000 0200") + struct.pack("<H", bits))


# Modem


def test_the_carrier_follows_dtr_and_only_the_latest_state_is_told() -> None:
    modem = Modem()
    assert modem.on_in(0x83, 16) == NAK
    modem.on_control(DTR_ON, b"")
    assert modem.lines is ControlLine.DTR
    assert modem.on_in(0x83, 16) == _state(SerialState.RX_CARRIER | SerialState.TX_CARRIER)
    modem.on_control(DTR_OFF, b"")
    modem.on_control(DTR_ON, b"")
    assert modem.on_in(0x83, 16) == NAK


def test_a_break_is_told_once() -> None:
    modem = Modem()
    modem.on_control(Setup(0x21, 0x23, 0xFFFF, 0, 0), b"")
    modem.on_control(Setup(0x21, 0x23, 0, 0, 0), b"")
    assert modem.on_in(0x83, 16) == _state(SerialState.BREAK)
    assert modem.on_in(0x83, 16) == NAK


def test_a_line_coding_is_kept_and_nonsense_is_stalled() -> None:
    modem = Modem()
    set_it, get_it = Setup(0x21, 0x20, 0, 0, 7), Setup(0xA1, 0x21, 0, 0, 7)
    coding = LineCoding(115200, 2, Parity.EVEN, 7)
    assert modem.on_control(set_it, coding.pack()) == Answer()
    for wrong in (b"", coding.pack()[:6], coding.pack() + b"\0", struct.pack("<IBBB", 9600, 0, 9, 8)):
        assert modem.on_control(set_it, wrong) == STALL
    assert modem.line_coding == coding
    assert modem.on_control(get_it, b"") == data(coding.pack())


@given(pieces=st.lists(st.binary(min_size=1, max_size=600)))
def test_every_byte_comes_back_in_order(pieces: list[bytes]) -> None:
    modem, adapter = Modem(), Ft232r()
    sent = b"".join(pieces)
    for piece in pieces:
        modem.on_out(0x02, piece)
        adapter.on_out(0x02, piece)
    echoed, packets = b"", b""
    while (answer := modem.on_in(0x81, 512)) != NAK:
        echoed += answer.data
    while (answer := adapter.on_in(0x81, 512)) != NAK:
        assert len(answer.data) <= 512
        packets += b"".join(answer.data[at + 2 : at + 64] for at in range(0, len(answer.data), 64))
    assert echoed == packets == sent


@pytest.mark.parametrize("model", [Modem, Ft232r])
def test_a_line_that_nobody_reads_is_full_until_somebody_does(model: type[Modem | Ft232r]) -> None:
    device = model()
    woken: list[int] = []
    device.wake = woken.append
    while device.on_out(0x02, bytes(1 << 16)) != NAK:
        assert len(woken) < 20
    woken.clear()
    device.on_in(0x81, 512)
    assert 0x02 in woken


# FTDI


def test_the_loopback_plug_returns_the_modem_lines() -> None:
    adapter = Ft232r()
    assert adapter.on_in(0x81, 512) == NAK
    adapter.on_control(Setup(0x40, 1, 0x0303, 0, 0), b"")
    assert adapter.on_in(0x81, 512) == data(b"\xb1\x60")
    adapter.on_control(Setup(0x40, 1, 0x0200, 0, 0), b"")
    assert adapter.on_control(Setup(0xC0, 5, 0, 0, 2), b"") == data(b"\xa1\x60")


def test_requests_of_the_chip_are_answered() -> None:
    adapter = Ft232r()
    adapter.on_control(Setup(0x40, 9, 1, 0, 0), b"")
    assert adapter.on_control(Setup(0xC0, 10, 0, 0, 1), b"") == data(b"\x01")
    assert adapter.on_control(Setup(0xC0, 0x90, 0, 63, 2), b"") == data(b"\xff\xff")
    assert adapter.on_control(Setup(0xC0, 0x90, 0, 64, 2), b"") == STALL
    adapter.on_out(0x02, b"lost")
    adapter.on_control(Setup(0x40, 0, 1, 0, 0), b"")
    assert adapter.on_in(0x81, 512) == NAK


# Printer


def test_the_printers_id_counts_its_own_length() -> None:
    raw = Printer().on_control(Setup(0xA1, 0, 0, 0, 1023), b"").data
    assert int.from_bytes(raw[:2], "big") == len(raw)
    assert raw[2:].startswith(b"MFG:usbfuzz;")


def test_the_port_status_says_when_paper_is_out() -> None:
    printer = Printer()
    ask = Setup(0xA1, 1, 0, 0, 1)
    assert printer.on_control(ask, b"") == data(b"\x18")
    printer.load_paper(3)
    assert printer.on_out(0x01, b"four") == Answer()
    assert printer.on_control(ask, b"") == data(b"\x20")
    assert printer.on_out(0x01, b"more") == NAK
    printer.load_paper()
    assert printer.on_out(0x01, b"more") == Answer()
    assert printer.printed == b"fourmore"


@pytest.mark.parametrize("bmRequestType", [0x21, 0x23])
def test_a_soft_reset_silences_the_printer(bmRequestType: int) -> None:
    printer = Printer()
    printer.say(b"busy")
    assert printer.on_in(0x82, 2) == data(b"bu")
    assert printer.on_control(Setup(bmRequestType, 2, 0, 0, 0), b"") == Answer()
    assert printer.on_in(0x82, 64) == NAK


# Hub


def _port(hub: Hub, number: int) -> tuple[int, int]:
    status, change = struct.unpack("<HH", hub.on_control(Setup(0xA3, 0, 0, number, 4), b"").data)
    return status, change


def _powered() -> Hub:
    hub = Hub()
    hub.on_set_configuration(1)
    for number in range(1, 5):
        assert hub.on_control(Setup(0x23, 3, 8, number, 0), b"") == Answer()
    return hub


def test_a_hub_describes_four_ports() -> None:
    hub = Hub()
    raw = hub.on_control(Setup(0xA0, 6, 0x2900, 0, 15), b"").data
    assert (raw[0], raw[1], raw[2]) == (len(raw), 0x29, 4)
    assert hub.on_control(Setup(0xA0, 0, 0, 0, 4), b"") == data(bytes(4))


def test_an_attach_is_a_change_that_the_host_clears() -> None:
    hub = _powered()
    assert hub.on_in(0x81, 1) == NAK
    hub.attach(3)
    assert hub.on_in(0x81, 1) == data(b"\x08")
    assert _port(hub, 3) == (0x0101, 0x0001)
    hub.on_control(Setup(0x23, 1, 16, 3, 0), b"")
    assert hub.on_in(0x81, 1) == NAK
    hub.on_control(Setup(0x23, 3, 4, 3, 0), b"")
    assert _port(hub, 3) == (0x0503, 0x0010)
    hub.detach(3)
    assert _port(hub, 3) == (0x0100, 0x0011)


def test_an_overcurrent_takes_the_power_and_a_configuration_all_of_it() -> None:
    hub = _powered()
    hub.overload(1)
    assert _port(hub, 1) == (0x0008, 0x0008)
    hub.relieve(1)
    assert _port(hub, 1) == (0x0000, 0x0008)
    hub.attach(2)
    hub.on_reset()
    assert [hub.is_powered(number) for number in range(1, 5)] == [False] * 4
    hub.on_set_configuration(1)
    hub.on_control(Setup(0x23, 3, 8, 2, 0), b"")
    assert _port(hub, 2) == (0x0101, 0x0001)


@pytest.mark.parametrize(
    "setup",
    [Setup(0xA3, 0, 0, 0, 4), Setup(0xA3, 0, 0, 5, 4), Setup(0x23, 3, 8, 5, 0), Setup(0x23, 1, 99, 1, 0)],
)
def test_ports_and_features_that_do_not_exist_are_stalled(setup: Setup) -> None:
    assert _powered().on_control(setup, b"") == STALL
