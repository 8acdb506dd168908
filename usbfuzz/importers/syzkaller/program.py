"""syzkaller programs and C reproducers that plug USB devices in: syz_usb_connect and what follows it.

What the pseudo-calls mean is in executor/common_usb.h and common_usb_linux.h of syzkaller: syz_usb_connect serves the
descriptors, each syz_usb_control_io answers one later request, syz_usb_ep_write one read of an endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import field, mutable

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.reading import unwrapped

from .device import Program, Reply, device_of
from .encode import encode, number_of
from .reproducer import CCall, Memory, c_calls
from .text import Call, Data, Group, Node, Number, Pointer, Union, calls

__all__ = ["import_syz", "looks_syz"]

_LOOK = 4 << 20  #: a C reproducer has its calls at the end
_CONNECT = re.compile(rb"\bsyz_usb_connect(?:_\w+)?(?:\$\w+)?\(")
_QUOTED = re.compile(r"^(?:> ?)+", re.MULTILINE)
_MAX_BYTES = 4 << 20
_MAX_DEVICES = 16
_MAX_ANSWER = 4096  #: USB_MAX_PACKET_SIZE of the executor
_MAX_STRINGS = 256
_MAX_REPLIES = 64
_REPLY_HEAD = 6  #: bytes before a reply's data
_KIND = 0x60  #: bmRequestType bits 6:5
_IDENTIFIED = 12  #: bytes of a device descriptor up to idProduct


def looks_syz(content: bytes) -> bool:
    """A call of syz_usb_connect."""
    return _CONNECT.search(content[:_LOOK]) is not None


def import_syz(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of a program, or of a C reproducer where there is no program. Raises InputError."""
    if len(content) > _MAX_BYTES:
        raise InputError(f"{name}: is larger than {_MAX_BYTES >> 20} MiB; cut out the program")
    text = _plain(content)
    programs = _from_text(text) or _from_c(text)
    if not programs:
        found = _CONNECT.search(content)
        line = content.count(b"\n", 0, found.start()) + 1 if found else 1
        raise InputError(f"{name}:{line}: no syz_usb_connect call has a device in its arguments; give a whole program")
    return tuple(map(device_of, programs[:_MAX_DEVICES]))


def _plain(content: bytes) -> str:
    """The text without what mail adds: its encoding, and quotation marks at the beginning of lines."""
    return _QUOTED.sub("", unwrapped(content.decode("utf-8", "replace")))


@mutable
class _Programs:
    """The devices so far, by the file descriptor that each got."""

    all: list[Program] = field(factory=list)
    of: dict[object, Program] = field(factory=dict)

    def add(self, program: Program) -> None:
        """A syz_usb_connect; programs without a device descriptor's first bytes are none."""
        if len(program.raw) >= _IDENTIFIED:
            self.all.append(program)


# Programs as text


def _from_text(text: str) -> list[Program]:
    programs = _Programs()
    for call in calls(text):
        given = call.arguments
        if call.name.startswith("syz_usb_connect") and len(given) >= 4 and isinstance(given[2], Pointer):
            program = _connect(call)
            programs.add(program)
            programs.of[call.result] = program
            continue
        program_of = (
            programs.of.get(given[0].name) if given and isinstance(given[0], Number) and given[0].name else None
        )
        if program_of is None:
            continue
        if call.name.startswith("syz_usb_control_io") and len(given) >= 2:
            descriptors = _replies(given[1], is_descriptor=True)
            responses = _replies(given[2], is_descriptor=False) if len(given) > 2 else ()
            program_of.exchange(call.line, (*descriptors, *responses))
        elif call.name.startswith("syz_usb_ep_write") and len(given) >= 4:
            data = encode(_pointee(given[3])).ljust(_length(given[2]), b"\0")[: _length(given[2])]
            program_of.write(call.line, number_of(given[1]) & 0xFF, data)
    return programs.all


def _connect(call: Call) -> Program:
    length, value = _length(call.arguments[1]), _pointee(call.arguments[2])
    raw = encode(value)
    program = Program(call.name, call.line, number_of(call.arguments[0]), raw.ljust(length, b"\0")[:length])
    if len(raw) != length and not _is_blob(value):
        what = f"the structs come to {len(raw)} bytes where the program has {length}"
        program.problems.append(Problem(call.line, f"{what}; fields it leaves out have values only syzkaller knows"))
    given = _fields(_pointee(call.arguments[3]))
    if len(given) >= 4:
        program.qualifier = encode(_pointee(given[1]))[: _length(given[0])]
        program.bos = encode(_pointee(given[3]))[: _length(given[2])]
    for index, member in enumerate(_fields(given[5])[:_MAX_STRINGS] if len(given) > 5 else ()):
        pair = _fields(member)
        if len(pair) == 2 and (string := encode(_pointee(pair[1]))):
            program.strings[index] = string.ljust(_length(pair[0]), b"\0")[: _length(pair[0])]
    return program


