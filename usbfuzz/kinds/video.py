"""Cameras: USB Video Class."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="video",
    share=6,
    builder="strategies.video:video_function",
    modules=("uvcvideo",),
    models={
        "camera": "usbfuzz.models.video.camera:Camera",
        "camera-bulk": "usbfuzz.models.video.camera:BulkCamera",
    },
    descriptors=("usbfuzz.descriptors.uvc", "usbfuzz.descriptors.uvc_streaming"),
    lsusb="usbfuzz.report.lsusb.video",
    nodes=(Node("media", exercise="media"), Node("video4linux", exercise="video")),
)
