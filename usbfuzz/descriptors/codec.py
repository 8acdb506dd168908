"""Bytes to descriptors and back, without losing any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .base import Descriptor, RawDescriptor
from .context import NO_INTERFACE, Context, candidates
from .standard import ConfigurationDescriptor, InterfaceDescriptor

__all__ = ["cut", "join", "split", "typed"]


def split(raw: bytes, context: Context = NO_INTERFACE) -> tuple[Descriptor, ...]:
    """Cut ``raw`` into descriptors, each typed as far as it is known; ``join(split(raw)) == raw`` for any bytes.

    What is unknown, or too short for its type, is a :class:`RawDescriptor`. A descriptor whose bLength is 0, 1 or more
    than what is left keeps all remaining bytes, as the last one: the kernel reads nothing behind it either
    (``usb_parse_configuration``: "skipping remainder of the config").
    """
    found: list[Descriptor] = []
    for piece in cut(raw):
        if len(piece) < 2 or piece[0] != len(piece):
            found.append(RawDescriptor(piece, next(iter(candidates(piece, context)[-1:]), None)))
            break
        descriptor = typed(piece, context)
        if isinstance(descriptor, InterfaceDescriptor):
            context = Context(descriptor.bInterfaceClass, descriptor.bInterfaceSubClass, descriptor.bInterfaceProtocol)
        elif isinstance(descriptor, ConfigurationDescriptor):
            context = NO_INTERFACE
        found.append(descriptor)
    return tuple(found)


def cut(raw: bytes) -> Iterator[bytes]:
    """The bytes of each descriptor, where :func:`split` cuts; it need not be known what they are."""
    offset = 0
    while offset < len(raw):
        length = raw[offset]
        if length < 2 or offset + length > len(raw):
            yield raw[offset:]
            return
        yield raw[offset : offset + length]
        offset += length


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
