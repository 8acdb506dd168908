"""The Binary Object Store. USB 3.2 §9.6.2."""

from __future__ import annotations

from collections.abc import Callable

from usbfuzz.descriptors.constants import DescriptorType

from .sheet import Sheet, bcd, guid, u16, u32

__all__ = ["bos"]

_HEADER = 5
_SPEEDS = ("Low Speed (1Mbps)", "Full Speed (12Mbps)", "High Speed (480Mbps)", "SuperSpeed (5Gbps)")
_VCONN = {0: "1W", 1: "1.5W", 2: "2W", 3: "3W", 4: "4W", 5: "5W", 6: "6W"}
_MODES = (
    "Unspecified Error",
    "Alternate Mode configuration not attempted",
    "Alternate Mode configuration unsuccessful",
    "Alternate Mode configuration successful",
)
_WEBUSB = "{3408b638-09a9-47a0-8bfd-a0768815b665}"  #: WebUSB §5.1
_WEBUSB_LENGTH = 24  #: bytes; of another length lsusb shows bytes
_ALTERNATE_MODE_LENGTH = 8  #: bytes
_NAMES = ("bLength", "bDescriptorType", "bDevCapabilityType")


def bos(sheet: Sheet, raw: bytes) -> None:
    """The store and its capabilities."""
    sheet.line(0, "Binary Object Store Descriptor:")
    if len(raw) < _HEADER or raw[0] != _HEADER or raw[1] != DescriptorType.BOS:
        sheet.unrecognized(2, raw)
        return
    sheet.rows(2, ("bLength", "bDescriptorType"), raw)
    sheet.row(2, "wTotalLength", f"0x{u16(raw, 2):04x}")
    sheet.row(2, "bNumDeviceCaps", raw[4])
    at = _HEADER
    while at < len(raw):
        capability = raw[at : at + max(raw[at], 1)]
        least, show = _CAPABILITIES.get(capability[2] if len(capability) > 2 else 0, (0, None))
        if raw[at] < 3 or at + raw[at] > len(raw):
            sheet.unrecognized(2, raw[at:])
            return
        if show is None or len(capability) < least:
            sheet.unrecognized(2, capability)
        else:
            show(sheet, capability)
        at += raw[at]


def _usb2(sheet: Sheet, raw: bytes) -> None:
    attributes = u32(raw, 3)
    sheet.line(2, "USB 2.0 Extension Device Capability:")
    sheet.rows(4, _NAMES, raw)
    sheet.row(4, "bmAttributes", f"0x{attributes:08x}")
    if not attributes & 0x02:
        sheet.line(6, "(Missing must-be-set LPM bit!)")
    elif not attributes & 0x04:
        sheet.line(6, "HIRD Link Power Management (LPM) Supported")
    else:
        sheet.line(6, "BESL Link Power Management (LPM) Supported")
        if attributes & 0x08:
            sheet.line(4, f"BESL value    {attributes & 0xF00:5} us ")
        if attributes & 0x10:
            sheet.line(4, f"Deep BESL value    {attributes & 0xF000:5} us ")


def _superspeed(sheet: Sheet, raw: bytes) -> None:
    sheet.line(2, "SuperSpeed USB Device Capability:")
    sheet.rows(4, _NAMES, raw)
    sheet.row(4, "bmAttributes", f"0x{raw[3]:02x}")
    sheet.flags(6, raw[3], ((0x02, "Latency Tolerance Messages (LTM) Supported"),))
    sheet.row(4, "wSpeedsSupported", f"0x{u16(raw, 4):04x}")
    sheet.flags(6, raw[4], ((1 << bit, f"Device can operate at {name}") for bit, name in enumerate(_SPEEDS)))
    sheet.line(4, f"bFunctionalitySupport {raw[6]:3}")
    lowest = _SPEEDS[raw[6]] if raw[6] < len(_SPEEDS) else "at an unknown speed!"
    sheet.line(6, f"Lowest fully-functional device speed is {lowest}")
    sheet.line(4, f"{'bU1DevExitLat':<20} {raw[7]:4} micro seconds")
    sheet.line(4, f"{'bU2DevExitLat':<16} {u16(raw, 8):8} micro seconds")


