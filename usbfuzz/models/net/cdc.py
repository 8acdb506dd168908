"""Network adapters of the CDC ECM and NCM kinds, with a :class:`~usbfuzz.models.net.host.Host` at the other end."""

from __future__ import annotations

import struct
from collections import deque

from usbfuzz.descriptors import cdc
from usbfuzz.descriptors.base import Descriptor
from usbfuzz.descriptors.constants import ClassCode, ClassRequest, Recipient
from usbfuzz.device import Device, Reply, build, control_in, control_out, endpoint_in, endpoint_out
from usbfuzz.wire import STALL, Answer, Setup, TransferType

from .host import Host
from .ntb import pack_block, packed_size, unpack_block

__all__ = ["EcmAdapter", "EthernetAdapter", "NcmAdapter"]

_ECM, _NCM, _NTB = 0x06, 0x0D, 0x01  #: bInterfaceSubClass twice, bInterfaceProtocol of the NCM data interface
_CONTROL, _DATA = 0, 1  #: bInterfaceNumber
_IN, _OUT, _NOTIFY = 0x81, 0x02, 0x83
_NETWORK_CONNECTION, _CONNECTION_SPEED_CHANGE = 0x00, 0x2A  #: bNotification
_SEGMENT = 1514  #: bytes of the largest frame
_BACKLOG = 256  #: frames for the host; more are lost, as on any network
_BLOCK = 16384  #: bytes of an NCM block, both ways
_SMALLEST_BLOCK = 2048  #: NCM 1.0 §6.2.7


def _configuration(subclass: int, protocol: int, *functional: Descriptor) -> bytes:
    """Control and data interface; the latter has endpoints in setting 1 only. CDC ECM 1.2 §3.3."""
    data = {"bInterfaceClass": ClassCode.CDC_DATA, "bInterfaceProtocol": protocol}
    return build.counted(
        build.interface(_CONTROL, bInterfaceClass=ClassCode.COMMUNICATIONS, bInterfaceSubClass=subclass),
        cdc.Header(),
        cdc.Union(bControlInterface=_CONTROL, bSubordinateInterface=(_DATA,)),
        cdc.EthernetNetworking(iMACAddress=3, wMaxSegmentSize=_SEGMENT),
        *functional,
        build.endpoint(_NOTIFY, TransferType.INTERRUPT, wMaxPacketSize=16, bInterval=9),
        build.interface(_DATA, **data),
        build.interface(_DATA, **data, bAlternateSetting=1),
        build.endpoint(_IN, TransferType.BULK, wMaxPacketSize=512),
        build.endpoint(_OUT, TransferType.BULK, wMaxPacketSize=512),
    )


class EthernetAdapter(Device):
    """What ECM and NCM share: the network cable, and the notifications of its state."""

    bits_per_second = 100_000_000

    def __init__(self) -> None:
        super().__init__()
        self.host = Host()
        self._frames: deque[bytes] = deque(maxlen=_BACKLOG)
        self._notifications: deque[bytes] = deque(maxlen=16)

    def on_set_interface(self, bInterfaceNumber: int, bAlternateSetting: int) -> Answer:
        """The link comes up when the data interface gets its endpoints."""
        if bInterfaceNumber == _DATA:
            self._frames.clear()
            self._notifications.clear()
            if bAlternateSetting:
                self.set_link(True)
        return super().on_set_interface(bInterfaceNumber, bAlternateSetting)

    def set_link(self, up: bool) -> None:
        """Pull the cable, or plug it in again. CDC 1.2 §6.3.1, ECM 1.2 §6.7."""
        speeds = struct.pack("<II", self.bits_per_second, self.bits_per_second)
        head = struct.pack("<BBHHH", 0xA1, _CONNECTION_SPEED_CHANGE, 0, _CONTROL, len(speeds))
        if up:
            self._notifications.append(head + speeds)
        self._notifications.append(struct.pack("<BBHHH", 0xA1, _NETWORK_CONNECTION, up, _CONTROL, 0))
        self.wake(_NOTIFY)

    def exchange(self, frame: bytes) -> None:
        """A frame from the host; the answer of the host at the other end waits to be read."""
        answer = self.host.receive(frame)
        if answer is not None:
            self._frames.append(answer)
            self.wake(_IN)

    @control_out(bRequest=ClassRequest.CDC_SET_ETHERNET_PACKET_FILTER, recipient=Recipient.INTERFACE)
    def set_packet_filter(self, _setup: Setup, _payload: bytes) -> None:
        """Accept any packet filter: every frame is for the host."""

    @endpoint_in(_NOTIFY)
    def notification(self, _length: int) -> Reply:
        """CONNECTION_SPEED_CHANGE and NETWORK_CONNECTION."""
        return self._notifications.popleft() if self._notifications else None


