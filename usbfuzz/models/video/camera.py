"""Cameras that show colour bars. USB Device Class Definition for Video Devices 1.1."""

from __future__ import annotations

from collections.abc import Sequence

from usbfuzz.descriptors import uvc
from usbfuzz.descriptors import uvc_streaming as vs
from usbfuzz.descriptors.base import Descriptor
from usbfuzz.descriptors.constants import ClassCode, ClassRequest, Recipient
from usbfuzz.descriptors.standard import InterfaceAssociationDescriptor
from usbfuzz.device import Device, Reply, build, control_in, control_out, endpoint_in
from usbfuzz.wire import STALL, Answer, Setup, Speed, TransferType

from .picture import FrameSize, Picture
from .stream import Negotiation, Offer, Payloads, StreamControl

__all__ = ["BulkCamera", "Camera"]

_CONTROL, _STREAMING, _COLLECTION = 1, 2, 3  #: bInterfaceSubClass, bFunctionSubClass
_CAMERA, _PROCESSING, _OUTPUT = 1, 2, 3  #: ids of terminals and unit
_USB_STREAMING = 0x0101
_VIDEO = 0x81  #: bEndpointAddress
_ASYNCHRONOUS = 0x05
_EVERY_MS = 4  #: bInterval: 2^3 microframes
_YUY2 = bytes.fromhex("59 55 59 32 00 00 10 00 80 00 00 aa 00 38 9b 71")
_BRIGHTNESS_CONTROL, _BRIGHTNESS_BIT = 0x02, b"\x01\x00"
_GET_AND_SET = 0x03  #: what GET_INFO says of a control
_VALUES = (
    ClassRequest.UVC_GET_CUR,
    ClassRequest.UVC_GET_MIN,
    ClassRequest.UVC_GET_MAX,
    ClassRequest.UVC_GET_RES,
    ClassRequest.UVC_GET_DEF,
)
_SMALL = FrameSize(1, 160, 120, 1_000_000)
_LARGE = FrameSize(2, 320, 240, 2_000_000)

_UNITS: tuple[Descriptor, ...] = (
    uvc.CameraTerminal(bTerminalID=_CAMERA, bmControls=bytes(2)),
    uvc.ProcessingUnit11(bUnitID=_PROCESSING, bSourceID=_CAMERA, bmControls=_BRIGHTNESS_BIT),
    uvc.OutputTerminal(bTerminalID=_OUTPUT, wTerminalType=_USB_STREAMING, bSourceID=_PROCESSING),
)


def _frame(size: FrameSize) -> Descriptor:
    bits_per_second = size.dwMaxVideoFrameBufferSize * 8 * 10_000_000 // size.dwFrameInterval
    return vs.UncompressedFrame(
        bFrameIndex=size.bFrameIndex,
        wWidth=size.wWidth,
        wHeight=size.wHeight,
        dwMinBitRate=bits_per_second,
        dwMaxBitRate=bits_per_second,
        dwMaxVideoFrameBufferSize=size.dwMaxVideoFrameBufferSize,
        dwDefaultFrameInterval=size.dwFrameInterval,
        dwFrameInterval=(size.dwFrameInterval,),
    )


def _configuration(streaming: Sequence[bytes]) -> bytes:
    """Control and streaming interface; ``streaming`` has the endpoints of each alternate setting."""
    units = b"".join(unit.raw for unit in _UNITS)
    formats = b"".join(
        part.raw
        for part in (
            vs.UncompressedFormat(bFormatIndex=1, bNumFrameDescriptors=2, guidFormat=_YUY2, bBitsPerPixel=16),
            _frame(_SMALL),
            _frame(_LARGE),
            vs.ColorMatching(bColorPrimaries=1, bTransferCharacteristics=1, bMatrixCoefficients=4),
        )
    )
    settings = [
        build.interface(
            1,
            bAlternateSetting=number,
            bInterfaceClass=ClassCode.VIDEO,
            bInterfaceSubClass=_STREAMING,
        )
        + (_stream_header(formats) if not number else b"")
        + endpoints
        for number, endpoints in enumerate(streaming)
    ]
    return build.counted(
        InterfaceAssociationDescriptor(
            bFirstInterface=0,
            bInterfaceCount=2,
            bFunctionClass=ClassCode.VIDEO,
            bFunctionSubClass=_COLLECTION,
            bFunctionProtocol=0,
            iFunction=2,
        ),
        build.interface(0, bInterfaceClass=ClassCode.VIDEO, bInterfaceSubClass=_CONTROL),
        uvc.Header(wTotalLength=0, dwClockFrequency=48_000_000, baInterfaceNr=(1,)),
        units,
        *settings,
    )


def _stream_header(formats: bytes) -> bytes:
    header = vs.InputHeader(wTotalLength=0, bEndpointAddress=_VIDEO, bTerminalLink=_OUTPUT, bmaControls=(0,))
    return header.raw + formats


