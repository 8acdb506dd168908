"""A Facedancer device as a :class:`usbfuzz.device.Device`: its descriptors, requests and endpoints translated."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from usbfuzz.descriptors.constants import DIRECTION_IN, Feature, Recipient, StandardRequest
from usbfuzz.device import Device
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, Speed

__all__ = ["FacedancerDevice"]

_NUMBER = 0x0F
_DONE = Answer()
_CLEAR_HALT = (Recipient.ENDPOINT, StandardRequest.CLEAR_FEATURE, Feature.ENDPOINT_HALT)


class FacedancerDevice(Device):
    """The channel calls ``on_…``; the device's handlers call back :meth:`replied`, :meth:`queued` and the others.

    What a handler raises (``EndEmulation`` too) is kept in ``failure`` for who runs the script, and the transfer fails.
    """

    def __init__(self, usb_device: Any, speed: Speed) -> None:
        self.speed = speed
        self.device = bytes(usb_device.get_descriptor())
        self.configurations = tuple(
            bytes(configuration.get_descriptor()) for _, configuration in sorted(usb_device.configurations.items())
        )
        super().__init__()
        self.failure: Exception | None = None
        self._usb_device = usb_device
        self._reply: Answer | None = None
        self._packets: dict[int, deque[bytes]] = defaultdict(deque)

    # What the channel calls

    def on_reset(self) -> None:
        """Pass a bus reset on, and drop the packets that were queued for the host."""
        super().on_reset()
        self._packets.clear()
        self._handled(self._usb_device.handle_bus_reset)

    def on_control(self, setup: Setup, payload: bytes) -> Answer:
        """Have the device handle a request; an IN request that it does not answer at once is never answered."""
        self._reply = None
        if (setup.bmRequestType, setup.bRequest, setup.wValue) == _CLEAR_HALT:
            self.halted.discard(setup.wIndex & 0xFF)  # a controller does this by itself
        request = self._usb_device.create_request(setup.pack() + payload)
        if not self._handled(self._usb_device.handle_request, request):
            return STALL
        if self._reply is None:
            return NEVER if setup.bmRequestType & DIRECTION_IN else _DONE
        return self._reply

    def on_set_configuration(self, bConfigurationValue: int) -> Answer:
        """QEMU's message for SET_CONFIGURATION, as the request it was."""
        answer = self.on_control(Setup(0, StandardRequest.SET_CONFIGURATION, bConfigurationValue, 0, 0), b"")
        return answer if answer == STALL else super().on_set_configuration(bConfigurationValue)

    def on_set_interface(self, bInterfaceNumber: int, bAlternateSetting: int) -> Answer:
        """QEMU's message for SET_INTERFACE, as the request it was."""
        recipient = Recipient.INTERFACE
        setup = Setup(recipient, StandardRequest.SET_INTERFACE, bAlternateSetting, bInterfaceNumber, 0)
        answer = self.on_control(setup, b"")
        return answer if answer == STALL else super().on_set_interface(bInterfaceNumber, bAlternateSetting)

    def on_in(self, bEndpointAddress: int, length: int) -> Answer:
        """The packets of one transfer: up to ``length`` bytes, or to the first short one."""
        if bEndpointAddress in self.halted:
            return STALL
        packets = self._packets[bEndpointAddress & _NUMBER]
        if not packets and not self._handled(self._usb_device.handle_nak, bEndpointAddress & _NUMBER):
            return STALL
        if not packets:
            return STALL if bEndpointAddress in self.halted else NAK
        size = self._packet_size(bEndpointAddress)
        data = packets.popleft()
        while packets and len(data) % size == 0 and data and len(data) + len(packets[0]) <= length:
            data += packets.popleft()
        return Answer(data=data[:length])

    def on_out(self, bEndpointAddress: int, payload: bytes) -> Answer:
        """Hand the host's data over packet by packet, as a controller would."""
        size = self._packet_size(bEndpointAddress)
        for start in range(0, max(len(payload), 1), size):
            if bEndpointAddress in self.halted:
                return STALL
            packet = payload[start : start + size]
            if not self._handled(self._usb_device.handle_data_available, bEndpointAddress & _NUMBER, packet):
                return STALL
        return STALL if bEndpointAddress in self.halted else _DONE

    # What the device's handlers call, by way of the backend

    def replied(self, data: bytes) -> None:
        """Data, or none, for the request being handled; several calls make one answer."""
        before = self._reply.data if self._reply is not None else b""
        self._reply = Answer(data=before + data)

    def queued(self, number: int, packet: bytes) -> None:
        """One packet for the IN endpoint ``number``."""
        self._packets[number].append(packet)
        self.wake(DIRECTION_IN | number)

    def stalled(self, number: int, is_in: bool) -> None:
        """Stall the request being handled (endpoint 0), or an endpoint from here on."""
        if number:
            self.halted.add(number | (DIRECTION_IN if is_in else 0))
        else:
            self._reply = STALL

    def resumed(self, number: int, is_in: bool) -> None:
        """The endpoint is no longer halted."""
        self.halted.discard(number | (DIRECTION_IN if is_in else 0))

    def _handled(self, handler: Callable[..., object], *arguments: object) -> bool:
        try:
            handler(*arguments)
        except Exception as error:  # noqa: BLE001 - a script may raise anything; its own loop hears of it
            self.failure = self.failure or error
            return False
        return True

    def _packet_size(self, bEndpointAddress: int) -> int:
        """wMaxPacketSize without the extra transactions of high speed; 64 if no descriptor has the endpoint."""
        sizes = (
            endpoint.wMaxPacketSize
            for endpoint in self.layout().endpoints
            if endpoint.bEndpointAddress == bEndpointAddress
        )
        return next(sizes, 64)
