"""The standard descriptors of a device, in their order."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors.constants import DescriptorType

from .bos import bos
from .classes import class_descriptor
from .names import Names, installed_names
from .position import Position
from .sheet import Sheet, bcd, u16

__all__ = ["render_lsusb"]

_TRANSFER_TYPES = ("Control", "Isochronous", "Bulk", "Interrupt")
_SYNCH_TYPES = ("None", "Asynchronous", "Adaptive", "Synchronous")
_USAGE_TYPES = ("Data", "Feedback", "Implicit feedback Data", "(reserved)")
_PER_MICROFRAME = ("1x", "2x", "3x", "(??)")
_SUPERSPEED = 0x0300


def render_lsusb(spec: DeviceSpec, names: Names | None = None) -> str:
    """The listing of one device."""
    sheet = Sheet(installed_names() if names is None else names, dict(spec.strings))
    raw = spec.device
    _device(sheet, raw)
    superspeed = len(raw) >= 4 and u16(raw, 2) >= _SUPERSPEED
    for configuration in spec.configurations:
        _Configuration(sheet, superspeed, dict(spec.reports)).show(configuration)
    if spec.bos:
        bos(sheet, spec.bos)
    if spec.qualifier:
        _qualifier(sheet, spec.qualifier)
    return "\n".join(sheet.lines) + "\n"


def _device(sheet: Sheet, raw: bytes) -> None:
    sheet.line(0, "Device Descriptor:")
    if len(raw) < 18 or raw[1] != DescriptorType.DEVICE:
        sheet.unrecognized(2, raw)
        return
    vendor, product = u16(raw, 8), u16(raw, 10)
    sheet.rows(2, ("bLength", "bDescriptorType"), raw)
    sheet.row(2, "bcdUSB", bcd(raw, 2))
    sheet.codes(2, "bDevice", raw[4:7])
    sheet.row(2, "bMaxPacketSize0", raw[7])
    sheet.row(2, "idVendor", f"0x{vendor:04x}", sheet.names.vendor(vendor))
    sheet.row(2, "idProduct", f"0x{product:04x}", sheet.names.product(vendor, product))
    sheet.row(2, "bcdDevice", bcd(raw, 12))
    for name, index in zip(("iManufacturer", "iProduct", "iSerial"), raw[14:17], strict=True):
        # The kernel keeps these three, so that lsusb never has to say that it could not read one.
        sheet.row(2, name, index, sheet.text(index) if index in sheet.strings else "")
    sheet.row(2, "bNumConfigurations", raw[17])
    sheet.junk(2, raw, 18)


def _qualifier(sheet: Sheet, raw: bytes) -> None:
    sheet.line(0, "Device Qualifier (for other device speed):")
    if len(raw) < 10:
        sheet.unrecognized(2, raw)
        return
    sheet.rows(2, ("bLength", "bDescriptorType"), raw)
    sheet.row(2, "bcdUSB", bcd(raw, 2))
    sheet.codes(2, "bDevice", raw[4:7])
    sheet.rows(2, ("bMaxPacketSize0", "bNumConfigurations"), raw[7:9])


@define
class _Configuration:
    """Walks a configuration: what a descriptor means, and how far it is indented, depends on those before it."""

    sheet: Sheet
    superspeed: bool
    reports: dict[int, bytes]
    _indent: int = field(default=4, init=False)
    _interface: bytes = field(default=b"", init=False)
    _endpoint: bytes = field(default=b"", init=False)

    def show(self, raw: bytes) -> None:
        """All of it, to the last byte."""
        at = 0
        while at < len(raw):
            length = raw[at]
            if length < 2 or at + length > len(raw):
                self.sheet.unrecognized(self._indent, raw[at:])
                return
            at += length
            self._one(raw[at - length : at], raw[at:])

    def _one(self, raw: bytes, rest: bytes) -> None:
        least, show = _STANDARD.get(raw[1], (0, None))
        if show is not None and len(raw) >= least:
            show(self, raw)
            return
        place = Position(self._interface, self._endpoint, self.reports, rest)
        if show is not None or not class_descriptor(self.sheet, raw, place):
            self.sheet.unrecognized(self._indent, raw)

    def configuration(self, raw: bytes) -> None:
        sheet, attributes = self.sheet, raw[7]
        self._indent, self._interface, self._endpoint = 4, b"", b""
        sheet.line(2, "Configuration Descriptor:")
        sheet.rows(4, ("bLength", "bDescriptorType"), raw)
        sheet.row(4, "wTotalLength", f"0x{u16(raw, 2):04x}")
        sheet.rows(4, ("bNumInterfaces", "bConfigurationValue"), raw[4:6])
        sheet.row(4, "iConfiguration", raw[6], sheet.text(raw[6]))
        sheet.row(4, "bmAttributes", f"0x{attributes:02x}")
        if not attributes & 0x80:
            sheet.line(6, "(Missing must-be-set bit!)")
        sheet.line(6, "Self Powered" if attributes & 0x40 else "(Bus Powered)")
        sheet.flags(6, attributes, ((0x20, "Remote Wakeup"), (0x10, "Battery Powered")))
        power = raw[8] * (8 if self.superspeed else 2)
        sheet.line(4, f"{'MaxPower':<20}{power:5}mA")

    def association(self, raw: bytes) -> None:
        sheet = self.sheet
        sheet.line(4, "Interface Association:")
        sheet.rows(6, ("bLength", "bDescriptorType", "bFirstInterface", "bInterfaceCount"), raw)
        sheet.codes(6, "bFunction", raw[4:7])
        sheet.row(6, "iFunction", raw[7], sheet.text(raw[7]))

    def interface(self, raw: bytes) -> None:
        sheet = self.sheet
        self._indent, self._interface, self._endpoint = 6, raw, b""
        sheet.line(4, "Interface Descriptor:")
        sheet.rows(6, ("bLength", "bDescriptorType", "bInterfaceNumber", "bAlternateSetting", "bNumEndpoints"), raw)
        sheet.codes(6, "bInterface", raw[5:8])
        sheet.row(6, "iInterface", raw[8], sheet.text(raw[8]))
        sheet.junk(6, raw, 9)

    def endpoint(self, raw: bytes) -> None:
        sheet, address, attributes, packet = self.sheet, raw[2], raw[3], u16(raw, 4)
        self._indent, self._endpoint = 8, raw
        sheet.line(6, "Endpoint Descriptor:")
        sheet.rows(8, ("bLength", "bDescriptorType"), raw)
        where = f" EP {address & 0x0F} {'IN' if address & 0x80 else 'OUT'}"
        sheet.row(8, "bEndpointAddress", f"0x{address:02x}", where)
        sheet.row(8, "bmAttributes", attributes)
        sheet.line(10, f"{'Transfer Type':<25}{_TRANSFER_TYPES[attributes & 3]}")
        sheet.line(10, f"{'Synch Type':<25}{_SYNCH_TYPES[attributes >> 2 & 3]}")
        sheet.line(10, f"{'Usage Type':<25}{_USAGE_TYPES[attributes >> 4 & 3]}")
        times = f" {_PER_MICROFRAME[packet >> 11 & 3]} {packet & 0x7FF} bytes"
        sheet.row(8, "wMaxPacketSize", f"0x{packet:04x}", times)
        sheet.row(8, "bInterval", raw[6])
        if len(raw) == 9:
            sheet.rows(8, ("bRefresh", "bSynchAddress"), raw[7:9])

    def companion(self, raw: bytes) -> None:
        kind = self._endpoint[3] & 3 if self._endpoint else 0
        self.sheet.line(8, f"bMaxBurst {raw[2]:15}")
        if kind == 2 and raw[3] & 0x1F:
            self.sheet.line(8, f"MaxStreams {1 << (raw[3] & 0x1F):14}")
        if kind == 1 and raw[3] & 3:
            self.sheet.line(8, f"Mult {raw[3] & 3:20}")

    def otg(self, raw: bytes) -> None:
        self.sheet.line(0, "OTG Descriptor:")
        self.sheet.rows(2, ("bLength", "bDescriptorType"), raw)
        self.sheet.row(2, "bmAttributes", f"0x{raw[2]:02x}")
        words = ((1, "SRP (Session Request Protocol)"), (2, "HNP (Host Negotiation Protocol)"))
        self.sheet.flags(4, raw[2], words)


#: Least length, and what shows it.
_STANDARD: dict[int, tuple[int, Callable[[_Configuration, bytes], None]]] = {
    DescriptorType.CONFIGURATION: (9, _Configuration.configuration),
    DescriptorType.INTERFACE: (9, _Configuration.interface),
    DescriptorType.ENDPOINT: (7, _Configuration.endpoint),
    DescriptorType.OTG: (3, _Configuration.otg),
    DescriptorType.INTERFACE_ASSOCIATION: (8, _Configuration.association),
    DescriptorType.SUPERSPEED_ENDPOINT_COMPANION: (6, _Configuration.companion),
}