def _superspeedplus(sheet: Sheet, raw: bytes) -> None:
    attributes = u32(raw, 4)
    sheet.line(2, "SuperSpeedPlus USB Device Capability:")
    sheet.rows(4, _NAMES, raw)
    sheet.line(4, f"{'bmAttributes':<20} 0x{attributes:08x}")
    sheet.line(6, f"Sublink Speed Attribute count {attributes & 0x1F}")
    sheet.line(6, f"Sublink Speed ID count {attributes >> 5 & 0xF}")
    sheet.line(4, f"{'wFunctionalitySupport':<23} 0x{u16(raw, 8):04x}")
    for nth in range((attributes & 0x1F) + 1):
        at = 12 + 4 * nth
        if at + 4 > len(raw):
            break
        speed = u32(raw, at)
        sheet.line(4, f"bmSublinkSpeedAttr[{nth}]   0x{speed:08x}")
        shape = f"{'Asymmetric' if speed & 0x40 else 'Symmetric'} {'TX' if speed & 0x80 else 'RX'}"
        plus = "Plus" if speed & 0x4000 else ""
        rate = f"{speed >> 16}{' KMG'[speed >> 4 & 3]}b/s"
        sheet.line(6, f"Speed Attribute ID: {speed & 0xF} {rate} {shape} SuperSpeed{plus}")


def _container(sheet: Sheet, raw: bytes) -> None:
    sheet.line(2, "Container ID Device Capability:")
    sheet.rows(4, (*_NAMES, "bReserved"), raw)
    sheet.line(4, f"{'ContainerID':<24}{guid(raw[4:20])}")


def _platform(sheet: Sheet, raw: bytes) -> None:
    sheet.line(2, "Platform Device Capability:")
    sheet.rows(4, (*_NAMES, "bReserved"), raw)
    uuid = guid(raw[4:20])
    sheet.line(4, f"{'PlatformCapabilityUUID':<26}{uuid}")
    if uuid == _WEBUSB and len(raw) == _WEBUSB_LENGTH:
        sheet.line(6, "WebUSB:")
        sheet.line(8, f"bcdVersion   {bcd(raw, 20)}")
        sheet.line(8, f"bVendorCode  {raw[22]:5}")
        sheet.line(8, f"iLandingPage {raw[23]:5} ")  # and its address, which lsusb asks of the device
        return
    for nth, value in enumerate(raw[20:]):
        sheet.line(4, f"CapabilityData[{nth}]    0x{value:02x}")


def _billboard(sheet: Sheet, raw: bytes) -> None:
    """Billboard Device Class 1.2 §3.1.6.2."""

    def row(name: str, value: int, words: str | None = None, indent: int = 4) -> None:
        sheet.line(indent, f"{name:<24}{value:>5}" + ("" if words is None else f" {words}"))

    power = u16(raw, 6)
    sheet.line(2, "Billboard Capability:")
    for name, value in zip(_NAMES, raw, strict=False):
        row(name, value)
    row("iAdditionalInfoURL", raw[3], sheet.text(raw[3]))
    row("bNumberOfAlternateModes", raw[4])
    row("bPreferredAlternateMode", raw[5])
    row("VCONN Power", power, "VCONN power not required" if power & 0x8000 else _VCONN.get(power & 7, "reserved"))
    sheet.line(4, f"{'bmConfigured':<28}{raw[8:40].hex(' ')}")
    sheet.line(4, f"{'bcdVersion':<24}{raw[41]:2x}.{raw[40]:02x}")
    row("bAdditionalFailureInfo", raw[42])
    row("bReserved", raw[43])
    sheet.line(4, "Alternate Modes supported by Device Container:")
    for nth, at in enumerate(range(44, min(len(raw), 44 + 4 * raw[4]) - 3, 4)):
        state = raw[8 + nth // 4] >> 2 * (nth % 4) & 3 if nth < 4 * 32 else 0
        sheet.line(4, f"Alternate Mode {nth} : {_MODES[state]}")
        sheet.line(6, f"wSVID[{nth}]                    0x{u16(raw, at):04X}")
        row(f"bAlternateMode[{nth}]", raw[at + 2], indent=6)
        row(f"iAlternateModeString[{nth}]", raw[at + 3], sheet.text(raw[at + 3]), indent=6)


def _alternate_mode(sheet: Sheet, raw: bytes) -> None:
    """Billboard Device Class 1.2 §3.1.6.3."""
    if len(raw) != _ALTERNATE_MODE_LENGTH:
        sheet.unrecognized(2, raw)
        return
    sheet.line(2, "Billboard Alternate Mode Capability:")
    for name, value in zip((*_NAMES, "bIndex"), raw, strict=False):
        sheet.line(4, f"{name:<24}{value:>5}")
    sheet.line(4, f"{'dwAlternateModeVdo':<28}0x{raw[4:8].hex().upper()}")  # in the order of the bytes, as usbutils 014


#: By bDevCapabilityType: least length, and what shows it.
_CAPABILITIES: dict[int, tuple[int, Callable[[Sheet, bytes], None]]] = {
    0x02: (7, _usb2),
    0x03: (10, _superspeed),
    0x04: (20, _container),
    0x05: (20, _platform),
    0x0A: (12, _superspeedplus),
    0x0D: (44, _billboard),
    0x0F: (3, _alternate_mode),
}
