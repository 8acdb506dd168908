"""Plausible devices: consistent in themselves, and of the kind that the drivers of the kernel look for."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import devices, devices_of, malformed
from strategies.devices import make_device
from strategies.dice import Dice
from strategies.families import FAMILIES, PREFIXES
from strategies.habits import OPENINGS
from strategies.identities import Identities, Identity
from strategies.needs import NEEDS
from strategies.palette import COMPOSITE, SHARES, Palette
from strategies.vendor import family_of, parse_layout
from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import RawDescriptor, split
from usbfuzz.errors import InputError
from usbfuzz.wire import Speed, TransferType

from .aliases import IDENTITIES

PALETTE = Palette(IDENTITIES)
KINDS = tuple(SHARES)


def made(kind: str, count: int = 150) -> list[DeviceSpec]:
    """``count`` devices of a kind, always the same."""
    palette = PALETTE if kind in PALETTE.shares.items else Palette(Identities.parse(_MIDI))
    return [make_device(Dice(seed), palette, kind) for seed in range(count)]


_MIDI = "alias usb:v*p*d*dc*dsc*dp*ic01isc03ip*in* snd_usb_audio\n"


def pieces(spec: DeviceSpec) -> list[bytes]:
    """The descriptors of the first configuration."""
    return [descriptor.raw for descriptor in split(spec.configurations[0])]


@pytest.mark.parametrize("kind", KINDS)
def test_the_device_descriptor_is_18_bytes_and_announces_the_configurations(kind: str) -> None:
    for spec in made(kind, 40):
        assert spec.device[:2] == b"\x12\x01"
        assert len(spec.device) == 18
        assert spec.device[17] == len(spec.configurations)


@pytest.mark.parametrize("kind", KINDS)
def test_totals_and_lengths_are_consistent(kind: str) -> None:
    for spec in made(kind):
        whole = spec.configurations[0]
        assert struct.unpack_from("<H", whole, 2)[0] == len(whole)
        assert all(piece[0] == len(piece) for piece in pieces(spec))


@pytest.mark.parametrize("kind", KINDS)
def test_interfaces_and_endpoints_are_counted_right(kind: str) -> None:
    for spec in made(kind):
        found = pieces(spec)
        numbers = {piece[2] for piece in found if piece[1] == 4}
        assert found[0][4] == len(numbers)
        announced = sum(piece[4] for piece in found if piece[1] == 4)
        assert announced == sum(piece[1] == 5 for piece in found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_descriptors_of_a_plausible_device_are_long_enough_for_their_types(kind: str) -> None:
    seen = [descriptor for spec in made(kind) for descriptor in split(spec.configurations[0])]
    truncated = [
        descriptor for descriptor in seen if isinstance(descriptor, RawDescriptor) and descriptor.meant is not None
    ]
    assert len(truncated) <= len(seen) // 100


@pytest.mark.parametrize("kind", KINDS)
def test_packet_sizes_are_legal_for_the_speed(kind: str) -> None:
    largest = {Speed.LOW: 8, Speed.FULL: 1023, Speed.HIGH: 1024, Speed.SUPER: 1024}
    for spec in made(kind):
        for piece in pieces(spec):
            if piece[1] == 5:
                size = struct.unpack_from("<H", piece, 4)[0] & 0x7FF
                assert size <= largest[spec.speed]
                if piece[3] & 3 == TransferType.BULK:
                    assert size == {Speed.LOW: 8, Speed.FULL: 64, Speed.HIGH: 512, Speed.SUPER: 1024}[spec.speed]


def test_every_superspeed_endpoint_has_its_companion() -> None:
    for spec in (spec for kind in KINDS for spec in made(kind, 60) if spec.speed is Speed.SUPER):
        found = pieces(spec)
        assert all(found[at + 1][1] == 0x30 for at, piece in enumerate(found) if piece[1] == 5)
        assert spec.bos


@given(identity=IDENTITIES.strategy(), seed=st.integers(0, 2**32))
def test_a_device_carries_the_ids_of_its_identity(identity: Identity, seed: int) -> None:
    palette = Palette(Identities({identity.module: (identity,)}))
    ((kind, *_),) = [palette.functions.items]
    spec = make_device(Dice(seed), palette, kind)
    vendor, product, release = struct.unpack_from("<HHH", spec.device, 8)
    assert identity.idVendor in (None, vendor)
    assert identity.idProduct in (None, product)
    if identity.bcdDevice:
        assert identity.bcdDevice[0] <= release <= identity.bcdDevice[1]


def test_a_wanted_interface_number_is_there() -> None:
    palette = Palette(Identities({"qmi_wwan": IDENTITIES.of("qmi_wwan")}))
    for seed in range(50):
        spec = make_device(Dice(seed), palette, "vendor")
        assert max(piece[2] for piece in pieces(spec) if piece[1] == 4) >= 1


@pytest.mark.parametrize("module", sorted(NEEDS))
def test_the_layouts_of_the_table_can_be_read(module: str) -> None:
    assert all(parse_layout(layout) for layout in NEEDS[module])


def test_the_layouts_of_the_families_can_be_read() -> None:
    assert all(parse_layout(layout) for layouts in FAMILIES.values() for layout in layouts)
    assert set(PREFIXES) <= set(FAMILIES)


def test_a_layout_with_an_unknown_token_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'xi1'"):
        parse_layout("bi1 xi1")


def test_a_family_is_found_by_the_longest_prefix() -> None:
    assert family_of("rt2800usb") == "wifi"
    assert family_of("qcserial") == "serial"
    assert family_of("no_such_thing") == "control"


def test_the_openings_of_packets_are_hex() -> None:
    assert all(bytes.fromhex(opening) for openings in OPENINGS.values() for opening in openings)


def test_a_kind_without_a_driver_is_refused() -> None:
    with pytest.raises(InputError, match="no driver for video"):
        devices_of("video", Identities.parse(_MIDI))


@settings(max_examples=30)
@given(spec=malformed(devices(IDENTITIES)))
def test_malformed_devices_keep_every_field_in_range(spec: DeviceSpec) -> None:
    assert all(0 <= index <= 255 for index, _ in spec.strings)
    assert all(0 <= number <= 255 for number, _ in spec.reports)
    assert all(len(raw) <= 0xFFFF for raw in spec.configurations)
    assert all(0 <= script.bEndpointAddress <= 255 for script in spec.endpoints)


def test_composites_have_functions_of_several_classes() -> None:
    classes = [{piece[5] for piece in pieces(spec) if piece[1] == 4} for spec in made(COMPOSITE)]
    assert sum(len(found) > 1 for found in classes) > len(classes) // 2
