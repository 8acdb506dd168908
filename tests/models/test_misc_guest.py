"""MIDI and Bluetooth with their drivers; smart cards and firmware over usbfs, as their programs do it."""

from __future__ import annotations

import random

import pytest

from harness.workbench import Workbench
from usbfuzz.models.audio.midi import MidiInterface
from usbfuzz.models.bluetooth.dongle import BluetoothDongle
from usbfuzz.models.ccid.reader import Reader
from usbfuzz.models.dfu import FirmwareGadget, State

pytestmark = pytest.mark.guest

NOTES = bytes.fromhex("90 3c 40 90 40 40 80 3c 00 c0 05 f0 7d 01 02 03 04 f7 f8")


def _usbfs(workbench: Workbench, idProduct: int, *lines: str) -> list[str]:
    """What the guest's usbfs tool answers to each line."""
    ran = workbench.run(("usbfs", f"0627:{idProduct:04x}"), 10, "".join(f"{line}\n" for line in lines).encode())
    assert ran.status == 0, ran.output
    answers = ran.output.decode().splitlines()
    assert len(answers) == len(lines), answers
    return answers


def test_notes_go_both_ways(workbench: Workbench) -> None:
    interface = MidiInterface()
    workbench.plug(0, interface)
    workbench.wait_for("/dev/snd/midiC0D0")
    assert workbench.run(("sh", "-c", "cat > /dev/snd/midiC0D0"), stdin=NOTES).status == 0
    assert bytes(interface.received) == NOTES

    reading = workbench.start(("sh", "-c", f"head -c {len(NOTES)} /dev/snd/midiC0D0"))
    workbench.wait(workbench.lane.agent.sleep(200))  # until it has been opened: what nobody reads is dropped
    workbench.call(interface.play, NOTES)
    assert reading.result().output == NOTES
    workbench.unplug(0)
    assert not workbench.reports()


def test_a_bluetooth_controller_comes_up_and_goes_down(workbench: Workbench) -> None:
    dongle = BluetoothDongle()
    workbench.plug(0, dongle)
    assert workbench.drivers() == {"1-1:1.0": "btusb"}
    assert workbench.run(("hci", "up", "0")).output == b"hci0 00:1b:dc:0f:7e:57 up\n"
    assert workbench.run(("hci", "down", "0")).output == b"hci0 00:1b:dc:0f:7e:57 down\n"
    assert not dongle.controller.unknown
    workbench.unplug(0)
    assert not workbench.reports()


def test_a_card_answers_to_reset_and_to_commands(workbench: Workbench) -> None:
    reader = Reader()
    workbench.plug(0, reader)
    aid = reader.card.aid
    select = bytes((0x00, 0xA4, 0x04, 0x00, len(aid))) + aid
    read = bytes.fromhex("00 b0 00 02 04")

    def transfer(sequence: int, apdu: bytes) -> str:
        return f"out 01 6f{len(apdu):02x}00000000{sequence:02x}000000{apdu.hex()}"

    answers = _usbfs(
        workbench,
        0x0B10,
        "claim 0",
        "in 83 8",
        "out 01 62000000000001000000",
        "in 82 10f",
        transfer(2, select),
        "in 82 10f",
        transfer(3, read),
        "in 82 10f",
    )
    assert answers[:3] == ["ok", "ok 5003", "ok"]
    assert answers[3] == f"ok 80{len(reader.card.atr):02x}00000000" + "01000000" + reader.card.atr.hex()
    assert answers[5] == "ok 8002000000" + "0002000000" + "9000"
    assert answers[7] == "ok 8006000000" + "0003000000" + reader.card.content[2:6].hex() + "9000"
    workbench.unplug(0)
    assert not workbench.reports()


def test_firmware_is_replaced_and_runs_after_a_reset(workbench: Workbench) -> None:
    old, new = (random.Random(seed).randbytes(2500) for seed in (1, 2))
    gadget = FirmwareGadget(old)
    workbench.plug(0, gadget)

    answers = _usbfs(workbench, 0x0D10, "claim 0", "control 21 0 3e8 0 0", "reset")
    assert answers[:2] == ["ok", "ok"]  # the reset says that the device has gone: it comes back as another
    workbench.settle()
    blocks = [new[at : at + 1024] for at in range(0, len(new), 1024)] + [b""]
    download = [
        line
        for number, block in enumerate(blocks)
        for line in (f"control 21 1 {number:x} 0 {len(block):x} {block.hex()}", "control a1 3 0 0 6")
    ]
    upload = [f"control a1 2 {number:x} 0 400" for number in range(3)]
    answers = _usbfs(workbench, 0x0D11, "claim 0", "control a1 5 0 0 1", *upload, *download, *upload, "reset")
    assert answers[1] == f"ok {State.DFU_IDLE:02x}"
    assert bytes.fromhex("".join(answer[3:] for answer in answers[2:5])) == old
    assert bytes.fromhex("".join(answer[3:] for answer in answers[13:16])) == new
    assert gadget.firmware == new
    workbench.settle()
    assert _usbfs(workbench, 0x0D10, "claim 0", "control a1 5 0 0 1") == ["ok", f"ok {State.APP_IDLE:02x}"]
    workbench.unplug(0)
    assert not workbench.reports()
