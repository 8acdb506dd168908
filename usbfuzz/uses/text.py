"""One line of a program: ``fd = open("/dev/video*", O_RDWR)``, ``ioctl(fd, VIDIOC_STREAMON, type=1)``, ``thread`` …"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

from usbfuzz.uses.kernel.calls import CONSTANTS, STRUCTS

__all__ = ["Argument", "Bytes", "Call", "Named", "UseError", "Value", "parse_line"]

_MOST_BYTES = 1 << 16  #: of one argument
_CALL = re.compile(r"(?:([a-z]\w{0,30}) = )?([a-z]\w*)\((.*)\)")
_WORDS = re.compile(r"(thread|hold until unplugged|repeat until unplugged)|repeat (\d{1,6}) times")
_KEY = re.compile(r"([a-z]\w*)=")
_TEXT = re.compile(r'"([^"]*)"(?: \* (\d{1,6}))?')
_WORD = re.compile(r"[^\s,\"()|]+(?: ?\| ?[^\s,\"()|]+)*")
_NUMBER = re.compile(r"-?(?:0x[0-9a-f]{1,16}|\d{1,20})")
_NAMED = re.compile(r"([a-z]\w*)(?:\.(\w+))?")


class UseError(ValueError):
    """A program that means nothing; ``line`` is that of the text, from 0."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@frozen
class Bytes:
    """Text in quotes: a pattern of names, or hex digits of bytes; ``times`` times in a row."""

    text: str
    times: int = 1

    def __str__(self) -> str:
        return f'"{self.text}"' + (f" * {self.times}" if self.times != 1 else "")

    def raw(self) -> bytes:
        """The bytes; raises ValueError."""
        return bytes.fromhex(self.text) * self.times


@frozen
class Named:
    """What an earlier call gave, or a field of what it wrote."""

    name: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.name}.{self.field}" if self.field else self.name


#: A number or constants joined by ``|``, as they are written; bytes; what an earlier call gave.
Value = str | Bytes | Named


@frozen
class Argument:
    """One argument, with the name of the field it is for."""

    value: Value
    key: str = ""

    def __str__(self) -> str:
        return f"{self.key}={self.value}" if self.key else str(self.value)


@frozen
class Call:
    """One line. ``name`` is ``thread``, ``hold``, ``repeat`` or a call's; of ``repeat`` the argument is a count."""

    name: str
    arguments: tuple[Argument, ...] = ()
    result: str = ""  #: what later lines call the returned value

    def __str__(self) -> str:
        match self.name:
            case "thread":
                return "thread"
            case "hold":
                return "hold until unplugged"
            case "repeat":
                return f"repeat {self.arguments[0]} times" if self.arguments else "repeat until unplugged"
        given = f"{self.result} = " if self.result else ""
        return f"{given}{self.name}({', '.join(map(str, self.arguments))})"


def number_of(text: str) -> int:
    """The number that ``O_RDWR|0x800`` is; raises ValueError with the word that is none."""
    value = 0
    for word in text.split("|"):
        if _NUMBER.fullmatch(word):
            value |= int(word, 0)
        elif word in CONSTANTS:
            value |= CONSTANTS[word]
        else:
            raise ValueError(word)
    return value


def parse_line(text: str, line: int = 0) -> Call:
    """The call that a line says; raises UseError."""
    if words := _WORDS.fullmatch(text):
        name = (words[1] or "repeat").partition(" ")[0]
        return Call(name, (Argument(words[2]),) if words[2] else ())
    match = _CALL.fullmatch(text)
    if match is None:
        raise UseError(line, "is no call: write NAME = CALL(ARGUMENT, FIELD=VALUE), or thread, hold, repeat")
    return Call(match[2], tuple(_arguments(match[3], line)), match[1] or "")


def _arguments(text: str, line: int) -> Iterator[Argument]:
    at = 0
    while at < len(text):
        key = _KEY.match(text, at)
        if key:
            at = key.end()
        value, at = _value(text, at, line)
        yield Argument(value, key[1] if key else "")
        if at < len(text):
            if not text.startswith(", ", at) or at + 2 == len(text):
                raise UseError(line, f"a comma and a blank belong before {text[at : at + 20]!r}")
            at += 2


def _value(text: str, at: int, line: int) -> tuple[Value, int]:
    if quoted := _TEXT.match(text, at):
        value = Bytes(quoted[1], int(quoted[2] or 1))
        if len(value.text) * value.times > 3 * _MOST_BYTES:
            raise UseError(line, f"an argument may have at most {_MOST_BYTES} bytes")
        return value, quoted.end()
    word = _WORD.match(text, at)
    if word is None:
        raise UseError(line, f"no value can be read at {text[at : at + 20]!r}")
    said = word[0].replace(" ", "")
    if named := _NAMED.fullmatch(said):
        return (said if said in STRUCTS else Named(named[1], named[2] or "")), word.end()
    try:
        number_of(said)
    except ValueError as error:
        if not said[0].isupper():
            raise UseError(line, f"{said[:30]!r} is no number") from error
    return said, word.end()
