"""The announced layout: what Linux keeps, inside what QEMU accepts, quickly."""

from __future__ import annotations

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.descriptors.kernel import parse_configuration
from usbfuzz.descriptors.layout import EndpointLayout, InterfaceLayout, Layout, layout
from usbfuzz.wire import Speed, TransferType

from .kernel_config import kept_by_the_kernel
from .soup import configuration, configurations

speeds = st.sampled_from(Speed)
LARGEST = {Speed.LOW: 8, Speed.FULL: 1023, Speed.HIGH: 1024, Speed.SUPER: 1024}


def interface(
    number: int = 0, alternate: int = 0, endpoints: int = 1, triple: tuple[int, int, int] = (255, 255, 255)
) -> bytes:
    return bytes((9, 4, number, alternate, endpoints, *triple, 0))


def endpoint(address: int = 0x81, attributes: int = 2, packet: int = 512, interval: int = 0) -> bytes:
    return bytes((7, 5, address, attributes, packet & 0xFF, packet >> 8, interval))


def only(raw: bytes, speed: Speed = Speed.HIGH) -> EndpointLayout:
    (announced,) = layout(configuration(raw), {}, speed).endpoints
    return announced


@given(configurations, st.dictionaries(st.integers(0, 3), st.integers(0, 3)), speeds)
def test_the_layout_of_any_bytes_is_inside_the_limits_of_qemu(
    raw: bytes, alternate: dict[int, int], speed: Speed
) -> None:
    found = layout(raw, alternate, speed)
    assert len(found.interfaces) <= 32
    assert len({announced.bInterfaceNumber for announced in found.interfaces}) == len(found.interfaces)
    assert len({announced.bEndpointAddress for announced in found.endpoints}) == len(found.endpoints)
    for found_endpoint in found.endpoints:
        assert found_endpoint.bEndpointAddress & 0x70 == 0
        assert found_endpoint.bEndpointAddress & 0x0F
        periodic = found_endpoint.type in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
        assert 1 <= found_endpoint.bInterval <= 255 if periodic else found_endpoint.bInterval == 0
        assert 1 <= found_endpoint.wMaxPacketSize <= LARGEST[speed]
        if found_endpoint.type is TransferType.INTERRUPT and speed is Speed.FULL:
            assert found_endpoint.wMaxPacketSize <= 64
        assert found_endpoint.max_streams == 0 or (speed is Speed.SUPER and 2 <= found_endpoint.max_streams <= 65536)
        assert found_endpoint.bInterfaceNumber in {interface.bInterfaceNumber for interface in found.interfaces}


@given(configurations, speeds)
def test_what_is_kept_is_what_usb_parse_configuration_keeps(raw: bytes, speed: Speed) -> None:
    ours = {
        (number, setting.alternate): (
            setting.triple,
            [(e.bEndpointAddress, e.type, e.bInterval, e.wMaxPacketSize, e.max_streams) for e in setting.endpoints],
        )
        for number, settings in parse_configuration(raw, speed).items()
        for setting in settings.values()
    }
    assert ours == kept_by_the_kernel(raw, speed)


@pytest.mark.parametrize("raw", [b"", b"\x09", b"\x09\x02", bytes(9), configuration(b"")[:8], b"\x12\x01" + bytes(16)])
def test_bytes_that_linux_rejects_are_the_unconfigured_device(raw: bytes) -> None:
    assert layout(raw) == Layout()


def test_interfaces_and_endpoints_are_announced_in_order() -> None:
    raw = configuration(interface(0, endpoints=2) + endpoint(0x81) + endpoint(0x02) + interface(1, triple=(3, 1, 2)))
    assert layout(raw) == Layout(
        (InterfaceLayout(0, 255, 255, 255), InterfaceLayout(1, 3, 1, 2)),
        (
            EndpointLayout(0x81, TransferType.BULK, 0, 0, 512),
            EndpointLayout(0x02, TransferType.BULK, 0, 0, 512),
        ),
    )


def test_the_chosen_alternate_setting_is_announced_and_an_unknown_one_is_not() -> None:
    raw = configuration(interface(3, 0, 0) + interface(3, 1, 1) + endpoint(0x83, 1, 192, 4))
    assert layout(raw).endpoints == ()
    assert layout(raw, {3: 1}).endpoints[0].type is TransferType.ISOCHRONOUS
    assert layout(raw, {3: 7}).endpoints == ()


def test_an_interface_without_setting_0_starts_in_its_first_one() -> None:
    raw = configuration(interface(0, 2, 1) + endpoint(0x81) + interface(0, 1, 1) + endpoint(0x82))
    assert [announced.bEndpointAddress for announced in layout(raw).endpoints] == [0x81]


def test_of_two_endpoints_with_one_address_the_first_counts() -> None:
    raw = configuration(interface(endpoints=2) + endpoint(0x81, 3, 8, 1) + endpoint(0x81, 2))
    assert [announced.type for announced in layout(raw).endpoints] == [TransferType.INTERRUPT]


