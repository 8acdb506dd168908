"""Structures, ioctl requests and constants as lines of text, so that one can read them beside the kernel's headers.

Numbers are those of a 64-bit kernel with little-endian memory (``offsetof``, ``_IOC``); a test compiles the headers and
compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import frozen

__all__ = ["NUMBER_SIZES", "Field", "Request", "Struct", "Table"]

NUMBER_SIZES = (1, 2, 4, 8)  #: bytes of a field that is one number; others are bytes
_FIELD = re.compile(r"(\w+)(\*?)@(\d+):(\d+|mask|interval)")
_BASE = re.compile(r"=(\d+):([0-9a-f]+)(?:x(\d+))?")
_INTERVAL_BYTES, _MASK_BYTES = 12, 32  #: of ALSA's struct snd_interval and snd_mask


@frozen
class Field:
    """A field of a structure."""

    name: str
    offset: int
    size: int
    kind: str = "number"  #: or ``bytes``; ``pointer`` to bytes; ALSA's ``mask`` and ``interval`` with one value in it


@frozen
class Struct:
    """A structure: its bytes before any field is set, and the fields that programs may set and read."""

    name: str
    base: bytes
    fields: Mapping[str, Field]


@frozen
class Request:
    """An ioctl request and what its third argument is."""

    name: str
    number: int
    argument: str  #: ``struct``; ``int`` by value; ``data``, whose length is a part of the request; ``none``
    struct: Struct | None = None


@frozen
class Table:
    """What programs may name."""

    structs: Mapping[str, Struct]
    requests: Mapping[str, Request]
    constants: Mapping[str, int]

    @classmethod
    def of(cls, structs: str, requests: str, constants: str) -> Table:
        """Read the tables of a module.

        A structure is ``NAME SIZE FIELD@OFFSET:SIZE …``, with ``FIELD*`` for a pointer and ``=OFFSET:HEX`` for bytes
        that are not zero; a line that begins with a blank goes on with the one before. A request is ``NAME NUMBER
        ARGUMENT``: a structure, ``FIELD:SIZE`` for a pointer to one number, ``data[SIZE]`` for so many bytes, ``data``,
        ``int``, or ``-``. A constant is ``NAME=NUMBER``.
        """
        known = {struct.name: struct for struct in map(_struct, structs.replace("\n ", " ").split("\n")[1:-1])}
        asked = {request.name: request for request in (_request(line, known) for line in requests.split("\n")[1:-1])}
        named = dict(word.split("=") for word in constants.split())
        return cls(known, asked, {name: int(number, 0) for name, number in named.items()})


def _struct(line: str) -> Struct:
    name, size, *rest = line.split()
    base = bytearray(int(size))
    for word in rest:
        if match := _BASE.fullmatch(word):
            raw = bytes.fromhex(match[2]) * int(match[3] or 1)
            base[int(match[1]) : int(match[1]) + len(raw)] = raw
    return Struct(name, bytes(base), {field.name: field for field in _fields(rest)})


def _fields(words: list[str]) -> Iterator[Field]:
    for word in words:
        if match := _FIELD.fullmatch(word):
            yield _field(match[1], int(match[3]), match[4], pointer=bool(match[2]))


def _field(name: str, offset: int, size: str, *, pointer: bool) -> Field:
    if size == "mask":
        return Field(name, offset, _MASK_BYTES, size)
    if size == "interval":
        return Field(name, offset, _INTERVAL_BYTES, size)
    kind = "number" if int(size) in NUMBER_SIZES else "bytes"
    return Field(name, offset, int(size), "pointer" if pointer else kind)


def _request(line: str, known: Mapping[str, Struct]) -> Request:
    name, number, argument = line.split()
    if argument in known:
        return Request(name, int(number, 0), "struct", known[argument])
    if argument == "-":
        return Request(name, int(number, 0), "none")
    if argument in ("int", "data"):
        return Request(name, int(number, 0), argument)
    if match := re.fullmatch(r"data\[(\d+)\]", argument):
        whole = {"data": Field("data", 0, int(match[1]), "bytes")}
        return Request(name, int(number, 0), "struct", Struct("", bytes(int(match[1])), whole))
    field, _, size = argument.partition(":")
    single = {field: Field(field, 0, int(size))}
    return Request(name, int(number, 0), "struct", Struct("", bytes(int(size)), single))
