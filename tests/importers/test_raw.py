"""Descriptor blobs, as sysfs has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case import load
from usbfuzz.descriptors import Descriptor, uac2
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.device.build import configuration, device, endpoint, interface
from usbfuzz.errors import InputError
from usbfuzz.importers import import_bytes
from usbfuzz.wire import Speed, TransferType

from .lsusb_texts import CORPUS

FILES = sorted(CORPUS.glob("*.toml"))
_SOUND = {"bInterfaceClass": ClassCode.AUDIO, "bInterfaceSubClass": 2, "bInterfaceProtocol": 0x20}
_FEEDBACK = 0x10  #: usage of an isochronous endpoint


def _says_where_it_ends(path: Path) -> bool:
    """A blob of a device whose wTotalLength is wrong cannot be told apart."""
    return all(raw[2] | raw[3] << 8 == len(raw) for raw in load(path).devices[0].configurations)


@pytest.mark.parametrize("path", [file for file in FILES if _says_where_it_ends(file)], ids=lambda path: path.stem)
def test_the_descriptors_of_a_real_device_come_back(path: Path) -> None:
    spec = load(path).devices[0]
    blob = spec.device + b"".join(spec.configurations) + spec.bos + spec.qualifier
    (got,) = import_bytes(blob, "descriptors")
    assert got.device.device == spec.device
    assert got.device.configurations == spec.configurations
    assert (got.device.bos, got.device.qualifier) == (spec.bos, spec.qualifier)
    assert got.problems == ()


@given(path=st.sampled_from(FILES), cut=st.integers(18, 400))
def test_a_truncated_blob_keeps_what_is_there_and_says_so(path: Path, cut: int) -> None:
    spec = load(path).devices[0]
    whole = spec.device + b"".join(spec.configurations)
    (got,) = import_bytes(whole[:cut], "descriptors")
    kept = got.device.device + b"".join(got.device.configurations)
    assert whole.startswith(kept)
    assert got.problems or cut >= len(whole)


@given(st.binary(max_size=300))
def test_anything_behind_a_device_descriptor_is_taken_or_reported(rest: bytes) -> None:
    device = load(FILES[0]).devices[0].device
    (got,) = import_bytes(device + rest, "descriptors")
    assert got.device.device == device


def test_a_number_of_configurations_that_is_not_there_is_reported() -> None:
    spec = load(CORPUS / "boot-mouse.toml").devices[0]
    (got,) = import_bytes(spec.device, "descriptors")
    assert [str(problem) for problem in got.problems] == ["bNumConfigurations is 1, the file has 0 configurations"]


def test_a_huge_blob_is_refused() -> None:
    device = load(FILES[0]).devices[0].device
    with pytest.raises(InputError, match="larger than 1 MiB"):
        import_bytes(device + bytes(1 << 20), "descriptors")


def _speaker(*settings: tuple[int, int], subslot: int = 2) -> bytes:
    """Audio 2.0 of two channels, with an alternate setting for each wMaxPacketSize and bInterval."""
    parts: list[bytes | Descriptor] = [interface(0, **_SOUND)]
    for number, (size, interval) in enumerate(settings, start=1):
        parts += [
            interface(0, bAlternateSetting=number, **_SOUND),
            uac2.General(bTerminalLink=1, bFormatType=1, bmFormats=1, bNrChannels=2),
            uac2.FormatTypeI(bSubslotSize=subslot, bBitResolution=8 * subslot),
            endpoint(0x01, TransferType.ISOCHRONOUS, wMaxPacketSize=size, bInterval=interval),
            endpoint(0x81, TransferType.ISOCHRONOUS | _FEEDBACK, wMaxPacketSize=4, bInterval=interval),
        ]
    return configuration(*parts)


@pytest.mark.parametrize(
    ("sound", "speed"),
    [
        (_speaker((104, 1)), Speed.HIGH),  # 26 frames: 192 kHz, each microframe
        (_speaker((196, 4)), Speed.HIGH),  # 49 frames, which would be those of eight milliseconds
        (_speaker((196, 1)), Speed.FULL),
        (_speaker((104, 1), (196, 1)), Speed.FULL),  # a slower format beside the usual one
        (_speaker((294, 1), subslot=3), Speed.FULL),
        (_speaker(), Speed.FULL),
    ],
)
def test_audio_2_whose_packets_cannot_hold_a_millisecond_of_sound_ran_at_high_speed(sound: bytes, speed: Speed) -> None:
    (got,) = import_bytes(device(idVendor=0x1234, idProduct=1) + sound, "descriptors")
    assert got.device.speed is speed


@pytest.mark.parametrize(("interval", "speed"), [(1, Speed.FULL), (4, Speed.HIGH)])
def test_audio_1_that_waits_longer_than_full_speed_does_ran_at_high_speed(interval: int, speed: Speed) -> None:
    sound = interface(0, bAlternateSetting=1, **{**_SOUND, "bInterfaceProtocol": 0})
    packets = endpoint(0x01, TransferType.ISOCHRONOUS, wMaxPacketSize=192, bInterval=interval)
    raw = configuration(interface(0, **{**_SOUND, "bInterfaceProtocol": 0}), sound, packets)
    (got,) = import_bytes(device(idVendor=0x1234, idProduct=1) + raw, "descriptors")
    assert got.device.speed is speed