def test_another_interface_may_not_reuse_an_address_but_another_setting_may() -> None:
    shared = interface(0, 0) + endpoint(0x81, 3, 8, 1)
    assert len(layout(configuration(shared + interface(1, 0) + endpoint(0x81, 2))).endpoints) == 1
    (announced,) = layout(configuration(shared + interface(0, 1) + endpoint(0x81, 2)), {0: 1}).endpoints
    assert announced.type is TransferType.BULK


def test_a_control_endpoint_takes_both_directions() -> None:
    raw = configuration(interface(endpoints=2) + endpoint(0x81, 0, 64) + endpoint(0x01, 2))
    assert [announced.bEndpointAddress for announced in layout(raw).endpoints] == [0x81]


def test_reserved_address_bits_are_cleared() -> None:
    assert only(interface() + endpoint(0xE3)).bEndpointAddress == 0x83


def test_endpoints_beyond_b_num_endpoints_do_not_exist() -> None:
    raw = configuration(interface(endpoints=1) + endpoint(0x81) + endpoint(0x82))
    assert len(layout(raw).endpoints) == 1


def test_a_descriptor_of_length_0_or_1_ends_the_configuration() -> None:
    for length in (0, 1):
        raw = configuration(interface() + bytes((length, 0x24)) + endpoint())
        assert layout(raw).endpoints == ()


def test_a_wrong_w_total_length_cuts_the_configuration() -> None:
    assert layout(configuration(interface() + endpoint(), total=20)).endpoints == ()
    assert len(layout(configuration(interface() + endpoint(), total=500)).endpoints) == 1


def test_only_32_interfaces_are_announced() -> None:
    assert (
        len(layout(configuration(b"".join(interface(number, endpoints=0) for number in range(200)))).interfaces) == 32
    )


@pytest.mark.parametrize(
    ("speed", "attributes", "packet", "expected"),
    [
        (Speed.FULL, 3, 1024, 64),
        (Speed.FULL, 1, 1024, 1023),
        (Speed.FULL, 2, 512, 64),
        (Speed.HIGH, 3, 0x0C00 | 0x1800, 1024),
        (Speed.HIGH, 1, 0x1400, 1024),
        (Speed.HIGH, 2, 0xFFFF, 1024),
        (Speed.HIGH, 2, 0, 1),
        (Speed.LOW, 3, 64, 8),
        (Speed.SUPER, 0, 1024, 512),
    ],
)
def test_packets_are_no_larger_than_the_speed_allows(speed: Speed, attributes: int, packet: int, expected: int) -> None:
    assert only(interface() + endpoint(0x81, attributes, packet, 1), speed).wMaxPacketSize == expected


@pytest.mark.parametrize(
    ("speed", "attributes", "interval", "expected"),
    [
        (Speed.HIGH, 3, 0, 7),
        (Speed.HIGH, 3, 17, 8),
        (Speed.HIGH, 3, 255, 11),
        (Speed.HIGH, 3, 16, 16),
        (Speed.FULL, 3, 0, 10),
        (Speed.FULL, 3, 255, 255),
        (Speed.HIGH, 1, 0, 7),
        (Speed.FULL, 1, 17, 4),
        (Speed.HIGH, 2, 200, 0),
    ],
)
def test_intervals_are_the_kernels_guesses_where_they_are_out_of_range(
    speed: Speed, attributes: int, interval: int, expected: int
) -> None:
    assert only(interface() + endpoint(0x81, attributes, 8, interval), speed).bInterval == expected


def test_a_low_speed_bulk_endpoint_is_treated_as_interrupt() -> None:
    announced = only(interface() + endpoint(0x81, 2, 64), Speed.LOW)
    assert (announced.type, announced.bInterval, announced.wMaxPacketSize) == (TransferType.INTERRUPT, 1, 8)


@pytest.mark.parametrize(("attributes", "streams"), [(0, 0), (1, 2), (5, 32), (16, 65536), (17, 65536), (0xFF, 65536)])
def test_the_companion_says_how_many_streams_a_superspeed_bulk_endpoint_has(attributes: int, streams: int) -> None:
    companion = bytes((6, 0x30, 0, attributes, 0, 0))
    assert only(interface() + endpoint(0x81, 2, 1024) + companion, Speed.SUPER).max_streams == streams
    assert only(interface() + endpoint(0x81, 2, 1024) + companion, Speed.HIGH).max_streams == 0
    assert only(interface() + endpoint(0x81, 2, 1024) + b"\x03\x24\x00" + companion, Speed.SUPER).max_streams == 0


def test_a_typical_configuration_takes_less_than_100_microseconds() -> None:
    raw = configuration(
        interface(0, 0, 1, (3, 1, 1))
        + bytes.fromhex("092111010001223f00")
        + endpoint(0x81, 3, 8, 10)
        + interface(1, 0, 2, (8, 6, 80))
        + endpoint(0x82)
        + endpoint(0x02)
    )
    best = min(timeit.repeat(lambda: layout(raw), number=100, repeat=20)) / 100
    assert best < 100e-6
