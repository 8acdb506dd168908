"""Bytes to descriptors and back, without losing any."""

from __future__ import annotations

from collections.abc import Iterable

from .base import Descriptor, RawDescriptor
from .context import NO_INTERFACE, Context, candidates
from .standard import ConfigurationDescriptor, InterfaceDescriptor

__all__ = ["join", "split", "typed"]


def split(raw: bytes, context: Context = NO_INTERFACE) -> tuple[Descriptor, ...]:
    """Cut ``raw`` into descriptors, each typed as far as it is known; ``join(split(raw)) == raw`` for any bytes.

    What is unknown, or too short for its type, is a :class:`RawDescriptor`. A descriptor whose bLength is 0, 1 or more
    than what is left keeps all remaining bytes, as the last one: the kernel reads nothing behind it either
    (``usb_parse_configuration``: "skipping remainder of the config").
    """
    found: list[Descriptor] = []
    offset = 0
    while offset < len(raw):
        length = raw[offset]
        if length < 2 or offset + length > len(raw):
            rest = raw[offset:]
            found.append(RawDescriptor(rest, next(iter(candidates(rest, context)[-1:]), None)))
            break
        descriptor = typed(raw[offset : offset + length], context)
        if isinstance(descriptor, InterfaceDescriptor):
            context = Context(descriptor.bInterfaceClass, descriptor.bInterfaceSubClass, descriptor.bInterfaceProtocol)
        elif isinstance(descriptor, ConfigurationDescriptor):
            context = NO_INTERFACE
        found.append(descriptor)
        offset += length
    return tuple(found)


def typed(raw: bytes, context: Context = NO_INTERFACE) -> Descriptor:
    """All of ``raw`` as one descriptor, regardless of its bLength."""
    options = candidates(raw, context)
    for option in options:
        if view := option.view(raw):
            return view
    return RawDescriptor(raw, options[-1] if options else None)


def join(descriptors: Iterable[Descriptor]) -> bytes:
    """The bytes of the descriptors in a row."""
    return b"".join(descriptor.raw for descriptor in descriptors)