class Camera(Device):
    """YUY2, 160x120 at 10 or 320x240 at 5 frames a second, over an isochronous endpoint; one knob, brightness.

    A packet leaves every millisecond; those left over when a frame is through are empty. ``payloads.picture`` is what
    the frames show.
    """

    speed = Speed.HIGH
    device = build.device(
        idVendor=0x0627,
        idProduct=0x0E10,
        bDeviceClass=ClassCode.MISCELLANEOUS,
        bDeviceSubClass=2,
        bDeviceProtocol=1,
        iManufacturer=1,
        iProduct=2,
    )
    strings = ((1, "usbfuzz"), (2, "Colour bar camera"))
    configurations = (
        _configuration(
            (
                b"",
                build.endpoint(_VIDEO, _ASYNCHRONOUS, wMaxPacketSize=512, bInterval=_EVERY_MS),
                build.endpoint(_VIDEO, _ASYNCHRONOUS, wMaxPacketSize=1024, bInterval=_EVERY_MS),
            )
        ),
    )
    offers: tuple[Offer, ...] = (Offer(_SMALL, 512), Offer(_LARGE, 1024))

    def __init__(self) -> None:
        super().__init__()
        self.negotiation = Negotiation(self.offers)
        self.payloads = Payloads(self.offers[0].size, Picture())
        self._sent = 0  # packets of the frame's interval that are gone

    def on_set_interface(self, bInterfaceNumber: int, bAlternateSetting: int) -> Answer:
        """A stream begins with a new frame."""
        self._restart()
        return super().on_set_interface(bInterfaceNumber, bAlternateSetting)

    @endpoint_in(_VIDEO)
    def film(self, length: int) -> Reply:
        """The packet of this millisecond."""
        first, self._sent = not self._sent, (self._sent + 1) % self.payloads.size.interval_ms
        return b"" if self.payloads.between_frames and not first else self.payloads.next(length)

    @control_in(bRequest=ClassRequest.UVC_GET_CUR, recipient=Recipient.INTERFACE)
    @control_in(bRequest=ClassRequest.UVC_GET_MIN, recipient=Recipient.INTERFACE)
    @control_in(bRequest=ClassRequest.UVC_GET_MAX, recipient=Recipient.INTERFACE)
    @control_in(bRequest=ClassRequest.UVC_GET_RES, recipient=Recipient.INTERFACE)
    @control_in(bRequest=ClassRequest.UVC_GET_DEF, recipient=Recipient.INTERFACE)
    @control_in(bRequest=ClassRequest.UVC_GET_LEN, recipient=Recipient.INTERFACE)
    @control_in(bRequest=ClassRequest.UVC_GET_INFO, recipient=Recipient.INTERFACE)
    def get(self, setup: Setup) -> Reply:
        """An attribute of probe, commit or brightness. UVC 1.5 §4.2.1."""
        if setup.wIndex == 1 and setup.wValue >> 8 in tuple(StreamControl):
            current = self.negotiation.chosen.parameters()
            values = dict.fromkeys(_VALUES, current)
        elif (setup.wIndex, setup.wValue >> 8) == (_PROCESSING << 8, _BRIGHTNESS_CONTROL):
            numbers = (self.payloads.picture.brightness, -128, 127, 1, 0)
            values = {
                name: value.to_bytes(2, "little", signed=True) for name, value in zip(_VALUES, numbers, strict=True)
            }
        else:
            return STALL
        length = len(values[ClassRequest.UVC_GET_CUR]).to_bytes(2, "little")
        values |= {ClassRequest.UVC_GET_LEN: length, ClassRequest.UVC_GET_INFO: bytes((_GET_AND_SET,))}
        return values[ClassRequest(setup.bRequest)]

    @control_out(bRequest=ClassRequest.UVC_SET_CUR, recipient=Recipient.INTERFACE, wIndex=1)
    def choose(self, setup: Setup, payload: bytes) -> Reply:
        """Probe or commit. UVC 1.5 §4.3.1.1."""
        if setup.wValue >> 8 not in tuple(StreamControl) or not self.negotiation.choose(payload):
            return STALL
        if setup.wValue >> 8 == StreamControl.COMMIT:
            self._restart()
        return None

    @control_out(bRequest=ClassRequest.UVC_SET_CUR, recipient=Recipient.INTERFACE, wIndex=_PROCESSING << 8)
    def turn_knob(self, setup: Setup, payload: bytes) -> Reply:
        """Set the brightness. UVC 1.5 §4.2.2.3.2."""
        if setup.wValue >> 8 != _BRIGHTNESS_CONTROL or len(payload) < 2:
            return STALL
        self.payloads.adjust(brightness=int.from_bytes(payload[:2], "little", signed=True))
        return None

    def _restart(self) -> None:
        self.payloads = Payloads(self.negotiation.chosen.size, self.payloads.picture)
        self._sent = 0


class BulkCamera(Camera):
    """The same over a bulk endpoint: a payload for each request of the host, and a pause before each frame."""

    device = build.device(
        idVendor=0x0627,
        idProduct=0x0E11,
        bDeviceClass=ClassCode.MISCELLANEOUS,
        bDeviceSubClass=2,
        bDeviceProtocol=1,
        iManufacturer=1,
        iProduct=2,
    )
    configurations = (_configuration((build.endpoint(_VIDEO, TransferType.BULK, wMaxPacketSize=512),)),)
    offers = (Offer(_SMALL, 16384), Offer(_LARGE, 16384))

    def film(self, length: int) -> Reply:
        """The next payload, as long as the host has room for."""
        pause = self.payloads.size.interval_ms if self.payloads.between_frames else 0
        return Answer(data=self.payloads.next(length), delay_ms=pause)
