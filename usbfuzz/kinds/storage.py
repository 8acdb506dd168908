"""Mass storage: Bulk-Only, UAS and the vendors' own protocols."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="storage",
    share=5,
    builder="strategies.storage:storage_function",
    modules=("uas", "usb_storage", "ums_*"),
    models={
        "disk": "usbfuzz.models.storage.bulk_only:BulkOnlyDisk",
        "uas-disk": "usbfuzz.models.storage.uas:UasDisk",
        "uas-disk-high-speed": "usbfuzz.models.storage.uas:HighSpeedUasDisk",
    },
    descriptors=("usbfuzz.descriptors.uas",),
    lsusb="usbfuzz.report.lsusb.storage",
    nodes=(Node("block", exercise="block"), Node("bsg")),
)
