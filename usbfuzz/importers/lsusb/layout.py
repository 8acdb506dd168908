"""From printed fields to bytes, by the codec's own layouts.

The codec's classes say where a field lies and how wide it is; a name table says what lsusb calls it. Of the classes a
descriptor may be, the one that accounts for most of what was printed is taken. What no class accounts for is laid out
as printed, its width told by the digits or by the name's prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field, frozen

from usbfuzz.descriptors.fields import Computed, CountOf, Field, Fixed, LengthOfAll
from usbfuzz.descriptors.structure import Structure

from .blocks import Token
from .names import ALIASES, HEX_ROWS, LAST_RESORT_WIDTHS, UNPRINTED
from .values import hex_width, number, octets

__all__ = ["LaidOut", "lay_out", "lay_out_as_printed"]

_MAX_ITEMS = 255
_MAX_MASK = 3  #: bytes lsusb prints of a video unit's bmControls


@frozen
class LaidOut:
    """Bytes made of printed fields."""

    raw: bytes
    missing: tuple[str, ...] = ()  #: fields of the class that were not printed, in wire order
    unused: tuple[Token, ...] = ()  #: printed fields the class does not have
    wrong: tuple[Token, ...] = ()  #: printed fields whose value makes no sense

    @property
    def doubts(self) -> int:
        """How many fields are missing, unused or wrong; 0 when the class fits."""
        return len(self.missing) + len(self.unused) + len(self.wrong)


def lay_out(cls: type[Structure], tokens: Iterable[Token], length: int | None, tail: bytes = b"") -> LaidOut | None:
    """The bytes of a ``cls`` with these fields; None when they are another class's.

    ``length`` is bLength, if that was printed; ``tail`` is what was printed as bytes, the end of the descriptor.
    """
    return _Builder(cls, tokens, length, tail).build()


def lay_out_as_printed(tokens: Iterable[Token], length: int | None, tail: bytes = b"") -> LaidOut:
    """The bytes of fields in the order they were printed, without knowing what descriptor it is."""
    raw, wrong = b"", []
    for token in tokens:
        value = number(token.name, token.value)
        width = hex_width(token.value) or next((w for p, w in LAST_RESORT_WIDTHS if token.name.startswith(p)), None)
        known = octets(token.value) if token.name.startswith(("guid", "bGUID")) else None
        if known is None and (value is None or width is None or value >> 8 * width):
            wrong.append(token)
        else:
            raw += known if known is not None else (value or 0).to_bytes(width or 0, "little")
    raw += tail
    missing = () if length is None or len(raw) == length else ("its end",)
    whole = raw if length is None else raw[:length].ljust(length, b"\0")
    return LaidOut(whole, missing, (), tuple(wrong))


@define
class _Builder:
    """Takes the printed fields one by one, in the order of the class."""

    _cls: type[Structure]
    _tokens: Iterable[Token]
    _length: int | None
    _tail: bytes
    _named: dict[str, list[Token]] = field(factory=dict, init=False)
    _missing: list[str] = field(factory=list, init=False)
    _wrong: list[Token] = field(factory=list, init=False)
    _numbers: dict[str, int] = field(factory=dict, init=False)

    def build(self) -> LaidOut | None:
        names = _names(self._cls)
        own = {member.name for member in self._cls.fields}
        for token in self._tokens:
            numbered = f"{token.name}{token.index}"  # waRecoveryTime(1)
            name = numbered if numbered in own else names.get(token.name, token.name)
            self._named.setdefault(name, []).append(token)
        chunks: list[tuple[Field, bytes]] = []
        for member in self._cls.fields:
            chunk = self._chunk(member)
            if chunk is None:
                return None
            chunks.append((member, chunk))
        raw = self._stretch(chunks)
        unused = tuple(token for tokens in self._named.values() for token in tokens)
        return LaidOut(raw, tuple(self._missing), unused, tuple(self._wrong))

    def _stretch(self, chunks: list[tuple[Field, bytes]]) -> bytes:
        """The chunks joined, with the tail at the end, cut or filled up to bLength."""
        raw = b"".join(chunk for _, chunk in chunks)
        if self._length is None:
            raw += self._tail
            if chunks and isinstance(chunks[0][0].default, LengthOfAll):
                raw = bytes((len(raw) & 0xFF,)) + raw[1:]
            return raw
        start = max(self._length - len(self._tail), 0)
        if len(raw) < start:
            self._missing.append(f"{start - len(raw)} bytes at its end")
        elif len(raw) > self._length:  # lsusb reads some optional fields past the end
            self._missing = [name for name in self._missing if name != chunks[-1][0].name]
        return (raw[:start].ljust(start, b"\0") + self._tail)[: self._length]

    def _chunk(self, each: Field) -> bytes | None:
        """The bytes of one field; None when they cannot be this class's."""
        if each.kind == "int":
            return self._int(each)
        if each.kind == "ints":
            return self._ints(each)
        if each.kind == "groups":
            return self._groups(each)
        return self._bytes(each)

    def _int(self, each: Field) -> bytes | None:
        width = each.width or 1
        token = self._take(each.name)
        value = None if token is None else number(token.name, token.value)
        fixed = each.default.value if isinstance(each.default, Fixed) else None
        if token is not None and (value is None or value >> 8 * width):
            self._wrong.append(token)
            value = None
        if value is None:
            value = self._default(each, asked=token is None)
        elif fixed is not None and value != fixed:
            return None
        self._numbers[each.name] = value
        return value.to_bytes(width, "little")

    def _default(self, each: Field, *, asked: bool) -> int:
        """The value of a field that was not printed."""
        if isinstance(each.default, Fixed):
            assert isinstance(each.default.value, int)
            return each.default.value
        if isinstance(each.default, LengthOfAll):
            return (self._length or 0) & 0xFF
        if isinstance(each.default, CountOf):
            return min(len(self._named.get(each.default.fields[0], ())), _MAX_ITEMS)
        if asked and not UNPRINTED.match(each.name):
            self._missing.append(each.name)
        return each.default if isinstance(each.default, int) and not isinstance(each.default, Computed) else 0

    def _ints(self, each: Field) -> bytes:
        width = each.width or (self._numbers.get(each.sized_by.name, 1) if each.sized_by else 1)
        items = list(_items(self._take_all(each.name), width, self._wrong))
        count = self._count(each)
        if count is not None:
            if len(items) < count:
                self._missing.append(f"{each.name}({len(items)})")
            items = [*items, *[bytes(width)] * count][:count]
        return b"".join(items)

    def _groups(self, each: Field) -> bytes | None:
        assert each.group is not None
        count, raw = self._count(each), b""
        first = each.group.fields[0].name
        for _ in range(_MAX_ITEMS if count is None else count):
            if count is None and not self._named.get(first):
                break
            for inner in each.group.fields:
                chunk = self._chunk(inner)
                if chunk is None:
                    return None
                raw += chunk
        return raw

    def _bytes(self, each: Field) -> bytes | None:
        size = self._count(each) if each.size is None else each.size
        tokens = self._take_all(each.name)
        raw = b""
        for token in tokens:
            value = number(token.name, token.value)
            row = octets(token.value)
            if row is not None and (len(row) > 1 or token.name in HEX_ROWS):
                raw += row
            elif value is not None and len(tokens) == 1 and size is not None and not value >> 8 * 2 * _MAX_MASK:
                raw += _mask(token, value, size)
            elif value is None or value >> 8 * (width := 1 if token.index is not None else hex_width(token.value) or 1):
                self._wrong.append(token)
            else:
                raw += value.to_bytes(width, "little")
        if isinstance(each.default, Fixed) and isinstance(each.default.value, bytes):
            return None if tokens and raw != each.default.value else each.default.value
        if size is None:
            return raw
        if len(raw) < size:
            self._missing.append(each.name)
        return raw[:size].ljust(size, b"\0")

    def _count(self, each: Field) -> int | None:
        if each.counted_by is None:
            return None
        counter = each.counted_by
        return min(self._numbers.get(counter.name, 0) or counter.default.zero, _MAX_ITEMS)

    def _take(self, name: str) -> Token | None:
        tokens = self._named.get(name)
        if not tokens:
            return None
        token = tokens.pop(0)
        if not tokens:
            del self._named[name]
        return token

    def _take_all(self, name: str) -> list[Token]:
        return self._named.pop(name, [])


