"""Devices that work: the kernel's driver binds and moves real data through them.

Each is a class to use, to break on purpose in a subclass, or to plug by its name (``usbfuzz plug disk``). Names are
declared with the class's kind (:mod:`usbfuzz.kinds`); a model is only imported when it is asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from usbfuzz.device import Device
from usbfuzz.errors import InputError
from usbfuzz.kinds import KINDS, resolve

__all__ = ["MODELS", "find_model"]

#: Name to ``module:class``, of all kinds; every class can be made without arguments.
MODELS: Mapping[str, str] = MappingProxyType(
    {name: reference for kind in KINDS.values() for name, reference in kind.models.items()}
)


def find_model(name: str) -> type[Device]:
    """The class of a model; raises InputError, which names what is close, when there is none of that name."""
    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, n=3) or sorted(MODELS)
        raise InputError(f"{name}: no device model has that name; there is {', '.join(close)}")
    model: type[Device] = resolve(MODELS[name])
    return model
