"""What Linux keeps of a configuration, by the rules of drivers/usb/core/config.c.

The rules that matter to a device whose descriptors are broken:

- The configuration counts only when its own descriptor is whole (type 2, 9 <= bLength <= what was read), and
  only ``max(wTotalLength, 9)`` bytes of it are ever read.
- Reading stops at the first descriptor with bLength < 2 or longer than what is left; nothing after it exists.
- An interface descriptor shorter than 9 bytes, a repeated (number, alternate setting) pair, the 33rd interface number
  and the 129th setting of an interface are skipped together with everything up to the next interface descriptor.
- bNumInterfaces is corrected to what was found; bNumEndpoints is an upper limit (at most 30).
- Endpoint descriptors shorter than 7 bytes, of endpoint 0, and duplicates are skipped. A duplicate has an address that
  this setting, or any setting of another interface, already has; a control endpoint collides in both directions.
- Reserved bits of bEndpointAddress are cleared (kernels before July 2024 skip such an endpoint instead).
- bInterval, wMaxPacketSize and the SuperSpeed companion are forced into what the speed allows.
"""

from __future__ import annotations

from attrs import define, frozen

from usbfuzz.wire import Speed

__all__ = ["KeptEndpoint", "KeptSetting", "parse_configuration"]

_CONFIGURATION, _INTERFACE, _ENDPOINT, _COMPANION = 0x02, 0x04, 0x05, 0x30
_CONTROL, _ISOCHRONOUS, _BULK, _INTERRUPT = range(4)

#: Largest wMaxPacketSize by transfer type: {low,full,high,super}_speed_maxpacket_maxes.
_LARGEST_PACKET = {
    Speed.LOW: (8, 0, 0, 8),
    Speed.FULL: (64, 1023, 64, 64),
    Speed.HIGH: (64, 1024, 1024, 1024),
    Speed.SUPER: (512, 1024, 1024, 1024),
}
_MAX_INTERFACES = 32
_MAX_ALTERNATE_SETTINGS = 128
_MAX_ENDPOINTS = 30


@frozen
class KeptEndpoint:
    """``struct usb_host_endpoint``: the fields a channel has to agree on with the guest."""

    bEndpointAddress: int
    type: int
    bInterval: int
    wMaxPacketSize: int  #: bits 12:11 of high-speed periodic endpoints cleared; 0 is possible
    max_streams: int


@define
class KeptSetting:
    """``struct usb_host_interface``."""

    number: int
    alternate: int
    room: int  #: endpoints it may still take
    triple: tuple[int, int, int]  #: class, subclass, protocol
    endpoints: list[KeptEndpoint]


Interfaces = dict[int, dict[int, KeptSetting]]


def parse_configuration(raw: bytes, speed: Speed) -> Interfaces:
    """Interfaces in order of first appearance, by number; their settings by bAlternateSetting. Empty when rejected."""
    total = max(int.from_bytes(raw[2:4], "little"), 9)
    raw = raw[:total]
    if len(raw) < 9 or raw[1] != _CONFIGURATION or not 9 <= raw[0] <= len(raw):
        return {}
    interfaces: Interfaces = {}
    taken: dict[int, list[tuple[KeptEndpoint, KeptSetting]]] = {}
    setting: KeptSetting | None = None
    raw = raw[: _end(raw)]
    offset = raw[0]
    while offset < len(raw):
        kind = raw[offset + 1]
        if kind == _INTERFACE:
            setting = _setting(raw, offset, interfaces)
        elif kind == _ENDPOINT and setting is not None and setting.room and raw[offset] >= 7:
            _endpoint(raw, offset, speed, setting, taken)
        offset += raw[offset]
    return interfaces


def _end(raw: bytes) -> int:
    """Offset of the first descriptor that is cut short or too short to be one, or of the end."""
    offset, end = raw[0], len(raw)
    while end - offset >= 2 and 2 <= raw[offset] <= end - offset:
        offset += raw[offset]
    return offset


def _setting(raw: bytes, offset: int, interfaces: Interfaces) -> KeptSetting | None:
    """``usb_parse_interface`` up to its endpoints; None when it is skipped."""
    if raw[offset] < 9:
        return None
    number, alternate, endpoints = raw[offset + 2 : offset + 5]
    settings = interfaces.get(number)
    if settings is None:
        if len(interfaces) == _MAX_INTERFACES:
            return None
        settings = interfaces[number] = {}
    if alternate in settings or len(settings) == _MAX_ALTERNATE_SETTINGS:
        return None
    triple = (raw[offset + 5], raw[offset + 6], raw[offset + 7])
    setting = settings[alternate] = KeptSetting(number, alternate, min(endpoints, _MAX_ENDPOINTS), triple, [])
    return setting


def _endpoint(
    raw: bytes,
    offset: int,
    speed: Speed,
    setting: KeptSetting,
    taken: dict[int, list[tuple[KeptEndpoint, KeptSetting]]],
) -> None:
    """``usb_parse_endpoint``: add the endpoint to ``setting`` and ``taken``, unless it is skipped."""
    address = raw[offset + 2] & 0x8F
    number = address & 0x0F
    if number == 0:
        return
    kind = raw[offset + 3] & 3
    rivals = taken.setdefault(number, [])
    for rival, place in rivals:
        if place.number == setting.number and place.alternate != setting.alternate:
            continue
        if rival.bEndpointAddress == address or kind == _CONTROL or rival.type == _CONTROL:
            return
    packet = raw[offset + 4] | raw[offset + 5] << 8
    if speed is Speed.HIGH and kind in (_INTERRUPT, _ISOCHRONOUS):
        packet &= ~0x1800
    interval = _interval(kind, raw[offset + 6], speed)
    if speed is Speed.LOW and kind == _BULK:
        kind, interval = _INTERRUPT, 1
    streams = _streams(raw, offset + raw[offset]) if speed is Speed.SUPER and kind == _BULK else 0
    endpoint = KeptEndpoint(address, kind, interval, min(packet, _LARGEST_PACKET[speed][kind]), streams)
    setting.room -= 1
    setting.endpoints.append(endpoint)
    rivals.append((endpoint, setting))


def _interval(kind: int, value: int, speed: Speed) -> int:
    """bInterval, or the kernel's replacement for one that is out of range."""
    fast = speed in (Speed.HIGH, Speed.SUPER)
    if kind == _INTERRUPT:
        if fast and not 1 <= value <= 16:
            return (value * 8).bit_length() or 7
        return value or 10
    if kind == _ISOCHRONOUS and not 1 <= value <= 16:
        return 7 if speed is Speed.HIGH else 4
    return value


def _streams(raw: bytes, offset: int) -> int:
    """Streams a bulk endpoint's SuperSpeed companion promises: ``usb_parse_ss_endpoint_companion``."""
    if len(raw) - offset < 6 or raw[offset + 1] != _COMPANION:
        return 0
    attributes = raw[offset + 3]
    exponent = min(attributes, 16)
    return 1 << exponent if exponent else 0
