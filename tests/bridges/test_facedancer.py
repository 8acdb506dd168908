"""Facedancer devices seen through our backend, driven as the channel drives them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from facedancer import (
    USBConfiguration,
    USBDevice,
    USBDirection,
    USBEndpoint,
    USBInterface,
    use_inner_classes_automatically,
    vendor_request_handler,
)
from facedancer.devices.keyboard import USBKeyboardDevice
from facedancer.errors import DeviceNotFoundError, EndEmulation

from usbfuzz.jobs.bridges import SOCKET
from usbfuzz.jobs.bridges.facedancer_backend import UsbredirApp
from usbfuzz.jobs.bridges.facedancer_device import FacedancerDevice
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup


@use_inner_classes_automatically
class _Loop(USBDevice):  # type: ignore[misc]
    """Bulk 1 OUT comes back on bulk 2 IN; vendor requests answer in several ways."""

    class _Configuration(USBConfiguration):  # type: ignore[misc]
        class _Interface(USBInterface):  # type: ignore[misc]
            class _Out(USBEndpoint):  # type: ignore[misc]
                number: int = 1
                direction: USBDirection = USBDirection.OUT

                def handle_data_received(self, data: bytes) -> None:
                    if data == b"halt":
                        self.get_device().stall(endpoint_number=1, direction=USBDirection.OUT)
                    self.get_device().send(2, bytes(data))

            class _In(USBEndpoint):  # type: ignore[misc]
                number: int = 2
                direction: USBDirection = USBDirection.IN

    @vendor_request_handler(number=1)  # type: ignore[untyped-decorator]
    def reply(self, request: object) -> None:
        request.reply(b"0123456789")  # type: ignore[attr-defined]

    @vendor_request_handler(number=2)  # type: ignore[untyped-decorator]
    def stalls(self, request: object) -> None:
        request.stall()  # type: ignore[attr-defined]

    @vendor_request_handler(number=3)  # type: ignore[untyped-decorator]
    def says_nothing(self, request: object) -> None:
        del request

    @vendor_request_handler(number=4)  # type: ignore[untyped-decorator]
    def ends(self, request: object) -> None:
        raise EndEmulation("enough")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FacedancerDevice:
    monkeypatch.setenv(SOCKET, "/nonexistent")
    theirs = _Loop()
    theirs.backend = UsbredirApp()
    theirs.connect()
    ours = theirs.backend._device
    assert isinstance(ours, FacedancerDevice)
    ours.on_set_configuration(1)
    return ours


def _vendor(number: int, length: int = 64) -> Setup:
    return Setup(0xC0, number, 0, 0, length)


def test_descriptors_are_those_the_device_serves(device: FacedancerDevice) -> None:
    raw = device.on_control(Setup(0x80, 6, 0x0200, 0, 255), b"").data
    assert raw == device.configurations[0]
    assert raw[2:4] == len(raw).to_bytes(2, "little")
    assert device.on_control(Setup(0x80, 6, 0x0100, 0, 18), b"").data == device.device


def test_requests_are_answered_cut_to_what_the_host_asked_for(device: FacedancerDevice) -> None:
    assert device.on_control(_vendor(1), b"") == Answer(data=b"0123456789")
    assert device.on_control(_vendor(1, 4), b"") == Answer(data=b"0123")


@pytest.mark.parametrize(("number", "answer"), [(2, STALL), (3, NEVER), (99, STALL)])
def test_requests_that_are_stalled_forgotten_or_unknown(device: FacedancerDevice, number: int, answer: Answer) -> None:
    assert device.on_control(_vendor(number), b"") == answer


def test_packets_sent_in_one_go_are_one_transfer_again(device: FacedancerDevice) -> None:
    assert device.on_in(0x82, 512) == NAK
    assert device.on_out(0x01, bytes(range(150))) == Answer()
    assert device.on_in(0x82, 512) == Answer(data=bytes(range(150)))
    assert device.on_in(0x82, 512) == NAK


def test_a_halted_endpoint_stalls_until_the_host_clears_it(device: FacedancerDevice) -> None:
    assert device.on_out(0x01, b"halt") == STALL
    assert device.on_out(0x01, b"more") == STALL
    assert device.on_control(Setup(0x02, 1, 0, 0x01, 0), b"") == Answer()
    assert device.on_out(0x01, b"more") == Answer()


def test_what_a_handler_raises_ends_the_emulation(device: FacedancerDevice) -> None:
    assert device.on_control(_vendor(4), b"") == STALL
    assert isinstance(device.failure, EndEmulation)


def test_a_device_without_a_channel_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOCKET, raising=False)
    theirs = USBKeyboardDevice()
    theirs.backend = UsbredirApp()
    with pytest.raises(DeviceNotFoundError, match="usbfuzz facedancer SCRIPT"):
        theirs.connect()


def test_the_backend_is_found_by_its_name(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from facedancer.core import FacedancerUSBApp\nprint(type(FacedancerUSBApp()).__name__, __name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "usbfuzz.jobs.bridges.facedancer_script", script],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "BACKEND"},
    )
    assert done.stdout.splitlines()[-1] == "UsbredirApp __main__"
