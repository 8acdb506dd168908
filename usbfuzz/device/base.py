"""The simulated device: state, standard requests, and the calls the channel makes."""

from __future__ import annotations

from collections.abc import Callable

from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Feature, Recipient, RequestKind, StandardRequest
from usbfuzz.descriptors.layout import Layout, layout
from usbfuzz.descriptors.strings import language_descriptor, string_descriptor
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, Speed

from .handlers import Reply, Routed, control_in, control_out

__all__ = ["Device"]

_DONE = Answer()


class Device(Routed):
    """A USB device that lives in this process: its class body is its data sheet.

    The class attributes are what the device serves, byte for byte, with the same names and shapes as in a case file;
    methods marked with the decorators of :mod:`usbfuzz.device.handlers` answer requests and endpoints. What nothing
    answers is stalled (control), never answered (IN) or accepted (OUT). A new device is a new instance.

    The channel calls the ``on_…`` methods from its event loop, one at a time; they must not block.
    """

    speed: Speed = Speed.HIGH
    device: bytes = b""  #: the raw device descriptor
    configurations: tuple[bytes, ...] = ()
    strings: tuple[tuple[int, bytes | str], ...] = ()  #: (index, text or raw descriptor)
    bos: bytes = b""  #: empty: the request is stalled
    qualifier: bytes = b""  #: empty: the request is stalled

    def __init__(self) -> None:
        self.configuration = 0
        self.alternate: dict[int, int] = {}
        self.halted: set[int] = set()
        self.wake: Callable[[int], None] = _call_nothing
        self._remote_wakeup = False
        self._layouts: dict[tuple[object, ...], Layout] = {}
        self._served = self._descriptors()

    # What the device is

    def device_descriptor(self) -> bytes:
        """The raw device descriptor, of any length."""
        return self.device

    def current_configuration(self) -> bytes:
        """Raw bytes of the configuration the host has set; empty when unconfigured or unknown."""
        if not self.configuration:
            return b""
        for raw in self.configurations:
            if raw[5:6] == bytes((self.configuration,)):
                return raw
        return b""

    def layout(self) -> Layout:
        """Interfaces and endpoints of the current configuration and alternate settings."""
        raw = self.current_configuration()
        key = (raw, *sorted(self.alternate.items()))
        known = self._layouts.get(key)
        if known is None:
            known = self._layouts[key] = layout(raw, self.alternate, self.speed) if raw else Layout()
        return known

    def _descriptors(self) -> dict[int, bytes]:
        """What GET_DESCRIPTOR(device) finds, by wValue."""
        single = {DescriptorType.DEVICE: self.device, DescriptorType.DEVICE_QUALIFIER: self.qualifier}
        single[DescriptorType.BOS] = self.bos
        served = {kind << 8: raw for kind, raw in single.items() if raw}
        served |= {DescriptorType.CONFIGURATION << 8 | i: raw for i, raw in enumerate(self.configurations)}
        strings = {i: string_descriptor(s) if isinstance(s, str) else s for i, s in self.strings}
        if strings:
            # Without string 0 the kernel never asks for another (usb_get_langid, drivers/usb/core/message.c).
            strings.setdefault(0, language_descriptor())
        return served | {DescriptorType.STRING << 8 | i: raw for i, raw in strings.items()}

    # What the channel calls

    def on_reset(self) -> None:
        """Bus reset: back to the default state, unconfigured. USB 2.0 §9.1.1.3."""
        self.configuration = 0
        self.alternate = {}
        self.halted.clear()
        self._remote_wakeup = False

    def on_control(self, setup: Setup, payload: bytes) -> Answer:
        """Answer a request on endpoint 0; ``payload`` is the data stage of a write."""
        for route in self._routes.control.get(setup.bmRequestType << 8 | setup.bRequest, ()):
            if route.wValue in (None, setup.wValue) and route.wIndex in (None, setup.wIndex):
                if setup.bmRequestType & DIRECTION_IN:
                    return _answer(route.handler(self, setup), setup.wLength, _DONE)
                return _answer(route.handler(self, setup, payload), 0, _DONE)
        return STALL

    def on_set_configuration(self, bConfigurationValue: int) -> Answer:
        """Enter a configuration, or leave it with 0; stalls a value no configuration has. USB 2.0 §9.4.7."""
        if bConfigurationValue and not any(raw[5:6] == bytes((bConfigurationValue,)) for raw in self.configurations):
            return STALL
        self.configuration = bConfigurationValue
        self.alternate = {}
        self.halted.clear()
        return _DONE

    def on_set_interface(self, bInterfaceNumber: int, bAlternateSetting: int) -> Answer:
        """Choose an alternate setting; the host only asks for those it read. USB 2.0 §9.4.10."""
        self.alternate = {**self.alternate, bInterfaceNumber: bAlternateSetting}
        return _DONE

    def on_in(self, bEndpointAddress: int, length: int) -> Answer:
        """Answer a bulk, interrupt or isochronous read of at most ``length`` bytes."""
        if bEndpointAddress in self.halted:
            return STALL
        handler = self._routes.endpoint.get(bEndpointAddress)
        return NEVER if handler is None else _answer(handler(self, length), length, NAK)

    def on_out(self, bEndpointAddress: int, payload: bytes) -> Answer:
        """Answer a bulk, interrupt or isochronous write."""
        if bEndpointAddress in self.halted:
            return STALL
        handler = self._routes.endpoint.get(bEndpointAddress)
        return _DONE if handler is None else _answer(handler(self, payload), 0, _DONE)

    def on_stream_in(self, bEndpointAddress: int, stream_id: int, length: int) -> Answer:
        """Answer a read on a bulk stream, 1 up; unless overridden, streams are all the same. USB 3.2 §8.12.1.4."""
        del stream_id
        return self.on_in(bEndpointAddress, length)

    def on_stream_out(self, bEndpointAddress: int, stream_id: int, payload: bytes) -> Answer:
        """Answer a write on a bulk stream."""
        del stream_id
        return self.on_out(bEndpointAddress, payload)

    # Standard requests, USB 2.0 §9.4. QEMU answers for SET_CONFIGURATION and the like with on_set_configuration and
    # the state; the handlers below serve a host that sends them as plain control transfers.

    @control_in(kind=RequestKind.STANDARD, bRequest=StandardRequest.GET_DESCRIPTOR)
    def get_descriptor(self, setup: Setup) -> Reply:
        """Device, configuration, string, qualifier and BOS descriptors, as the class body has them."""
        return self._served.get(setup.wValue, STALL)

    @control_in(kind=RequestKind.STANDARD, bRequest=StandardRequest.GET_STATUS)
    def get_device_status(self, _setup: Setup) -> Reply:
        """Status of the device: self-powered (bit 0), remote wakeup (bit 1). USB 2.0 §9.4.5."""
        bmAttributes = self.current_configuration()[7:8] or b"\0"
        return bytes((bmAttributes[0] >> 6 & 1 | self._remote_wakeup << 1, 0))

    @control_in(kind=RequestKind.STANDARD, bRequest=StandardRequest.GET_STATUS, recipient=Recipient.INTERFACE)
    def get_interface_status(self, _setup: Setup) -> Reply:
        """Status of an interface: all bits are reserved and zero. USB 2.0 §9.4.5."""
        return bytes(2)

    @control_in(kind=RequestKind.STANDARD, bRequest=StandardRequest.GET_STATUS, recipient=Recipient.ENDPOINT)
    def get_endpoint_status(self, setup: Setup) -> Reply:
        """Status of an endpoint: halted (bit 0). USB 2.0 §9.4.5."""
        return bytes((setup.wIndex & 0xFF in self.halted, 0))

    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.SET_FEATURE)
    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.CLEAR_FEATURE)
    def change_device_feature(self, setup: Setup, _payload: bytes) -> None:
        """Set or clear a feature of the device: remote wakeup is remembered, others are accepted. USB 2.0 §9.4.9."""
        if setup.wValue == Feature.DEVICE_REMOTE_WAKEUP:
            self._remote_wakeup = setup.bRequest == StandardRequest.SET_FEATURE

    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.SET_FEATURE, recipient=Recipient.INTERFACE)
    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.CLEAR_FEATURE, recipient=Recipient.INTERFACE)
    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.SET_SEL)
    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.SET_ISOCH_DELAY)
    def accept(self, _setup: Setup, _payload: bytes) -> None:
        """Accept function suspend and SuperSpeed link timing, which a simulated device does nothing about."""

    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.SET_FEATURE, recipient=Recipient.ENDPOINT)
    def halt_endpoint(self, setup: Setup, _payload: bytes) -> None:
        """Halt an endpoint: its transfers stall until the host clears ENDPOINT_HALT. USB 2.0 §9.4.9."""
        if setup.wValue == Feature.ENDPOINT_HALT:
            self.halted.add(setup.wIndex & 0xFF)

    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.CLEAR_FEATURE, recipient=Recipient.ENDPOINT)
    def resume_endpoint(self, setup: Setup, _payload: bytes) -> None:
        """Clear ENDPOINT_HALT: transfers are answered again. USB 2.0 §9.4.1."""
        if setup.wValue == Feature.ENDPOINT_HALT:
            self.halted.discard(setup.wIndex & 0xFF)

    @control_in(kind=RequestKind.STANDARD, bRequest=StandardRequest.GET_CONFIGURATION)
    def get_configuration(self, _setup: Setup) -> Reply:
        """The current bConfigurationValue."""
        return bytes((self.configuration,))

    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.SET_CONFIGURATION)
    def set_configuration(self, setup: Setup, _payload: bytes) -> Reply:
        """The same as :meth:`on_set_configuration`."""
        return self.on_set_configuration(setup.wValue & 0xFF)

    @control_in(kind=RequestKind.STANDARD, bRequest=StandardRequest.GET_INTERFACE, recipient=Recipient.INTERFACE)
    def get_interface(self, setup: Setup) -> Reply:
        """The current bAlternateSetting."""
        return bytes((self.alternate.get(setup.wIndex & 0xFF, 0),))

    @control_out(kind=RequestKind.STANDARD, bRequest=StandardRequest.SET_INTERFACE, recipient=Recipient.INTERFACE)
    def set_interface(self, setup: Setup, _payload: bytes) -> Reply:
        """The same as :meth:`on_set_interface`."""
        return self.on_set_interface(setup.wIndex & 0xFF, setup.wValue & 0xFF)

    @control_in(kind=RequestKind.STANDARD, bRequest=StandardRequest.SYNCH_FRAME, recipient=Recipient.ENDPOINT)
    def synch_frame(self, _setup: Setup) -> Reply:
        """The frame number of a synchronization pattern: always 0. USB 2.0 §9.4.11."""
        return bytes(2)


def _answer(reply: Reply, length: int, nothing: Answer) -> Answer:
    if isinstance(reply, Answer):
        return reply
    return nothing if reply is None else Answer(data=reply[:length])


def _call_nothing(bEndpointAddress: int) -> None:
    del bEndpointAddress
