"""Every model of this family enumerates; the card reader, the DFU gadget and the Bluetooth dongle without a guest."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.descriptors.tree import parse
from usbfuzz.device import Device
from usbfuzz.models import find_model
from usbfuzz.models.bluetooth.dongle import BluetoothDongle
from usbfuzz.models.bluetooth.hci import Controller, Opcode
from usbfuzz.models.ccid.card import Card
from usbfuzz.models.ccid.reader import Reader
from usbfuzz.models.dfu import FirmwareGadget, Request, State
from usbfuzz.wire import NAK, STALL, Answer, Setup, data

OK = Answer()
NAMES = (
    "headset",
    "headset-uac2",
    "camera",
    "camera-bulk",
    "keyboard",
    "mouse",
    "tablet",
    "wheel",
    "midi",
    "card-reader",
    "dfu",
    "bluetooth",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_found_by_its_name_and_its_descriptors_add_up(name: str) -> None:
    model: type[Device] = find_model(name)
    device = model()
    configuration = device.on_control(Setup(0x80, 6, 0x0200, 0, 4096), b"").data
    assert parse(configuration).with_totals().raw == configuration
    assert device.on_set_configuration(configuration[5]) == OK
    assert len(device.layout().interfaces) == configuration[4]
    for index in (1, 2):
        assert device.on_control(Setup(0x80, 6, 0x0300 | index, 0x0409, 255), b"").data


# CCID


def _exchange(reader: Reader, kind: int, body: bytes = b"", slot: int = 0) -> tuple[int, int, int, bytes]:
    """bMessageType, bStatus, bError and data of the answer to a command."""
    reader.on_out(0x01, struct.pack("<BIBB3x", kind, len(body), slot, 9) + body)
    answer = reader.on_in(0x82, 271).data
    response, length, _, sequence, status, error, _ = struct.unpack_from("<BIBBBBB", answer)
    assert sequence == 9
    assert len(answer) == 10 + length
    return response, status, error, answer[10:]


def test_a_card_is_powered_before_it_is_talked_to() -> None:
    reader = Reader(Card(content=b"secret"))
    select = bytes((0, 0xA4, 4, 0, 8)) + reader.card.aid
    assert _exchange(reader, 0x65) == (0x81, 1, 0, b"")
    assert _exchange(reader, 0x6F, select) == (0x80, 0x41, 0xFE, b"")
    assert _exchange(reader, 0x62) == (0x80, 0, 0, reader.card.atr)
    assert _exchange(reader, 0x6F, bytes.fromhex("00b0000000")) == (0x80, 0, 0, b"\x69\x86")
    assert _exchange(reader, 0x6F, select) == (0x80, 0, 0, b"\x90\x00")
    assert _exchange(reader, 0x6F, bytes.fromhex("00b0000100")) == (0x80, 0, 0, b"ecret\x90\x00")
    assert _exchange(reader, 0x63) == (0x81, 1, 0, b"")


def test_a_pulled_card_is_gone_and_the_host_is_told() -> None:
    reader = Reader()
    assert reader.on_in(0x83, 8) == data(b"\x50\x03")
    assert reader.on_in(0x83, 8) == NAK
    reader.remove()
    assert reader.on_in(0x83, 8) == data(b"\x50\x02")
    assert _exchange(reader, 0x62) == (0x80, 0x42, 0xFE, b"")
    reader.insert(Card())
    assert _exchange(reader, 0x65) == (0x81, 1, 0, b"")


def test_a_reader_refuses_what_it_does_not_know() -> None:
    reader = Reader()
    assert _exchange(reader, 0x72) == (0x81, 0x41, 0, b"")
    assert _exchange(reader, 0x65, slot=1) == (0x81, 0x41, 5, b"")
    reader.on_out(0x01, struct.pack("<BIBB3x", 0x6F, 100, 0, 9))
    assert reader.on_in(0x82, 271).data[7:9] == bytes((0x41, 1))


@given(st.binary(max_size=300))
def test_no_message_breaks_the_reader_and_no_apdu_the_card(raw: bytes) -> None:
    reader = Reader()
    reader.on_out(0x01, raw)
    reader.on_in(0x82, 271)
    assert len(reader.card.transmit(raw)) >= 2


# DFU


def _dfu_mode(firmware: bytes = b"") -> FirmwareGadget:
    gadget = FirmwareGadget(firmware)
    assert gadget.on_control(Setup(0x21, Request.DETACH, 1000, 0, 0), b"") == OK
    gadget.on_reset()
    gadget.on_reset()  # hosts reset twice while they enumerate
    assert gadget.on_set_configuration(1) == OK
    assert gadget.state is State.DFU_IDLE
    return gadget


def _download(gadget: FirmwareGadget, block: bytes) -> Answer:
    return gadget.on_control(Setup(0x21, Request.DNLOAD, 0, 0, len(block)), block)


def _status(gadget: FirmwareGadget) -> tuple[int, int]:
    """bStatus, bState."""
    answer = gadget.on_control(Setup(0xA1, Request.GETSTATUS, 0, 0, 6), b"").data
    return answer[0], answer[4]


def test_detaching_changes_the_product_and_the_protocol_until_the_reset_after() -> None:
    gadget = _dfu_mode()
    assert gadget.on_control(Setup(0x80, 6, 0x0100, 0, 18), b"").data == FirmwareGadget.in_dfu_mode
    assert gadget.layout().interfaces[0].bInterfaceProtocol == 2
    gadget.on_reset()
    assert gadget.on_control(Setup(0x80, 6, 0x0100, 0, 18), b"").data == FirmwareGadget.device
    assert gadget.state is State.APP_IDLE


@given(st.binary(max_size=5000), st.integers(1, 1024))
def test_what_is_downloaded_is_what_is_uploaded(firmware: bytes, size: int) -> None:
    gadget = _dfu_mode()
    for at in range(0, len(firmware), size):
        assert _download(gadget, firmware[at : at + size]) == OK
        assert _status(gadget) == (0, State.DNLOAD_IDLE)
    if firmware:
        assert _download(gadget, b"") == OK
        assert _status(gadget) == (0, State.DFU_IDLE)
    uploaded = b""
    while len(block := gadget.on_control(Setup(0xA1, Request.UPLOAD, 0, 0, size), b"").data) == size:
        uploaded += block
    assert uploaded + block == firmware
    assert gadget.state is State.DFU_IDLE


def test_a_request_out_of_order_is_an_error_until_it_is_cleared() -> None:
    gadget = _dfu_mode(b"old")
    assert _download(gadget, b"new") == OK
    assert gadget.on_control(Setup(0xA1, Request.UPLOAD, 0, 0, 64), b"") == STALL
    assert _status(gadget) == (0x0F, State.ERROR)
    assert gadget.on_control(Setup(0x21, Request.CLRSTATUS, 0, 0, 0), b"") == OK
    assert _status(gadget) == (0, State.DFU_IDLE)
    assert gadget.firmware == b"old"
    assert FirmwareGadget().on_control(Setup(0x21, Request.DNLOAD, 0, 0, 1), b"x") == STALL


def test_an_empty_download_and_one_that_does_not_fit_are_errors() -> None:
    gadget = _dfu_mode()
    assert _download(gadget, b"") == STALL
    assert _status(gadget) == (0x09, State.ERROR)
    gadget.on_control(Setup(0x21, Request.CLRSTATUS, 0, 0, 0), b"")
    assert _download(gadget, bytes((1 << 20) + 1)) == STALL
    assert _status(gadget) == (0x08, State.ERROR)


# Bluetooth


def test_a_command_is_answered_by_an_event_over_the_interrupt_endpoint() -> None:
    dongle = BluetoothDongle()
    assert dongle.on_in(0x81, 16) == NAK
    assert dongle.on_control(Setup(0x20, 0, 0, 0, 3), b"\x09\x10\x00") == OK
    event = dongle.on_in(0x81, 16).data
    assert event == bytes.fromhex("0e 0a 01 09 10 00") + dongle.controller.address[::-1]
    assert dongle.on_control(Setup(0x20, 0, 0, 0, 2), b"\x09\x10") == STALL


def test_a_name_is_read_as_it_was_written() -> None:
    controller = Controller()
    controller.execute(struct.pack("<HB", Opcode.WRITE_LOCAL_NAME, 248) + b"x".ljust(248, b"\0"))
    event = controller.execute(struct.pack("<HB", Opcode.READ_LOCAL_NAME, 0))
    assert event[6:] == b"x".ljust(248, b"\0")
    assert event[1] == len(event) - 2


@given(st.binary(max_size=300))
def test_an_unknown_command_fails_and_is_remembered(raw: bytes) -> None:
    controller = Controller()
    event = controller.execute(raw)
    if len(raw) >= 3 and int.from_bytes(raw[:2], "little") not in set(Opcode):
        assert event[5] == 0x01
        assert controller.unknown
    else:
        assert not event or event[5] == 0