def _items(tokens: list[Token], width: int, wrong: list[Token]) -> Iterator[bytes]:
    """The items of a list. One printed byte by byte repeats its index: usbutils before 009 did so."""
    pieces: dict[int, bytes] = {}
    for position, token in enumerate(tokens):
        value = number(token.name, token.value)
        if value is None:  # one line for all, as in a CDC union
            wrong.append(token)
        elif (row := token.value.split()) and len(row) > 1 and token.index is None and all(w.isdecimal() for w in row):
            for offset, word in enumerate(row):
                pieces[position + offset] = int(word[:20]).to_bytes(9, "little")[:width]
        else:
            key = position if token.index is None else token.index
            whole = value.to_bytes(max((value.bit_length() + 7) // 8, 1), "little")
            before = pieces.get(key, b"")
            pieces[key] = before + whole if before else whole
    for piece in pieces.values():
        yield piece[:width].ljust(width, b"\0")


def _mask(token: Token, value: int, size: int) -> bytes:
    """A bit mask printed as one number: of a video unit's long ones lsusb prints the last three bytes."""
    shown = value.to_bytes(2 * _MAX_MASK, "little")
    return shown[:_MAX_MASK].rjust(size, b"\0") if token.name == "bmControls" and size > _MAX_MASK else shown[:size]


def _names(cls: type[Structure]) -> Mapping[str, str]:
    """What lsusb calls the fields of a class, those of its groups included: printed name to field name."""
    own = {member.name for member in cls.fields}
    for member in cls.fields:
        if member.group is not None:
            own |= {inner.name for inner in member.group.fields}
    return {printed: name for printed, names in ALIASES.items() if printed not in own for name in names if name in own}
