"""Answers that class drivers need to bind, for devices of which only the descriptors are known."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from usbfuzz.case.model import ControlScript, Step
from usbfuzz.descriptors import Descriptor
from usbfuzz.descriptors.constants import ClassCode, ClassRequest
from usbfuzz.descriptors.standard import InterfaceDescriptor
from usbfuzz.descriptors.uvc_streaming import FrameBasedFrame, UncompressedFrame
from usbfuzz.wire import Answer

__all__ = ["class_answers"]

_NCM, _MBIM = 0x0D, 0x0E  #: bInterfaceSubClass. NCM 1.0 §4.2, MBIM 1.0 §6.3

_IN, _OUT = 0xA1, 0x21  #: bmRequestType: class, interface
#: wLength, bmNtbFormatsSupported (16 bit), dwNtbInMaxSize, divisor, remainder and alignment of the way in, reserved,
#: dwNtbOutMaxSize, the same of the way out, wNtbOutMaxDatagrams. NCM 1.0 §6.2.1
_NTB_PARAMETERS = struct.pack("<HHIHHHHIHHHH", 28, 1, 16384, 4, 0, 4, 0, 16384, 4, 0, 4, 32)
_PROBE_CONTROL = 0x0100  #: wValue. UVC 1.5 §A.9.8
_PROBE_SIZES = (26, 34, 48)  #: bytes, of UVC 1.0, 1.1 and 1.5
_FRAME_BYTES, _PAYLOAD_BYTES = 1 << 20, 1024


def class_answers(descriptors: Iterable[Descriptor]) -> tuple[tuple[ControlScript, ...], tuple[str, ...]]:
    """Control scripts for what the drivers of these interfaces ask while they bind, and what they answer."""
    scripts, notes, interface = [], dict[str, None](), None
    seen: set[int] = set()
    for descriptor in descriptors:
        if isinstance(descriptor, InterfaceDescriptor):
            interface = descriptor
            if descriptor.bInterfaceClass == ClassCode.COMMUNICATIONS and descriptor.bInterfaceSubClass in (
                _NCM,
                _MBIM,
            ):
                scripts.append(_always(_IN, ClassRequest.CDC_GET_NTB_PARAMETERS, _NTB_PARAMETERS))
                notes["the answer to GET_NTB_PARAMETERS"] = None
        elif isinstance(descriptor, UncompressedFrame | FrameBasedFrame) and interface is not None:
            if interface.bInterfaceNumber not in seen:
                scripts += _probe(interface.bInterfaceNumber, descriptor)
                notes["the answer to the video probe control"] = None
            seen.add(interface.bInterfaceNumber)
    return tuple(dict.fromkeys(scripts)), tuple(notes)


def _probe(bInterfaceNumber: int, frame: UncompressedFrame | FrameBasedFrame) -> Iterator[ControlScript]:
    """The stream settings ``uvc_video_init`` asks for: always the first frame. UVC 1.5 §4.3.1.1."""
    head = struct.pack("<HBBI", 0, 1, frame.bFrameIndex, frame.dwDefaultFrameInterval) + bytes(10)
    whole = (head + struct.pack("<II", _FRAME_BYTES, _PAYLOAD_BYTES)).ljust(max(_PROBE_SIZES), b"\0")
    for size in _PROBE_SIZES:
        yield _always(_IN, ClassRequest.UVC_GET_CUR, whole[:size], _PROBE_CONTROL, bInterfaceNumber, size)
    yield _always(_OUT, ClassRequest.UVC_SET_CUR, b"", _PROBE_CONTROL, bInterfaceNumber)


def _always(
    bmRequestType: int,
    bRequest: int,
    raw: bytes,
    wValue: int | None = None,
    wIndex: int | None = None,
    wLength: int | None = None,
) -> ControlScript:
    return ControlScript((Step(Answer(data=raw), 0),), bmRequestType, bRequest, wValue, wIndex, wLength)
