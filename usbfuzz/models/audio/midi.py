"""A MIDI interface with one port each way."""

from __future__ import annotations

from usbfuzz.descriptors import midi, uac1
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.standard import AudioEndpointDescriptor
from usbfuzz.device import Device, Reply, build, endpoint_in, endpoint_out
from usbfuzz.models.bounded import keep
from usbfuzz.wire import Speed, TransferType

from .midi_packets import from_packets, to_packets

__all__ = ["MidiInterface"]

_AUDIO_CONTROL, _MIDI_STREAMING = 1, 3
_EMBEDDED, _EXTERNAL = 1, 2
_OUT, _IN = 0x01, 0x81  #: bEndpointAddress


def _endpoint(address: int, jack: int) -> bytes:
    return (
        AudioEndpointDescriptor(
            bEndpointAddress=address, bmAttributes=TransferType.BULK, wMaxPacketSize=64, bInterval=0
        ).raw
        + midi.Endpoint(baAssocJackID=(jack,)).raw
    )


class MidiInterface(Device):
    """``received`` is what the host has played, as MIDI bytes; :meth:`play` plays to the host."""

    speed = Speed.FULL
    device = build.device(idVendor=0x0627, idProduct=0x0A30, bcdUSB=0x0110, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "MIDI interface"))
    configurations = (
        build.counted(
            build.interface(0, bInterfaceClass=ClassCode.AUDIO, bInterfaceSubClass=_AUDIO_CONTROL),
            uac1.Header(wTotalLength=0, baInterfaceNr=(1,)),
            build.interface(1, bInterfaceClass=ClassCode.AUDIO, bInterfaceSubClass=_MIDI_STREAMING),
            midi.Header(wTotalLength=0),
            midi.InJack(bJackType=_EMBEDDED, bJackID=1),
            midi.InJack(bJackType=_EXTERNAL, bJackID=2),
            midi.OutJack(bJackType=_EMBEDDED, bJackID=3, pins=(midi.SourcePin(baSourceID=2),)),
            midi.OutJack(bJackType=_EXTERNAL, bJackID=4, pins=(midi.SourcePin(baSourceID=1),)),
            _endpoint(_OUT, 1),
            _endpoint(_IN, 3),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.received = bytearray()
        self._waiting = b""

    def play(self, messages: bytes) -> None:
        """Send complete MIDI messages; raises ValueError when they are not."""
        self._waiting += to_packets(messages)
        self.wake(_IN)

    @endpoint_out(_OUT)
    def listen(self, packets: bytes) -> None:
        """Keep what the host plays."""
        keep(self.received, from_packets(packets))

    @endpoint_in(_IN)
    def deliver(self, length: int) -> Reply:
        """Whole event packets, as many as the host has room for."""
        room = length - length % 4
        packets, self._waiting = self._waiting[:room], self._waiting[room:]
        return packets or None
