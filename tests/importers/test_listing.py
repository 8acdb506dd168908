"""The kernel's list of USB devices, and what usb-devices makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.case import DeviceSpec, load
from usbfuzz.descriptors import split, string_text
from usbfuzz.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceAssociationDescriptor,
    InterfaceDescriptor,
)
from usbfuzz.errors import InputError
from usbfuzz.importers import Imported, import_bytes
from usbfuzz.importers.listing import import_listing, looks_listing
from usbfuzz.wire import Speed, TransferType

from .damage import damaged_text, survives
from .lsusb_texts import CORPUS

MOUSE = load(CORPUS / "boot-mouse.toml").devices[0]
HEADSET = load(CORPUS / "audio1-headset-062a-9004.toml").devices[0]
SPEEDS = {Speed.LOW: "1.5", Speed.FULL: "12", Speed.HIGH: "480", Speed.SUPER: "5000"}
T5 = load(CORPUS / "storage-uas-samsung-t5.toml").devices[0]
ROOT_HUB = """
T:  Bus=03 Lev=00 Prnt=00 Port=00 Cnt=00 Dev#=  1 Spd=480 MxCh= 4
B:  Alloc=  0/800 us ( 0%), #Int=  0, #Iso=  0
D:  Ver= 2.00 Cls=09(hub  ) Sub=00 Prot=01 MxPS=64 #Cfgs=  1
P:  Vendor=1d6b ProdID=0002 Rev= 6.01
S:  Manufacturer=Linux 6.1.0 xhci-hcd
C:* #Ifs= 1 Cfg#= 1 Atr=e0 MxPwr=  0mA
I:* If#= 0 Alt= 0 #EPs= 1 Cls=09(hub  ) Sub=00 Prot=00 Driver=hub
E:  Ad=81(I) Atr=03(Int.) MxPS=   4 Ivl=256ms
"""


def listed(spec: DeviceSpec, *, endpoints: bool = True) -> str:
    """What drivers/usb/core/devices.c prints of a device; without ``endpoints`` as usb-devices of usbutils 013 does."""
    lines = [f"T:  Bus=03 Lev=01 Prnt=01 Port=02 Cnt=01 Dev#=  7 Spd={SPEEDS[spec.speed]:<3} MxCh= 0"]
    is_fast = spec.speed in (Speed.HIGH, Speed.SUPER)
    for part in split(spec.device + b"".join(spec.configurations)):
        if isinstance(part, DeviceDescriptor):
            lines.append(
                f"D:  Ver={part.bcdUSB >> 8:2x}.{part.bcdUSB & 0xFF:02x} Cls={part.bDeviceClass:02x}(>ifc )"
                f" Sub={part.bDeviceSubClass:02x} Prot={part.bDeviceProtocol:02x}"
                f" MxPS={part.bMaxPacketSize0:2d} #Cfgs={part.bNumConfigurations:3d}"
            )
            lines.append(
                f"P:  Vendor={part.idVendor:04x} ProdID={part.idProduct:04x}"
                f" Rev={part.bcdDevice >> 8:2x}.{part.bcdDevice & 0xFF:02x}"
            )
            lines.append("S:  Product=A = thing (of ours)")
        elif isinstance(part, ConfigurationDescriptor):
            power = part.bMaxPower * (8 if spec.speed is Speed.SUPER else 2)
            lines.append(
                f"C:* #Ifs={part.bNumInterfaces:2d} Cfg#={part.bConfigurationValue:2d} Atr={part.bmAttributes:02x}"
                f" MxPwr={power:3d}mA"
            )
        elif isinstance(part, InterfaceAssociationDescriptor):
            codes = part.bFunctionClass, part.bFunctionSubClass, part.bFunctionProtocol
            lines.append(
                f"A:  FirstIf#={part.bFirstInterface:2d} IfCount={part.bInterfaceCount:2d}"
                " Cls={:02x}(audio) Sub={:02x} Prot={:02x}".format(*codes)
            )
        elif isinstance(part, InterfaceDescriptor):
            is_active = " " if part.bAlternateSetting else "*"
            lines.append(
                f"I:{is_active} If#={part.bInterfaceNumber:2d} Alt={part.bAlternateSetting:2d}"
                f" #EPs={part.bNumEndpoints:2d} Cls={part.bInterfaceClass:02x}(xxx  ) Sub={part.bInterfaceSubClass:02x}"
                f" Prot={part.bInterfaceProtocol:02x} Driver=(none)"
            )
        elif isinstance(part, EndpointDescriptor) and endpoints:
            lines.append(_endpoint(part, is_fast))
    return "\n".join([*lines, ""])


def _endpoint(part: EndpointDescriptor, is_fast: bool) -> str:
    """usb_dump_endpoint_descriptor."""
    units = part.bInterval
    if part.transfer_type is TransferType.ISOCHRONOUS or (part.transfer_type is TransferType.INTERRUPT and is_fast):
        units = 1 << (part.bInterval - 1)
    micros = units * (125 if is_fast else 1000)
    time = f"{micros}us" if micros % 1000 else f"{micros // 1000}ms"
    return (
        f"E:  Ad={part.bEndpointAddress:02x}({'I' if part.bEndpointAddress & 0x80 else 'O'})"
        f" Atr={part.bmAttributes:02x}(xxxx) MxPS={part.wMaxPacketSize & 0x7FF:4d} Ivl={time}"
    )


def only(text: str) -> Imported:
    *_, imported = import_bytes(text.encode(), "devices")
    return imported


def told(spec: DeviceSpec) -> list[tuple[int, ...]]:
    """What a list tells of interfaces and endpoints."""
    found: list[tuple[int, ...]] = []
    for part in split(b"".join(spec.configurations)):
        if isinstance(part, InterfaceDescriptor):
            codes = part.bInterfaceClass, part.bInterfaceSubClass, part.bInterfaceProtocol
            found.append((part.bInterfaceNumber, part.bAlternateSetting, part.bNumEndpoints, *codes))
        elif isinstance(part, EndpointDescriptor):
            found.append((part.bEndpointAddress, part.bmAttributes, part.wMaxPacketSize, part.bInterval))
        elif isinstance(part, ConfigurationDescriptor):
            found.append((part.bNumInterfaces, part.bConfigurationValue, part.bmAttributes, part.bMaxPower))
    return found


@pytest.mark.parametrize("spec", [MOUSE, HEADSET, T5], ids=["mouse", "headset", "disk"])
@pytest.mark.parametrize("quote", ["", "> ", "    "])
def test_what_the_list_tells_comes_back(spec: DeviceSpec, quote: str) -> None:
    text = quote + f"\n{quote}".join((ROOT_HUB + listed(spec)).split("\n"))
    assert looks_listing(text.encode())
    imported = only(text)
    assert told(imported.device) == told(spec)
    assert imported.device.speed is spec.speed
    assert imported.device.device[:14] == spec.device[:14]
    assert imported.origin.startswith("Bus 003 Device 007: ")
    assert string_text(dict(imported.device.strings)[2]) == "A = thing (of ours)"


def test_a_hid_descriptor_is_made_up_and_class_descriptors_are_missed() -> None:
    mouse = only(listed(MOUSE))
    assert "the HID descriptor of interface 0" in mouse.synthesised
    assert mouse.device.reports
    assert "class descriptors of interface 0 are not told; it has none" in map(str, only(listed(HEADSET)).problems)


def test_endpoints_that_are_only_counted_are_made_up() -> None:
    modem = listed(T5, endpoints=False).replace("#EPs= 4", "#EPs= 3")
    imported = only(modem)
    types = [
        (part.bEndpointAddress, part.transfer_type)
        for part in split(imported.device.configurations[0])
        if isinstance(part, EndpointDescriptor)
    ]
    interrupt, bulk = TransferType.INTERRUPT, TransferType.BULK
    assert types == [(0x81, bulk), (0x02, bulk), (0x83, interrupt), (0x84, bulk), (0x05, bulk)]
    assert "the endpoints of interface 0, 2 by number" in imported.synthesised


def test_alternate_settings_that_are_not_told_are_missed() -> None:
    assert not only(listed(T5)).problems
    in_use = listed(T5).replace("Alt= 0", "Alt= 2")
    assert "of interface 0 only alternate setting 2 is told; it has no other" in map(str, only(in_use).problems)


def test_a_size_above_a_packet_is_of_several_transactions() -> None:
    camera = (
        listed(MOUSE)
        .replace("Atr=03(xxxx) MxPS=   4 Ivl=", "Atr=01(xxxx) MxPS=3072 Ivl=")
        .replace("Spd=1.5", "Spd=480")
    )
    assert told(only(camera).device)[-1][1:3] == (1, 0x1400)


def test_a_list_without_a_device_says_what_to_give() -> None:
    with pytest.raises(InputError, match=r"x: lists no USB device; give the whole of /sys/kernel/debug/usb/devices"):
        import_listing(b"T:  Bus=03 Lev=00 Prnt=00 Port=00\nD:  Ver= 2.00\n", "x")


@settings(deadline=None, max_examples=60)
@given(damaged_text((ROOT_HUB + listed(HEADSET)).encode()) | st.binary(max_size=100))
def test_damaged_lists_raise_nothing_but_input_errors(content: bytes) -> None:
    looks_listing(content)
    survives(import_listing, content)


def test_a_speed_the_list_does_not_know_is_made_up_and_listed() -> None:
    (known,) = import_listing(listed(HEADSET).encode(), "x")
    (got,) = import_listing(listed(HEADSET).replace("Spd=12 ", "Spd=?? ").encode(), "x")
    assert got.device == known.device
    assert set(got.synthesised) - set(known.synthesised) == {"speed full, as the list does not tell it"}