class EcmAdapter(EthernetAdapter):
    """Ethernet adapter, a frame a transfer. CDC ECM 1.2."""

    device = build.device(
        idVendor=0x0627, idProduct=0x0601, bDeviceClass=ClassCode.COMMUNICATIONS, iManufacturer=1, iProduct=2
    )
    strings = ((1, "usbfuzz"), (2, "ECM adapter"), (3, "020006270002"))
    configurations = (_configuration(_ECM, 0),)

    @endpoint_out(_OUT)
    def receive(self, payload: bytes) -> None:
        """One frame; the packet of length 0 that may follow it is ignored."""
        if payload:
            self.exchange(payload)

    @endpoint_in(_IN)
    def send(self, _length: int) -> Reply:
        """One frame."""
        return self._frames.popleft() if self._frames else None


class NcmAdapter(EthernetAdapter):
    """Ethernet adapter that packs frames into blocks. CDC NCM 1.0."""

    device = build.device(
        idVendor=0x0627, idProduct=0x0602, bDeviceClass=ClassCode.COMMUNICATIONS, iManufacturer=1, iProduct=2
    )
    strings = ((1, "usbfuzz"), (2, "NCM adapter"), (3, "020006270003"))
    configurations = (_configuration(_NCM, _NTB, cdc.Ncm(bmNetworkCapabilities=1)),)  #: SET_ETHERNET_PACKET_FILTER

    def __init__(self) -> None:
        super().__init__()
        self._block_size = _BLOCK
        self._sequence = 0

    @control_in(bRequest=ClassRequest.CDC_GET_NTB_PARAMETERS, recipient=Recipient.INTERFACE)
    def get_ntb_parameters(self, _setup: Setup) -> Reply:
        """16-bit blocks of 16 KiB, datagrams aligned to 4 bytes. NCM 1.0 §6.2.1."""
        way = (_BLOCK, 4, 0, 4)  # size, divisor, remainder, alignment
        return struct.pack("<HHIHHHxxIHHHH", 28, 1, *way, *way, 0)

    @control_in(bRequest=ClassRequest.CDC_GET_NTB_FORMAT, recipient=Recipient.INTERFACE)
    def get_ntb_format(self, _setup: Setup) -> Reply:
        """NTB format 0: 16-bit blocks."""
        return bytes(2)

    @control_out(bRequest=ClassRequest.CDC_SET_NTB_FORMAT, recipient=Recipient.INTERFACE)
    def set_ntb_format(self, setup: Setup, _payload: bytes) -> Reply:
        """Only NTB format 0 (16-bit blocks) is accepted."""
        return STALL if setup.wValue else None

    @control_in(bRequest=ClassRequest.CDC_GET_NTB_INPUT_SIZE, recipient=Recipient.INTERFACE)
    def get_ntb_input_size(self, _setup: Setup) -> Reply:
        """Largest block the host reads, in bytes."""
        return struct.pack("<I", self._block_size)

    @control_out(bRequest=ClassRequest.CDC_SET_NTB_INPUT_SIZE, recipient=Recipient.INTERFACE)
    def set_ntb_input_size(self, _setup: Setup, payload: bytes) -> Reply:
        """Set the largest block the host reads; at most what the NTB parameters say."""
        size = int.from_bytes(payload[:4], "little")
        if not _SMALLEST_BLOCK <= size <= _BLOCK:
            return STALL
        self._block_size = size
        return None

    @endpoint_out(_OUT)
    def receive(self, payload: bytes) -> None:
        """One block, many frames."""
        for frame in unpack_block(payload):
            self.exchange(frame)

    @endpoint_in(_IN)
    def send(self, length: int) -> Reply:
        """As many frames as fit."""
        frames: list[bytes] = []
        while self._frames and packed_size([*frames, self._frames[0]]) <= min(length, self._block_size):
            frames.append(self._frames.popleft())
        if not frames:
            return None
        self._sequence += 1
        return pack_block(frames, self._sequence - 1)
