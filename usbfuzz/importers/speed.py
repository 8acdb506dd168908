"""The speed a device ran at, as the kernel says it or guessed from its descriptors.

USB 2.0 §5.5 to 5.8 say which packet sizes each speed allows. A device with a size that only a higher speed allows ran
at that speed.
"""

from __future__ import annotations

from collections.abc import Iterable

from usbfuzz.descriptors import Descriptor, split, uac2
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.standard import (
    DeviceDescriptor,
    DeviceQualifierDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
    SuperSpeedEndpointCompanion,
)
from usbfuzz.wire import Speed, TransferType

__all__ = ["guess_speed", "told_speed"]

#: Mbit/s
_RATES = {
    "1.5": Speed.LOW,
    "12": Speed.FULL,
    "480": Speed.HIGH,
    **dict.fromkeys(("5000", "10000", "20000"), Speed.SUPER),
}
_SUPERSPEED_EXPONENT = 9  #: bMaxPacketSize0 of every SuperSpeed device: 2^9 bytes
_LOW_SPEED_PACKET = 8
_FULL_SPEED_PACKET = 64  #: bytes, of any transfer but isochronous
_TRANSLATORS = (1, 2)  #: bDeviceProtocol: one transaction translator, or one for each port
_HIGH_HUB_INTERVAL = 12  #: bInterval of the status change endpoint at high speed; at full speed it is 255
_SIZE = 0x07FF  #: bits of wMaxPacketSize that are the size
_USAGE, _FEEDBACK = 0x30, 0x10  #: bits of an isochronous endpoint's bmAttributes: what it is for; no sound
_SOUND_1 = (ClassCode.AUDIO, 2, 0)  #: a streaming interface of audio 1.0: class, subclass, protocol
_FRAMES = 44  #: audio frames of a millisecond at 44.1 kHz, the lower of the two usual rates


def told_speed(rate: str) -> Speed | None:
    """The speed of what the kernel prints for it in Mbit/s; None for "unknown" and "??".

    speed_show in drivers/usb/core/sysfs.c, usb_device_dump in drivers/usb/core/devices.c.
    """
    return _RATES.get(rate.strip())


def guess_speed(device: bytes, configurations: Iterable[bytes], qualifier: bytes = b"") -> Speed:
    """The speed of a device with these descriptors."""
    descriptors = [descriptor for raw in configurations for descriptor in split(raw)]
    endpoints = [descriptor for descriptor in descriptors if isinstance(descriptor, EndpointDescriptor)]
    head = DeviceDescriptor.view(device)
    if any(isinstance(descriptor, SuperSpeedEndpointCompanion) for descriptor in descriptors):
        return Speed.SUPER
    if head is not None and head.bcdUSB >= 0x0300 and head.bMaxPacketSize0 == _SUPERSPEED_EXPONENT:
        return Speed.SUPER
    if head is not None and head.bDeviceClass == ClassCode.HUB:
        return Speed.HIGH if _is_high_hub(head, endpoints) else Speed.FULL
    if any(_only_high(endpoint) for endpoint in endpoints):
        return Speed.HIGH
    if any(endpoint.transfer_type is TransferType.BULK for endpoint in endpoints):
        return Speed.FULL  # at high speed its size would be 512
    if _sounds_at_high(descriptors) or _waits_at_high(descriptors):
        return Speed.HIGH
    if head is not None and head.bMaxPacketSize0 == _LOW_SPEED_PACKET and endpoints and all(map(_maybe_low, endpoints)):
        return Speed.LOW
    other = DeviceQualifierDescriptor.view(qualifier)
    if other is not None and head is not None and head.bMaxPacketSize0 == _FULL_SPEED_PACKET and not endpoints:
        return Speed.HIGH
    return Speed.FULL


def _is_high_hub(head: DeviceDescriptor, endpoints: Iterable[EndpointDescriptor]) -> bool:
    """Whether a hub says that it ran at high speed: it translates transactions, or is asked all 2^11 microframes.

    A hub is never of low speed. USB 2.0 §11.23.1.
    """
    return head.bDeviceProtocol in _TRANSLATORS or any(end.bInterval == _HIGH_HUB_INTERVAL for end in endpoints)


def _only_high(endpoint: EndpointDescriptor) -> bool:
    size, kind = endpoint.wMaxPacketSize & _SIZE, endpoint.transfer_type
    if endpoint.wMaxPacketSize & ~_SIZE:
        return True  # extra transactions in a microframe
    return size > (1023 if kind is TransferType.ISOCHRONOUS else _FULL_SPEED_PACKET)


def _sounds_at_high(descriptors: Iterable[Descriptor]) -> bool:
    """Whether no packet of an audio 2.0 function could hold the sound of its interval at full speed.

    Full speed has a packet each 2^(bInterval-1) milliseconds (USB 2.0 §9.6.6), high speed up to eight in one. Audio 2.0
    does not tell rates in descriptors; an audio frame has bNrChannels of bSubslotSize bytes (Data Formats 2.0 §2.3.1).
    """
    fits: list[bool] = []
    channels = subslot = 0
    for descriptor in descriptors:
        if isinstance(descriptor, InterfaceDescriptor):
            channels = subslot = 0
        elif isinstance(descriptor, uac2.General):
            channels = descriptor.bNrChannels
        elif isinstance(descriptor, uac2.FormatTypeI):
            subslot = descriptor.bSubslotSize
        elif isinstance(descriptor, EndpointDescriptor) and channels and subslot and _carries_sound(descriptor):
            frames = (descriptor.wMaxPacketSize & _SIZE) // (channels * subslot)
            fits.append(frames >= _FRAMES << max(descriptor.bInterval - 1, 0))
    return bool(fits) and not any(fits)


def _waits_at_high(descriptors: Iterable[Descriptor]) -> bool:
    """Whether sound of audio 1.0 has another bInterval than 1, which is all there is at full speed. UAC1 §4.6.1.1."""
    waits: list[bool] = []
    is_sound = False
    for descriptor in descriptors:
        if isinstance(descriptor, InterfaceDescriptor):
            codes = (descriptor.bInterfaceClass, descriptor.bInterfaceSubClass, descriptor.bInterfaceProtocol)
            is_sound = codes == _SOUND_1
        elif is_sound and isinstance(descriptor, EndpointDescriptor) and _carries_sound(descriptor):
            waits.append(descriptor.bInterval > 1)
    return any(waits)


def _carries_sound(endpoint: EndpointDescriptor) -> bool:
    return endpoint.transfer_type is TransferType.ISOCHRONOUS and endpoint.bmAttributes & _USAGE != _FEEDBACK


def _maybe_low(endpoint: EndpointDescriptor) -> bool:
    return endpoint.transfer_type is TransferType.INTERRUPT and endpoint.wMaxPacketSize <= _LOW_SPEED_PACKET
