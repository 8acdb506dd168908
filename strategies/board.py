"""A device under construction: it hands out free numbers, builds the standard descriptors and the finished DeviceSpec.

A class strategy asks the board for interface numbers and endpoint addresses, adds interfaces, answers and report
descriptors, and never counts bytes. Several of them on one board make a composite device.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from attrs import Factory, define, frozen

from usbfuzz.case.model import ControlScript, DeviceSpec, EndpointScript
from usbfuzz.descriptors import Descriptor, language_descriptor, string_descriptor
from usbfuzz.descriptors.bos import BosDescriptor, SuperSpeedCapability, Usb20ExtensionCapability
from usbfuzz.descriptors.standard import (
    AudioEndpointDescriptor,
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceAssociationDescriptor,
    InterfaceDescriptor,
    SuperSpeedEndpointCompanion,
)
from usbfuzz.wire import Speed, TransferType

from .identities import Identity

__all__ = ["BCD_USB", "CONTROL_SIZE", "SUPER_BOS", "Board", "Endpoint", "Interface", "lengthened"]

Triple = tuple[int, int, int]

_LARGEST = {
    Speed.LOW: {TransferType.INTERRUPT: 8, TransferType.BULK: 8, TransferType.ISOCHRONOUS: 8},
    Speed.FULL: {TransferType.INTERRUPT: 64, TransferType.BULK: 64, TransferType.ISOCHRONOUS: 1023},
    Speed.HIGH: {TransferType.INTERRUPT: 1024, TransferType.BULK: 512, TransferType.ISOCHRONOUS: 1024},
    Speed.SUPER: {TransferType.INTERRUPT: 1024, TransferType.BULK: 1024, TransferType.ISOCHRONOUS: 1024},
}
#: bMaxPacketSize0 by speed. USB 3.2 §9.6.1.
CONTROL_SIZE = {Speed.LOW: 8, Speed.FULL: 64, Speed.HIGH: 64, Speed.SUPER: 9}
#: bcdUSB by speed.
BCD_USB = {Speed.LOW: 0x0110, Speed.FULL: 0x0200, Speed.HIGH: 0x0200, Speed.SUPER: 0x0300}
_string = lru_cache(1024)(string_descriptor)
_LANGUAGES = language_descriptor()
_CAPABILITIES = (
    Usb20ExtensionCapability(bmAttributes=0x06).raw  # LPM and BESL
    + SuperSpeedCapability(
        bmAttributes=0, wSpeedsSupported=0x0E, bFunctionalitySupport=1, bU1DevExitLat=10, wU2DevExitLat=2047
    ).raw
)
#: What a SuperSpeed device says of itself besides. USB 3.2 §9.6.2.
SUPER_BOS = BosDescriptor(wTotalLength=5 + len(_CAPABILITIES), bNumDeviceCaps=2).raw + _CAPABILITIES


def lengthened(descriptor: Descriptor, tail: bytes) -> bytes:
    """The descriptor with more bytes behind its last field, which bLength counts."""
    raw = descriptor.raw + tail
    return bytes((len(raw),)) + raw[1:]


@frozen
class Endpoint:
    """One endpoint; ``extra`` is what follows it (class-specific descriptors)."""

    bEndpointAddress: int
    type: TransferType
    wMaxPacketSize: int
    bInterval: int
    extra: bytes = b""
    attributes: int = 0  #: bmAttributes bits 7:2 (synchronization and usage of isochronous endpoints)
    audio: bool = False  #: the 9-byte form of USB Audio 1.0 §4.6.1.1

    def raw(self, speed: Speed) -> bytes:
        """Descriptor bytes, with the companion that SuperSpeed demands. USB 3.2 §9.6.7."""
        cls = AudioEndpointDescriptor if self.audio else EndpointDescriptor
        raw = cls(
            bEndpointAddress=self.bEndpointAddress,
            bmAttributes=self.type | self.attributes,
            wMaxPacketSize=self.wMaxPacketSize,
            bInterval=self.bInterval,
        ).raw
        if speed is Speed.SUPER:
            periodic = self.type in (TransferType.ISOCHRONOUS, TransferType.INTERRUPT)
            interval = self.wMaxPacketSize if periodic else 0
            raw += SuperSpeedEndpointCompanion(bMaxBurst=0, bmAttributes=0, wBytesPerInterval=interval).raw
        return raw + self.extra


@frozen
class Interface:
    """One alternate setting; ``extra`` is what stands between it and its endpoints."""

    bInterfaceNumber: int
    triple: Triple = (0xFF, 0, 0)
    endpoints: tuple[Endpoint, ...] = ()
    bAlternateSetting: int = 0
    extra: bytes = b""
    iInterface: int = 0

    def raw(self, speed: Speed) -> bytes:
        """Descriptor bytes of the interface, its class-specific part and its endpoints."""
        head = InterfaceDescriptor(
            bInterfaceNumber=self.bInterfaceNumber,
            bAlternateSetting=self.bAlternateSetting,
            bNumEndpoints=len(self.endpoints),
            bInterfaceClass=self.triple[0],
            bInterfaceSubClass=self.triple[1],
            bInterfaceProtocol=self.triple[2],
            iInterface=self.iInterface,
        ).raw
        return head + self.extra + b"".join([endpoint.raw(speed) for endpoint in self.endpoints])


@define
class Board:
    """A device under construction: builders of functions add interfaces, answers and report descriptors to it."""

    identity: Identity
    speed: Speed = Speed.HIGH
    idVendor: int = 0x1D6B
    idProduct: int = 0x0104
    bcdDevice: int = 0x0100
    device_triple: Triple = (0, 0, 0)
    tables: bool = True  #: see :class:`~strategies.identities.Identities`
    parts: list[bytes] = Factory(list)
    numbers: set[int] = Factory(set)
    control: list[ControlScript] = Factory(list)
    scripts: list[EndpointScript] = Factory(list)
    reports: dict[int, bytes] = Factory(dict)
    strings: list[str] = Factory(lambda: ["Maker", "Device", "0123456789AB"])
    endpoints: list[Endpoint] = Factory(list)
    _addresses: set[int] = Factory(set)
    _next_interface: int = 0

    def interface_number(self, wanted: int | None = None) -> int:
        """The next free bInterfaceNumber, or ``wanted`` when it is free."""
        number = self._next_interface if wanted is None or wanted in self.numbers else wanted
        self.numbers.add(number)
        while self._next_interface in self.numbers:
            self._next_interface += 1
        return number

    def endpoint(
        self,
        kind: TransferType,
        direction: int,
        *,
        number: int | None = None,
        size: int | None = None,
        interval: int | None = None,
        extra: bytes = b"",
        attributes: int = 0,
        audio: bool = False,
    ) -> Endpoint:
        """An endpoint at a free address (or at ``number``, taken or not); ``direction`` is 0x80 for IN, 0 for OUT.

        ``size`` is capped by what the bus speed allows for the type and defaults to it (64 for interrupt endpoints).
        """
        address = self._free_address(direction) if number is None else direction | (number & 0x0F)
        self._addresses.add(address)
        if interval is None:
            interval = {TransferType.INTERRUPT: 4, TransferType.ISOCHRONOUS: 1}.get(kind, 0)
        made = Endpoint(address, kind, self._packet_size(kind, size), interval, extra, attributes, audio)
        self.endpoints.append(made)
        return made

    def _packet_size(self, kind: TransferType, size: int | None) -> int:
        """wMaxPacketSize for about ``size`` bytes a (micro)frame; high speed periodic ones may take three packets."""
        largest = _LARGEST[self.speed].get(kind, 64)
        if kind is TransferType.BULK or size is None:
            return min(largest, 64) if kind is TransferType.INTERRUPT else largest
        if size > largest and self.speed is Speed.HIGH:
            extra = min((size - 1) // largest, 2)
            return extra << 11 | min(-(-size // (extra + 1)), largest)
        return min(size, largest)

    def _free_address(self, direction: int) -> int:
        for number in range(1, 16):
            if direction | number not in self._addresses:
                return direction | number
        return direction | 0x0F

    def add(self, interface: Interface) -> None:
        """Append one alternate setting to the configuration."""
        self.numbers.add(interface.bInterfaceNumber)
        self.parts.append(interface.raw(self.speed))

    def associate(self, first: int, count: int, triple: Triple) -> None:
        """Append an interface association descriptor. USB 2.0 ECN IAD."""
        association = InterfaceAssociationDescriptor(
            bFirstInterface=first,
            bInterfaceCount=count,
            bFunctionClass=triple[0],
            bFunctionSubClass=triple[1],
            bFunctionProtocol=triple[2],
        )
        self.parts.append(association.raw)
        if self.device_triple == (0, 0, 0):
            self.device_triple = (0xEF, 2, 1)

    def string(self, text: str) -> int:
        """Add a string; returns its index."""
        self.strings.append(text)
        return len(self.strings)

    def pad_to(self, total: int) -> None:
        """Append descriptors without meaning until the configuration is ``total`` bytes, if it is shorter."""
        missing = total - 9 - sum(map(len, self.parts))
        while missing >= 3:
            size = min(missing, 255) if missing < 256 or missing > 257 else 200
            self.parts.append(bytes((size, 0x24)) + bytes(size - 2))
            missing -= size

    def configuration(self) -> bytes:
        """The whole configuration with right totals. USB 2.0 §9.6.3."""
        body = b"".join(self.parts)
        total, interfaces = min(len(body) + 9, 0xFFFF), len(self.numbers) & 0xFF
        return ConfigurationDescriptor(wTotalLength=total, bNumInterfaces=interfaces).raw + body

    def device(self) -> bytes:
        """The device descriptor. USB 2.0 §9.6.1."""
        return DeviceDescriptor(
            bcdUSB=BCD_USB[self.speed],
            bDeviceClass=self.device_triple[0],
            bDeviceSubClass=self.device_triple[1],
            bDeviceProtocol=self.device_triple[2],
            bMaxPacketSize0=CONTROL_SIZE[self.speed],
            idVendor=self.idVendor,
            idProduct=self.idProduct,
            bcdDevice=self.bcdDevice,
            iManufacturer=1,
            iProduct=2,
            iSerialNumber=3,
        ).raw

    @property
    def name(self) -> str:
        """What the finished device is called: the driver it is for, and its ids."""
        return f"{self.identity.module} {self.idVendor:04x}:{self.idProduct:04x}"

    def spec(self, control: Sequence[ControlScript] = (), scripts: Sequence[EndpointScript] = ()) -> DeviceSpec:
        """The finished device; what class strategies scripted goes before ``control`` and ``scripts``."""
        scripted = {script.bEndpointAddress for script in self.scripts}
        return DeviceSpec(
            name=self.name,
            device=self.device(),
            configurations=(self.configuration(),),
            speed=self.speed,
            strings=((0, _LANGUAGES), *((i, _string(text)) for i, text in enumerate(self.strings, 1))),
            reports=tuple(sorted(self.reports.items())),
            bos=SUPER_BOS if self.speed is Speed.SUPER else b"",
            control=(*self.control, *control),
            endpoints=(*self.scripts, *(script for script in scripts if script.bEndpointAddress not in scripted)),
        )
