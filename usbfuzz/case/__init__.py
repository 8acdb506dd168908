"""The case: what a run needs to be repeated byte for byte, its text form, and how a device plays it.

A case file (``case.toml``, explained in corpus/README.md) is read by :func:`load` and written by :func:`save`; a
*device file* is a case file without events. :class:`ScriptedDevice` is the device a :class:`DeviceSpec` describes.
"""

from __future__ import annotations

from .dump import dumps
from .exchange import from_json, to_json
from .files import load, resolve, save
from .model import Case, DeviceSpec
from .play import ScriptedDevice, spec_of
from .toml import loads

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
