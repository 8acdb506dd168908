"""The last that a host asked of a device: where a driver gave it up, or what it is still waiting for."""

from __future__ import annotations

from attrs import frozen

from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Recipient, StandardRequest
from usbfuzz.wire import Setup

__all__ = ["Asked"]

_TYPES = ("standard", "class", "vendor", "reserved")  #: bmRequestType bits 6:5, USB 2.0 table 9-2
_RECIPIENTS = ("", "interface", "endpoint", "other")  #: bits 4:0; the device is not named
#: What usbcore asks of any device before a driver sees it (usb_new_device, usb_set_configuration).
_ENUMERATING = frozenset(
    {
        StandardRequest.GET_STATUS,
        StandardRequest.SET_ADDRESS,
        StandardRequest.GET_DESCRIPTOR,
        StandardRequest.SET_CONFIGURATION,
        StandardRequest.SET_SEL,
        StandardRequest.SET_ISOCH_DELAY,
    }
)


@frozen
class Asked:
    """One request. Polls that the host's controller makes on its own (interrupt and isochronous IN) are none."""

    endpoint: int  #: bEndpointAddress, 0 for endpoint 0
    setup: Setup | None = None  #: of a control transfer

    @property
    def enumerates(self) -> bool:
        """Any device is asked this before a driver sees it."""
        setup = self.setup
        return setup is not None and not setup.bmRequestType & ~DIRECTION_IN and setup.bRequest in _ENUMERATING

    @property
    def words(self) -> str:
        """It in words, without what differs from device to device: ``vendor request 0x2d IN``."""
        if self.setup is None:
            return f"transfer {'IN' if self.endpoint & DIRECTION_IN else 'OUT'} 0x{self.endpoint:02x}"
        return _control(self.setup)


def _control(setup: Setup) -> str:
    kind, number = _TYPES[setup.bmRequestType >> 5 & 3], setup.bRequest
    recipient = setup.bmRequestType & 0x1F
    place = _RECIPIENTS[recipient] if recipient < len(_RECIPIENTS) else f"recipient {recipient}"
    direction = "IN" if setup.is_in else "OUT"
    if kind == "standard" and number in StandardRequest._value2member_map_:
        name = StandardRequest(number).name
        if number == StandardRequest.GET_DESCRIPTOR:
            name = f"{name} {_descriptor(setup.wValue >> 8, recipient)}"
        return " ".join(filter(None, (name, place)))
    return " ".join(filter(None, (f"{kind} request 0x{number:02x} {direction}", place)))


def _descriptor(number: int, recipient: int) -> str:
    known = number in DescriptorType._value2member_map_ and (recipient == Recipient.INTERFACE or number < 0x21)
    return DescriptorType(number).name if known else f"0x{number:02x}"
