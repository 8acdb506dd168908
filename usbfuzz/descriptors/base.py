"""The base classes of all descriptors, and the class of bytes that are no known descriptor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from .constants import DescriptorType
from .fields import Span, length_of_all, u8
from .structure import Structure

__all__ = ["EVERYWHERE", "CsEndpoint", "CsInterface", "Descriptor", "Families", "RawDescriptor"]


class Descriptor(Structure):
    """Anything that starts with bLength and bDescriptorType. USB 2.0 §9.5."""

    label: ClassVar[str] = "descriptor"  #: what :func:`usbfuzz.descriptors.describe` calls it

    bLength: u8 = length_of_all()
    bDescriptorType: u8 = 0

    def __init_subclass__(cls, *, label: str = "", **constants: int) -> None:
        super().__init_subclass__(**constants)
        if label:
            cls.label = label

    @classmethod
    def fixed_byte(cls, offset: int) -> int | None:
        """The value every instance has at ``offset``, or None when it differs or is not known."""
        return next((value[0] for start, stop, value in cls._checks if (start, stop) == (offset, offset + 1)), None)


class CsInterface(Descriptor, bDescriptorType=DescriptorType.CS_INTERFACE, label="CS_INTERFACE"):
    """Class-specific interface descriptor; the subtype's meaning depends on the interface's class."""

    bDescriptorSubtype: u8 = 0


class CsEndpoint(Descriptor, bDescriptorType=DescriptorType.CS_ENDPOINT, label="CS_ENDPOINT"):
    """Class-specific endpoint descriptor; the subtype's meaning depends on the interface's class."""

    bDescriptorSubtype: u8 = 0


class RawDescriptor(Descriptor, label="unknown"):
    """Bytes that are no known descriptor: an unknown type, or a truncated one.

    bLength and bDescriptorType read 0 where the bytes stop before them.
    """

    _meant: type[Descriptor] | None

    def __init__(self, raw: bytes, meant: type[Descriptor] | None = None) -> None:
        spans: tuple[Span, ...] = ((0, min(1, len(raw)), 1), (min(1, len(raw)), min(2, len(raw)), 1))
        self._set(raw, spans)
        object.__setattr__(self, "_meant", meant)

    def replace(self, **values: Any) -> Self:
        changed = super().replace(**values)
        object.__setattr__(changed, "_meant", self._meant)
        return changed

    def rebuild(self, **values: Any) -> Self:
        """The same as :meth:`replace`, as no field of unknown bytes is computed from others."""
        return self.replace(**values)

    @property
    def meant(self) -> type[Descriptor] | None:
        """The descriptor these bytes would be if they were long enough, or None."""
        return self._meant


Families = Mapping[tuple[int | None, int | None, int | None], tuple[type[Descriptor], ...]]
"""Which descriptors stand behind an interface, by its class, subclass and protocol; None matches any.

The module of a class has one, called FAMILIES, and its kind names the module. Of several descriptors with the same type
the first that fits the bytes is taken.
"""

#: Key of descriptors that mean the same wherever they stand.
EVERYWHERE = (None, None, None)
