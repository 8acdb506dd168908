"""Messages about the session, the device, its configuration and its interfaces (usbredirproto.h 0.7).

A class body lists the fields in wire order; ``id``, which travels in the common header, and ``payload``, the bytes
behind the type header, are keywords. Field values are raw wire integers that :mod:`harness.usbredir.constants` names.
What a message must fulfil beyond its layout is in :func:`harness.usbredir.codec.check`.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, ClassVar

from attrs import frozen

from harness.channel.said import Sender

from .constants import ENTRIES, Capability, Type
from .message import EITHER, DataMessage, Message, message

__all__ = [
    "AltSettingStatus",
    "ConfigurationStatus",
    "DeviceConnect",
    "DeviceDisconnect",
    "DeviceDisconnectAck",
    "EpInfo",
    "FilterFilter",
    "FilterReject",
    "GetAltSetting",
    "GetConfiguration",
    "Hello",
    "InterfaceInfo",
    "Reset",
    "SetAltSetting",
    "SetConfiguration",
]


@message(Type.HELLO, EITHER, "<64s")
@frozen
class Hello(DataMessage):
    """First message of each side. ``payload`` is the capabilities as little-endian 32-bit words, at least none."""

    version: bytes  #: text, NUL-padded to 64 bytes

    @classmethod
    def of(cls, version: str, caps: Capability) -> Hello:
        """A hello that says ``version`` (cut at 63 bytes) and announces ``caps``."""
        return cls(version.encode()[:63].ljust(64, b"\0"), payload=int(caps).to_bytes(4, "little"))

    @property
    def capabilities(self) -> Capability:
        """The announced capabilities this protocol version knows; bulk streams need ep_info_max_packet_size."""
        caps = Capability(int.from_bytes(self.payload[:4].ljust(4, b"\0"), "little") & 0xFF)
        return caps if caps & Capability.EP_INFO_MAX_PACKET_SIZE else caps & ~Capability.BULK_STREAMS


@message(Type.DEVICE_CONNECT, Sender.HOST, "<BBBBHHH")
@frozen
class DeviceConnect(Message):
    """A device was plugged in; ids as in its device descriptor. Without the capability the version is not sent."""

    SHORT: ClassVar = Struct("<BBBBHH")

    speed: int
    device_class: int
    device_subclass: int
    device_protocol: int
    vendor_id: int
    product_id: int
    device_version_bcd: int = 0

    @classmethod
    def layout(cls, caps: Capability) -> Struct:
        """With or without device_version_bcd."""
        return cls.LAYOUT if caps & Capability.CONNECT_DEVICE_VERSION else cls.SHORT

    def values(self, caps: Capability) -> tuple[int, ...]:
        """What :meth:`layout` packs: without the version if that has no room for it."""
        values = super().values(caps)
        return values if caps & Capability.CONNECT_DEVICE_VERSION else values[:-1]


@message(Type.DEVICE_DISCONNECT, Sender.HOST)
@frozen
class DeviceDisconnect(Message):
    """The device is gone."""


@message(Type.RESET, Sender.GUEST)
@frozen
class Reset(Message):
    """Reset the device; there is no status."""


@message(Type.INTERFACE_INFO, Sender.HOST, "<I32s32s32s32s")
@frozen
class InterfaceInfo(Message):
    """The interfaces of the current configuration; the first ``interface_count`` of 32 entries count."""

    interface_count: int
    interface: bytes  #: 32 x bInterfaceNumber
    interface_class: bytes
    interface_subclass: bytes
    interface_protocol: bytes


@message(Type.EP_INFO, Sender.HOST, "<32s32s32s32H32I")
@frozen
class EpInfo(Message):
    """All 32 endpoints, at index ``(bEndpointAddress & 0x80) >> 3 | bEndpointAddress & 0x0f``.

    ``max_packet_size`` (bytes, not in wMaxPacketSize format) and ``max_streams`` are empty when not sent.
    """

    NO_STREAMS: ClassVar = Struct("<32s32s32s32H")
    NO_PACKET_SIZE: ClassVar = Struct("<32s32s32s")

    type: bytes  #: 32 x :class:`EndpointType`
    interval: bytes  #: 32 x bInterval
    interface: bytes  #: 32 x bInterfaceNumber
    max_packet_size: tuple[int, ...] = ()
    max_streams: tuple[int, ...] = ()

    @classmethod
    def layout(cls, caps: Capability) -> Struct:
        """One of three: with packet sizes and streams, without streams, with neither."""
        if caps & Capability.BULK_STREAMS:
            return cls.LAYOUT
        return cls.NO_STREAMS if caps & Capability.EP_INFO_MAX_PACKET_SIZE else cls.NO_PACKET_SIZE

    def values(self, caps: Capability) -> tuple[Any, ...]:
        """The three byte arrays, then the numbers one by one."""
        sizes = self.max_packet_size if caps & Capability.EP_INFO_MAX_PACKET_SIZE else ()
        streams = self.max_streams if caps & Capability.BULK_STREAMS else ()
        return (self.type, self.interval, self.interface, *sizes, *streams)

    @classmethod
    def parse(cls, values: tuple[Any, ...], **rest: Any) -> EpInfo:
        """The message whose type header unpacks to ``values``: numbers one by one become arrays again."""
        kinds, intervals, interfaces, *numbers = values
        return cls(kinds, intervals, interfaces, tuple(numbers[:ENTRIES]), tuple(numbers[ENTRIES:]), **rest)


@message(Type.SET_CONFIGURATION, Sender.GUEST, "<B")
@frozen
class SetConfiguration(Message):
    """SET_CONFIGURATION; QEMU passes the low byte of wValue."""

    configuration: int


@message(Type.GET_CONFIGURATION, Sender.GUEST)
@frozen
class GetConfiguration(Message):
    """GET_CONFIGURATION."""


@message(Type.CONFIGURATION_STATUS, Sender.HOST, "<BB")
@frozen
class ConfigurationStatus(Message):
    """Answer to SetConfiguration and GetConfiguration: the configuration in effect."""

    status: int
    configuration: int


@message(Type.SET_ALT_SETTING, Sender.GUEST, "<BB")
@frozen
class SetAltSetting(Message):
    """SET_INTERFACE."""

    interface: int
    alt: int


@message(Type.GET_ALT_SETTING, Sender.GUEST, "<B")
@frozen
class GetAltSetting(Message):
    """GET_INTERFACE."""

    interface: int


@message(Type.ALT_SETTING_STATUS, Sender.HOST, "<BBB")
@frozen
class AltSettingStatus(Message):
    """Answer to SetAltSetting and GetAltSetting: the alternate setting in effect."""

    status: int
    interface: int
    alt: int


@message(Type.FILTER_REJECT, Sender.GUEST, needs=Capability.FILTER)
@frozen
class FilterReject(Message):
    """The guest side refuses the device."""


@message(Type.FILTER_FILTER, EITHER, needs=Capability.FILTER)
@frozen
class FilterFilter(DataMessage):
    """The sender's filter rules: text, NUL-terminated, in ``payload``."""


@message(Type.DEVICE_DISCONNECT_ACK, Sender.GUEST, needs=Capability.DEVICE_DISCONNECT_ACK)
@frozen
class DeviceDisconnectAck(Message):
    """Answer to device_disconnect: nothing more about that device will come."""
