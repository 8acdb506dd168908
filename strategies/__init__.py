"""Where the inputs of the fuzzer come from.

:func:`generate` is the numbered supply of a campaign. The others are Hypothesis strategies for anybody's ``@given``;
each takes the :class:`Identities` of a kernel and falls back to the class drivers that every kernel has.
"""

from .cases import cases
from .devices import (
    audio_devices,
    cdc_devices,
    composite_devices,
    devices,
    devices_of,
    hid_devices,
    hubs,
    malformed,
    midi_devices,
    printers,
    storage_devices,
    vendor_devices,
    video_devices,
)
from .fields import sweep
from .generate import generate
from .identities import CLASS_DRIVERS, Identities, Identity

__all__ = [
    "CLASS_DRIVERS",
    "Identities",
    "Identity",
    "audio_devices",
    "cases",
    "cdc_devices",
    "composite_devices",
    "devices",
    "devices_of",
    "generate",
    "hid_devices",
    "hubs",
    "malformed",
    "midi_devices",
    "printers",
    "storage_devices",
    "sweep",
    "vendor_devices",
    "video_devices",
]