def _pointee(node: Node) -> Node | None:
    return node.value if isinstance(node, Pointer) else None


def _fields(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Group) else ()


def _length(node: Node) -> int:
    return min(max(number_of(node), 0), _MAX_ANSWER)


def _is_blob(node: Node | None) -> bool:
    """Bytes without structure; memory behind them is zero."""
    return all(
        isinstance(member, Data) or (isinstance(member, Union) and member.option.startswith("ANY"))
        for member in _fields(node)
    )


def _replies(node: Node, *, is_descriptor: bool) -> Iterator[Reply]:
    """The replies of a ``vusb_descriptors`` or ``vusb_responses``: its length, the generic one, the others."""
    for place, member in enumerate(_fields(_pointee(node))[1:]):
        value = _pointee(member)
        given = _fields(value)
        if not given:
            continue
        if _is_blob(value):
            reply = _reply(encode(value), is_descriptor=is_descriptor, generic=place == 0)
        else:
            size = _length(given[2]) if len(given) > 2 else 0
            data = _sized(given[3], size) if len(given) > 3 else bytes(size)
            head = bytes((number_of(given[0]) & 0xFF, number_of(given[1]) & 0xFF if len(given) > 1 else 0))
            reply = _reply(head + size.to_bytes(4, "little") + data, is_descriptor=is_descriptor, generic=place == 0)
        if reply:
            yield reply


def _sized(node: Node, size: int) -> bytes:
    """Data of a known length: a number fills it, and so do the equal parts of a string."""
    if isinstance(node, Number):
        return (node.value & (1 << 8 * size) - 1).to_bytes(size, "little")
    return encode(node).ljust(size, b"\0")[:size]


def _reply(raw: bytes, *, is_descriptor: bool, generic: bool) -> Reply | None:
    """A ``vusb_descriptor`` or ``vusb_response``: type, request, length of 32 bits, data."""
    if len(raw) < _REPLY_HEAD:
        return None
    size = min(int.from_bytes(raw[2:6], "little"), _MAX_ANSWER)
    data = raw[_REPLY_HEAD : _REPLY_HEAD + size].ljust(size, b"\0")
    return Reply(raw[0] & _KIND, None if generic else raw[1], data, is_descriptor)


# C reproducers


def _from_c(text: str) -> list[Program]:
    programs, memory = _Programs(), Memory()
    last: Program | None = None
    for call in c_calls(text, memory):
        if isinstance(call, int):
            if last is not None:
                programs.of[call] = last
            continue
        given = call.arguments
        if call.name.startswith("syz_usb_connect") and len(given) == 4:
            last = _connected(call, memory)
            programs.add(last)
            continue
        program = programs.of.get(call.slot, last)
        if program is None:
            continue
        if call.name.startswith("syz_usb_control_io") and len(given) == 3:
            found = [*_loaded(given[1], memory, is_descriptor=True), *_loaded(given[2], memory, is_descriptor=False)]
            program.exchange(call.line, found)
        elif call.name.startswith("syz_usb_ep_write") and len(given) == 4:
            data = memory.read(given[3], min(max(given[2], 0), _MAX_ANSWER))
            program.write(call.line, given[1] & 0xFF, data)
    return programs.all


def _connected(call: CCall, memory: Memory) -> Program:
    """``struct vusb_connect_descriptors``: three lengths of 32 bits, each before a pointer; strings repeat that."""
    speed, length, address, more = call.arguments
    program = Program(call.name, call.line, speed, memory.read(address, min(max(length, 0), _MAX_ANSWER)))
    if more > 0:
        program.qualifier = _pointed(more, memory)
        program.bos = _pointed(more + 12, memory)
        for index in range(min(memory.number(more + 24, 4), _MAX_STRINGS)):
            if string := _pointed(more + 28 + 12 * index, memory):
                program.strings[index] = string
    return program


def _pointed(at: int, memory: Memory) -> bytes:
    size, address = memory.number(at, 4), memory.number(at + 4, 8)
    return memory.read(address, min(size, _MAX_ANSWER)) if address else b""


def _loaded(at: int, memory: Memory, *, is_descriptor: bool) -> Iterator[Reply]:
    """The replies of a ``vusb_descriptors`` or ``vusb_responses`` in memory."""
    if at <= 0:
        return
    count = min(max(memory.number(at, 4) - 4, 0) // 8, _MAX_REPLIES)
    for place in range(count):
        address = memory.number(at + 4 + 8 * place, 8)
        size = min(memory.number(address + 2, 4), _MAX_ANSWER) if address else 0
        raw = memory.read(address, _REPLY_HEAD + size) if address else b""
        if reply := _reply(raw, is_descriptor=is_descriptor, generic=place == 0):
            yield reply
