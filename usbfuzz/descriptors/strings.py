"""String descriptors: text in and out, and the list of language ids. USB 2.0 §9.6.7."""

from __future__ import annotations

import struct

from usbfuzz.errors import InputError

from .constants import DescriptorType

__all__ = ["ENGLISH_US", "language_descriptor", "language_ids", "string_descriptor", "string_text"]

ENGLISH_US = 0x0409  #: the language id nearly every device offers

_MAX_PAYLOAD = 252  #: 126 UTF-16 units: the largest even payload a one-byte bLength leaves room for


def string_descriptor(text: str) -> bytes:
    """The string descriptor of ``text``; raises InputError above 126 UTF-16 units or for lone surrogates."""
    try:
        payload = text.encode("utf-16-le")
    except UnicodeEncodeError as error:
        raise InputError(
            f"string {text!r} has a lone surrogate, which UTF-16 cannot carry: give the raw bytes instead."
        ) from error
    return _descriptor(payload, f"string {text[:20]!r}…")


def string_text(raw: bytes) -> str | None:
    """The text of a string descriptor, or None when :func:`string_descriptor` would not give back these bytes."""
    if len(raw) < 2 or raw[0] != len(raw) or raw[1] != DescriptorType.STRING or len(raw) - 2 > _MAX_PAYLOAD:
        return None
    try:
        return raw[2:].decode("utf-16-le")
    except UnicodeDecodeError:
        return None


def language_descriptor(*ids: int) -> bytes:
    """String descriptor 0: the language ids the device has strings in; without any, US English alone."""
    ids = ids or (ENGLISH_US,)
    try:
        payload = struct.pack(f"<{len(ids)}H", *ids)
    except struct.error as error:
        raise InputError(f"language ids {ids} must be 16-bit numbers.") from error
    return _descriptor(payload, f"list of {len(ids)} language ids")


def language_ids(raw: bytes) -> tuple[int, ...] | None:
    """The ids in a string descriptor 0, or None when :func:`language_descriptor` would not give back these bytes."""
    if len(raw) < 4 or len(raw) % 2 or raw[0] != len(raw) or raw[1] != DescriptorType.STRING:
        return None
    return struct.unpack(f"<{len(raw) // 2 - 1}H", raw[2:])


def _descriptor(payload: bytes, what: str) -> bytes:
    if len(payload) > _MAX_PAYLOAD:
        raise InputError(f"{what} takes {len(payload)} bytes; a string descriptor holds {_MAX_PAYLOAD}.")
    return bytes((len(payload) + 2, DescriptorType.STRING)) + payload
