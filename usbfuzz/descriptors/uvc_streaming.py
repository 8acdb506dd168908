"""Video streaming interfaces: UVC 1.5 §3.9.2 and the payload specifications. Frame intervals are in 100 ns."""

from __future__ import annotations

from .base import CsInterface, Descriptor, Families
from .constants import ClassCode
from .fields import count_of, guid, u8, u16, u32, uint, width_of
from .structure import Structure

__all__ = [
    "FAMILIES",
    "STREAMING",
    "ColorMatching",
    "DvFormat",
    "FrameBasedFormat",
    "FrameBasedFrame",
    "H264Format",
    "H264Frame",
    "ImageSize",
    "InputHeader",
    "MjpegFormat",
    "MjpegFrame",
    "Mpeg2TsFormat",
    "Mpeg2TsFormat11",
    "OutputHeader",
    "OutputHeader11",
    "StillImageFrame",
    "StreamBasedFormat",
    "UncompressedFormat",
    "UncompressedFrame",
    "Vp8Format",
    "Vp8Frame",
]


class InputHeader(CsInterface, bDescriptorSubtype=0x01, label="VS input header"):
    """Input header, before the formats and frames. UVC 1.5 §3.9.2.1."""

    bNumFormats: u8 = count_of("bmaControls")
    wTotalLength: u16  #: bytes of this and all format and frame descriptors
    bEndpointAddress: u8
    bmInfo: u8 = 0
    bTerminalLink: u8
    bStillCaptureMethod: u8 = 0
    bTriggerSupport: u8 = 0
    bTriggerUsage: u8 = 0
    bControlSize: u8 = width_of("bmaControls")
    bmaControls: tuple[uint, ...]  #: one for each format


class OutputHeader(CsInterface, bDescriptorSubtype=0x02, label="VS output header"):
    """Output header as UVC 1.0 has it, 8 bytes. UVC 1.0 §3.9.2.2."""

    bNumFormats: u8
    wTotalLength: u16
    bEndpointAddress: u8
    bTerminalLink: u8


class OutputHeader11(CsInterface, bDescriptorSubtype=0x02, label="VS output header"):
    """Output header. UVC 1.5 §3.9.2.2."""

    bNumFormats: u8 = count_of("bmaControls")
    wTotalLength: u16
    bEndpointAddress: u8
    bTerminalLink: u8
    bControlSize: u8 = width_of("bmaControls")
    bmaControls: tuple[uint, ...]


class ImageSize(Structure):
    """One size of a still image, in pixels."""

    wWidth: u16
    wHeight: u16


class StillImageFrame(CsInterface, bDescriptorSubtype=0x03, label="VS still image frame"):
    """Still image frame. UVC 1.5 §3.9.2.5."""

    bEndpointAddress: u8
    bNumImageSizePatterns: u8 = count_of("sizes")
    sizes: tuple[ImageSize, ...]
    bNumCompressionPattern: u8 = count_of("bCompression")
    bCompression: tuple[u8, ...]


class UncompressedFormat(CsInterface, bDescriptorSubtype=0x04, label="VS uncompressed format"):
    """Uncompressed format, 27 bytes. Uncompressed payload 1.5 §3.1.1."""

    bFormatIndex: u8
    bNumFrameDescriptors: u8
    guidFormat: guid
    bBitsPerPixel: u8
    bDefaultFrameIndex: u8 = 1
    bAspectRatioX: u8 = 0
    bAspectRatioY: u8 = 0
    bmInterlaceFlags: u8 = 0
    bCopyProtect: u8 = 0


class UncompressedFrame(CsInterface, bDescriptorSubtype=0x05, label="VS uncompressed frame"):
    """Uncompressed frame. Uncompressed payload 1.5 §3.1.2."""

    bFrameIndex: u8
    bmCapabilities: u8 = 0
    wWidth: u16
    wHeight: u16
    dwMinBitRate: u32
    dwMaxBitRate: u32
    dwMaxVideoFrameBufferSize: u32
    dwDefaultFrameInterval: u32
    bFrameIntervalType: u8 = count_of("dwFrameInterval", zero=3)  #: 0: a range, shortest, longest and step
    dwFrameInterval: tuple[u32, ...]


class MjpegFormat(CsInterface, bDescriptorSubtype=0x06, label="VS MJPEG format"):
    """Motion-JPEG format, 11 bytes. MJPEG payload 1.5 §3.1.1."""

    bFormatIndex: u8
    bNumFrameDescriptors: u8
    bmFlags: u8 = 0
    bDefaultFrameIndex: u8 = 1
    bAspectRatioX: u8 = 0
    bAspectRatioY: u8 = 0
    bmInterlaceFlags: u8 = 0
    bCopyProtect: u8 = 0


class MjpegFrame(UncompressedFrame, bDescriptorSubtype=0x07, label="VS MJPEG frame"):
    """Motion-JPEG frame, laid out as an uncompressed one. MJPEG payload 1.5 §3.1.2."""


class Mpeg2TsFormat(CsInterface, bDescriptorSubtype=0x0A, label="VS MPEG2-TS format"):
    """MPEG2-TS format as UVC 1.0 has it, 7 bytes. MPEG2-TS payload 1.0 §3.1.1."""

    bFormatIndex: u8
    bDataOffset: u8
    bPacketLength: u8
    bStrideLength: u8


