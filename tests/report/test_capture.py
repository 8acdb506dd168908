"""usb.pcapng: what was said, in a form Wireshark reads without complaint."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.channel.conversation import Conversation, Recorder
from harness.channel.events import Completed
from harness.channel.said import Sender
from harness.usbredir.messages import ConfigurationStatus, DeviceConnect, DeviceDisconnect, Reset, SetConfiguration
from harness.usbredir.packets import BulkPacket, ControlPacket, InterruptPacket
from harness.usbredir.said import RedirSaid
from harness.usbredir.session import CAPABILITIES
from tests import DEVICES
from tests.usbredir.recorded import recorded
from tests.usbredir.strategies import messages
from usbfuzz.case import load
from usbfuzz.report.capture import render_capture, save_capture, usbmon_packets

_MOUSE = load(DEVICES / "boot-mouse.toml").devices[0]
_HOST, _GUEST = Sender.HOST, Sender.GUEST


def _read(number: int, value: int, raw: bytes, length: int) -> list[tuple[Sender, Any]]:
    ask = ControlPacket(0x80, 6, 0x80, 0, value, 0, length, id=number)
    return [(_GUEST, ask), (_HOST, ControlPacket(0x80, 6, 0x80, 0, value, 0, len(raw), payload=raw, id=number))]


def _said(sender: Sender) -> st.SearchStrategy[tuple[Sender, Any]]:
    return st.tuples(st.just(sender), messages(CAPABILITIES, sender))


def _conversation() -> Conversation:
    (configuration,) = _MOUSE.configurations
    said: list[tuple[Sender, Any]] = [
        (_HOST, DeviceConnect(1, 0, 0, 0, 0x0627, 0x0001, 0)),
        (_GUEST, Reset()),
        *_read(7, 0x0100, _MOUSE.device, 64),
        *_read(8, 0x0200, configuration, len(configuration)),
        (_GUEST, SetConfiguration(1, id=9)),
        (_HOST, ConfigurationStatus(0, 1, id=9)),
        (_GUEST, ControlPacket(0x00, 10, 0x21, 0, 0, 0, 0, id=10)),
        (_HOST, ControlPacket(0x00, 10, 0x21, 4, 0, 0, 0, id=10)),
        (_HOST, InterruptPacket(0x81, 0, 4, payload=b"\x01\x02\x03\x04")),
        (_GUEST, BulkPacket(0x02, 0, 3, 0, payload=b"abc", id=11)),
        (_HOST, BulkPacket(0x02, 0, 3, 0, id=11)),
        (_HOST, DeviceDisconnect()),
    ]
    return recorded((1.7e9 + n / 1000, 0, sender, message) for n, (sender, message) in enumerate(said))


def _tshark(path: Path, *words: str) -> str:
    return subprocess.run(
        ["tshark", "-r", str(path), *words], capture_output=True, text=True, check=True, timeout=120
    ).stdout


def _fields(path: Path, *names: str) -> list[list[str]]:
    words = [word for name in names for word in ("-e", name)]
    rows = json.loads(_tshark(path, "-T", "json", *words))
    return [[",".join(row["_source"]["layers"].get(name, [])) for name in names] for row in rows]


def test_wireshark_dissects_requests_descriptors_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "usb.pcapng"
    save_capture(path, _conversation())
    assert "Malformed" not in _tshark(path, "-V")
    rows = _fields(path, "usb.urb_type", "usb.urb_status", "usb.setup.bRequest", "usb.idVendor", "usb.device_address")
    assert [row[0].strip("'") for row in rows] == ["S", "C", "S", "C", "S", "C", "S", "C", "C", "S", "C"]
    assert rows[1][3] == "0x0627"
    assert [row[1] for row in rows][7] == "-32"
    assert {row[4] for row in rows} == {"1"}
    assert rows[4][2] == "9"
    descriptors = _fields(path, "usb.bInterfaceClass", "usb.bEndpointAddress", "frame.comment", "frame.time_epoch")
    assert descriptors[3][:2] == ["0x03", "0x81"]
    assert "0627:0001 plugged in; port 0: bus reset" in descriptors[0][2]
    assert "ernel" not in descriptors[0][2]
    assert descriptors[0][3].startswith("1700000000.002")


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from((_HOST, _GUEST)).flatmap(_said), max_size=30))
def test_whatever_is_said_the_capture_opens(said: list[tuple[Sender, Any]]) -> None:
    conversation = recorded((n / 7, n % 3, sender, message) for n, (sender, message) in enumerate(said))
    count = len(list(usbmon_packets(conversation)))
    raw = render_capture(conversation)
    assert bool(raw) == bool(count)
    if count:
        words = ["tshark", "-r", "-", "-T", "fields", "-e", "frame.number"]
        done = subprocess.run(words, input=raw, capture_output=True, check=True)
        assert len(done.stdout.split()) == count


def test_nothing_said_is_no_capture() -> None:
    assert render_capture(Conversation()) == b""


def test_a_long_conversation_keeps_its_beginning_and_its_end() -> None:
    recorder = Recorder()
    for number in range(3000):
        answer = BulkPacket(0x81, 0, 10_000, 0, payload=bytes(10_000), id=number)
        recorder.note(0, number, RedirSaid(_HOST, answer))
    heard = recorder.conversation()
    answers = [utterance.event for utterance in heard.utterances if isinstance(utterance.event, Completed)]
    ids = [answer.id for answer in answers]
    assert ids[0] == 0
    assert ids[-1] == 2999
    assert heard.missing == 3000 - len(ids) > 0
    assert sum(len(answer.data) for answer in answers) < 17 << 20
    remarks = [packet.comment for packet in usbmon_packets(heard) if packet.comment]
    assert remarks == [f"{heard.missing} messages before this one were not kept"]


@pytest.mark.parametrize("length", [0, 1, 300_000])
def test_a_packet_is_cut_where_wireshark_would_refuse_it(length: int) -> None:
    answer = BulkPacket(0x81, 0, length, 0, payload=bytes(length), id=1)
    (packet,) = usbmon_packets(recorded([(0, 0, _HOST, answer)]))
    assert packet.length == 64 + length
    assert len(packet.data) == min(64 + length, 1 << 18)
