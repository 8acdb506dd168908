"""A printer that keeps what it is sent. USB Printer Class 1.1."""

from __future__ import annotations

import struct

from usbfuzz.descriptors.constants import ClassCode, ClassRequest, Recipient
from usbfuzz.device import Device, Reply, build, control_in, control_out, endpoint_in, endpoint_out
from usbfuzz.wire import NAK, Setup, TransferType

__all__ = ["Printer"]

_BIDIRECTIONAL = 2  #: bInterfaceProtocol
_OUT, _IN = 0x01, 0x82
_NOT_ERROR, _SELECTED, _PAPER_EMPTY = 1 << 3, 1 << 4, 1 << 5  #: port status
_PAPER = 16 << 20  #: bytes a load of paper takes


class Printer(Device):
    """Bidirectional printer; ``printed`` is all it was sent.

    When the paper is out the port status says so, and data is refused until more is loaded.
    """

    device_id = "MFG:usbfuzz;MDL:Paper;CMD:PJL,PCL;CLS:PRINTER;DES:Paper;"  #: IEEE 1284 device id
    device = build.device(idVendor=0x0627, idProduct=0x0701, iManufacturer=1, iProduct=2, iSerialNumber=3)
    strings = ((1, "usbfuzz"), (2, "Paper"), (3, "062700000701"))
    configurations = (
        build.counted(
            build.interface(bInterfaceClass=ClassCode.PRINTER, bInterfaceSubClass=1, bInterfaceProtocol=_BIDIRECTIONAL),
            build.endpoint(_OUT, TransferType.BULK, wMaxPacketSize=512),
            build.endpoint(_IN, TransferType.BULK, wMaxPacketSize=512),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.printed = bytearray()
        self._paper = _PAPER
        self._says = bytearray()

    def load_paper(self, size: int = _PAPER) -> None:
        """Room for ``size`` more bytes."""
        self._paper = size
        self.wake(_OUT)

    def say(self, text: bytes) -> None:
        """Answer to what was printed, for the host to read."""
        self._says += text
        self.wake(_IN)

    @control_in(bRequest=ClassRequest.PRINTER_GET_DEVICE_ID, recipient=Recipient.INTERFACE)
    def get_device_id(self, _setup: Setup) -> Reply:
        """The length, big-endian and counting itself, and the id. Printer Class §4.2.1."""
        text = self.device_id.encode()
        return struct.pack(">H", 2 + len(text)) + text

    @control_in(bRequest=ClassRequest.PRINTER_GET_PORT_STATUS, recipient=Recipient.INTERFACE)
    def get_port_status(self, _setup: Setup) -> Reply:
        """The status register of a parallel port. Printer Class §4.2.2."""
        return bytes((_NOT_ERROR | _SELECTED if self._paper else _PAPER_EMPTY,))

    @control_out(bRequest=ClassRequest.PRINTER_SOFT_RESET, recipient=Recipient.INTERFACE)
    @control_out(bRequest=ClassRequest.PRINTER_SOFT_RESET, recipient=Recipient.OTHER)
    def soft_reset(self, _setup: Setup, _payload: bytes) -> None:
        """Drop answers that were not read yet; class 1.0 hosts ask with another recipient. Printer Class §4.2.3."""
        self._says.clear()

    @endpoint_out(_OUT)
    def receive(self, payload: bytes) -> Reply:
        """A transfer is printed as long as there is any paper."""
        if not self._paper:
            return NAK
        self._paper = max(self._paper - len(payload), 0)
        self.printed += payload
        return None

    @endpoint_in(_IN)
    def back_channel(self, length: int) -> Reply:
        """The answers given to :meth:`say`."""
        head = bytes(self._says[:length])
        del self._says[:length]
        return head or None