class Mpeg2TsFormat11(Mpeg2TsFormat):
    """MPEG2-TS format, 23 bytes. MPEG2-TS payload 1.5 §3.1.1."""

    guidStrideFormat: guid


class DvFormat(CsInterface, bDescriptorSubtype=0x0C, label="VS DV format"):
    """DV format, 9 bytes. DV payload 1.5 §3.1.1."""

    bFormatIndex: u8
    dwMaxVideoFrameBufferSize: u32
    bFormatType: u8


class ColorMatching(CsInterface, bDescriptorSubtype=0x0D, label="VS color matching"):
    """Color matching, 6 bytes. UVC 1.5 §3.9.2.6."""

    bColorPrimaries: u8
    bTransferCharacteristics: u8
    bMatrixCoefficients: u8


class FrameBasedFormat(UncompressedFormat, bDescriptorSubtype=0x10, label="VS frame-based format"):
    """Frame-based format, 28 bytes. Frame-based payload 1.5 §3.1.1."""

    bVariableSize: u8 = 0


class FrameBasedFrame(CsInterface, bDescriptorSubtype=0x11, label="VS frame-based frame"):
    """Frame-based frame. Frame-based payload 1.5 §3.1.2."""

    bFrameIndex: u8
    bmCapabilities: u8 = 0
    wWidth: u16
    wHeight: u16
    dwMinBitRate: u32
    dwMaxBitRate: u32
    dwDefaultFrameInterval: u32
    bFrameIntervalType: u8 = count_of("dwFrameInterval", zero=3)
    dwBytesPerLine: u32 = 0
    dwFrameInterval: tuple[u32, ...]


class StreamBasedFormat(CsInterface, bDescriptorSubtype=0x12, label="VS stream-based format"):
    """Stream-based format, 24 bytes. Stream-based payload 1.5 §3.1.1."""

    bFormatIndex: u8
    guidFormat: guid
    dwPacketLength: u32


class H264Format(CsInterface, bDescriptorSubtype=0x13, label="VS H.264 format"):
    """H.264 format, 52 bytes. H.264 payload 1.5 §3.1.1."""

    bFormatIndex: u8
    bNumFrameDescriptors: u8
    bDefaultFrameIndex: u8 = 1
    bMaxCodecConfigDelay: u8 = 0
    bmSupportedSliceModes: u8 = 0
    bmSupportedSyncFrameTypes: u8 = 0
    bResolutionScaling: u8 = 0
    bReserved1: u8 = 0
    bmSupportedRateControlModes: u8 = 0
    wMaxMBperSec: tuple[u16, ...]  #: 20 of them: 5 kinds of scalability, each for 1 to 4 resolutions


class H264Frame(CsInterface, bDescriptorSubtype=0x14, label="VS H.264 frame"):
    """H.264 frame. H.264 payload 1.5 §3.1.2."""

    bFrameIndex: u8
    wWidth: u16
    wHeight: u16
    wSARwidth: u16 = 1
    wSARheight: u16 = 1
    wProfile: u16
    bLevelIDC: u8
    wConstrainedToolset: u16 = 0
    bmSupportedUsages: u32 = 0
    bmCapabilities: u16 = 0
    bmSVCCapabilities: u32 = 0
    bmMVCCapabilities: u32 = 0
    dwMinBitRate: u32
    dwMaxBitRate: u32
    dwDefaultFrameInterval: u32
    bNumFrameIntervals: u8 = count_of("dwFrameInterval")
    dwFrameInterval: tuple[u32, ...]


class Vp8Format(CsInterface, bDescriptorSubtype=0x16, label="VS VP8 format"):
    """VP8 format, 13 bytes. VP8 payload 1.5 §3.1.1."""

    bFormatIndex: u8
    bNumFrameDescriptors: u8
    bDefaultFrameIndex: u8 = 1
    bMaxCodecConfigDelay: u8 = 0
    bSupportedPartitionCount: u8 = 0
    bmSupportedSyncFrameTypes: u8 = 0
    bResolutionScaling: u8 = 0
    bmSupportedRateControlModes: u8 = 0
    wMaxMBperSec: u16 = 0


class Vp8Frame(CsInterface, bDescriptorSubtype=0x17, label="VS VP8 frame"):
    """VP8 frame. VP8 payload 1.5 §3.1.2."""

    bFrameIndex: u8
    wWidth: u16
    wHeight: u16
    bmSupportedUsages: u32 = 0
    bmCapabilities: u16 = 0
    bmScalabilityCapabilities: u32 = 0
    dwMinBitRate: u32
    dwMaxBitRate: u32
    dwDefaultFrameInterval: u32
    bNumFrameIntervals: u8 = count_of("dwFrameInterval")
    dwFrameInterval: tuple[u32, ...]


STREAMING: tuple[type[Descriptor], ...] = (
    InputHeader,
    OutputHeader11,
    OutputHeader,
    StillImageFrame,
    UncompressedFormat,
    UncompressedFrame,
    MjpegFormat,
    MjpegFrame,
    Mpeg2TsFormat11,
    Mpeg2TsFormat,
    DvFormat,
    ColorMatching,
    FrameBasedFormat,
    FrameBasedFrame,
    StreamBasedFormat,
    H264Format,
    H264Frame,
    Vp8Format,
    Vp8Frame,
)  #: longer variants first

FAMILIES: Families = {(ClassCode.VIDEO, 2, None): STREAMING}
