"""A Bluetooth dongle. Bluetooth Core 5.4, volume 4, part B: USB transport layer."""

from __future__ import annotations

from usbfuzz.descriptors.constants import ClassCode, Recipient
from usbfuzz.device import Device, Reply, build, control_out, endpoint_in
from usbfuzz.wire import STALL, Answer, Setup, Speed, TransferType

from .hci import Controller

__all__ = ["BluetoothDongle"]

_RADIO, _BLUETOOTH = 1, 1  #: bDeviceSubClass, bDeviceProtocol
_SEND_COMMAND = 0  #: bRequest
_EVENTS, _ACL_IN, _ACL_OUT = 0x81, 0x82, 0x02  #: bEndpointAddress
_COMMANDS_WAITING = 16  #: answers the host has not fetched; it sends one command at a time


class BluetoothDongle(Device):
    """A controller that initialises but never connects: it takes data for connections and drops it."""

    speed = Speed.FULL
    device = build.device(
        idVendor=0x0627,
        idProduct=0x0B70,
        bDeviceClass=ClassCode.WIRELESS_CONTROLLER,
        bDeviceSubClass=_RADIO,
        bDeviceProtocol=_BLUETOOTH,
        iManufacturer=1,
        iProduct=2,
    )
    strings = ((1, "usbfuzz"), (2, "Bluetooth dongle"))
    configurations = (
        build.counted(
            build.interface(
                bInterfaceClass=ClassCode.WIRELESS_CONTROLLER,
                bInterfaceSubClass=_RADIO,
                bInterfaceProtocol=_BLUETOOTH,
            ),
            build.endpoint(_EVENTS, TransferType.INTERRUPT, wMaxPacketSize=16, bInterval=1),
            build.endpoint(_ACL_IN, TransferType.BULK, wMaxPacketSize=64),
            build.endpoint(_ACL_OUT, TransferType.BULK, wMaxPacketSize=64),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.controller = Controller()
        self._events: list[bytes] = []

    @control_out(bRequest=_SEND_COMMAND, recipient=Recipient.DEVICE)
    def send_command(self, _setup: Setup, payload: bytes) -> Reply:
        """An HCI command packet; its event comes over the interrupt endpoint."""
        event = self.controller.execute(payload)
        if not event or len(self._events) >= _COMMANDS_WAITING:
            return STALL
        self._events.append(event)
        self.wake(_EVENTS)
        return None

    @endpoint_in(_EVENTS)
    def event(self, _length: int) -> Reply:
        """The next event, whole: the channel cuts it into packets."""
        return Answer(data=self._events.pop(0)) if self._events else None
