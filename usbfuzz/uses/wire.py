"""A program as the guest agent gets it: numbers and bytes, all names resolved (harness/guest/agent/use_program.c)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NoReturn

from attrs import define, field

from usbfuzz.uses.kernel.calls import CALLS, REQUESTS, STRUCTS, SYSCALLS
from usbfuzz.uses.kernel.table import Field, Request, Struct

from .text import Argument, Bytes, Call, Named, UseError, Value, number_of, parse_line

__all__ = ["MOST_STEPS", "MOST_THREADS", "OPS", "compiled", "compiled_lines", "holds", "parsed", "sound"]

MOST_STEPS = 128  #: of a program (STEPS in use.c)
MOST_THREADS = 8  #: besides the first lines (THREADS in use.c)
_SLOTS = 64  #: names of a program (SLOTS in use.c)
_MOST_ROOM = 1 << 16  #: bytes of one buffer
#: The agent's own steps, before the numbers of :data:`~usbfuzz.uses.kernel.calls.SYSCALLS`.
OPS = ("open", "node", "sleep", "touch", "hold", "repeat")
_CONST, _SLOT, _FIELD, _BUFFER, _OWN = range(5)  #: kinds of operands
_NO_SLOT = 0xFF
#: What ``node`` says of a network interface or another thing without a file.
_NODE = Struct(
    "node",
    bytes(24),
    {"name": Field("name", 0, 16, "bytes"), "ifindex": Field("ifindex", 16, 4), "number": Field("number", 20, 4)},
)


def parsed(program: Sequence[str]) -> tuple[Call, ...]:
    """The calls of a program; raises UseError for the first line that is none."""
    return tuple(parse_line(text, line) for line, text in enumerate(program))


def compiled(program: Sequence[str]) -> bytes:
    """The program as the agent reads it; raises UseError for the first line that means nothing."""
    return b"".join(raw for raw, _ in compiled_lines(program))


def compiled_lines(program: Sequence[str]) -> tuple[tuple[bytes, str], ...]:
    """The same in parts: how many threads and steps there are, then the bytes of each line, none of ``thread``."""
    compiler, thread, steps = _Compiler(), 0, 0
    parts = []
    for line, call in enumerate(parsed(program)):
        if call.name == "thread":
            thread += 1
            parts.append((b"", program[line]))
            continue
        compiler.line = line
        parts.append((bytes((thread,)) + compiler.step(call), program[line]))
        steps += 1
        if steps > MOST_STEPS or thread > MOST_THREADS:
            raise UseError(line, f"a program has at most {MOST_STEPS} calls in {MOST_THREADS} threads")
    return ((struct.pack("<BH", thread, steps), f"{1 + thread} threads, {steps} steps"), *parts)


def sound(program: Sequence[str]) -> tuple[str, ...]:
    """The lines that mean something: those that use what no line above them gives are left out."""
    kept = list(program)
    while True:
        try:
            compiled(kept)
        except UseError as error:
            del kept[error.line]
        else:
            return tuple(kept)


def holds(program: Sequence[str]) -> bool:
    """Whether the program goes on until its device is unplugged."""
    return any(text.endswith("until unplugged") for text in program)


@define
class _Compiler:
    """What is known up to a line: the names, and the structures behind them."""

    line: int = 0
    _slots: dict[str, int] = field(factory=dict, init=False)
    _structs: dict[str, Struct] = field(factory=dict, init=False)

    def step(self, call: Call) -> bytes:
        """Operation, slot of the result, operands."""
        if call.name in ("hold", "repeat"):
            count = [self._number(argument.value) for argument in call.arguments]
            return self._packed(call.name, "", count)
        form = CALLS.get(call.name)
        if form is None:
            self._fail(f"{call.name!r} is not a call that programs can make; there is {', '.join(CALLS)}")
        if call.result and not form.gives:
            self._fail(f"{call.name} gives nothing that could have a name")
        operands = list(self._operands(call, form.parameters))
        match call.name:
            case "mmap":  # addr, length, prot, flags, fd, offset
                fd, length, prot, flags, offset = operands
                operands = [_constant(0), length, prot, flags, fd, offset]
            case "poll":
                fd, _, patience = operands
                pollfd = _buffer(8, struct.pack("<iHH", 0, self._const(call.arguments[1]), 0), [(0, 4, fd)])
                operands = [pollfd, _constant(1), patience]
        if call.name == "node":
            self._remember(call.result, _NODE)
        return self._packed(call.name, call.result, operands)

    def _packed(self, name: str, result: str, operands: list[bytes]) -> bytes:
        op = OPS.index(name) if name in OPS else len(OPS) + SYSCALLS.index(name)
        return bytes((op, self._slot_for(result), len(operands))) + b"".join(operands)

    def _slot_for(self, name: str) -> int:
        if not name:
            return _NO_SLOT
        if name not in self._slots and len(self._slots) >= _SLOTS:
            self._fail(f"a program has at most {_SLOTS} names")
        return self._slots.setdefault(name, len(self._slots))

    def _remember(self, name: str, what: Struct | None) -> None:
        if name:
            self._structs.pop(name, None)
            if what is not None:
                self._structs[name] = what

    def _operands(self, call: Call, parameters: Sequence[str]) -> Iterator[bytes]:
        left = list(call.arguments)
        for parameter in parameters:
            kind = parameter.removeprefix("?")
            if kind == "request":
                yield from self._request(call, left)
                return
            if not left or (left[0].key and kind != "data"):
                if parameter.startswith("?"):
                    continue
                self._fail(f"{call.name} takes {', '.join(parameters)}; one is missing")
            yield from self._operand(kind, left)
        if left:
            self._fail(f"{call.name} takes {', '.join(parameters)}; {left[0]} is one too many")

    def _operand(self, kind: str, left: list[Argument]) -> Iterator[bytes]:
        value = left.pop(0).value
        match kind:
            case "fd" | "map":
                yield self._named(value)
            case "number":
                yield self._number(value)
            case "path":
                yield self._path(value)
            case "room":
                size = self._plain(value)
                if not 0 <= size <= _MOST_ROOM:
                    self._fail(f"room for {size} bytes; use 0..{_MOST_ROOM}")
                yield _buffer(size, b"")
                yield _constant(size)
            case _:
                if isinstance(value, str) and value in STRUCTS:
                    yield self._filled(STRUCTS[value], left)
                    yield _constant(len(STRUCTS[value].base))
                else:
                    raw = self._raw(value)
                    yield _buffer(len(raw), raw)
                    yield _constant(len(raw))

    def _request(self, call: Call, left: list[Argument]) -> Iterator[bytes]:
        if not left or not isinstance(left[0].value, str) or left[0].key:
            self._fail("ioctl takes fd, REQUEST and what the request asks for; the request is missing")
        name = str(left.pop(0).value)
        request = REQUESTS.get(name) or self._unknown(name, left)
        self._remember(call.result, request.struct)
        match request.argument:
            case "struct":
                assert request.struct is not None
                yield _constant(request.number)
                yield self._filled(request.struct, left)
            case "data":
                raw = self._raw(left.pop(0).value if left else "")
                yield _constant(request.number & ~0x3FFF0000 | (len(raw) & 0x3FFF) << 16)
                yield _buffer(len(raw), raw)
            case "int":
                yield _constant(request.number)
                yield self._number(left.pop(0).value) if left else _constant(0)
            case _:
                yield _constant(request.number)
        if left:
            self._fail(f"{name} takes no more than it got; {left[0]} is one too many")

    def _unknown(self, name: str, left: list[Argument]) -> Request:
        """A request by its number, with bytes or a number behind it."""
        number = self._plain(name)
        if left and isinstance(left[0].value, Bytes):
            raw = self._raw(left.pop(0).value)
            return Request(name, number & 0xFFFFFFFF, "struct", Struct("", raw, {}))
        return Request(name, number & 0xFFFFFFFF, "int")

    def _filled(self, what: Struct, left: list[Argument]) -> bytes:
        """The bytes of a structure with the fields that the arguments set; takes them all."""
        base, patches = bytearray(what.base), []
        while left and left[0].key:
            argument = left.pop(0)
            place = what.fields.get(argument.key)
            if place is None:
                self._fail(
                    f"{what.name or 'the argument'} has no field {argument.key!r}; it has {', '.join(what.fields)}"
                )
            if isinstance(argument.value, Named):
                patches.append((place.offset, place.size, self._named(argument.value)))
            elif place.kind == "pointer":
                raw = self._raw(argument.value)
                patches.append((place.offset, place.size, struct.pack("<BI", _OWN, len(base))))
                base += raw or b"\0"
            else:
                self._set(base, place, argument.value)
        return _buffer(len(base), bytes(base), patches)

    def _set(self, base: bytearray, place: Field, value: Value) -> None:
        at, end = place.offset, place.offset + place.size
        if place.kind == "bytes":
            base[at:end] = self._raw(value)[: place.size].ljust(place.size, b"\0")
            return
        number = self._plain(value)
        if place.kind == "mask":
            base[at:end] = (1 << (number & 0xFF)).to_bytes(place.size, "little")
        elif place.kind == "interval":
            base[at:end] = struct.pack("<III", number & 0xFFFFFFFF, number & 0xFFFFFFFF, 4)  # 4: whole numbers
        else:
            base[at:end] = (number & ((1 << 8 * place.size) - 1)).to_bytes(place.size, "little")

    def _number(self, value: Value) -> bytes:
        return self._named(value) if isinstance(value, Named) else _constant(self._plain(value))

    def _const(self, argument: Argument) -> int:
        return self._plain(argument.value) & 0xFFFF

    def _plain(self, value: Value) -> int:
        if not isinstance(value, str):
            self._fail(f"{value} stands where a number belongs")
        try:
            return number_of(value)
        except ValueError as error:
            self._fail(f"{str(error)[:30]!r} is no constant that is known here; write its number")

    def _named(self, value: Value) -> bytes:
        if not isinstance(value, Named):
            self._fail(f"{value} stands where the name of something opened belongs")
        if value.name not in self._slots:
            self._fail(f"nothing above is called {value.name!r}")
        slot = self._slots[value.name]
        if not value.field:
            return bytes((_SLOT, slot))
        what = self._structs.get(value.name)
        place = what.fields.get(value.field) if what else None
        if place is None:
            self._fail(f"{value.name!r} has no field {value.field!r}")
        return struct.pack("<BBHB", _FIELD, slot, place.offset, place.size)

    def _path(self, value: Value) -> bytes:
        if not isinstance(value, Bytes) or not value.text.startswith(("/dev/", "/sys/class/", "/sys/bus/")):
            self._fail(f'{value} is no pattern; write "/dev/…", "/sys/class/…" or "/sys/bus/…"')
        if not value.text.isascii() or "\0" in value.text or len(value.text) > 200 or value.times != 1:
            self._fail("a pattern is at most 200 characters of ASCII")
        raw = value.text.encode() + b"\0"
        return _buffer(len(raw), raw)

    def _raw(self, value: Value) -> bytes:
        try:
            raw = value.raw() if isinstance(value, Bytes) else None
        except ValueError:
            raw = None
        if raw is None or len(raw) > _MOST_ROOM:
            what = f"{str(value)[:30]} stands where at most {_MOST_ROOM} bytes belong"
            self._fail(f'{what}; write hex digits: "00 01", or "00" * 64')
        return raw

    def _fail(self, what: str) -> NoReturn:
        raise UseError(self.line, what)


def _constant(number: int) -> bytes:
    return struct.pack("<BQ", _CONST, number & 0xFFFFFFFFFFFFFFFF)


def _buffer(size: int, raw: bytes, patches: Sequence[tuple[int, int, bytes]] = ()) -> bytes:
    """Bytes to point to: ``raw`` without the zeros at its end, and what is put into them when the step is done."""
    raw = raw.rstrip(b"\0")
    head = struct.pack("<BIIB", _BUFFER, size, len(raw), len(patches)) + raw
    return head + b"".join(struct.pack("<IB", offset, length) + operand for offset, length, operand in patches)
