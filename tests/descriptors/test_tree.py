"""The tree of a configuration: it loses no byte, follows the kernel's rules, and corrects totals only on request."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given

from usbfuzz.descriptors import RawDescriptor, join, split
from usbfuzz.descriptors.kernel import parse_configuration
from usbfuzz.descriptors.standard import EndpointDescriptor, InterfaceDescriptor
from usbfuzz.descriptors.tree import AlternateSetting, Configuration, Endpoint, parse
from usbfuzz.descriptors.uac1 import Header
from usbfuzz.wire import Speed

from .soup import configuration, configurations

HEADSET = configuration(
    bytes.fromhex(
        "080b000201010000"
        "090400000001010000 0924010001 1e00 0101 0c24020101010002 0300 0000 092403020103000100"
        "090401000001020000"
        "090401010101020000 07240101010100 09050109c400010000 07250101000000"
    ),
    interfaces=2,
)


@given(configurations)
def test_the_tree_of_any_bytes_flattens_to_the_same_bytes(raw: bytes) -> None:
    assert parse(raw).raw == raw


@given(configurations)
def test_changing_nothing_gives_the_same_tree(raw: bytes) -> None:
    tree = parse(raw)
    assert tree.map(lambda descriptor: descriptor) == tree


@given(configurations)
def test_totals_are_right_once_they_are_asked_for(raw: bytes) -> None:
    tree = parse(raw).with_totals()
    assert len(tree.raw) == len(raw)
    assert tree.with_totals() == tree
    if tree.head is not None:
        assert tree.head.wTotalLength == len(raw)
        assert tree.head.bNumInterfaces == len({setting.head.bInterfaceNumber for setting in tree.settings})
    for setting in tree.settings:
        assert setting.head.bNumEndpoints == len(setting.endpoints)


def test_a_configuration_is_seen_as_interfaces_settings_and_endpoints() -> None:
    tree = parse(HEADSET)
    assert [(number, len(settings)) for number, settings in tree.interfaces.items()] == [(0, 1), (1, 2)]
    (association,) = tree.associations
    assert association.bInterfaceCount == 2
    assert tree.settings[0].lead == (association,)
    assert [type(descriptor).__name__ for descriptor in tree.settings[0].extra] == [
        "Header",
        "InputTerminal",
        "OutputTerminal",
    ]
    (endpoint,) = tree.settings[2].endpoints
    assert endpoint.head.bEndpointAddress == 0x01
    assert [type(descriptor).__name__ for descriptor in endpoint.extra] == ["IsochronousEndpoint"]


def test_removing_an_interface_keeps_the_association_and_wrong_totals() -> None:
    tree = parse(HEADSET).without_interface(0)
    assert list(tree.interfaces) == [1]
    assert len(tree.associations) == 1
    assert tree.head is not None
    assert tree.head.bNumInterfaces == 2
    fixed = tree.with_totals()
    assert fixed.head is not None
    assert (fixed.head.bNumInterfaces, fixed.head.wTotalLength) == (1, len(tree.raw))


def test_removing_the_last_interface_leaves_its_association_at_the_end() -> None:
    tree = parse(configuration(bytes.fromhex("080b000101010000090400000001010000"))).without_interface(0)
    assert tree.settings == ()
    assert len(tree.tail) == 1


def test_the_total_of_a_class_header_covers_the_class_descriptors_after_it() -> None:
    tree = parse(HEADSET)
    grown = evolve(tree.settings[0], extra=(*tree.settings[0].extra, RawDescriptor(b"\x04\x24\x55\x55")))
    header = grown.with_totals().extra[0]
    assert isinstance(header, Header)
    assert header.wTotalLength == 9 + 12 + 9 + 4
    assert tree.with_setting(0, grown).settings[0] == grown


def test_a_descriptor_can_be_dropped_or_changed_anywhere() -> None:
    tree = parse(HEADSET)
    without = tree.map(lambda descriptor: None if isinstance(descriptor, EndpointDescriptor) else descriptor)
    assert all(not setting.endpoints for setting in without.settings)
    vendor = tree.map(
        lambda descriptor: (
            descriptor.replace(bInterfaceClass=255) if isinstance(descriptor, InterfaceDescriptor) else descriptor
        )
    )
    assert {setting.head.bInterfaceClass for setting in vendor.settings} == {255}


def test_what_follows_a_broken_interface_descriptor_belongs_to_no_interface() -> None:
    raw = configuration(bytes.fromhex("090400000103000000" + "07058103080001" + "0804010001030000" + "07058203080001"))
    tree = parse(raw)
    assert len(tree.settings[0].endpoints) == 1
    assert [descriptor.bDescriptorType for descriptor in tree.tail] == [4, 5]
    assert len(parse_configuration(raw, Speed.FULL)[0][0].endpoints) == 1


def test_bytes_that_are_no_configuration_have_no_head() -> None:
    tree = parse(bytes.fromhex("07058103080001"))
    assert tree == Configuration(extra=split(bytes.fromhex("07058103080001")))
    assert parse(b"") == Configuration()


def test_a_tree_can_be_built_from_its_parts() -> None:
    head = InterfaceDescriptor(
        bInterfaceNumber=0, bNumEndpoints=0, bInterfaceClass=3, bInterfaceSubClass=0, bInterfaceProtocol=0
    )
    endpoint = EndpointDescriptor(bEndpointAddress=0x81, bmAttributes=3, wMaxPacketSize=8, bInterval=10)
    setting = AlternateSetting(head, endpoints=(Endpoint(endpoint),)).with_totals()
    assert join(setting) == bytes.fromhex("090400000103000000" + "0705810308000a")
