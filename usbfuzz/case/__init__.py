"""The case: what a run needs to be repeated byte for byte, its text form, and how a device plays it.

A case file (``case.toml``, explained in corpus/README.md) is read by :func:`load` and written by :func:`save`; a
*device file* is a case file without events. :class:`ScriptedDevice` is the device a :class:`DeviceSpec` describes.
"""

from __future__ import annotations

from usbfuzz.case.dump import dumps
from usbfuzz.case.exchange import from_json, to_json
from usbfuzz.case.files import load, resolve, save
from usbfuzz.case.model import Case, DeviceSpec
from usbfuzz.case.play import ScriptedDevice, spec_of
from usbfuzz.case.toml import loads

__all__ = [
    "Case",
    "DeviceSpec",
    "ScriptedDevice",
    "dumps",
    "from_json",
    "load",
    "loads",
    "resolve",
    "save",
    "spec_of",
    "to_json",
]
