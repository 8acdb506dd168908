"""A device class's body decides what it answers; chapter 9 of USB 2.0 decides the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.descriptors.constants import Recipient, RequestKind
from usbfuzz.descriptors.layout import Layout
from usbfuzz.device import Device, Reply, build, control_in, control_out, endpoint_in, endpoint_out
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, TransferType, data

OK = Answer()


class Probe(Device):
    """Two configurations, two alternate settings, and a handler of every kind."""

    device = build.device(idVendor=1, idProduct=2, iProduct=1, bNumConfigurations=2)
    strings = ((1, "Probe"), (2, b"\x04\x03\x00\xd8"))
    configurations = (
        build.configuration(
            build.interface(bInterfaceClass=0xFF),
            build.endpoint(0x81, TransferType.BULK, wMaxPacketSize=512),
            build.interface(bInterfaceClass=0xFF, bAlternateSetting=1, bNumEndpoints=0),
            bmAttributes=0xC0,
        ),
        build.configuration(build.interface(bInterfaceClass=3, bNumEndpoints=0), bConfigurationValue=5),
    )

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    @control_in(kind=RequestKind.VENDOR, bRequest=1)
    def anything(self, setup: Setup) -> Reply:
        return bytes((setup.wValue & 0xFF,)) * 8

    @control_in(kind=RequestKind.VENDOR, bRequest=1, wValue=7)
    def seven(self, _setup: Setup) -> Reply:
        return data(b"much longer than was asked for")

    @control_in(kind=RequestKind.VENDOR, bRequest=1, wValue=7, wIndex=9)
    def seven_of_nine(self, _setup: Setup) -> Reply:
        return None

    @control_out(bRequest=2, recipient=Recipient.INTERFACE)
    @control_out(bRequest=3, recipient=Recipient.INTERFACE)
    def write(self, setup: Setup, payload: bytes) -> Reply:
        self.written.append(payload)
        return STALL if setup.wIndex else None

    @endpoint_in(0x81)
    def read(self, length: int) -> Reply:
        return self.written.pop() * 9 if self.written else None

    @endpoint_out(0x02)
    def take(self, payload: bytes) -> Reply:
        return STALL if payload == b"bad" else None


def get(device: Device, wValue: int, wLength: int = 255) -> Answer:
    return device.on_control(Setup(0x80, 6, wValue, 0, wLength), b"")


def test_static_descriptors_are_served_as_the_class_body_has_them() -> None:
    device = Probe()
    assert get(device, 0x0100) == data(Probe.device)
    assert [get(device, 0x0200 + i) for i in range(3)] == [*map(data, Probe.configurations), STALL]
    assert get(device, 0x0300) == data(bytes.fromhex("04 03 09 04"))
    assert get(device, 0x0301) == data(bytes.fromhex("0c 03 50 00 72 00 6f 00 62 00 65 00"))
    assert get(device, 0x0302) == data(b"\x04\x03\x00\xd8")
    assert get(device, 0x0303) == get(device, 0x0600) == get(device, 0x0F00) == STALL


def test_qualifier_and_bos_are_served_when_there_are_any() -> None:
    class Super(Probe):
        bos = b"\x05\x0f\x05\x00\x00"
        qualifier = b"\x0a\x06"

    assert get(Super(), 0x0F00) == data(Super.bos)
    assert get(Super(), 0x0600) == data(Super.qualifier)


@given(st.integers(0, 300))
def test_a_well_behaved_answer_is_no_longer_than_asked(wLength: int) -> None:
    assert get(Probe(), 0x0200, wLength).data == Probe.configurations[0][:wLength]


def test_the_handler_with_the_most_exact_match_answers() -> None:
    device = Probe()
    assert device.on_control(Setup(0xC0, 1, 5, 9, 3), b"") == data(b"\x05\x05\x05")
    assert device.on_control(Setup(0xC0, 1, 7, 0, 3), b"") == data(b"much longer than was asked for")
    assert device.on_control(Setup(0xC0, 1, 7, 9, 3), b"") == OK
    assert device.on_control(Setup(0xC1, 1, 7, 9, 3), b"") == STALL


def test_one_method_may_answer_several_requests() -> None:
    device = Probe()
    assert device.on_control(Setup(0x21, 2, 0, 0, 1), b"x") == OK
    assert device.on_control(Setup(0x21, 3, 0, 1, 1), b"y") == STALL
    assert device.written == [b"x", b"y"]


def test_endpoints_answer_what_their_methods_return() -> None:
    device = Probe()
    assert device.on_in(0x81, 4) == NAK
    device.written.append(b"z")
    assert device.on_in(0x81, 4) == data(b"zzzz")
    assert device.on_out(0x02, b"good") == OK
    assert device.on_out(0x02, b"bad") == STALL


def test_endpoints_without_a_method_are_silent_or_accept() -> None:
    assert Probe().on_in(0x85, 64) == NEVER
    assert Probe().on_out(0x05, b"x") == OK


def test_a_subclass_answers_before_its_base() -> None:
    class Override(Probe):
        def anything(self, setup: Setup) -> Reply:
            return b"undecorated"

    class Redecorate(Probe):
        @control_in(kind=RequestKind.STANDARD, bRequest=6)
        def no_descriptors(self, setup: Setup) -> Reply:
            return STALL

    assert Override().on_control(Setup(0xC0, 1, 5, 0, 99), b"") == data(b"undecorated")
    assert get(Redecorate(), 0x0100) == STALL
    assert get(Probe(), 0x0100) == data(Probe.device)


@pytest.mark.parametrize(("decorator", "address"), [(endpoint_in, 0x01), (endpoint_out, 0x81)])
def test_an_endpoint_decorator_checks_the_direction(decorator: object, address: int) -> None:
    assert callable(decorator)
    with pytest.raises(ValueError, match="use endpoint_"):
        decorator(address)


def test_configuration_and_alternate_setting_are_state() -> None:
    device = Probe()
    assert device.layout() == Layout()
    assert device.on_set_configuration(9) == STALL
    assert device.on_set_configuration(1) == OK
    assert [endpoint.bEndpointAddress for endpoint in device.layout().endpoints] == [0x81]
    assert device.on_set_interface(0, 1) == OK
    assert device.layout().endpoints == ()
    assert device.on_control(Setup(0x81, 10, 0, 0, 1), b"") == data(b"\x01")
    assert device.on_set_configuration(5) == OK
    assert device.alternate == {}
    assert device.layout().interfaces[0].bInterfaceClass == 3
    assert device.on_control(Setup(0x80, 8, 0, 0, 1), b"") == data(b"\x05")
    device.on_reset()
    assert device.configuration == 0
    assert device.layout() == Layout()


def test_configuration_requests_may_come_as_plain_control_transfers() -> None:
    device = Probe()
    assert device.on_control(Setup(0x00, 9, 1, 0, 0), b"") == OK
    assert device.on_control(Setup(0x01, 11, 1, 0, 0), b"") == OK
    assert (device.configuration, device.alternate) == (1, {0: 1})
    assert device.on_control(Setup(0x00, 9, 0, 0, 0), b"") == OK
    assert device.configuration == 0


def test_the_layout_is_computed_once_for_each_state() -> None:
    device = Probe()
    device.on_set_configuration(1)
    first = device.layout()
    device.on_set_interface(0, 1)
    device.on_set_interface(0, 0)
    device.on_set_configuration(1)
    assert device.layout() is first


def test_device_status_tells_power_and_remote_wakeup() -> None:
    device = Probe()
    status = Setup(0x80, 0, 0, 0, 2)
    assert device.on_control(status, b"") == data(b"\x00\x00")
    device.on_set_configuration(1)
    assert device.on_control(status, b"") == data(b"\x01\x00")
    assert device.on_control(Setup(0x00, 3, 1, 0, 0), b"") == OK
    assert device.on_control(status, b"") == data(b"\x03\x00")
    assert device.on_control(Setup(0x00, 1, 1, 0, 0), b"") == OK
    assert device.on_control(status, b"") == data(b"\x01\x00")
    assert device.on_control(Setup(0x81, 0, 0, 0, 2), b"") == data(b"\x00\x00")


@pytest.mark.parametrize(("address", "running"), [(0x81, NAK), (0x02, OK)])
def test_a_halted_endpoint_stalls_until_the_host_clears_it(address: int, running: Answer) -> None:
    device = Probe()

    def transfer() -> Answer:
        return device.on_in(address, 4) if address & 0x80 else device.on_out(address, b"x")

    assert transfer() == running
    assert device.on_control(Setup(0x02, 3, 0, address, 0), b"") == OK
    assert device.on_control(Setup(0x82, 0, 0, address, 2), b"") == data(b"\x01\x00")
    assert transfer() == STALL
    assert device.on_control(Setup(0x02, 1, 0, address, 0), b"") == OK
    assert device.on_control(Setup(0x82, 0, 0, address, 2), b"") == data(b"\x00\x00")
    assert transfer() == running


def test_superspeed_link_requests_are_accepted() -> None:
    assert Probe().on_control(Setup(0x00, 48, 0, 0, 6), bytes(6)) == OK
    assert Probe().on_control(Setup(0x00, 49, 40, 0, 0), b"") == OK


def test_the_state_of_one_device_is_not_that_of_another() -> None:
    one, other = Probe(), Probe()
    one.on_set_configuration(1)
    one.on_control(Setup(0x02, 3, 0, 0x81, 0), b"")
    assert (other.configuration, other.halted) == (0, set())


def test_builders_count_what_they_are_given() -> None:
    raw = Probe.configurations[0]
    assert int.from_bytes(raw[2:4], "little") == len(raw) == 9 + 9 + 7 + 9
    assert raw[4] == 1


def test_builders_lie_when_told_to() -> None:
    raw = build.configuration(b"\x02\x24", wTotalLength=5, bNumInterfaces=200)
    assert raw == bytes.fromhex("09 02 05 00 c8 01 00 80 32 02 24")
    assert build.hid(b"abc", bcdHID=0) == bytes.fromhex("09 21 00 00 00 01 22 03 00")
