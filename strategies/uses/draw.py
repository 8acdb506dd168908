"""Draws programs: open, begin, a few calls, held or read in threads, closed before or after the unplug."""

from __future__ import annotations

from functools import cache

from strategies.dice import Dice, Weighted
from strategies.havoc import BOUNDARY_WORDS
from usbfuzz.uses import sound
from usbfuzz.uses.kernel.calls import TABLES
from usbfuzz.uses.kernel.table import Field, Request

from .nodes import NODES, NodeKind

__all__ = ["a_call", "a_program", "changed_number"]

#: What a program does once it has begun: a few calls; held until the unplug and closed then; threads that go on until
#: then; two descriptors of one node.
_SHAPES = Weighted({"calls": 30, "held": 26, "threads": 26, "two": 18})
_SMALL = (0, 0, 1, 1, 1, 2, 3, 4, 8, 16)
_WIDE = (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000, 0x100000)
_SIZES = (0, 1, 2, 8, 9, 64, 65, 256, 4096)  #: bytes
_SET = 0.5  #: of the fields of a structure
_BEGUN = 0.8  #: of the programs start what they opened


@cache
def _requests(table: str, prefixes: tuple[str, ...]) -> tuple[Request, ...]:
    return tuple(request for name, request in TABLES[table].requests.items() if name.startswith(prefixes))


@cache
def _constants(table: str) -> tuple[str, ...]:
    return tuple(TABLES[table].constants)


def a_call(dice: Dice, name: str) -> tuple[str, ...]:
    """A line or a few of what is done with a node of that name, on ``fd``."""
    kind = NODES[name]
    requests = _requests(kind.table, kind.prefixes)
    if requests and dice.chance(0.45):
        return (_ioctl(dice, kind, dice.pick(requests)),)
    return dice.pick(kind.loops or (_plain(dice),))


def _plain(dice: Dice) -> tuple[str, ...]:
    return (f"read(fd, {dice.pick(_SIZES)})",)


def _ioctl(dice: Dice, kind: NodeKind, request: Request) -> str:
    words = [request.name]
    match request.argument:
        case "int":
            words.append(_number(dice, kind))
        case "data":
            words.append(_bytes(dice))
        case "struct":
            assert request.struct is not None
            words += (_field(dice, kind, place) for place in request.struct.fields.values() if dice.chance(_SET))
    return f"ioctl(fd, {', '.join(words)})"


def _field(dice: Dice, kind: NodeKind, place: Field) -> str:
    if place.kind in ("pointer", "bytes"):
        return f"{place.name}={_bytes(dice)}"
    if place.name == "type" and kind.table == "video":
        return f"type={dice.pick((1, 1, 1, 1, 2, 4, 9, 13))}"
    if place.name == "memory":
        return f"memory={dice.pick((1, 1, 1, 2, 4))}"
    return f"{place.name}={_number(dice, kind)}"


def _number(dice: Dice, kind: NodeKind) -> str:
    match dice.below(8):
        case 0 | 1:
            constants = _constants(kind.table)
            return dice.pick(constants) if constants else str(dice.pick(_SMALL))
        case 2:
            return hex(dice.pick(BOUNDARY_WORDS))
        case 3:
            return hex(dice.pick(_WIDE))
        case _:
            return str(dice.pick(_SMALL))


def changed_number(dice: Dice, text: str) -> str:
    """Another number than the one a program has, near it or at a boundary."""
    try:
        number = int(text, 0)
    except ValueError:
        return str(dice.pick(_SMALL))
    match dice.below(4):
        case 0:
            return str(max(0, number + dice.pick((1, -1, 2, -2, 16))))
        case 1:
            return str(number * dice.pick((2, 4, 16)) & 0xFFFFFFFF)
        case 2:
            return hex(dice.pick((*BOUNDARY_WORDS, *_WIDE)))
        case _:
            return str(dice.pick(_SMALL))


def _bytes(dice: Dice) -> str:
    size = dice.pick(_SIZES)
    match dice.below(3):
        case 0:
            return f'"{dice.bytes(min(size, 16)).hex(" ")}"'
        case 1:
            return f'"{dice.below(256):02x}" * {size}' if size > 1 else '"00"'
        case _:
            return f'"00" * {size}' if size > 1 else '"00"'


def _calls(dice: Dice, name: str, least: int, most: int) -> list[str]:
    return [line for _ in range(dice.between(least, most)) for line in a_call(dice, name)]


def a_program(dice: Dice, name: str) -> tuple[str, ...]:
    """A program for nodes of that name."""
    kind = NODES[name]
    lines = list(dice.pick(kind.opens))
    if kind.begins and dice.chance(_BEGUN):
        lines += dice.pick(kind.begins)
    match dice.weighted(_SHAPES):
        case "held":
            lines += _calls(dice, name, 0, 3)
            lines += ["hold until unplugged", *_calls(dice, name, 0, 3), "close(fd)"]
        case "threads":
            for _ in range(dice.between(1, 3)):
                lines += ["thread", *_calls(dice, name, 1, 2)]
                lines.append(
                    "repeat until unplugged" if dice.chance(0.7) else f"repeat {dice.pick((3, 20, 100))} times"
                )
            if dice.chance(0.5):
                lines += ["thread", f"sleep({dice.pick((0, 1, 5, 20, 100))})", *_calls(dice, name, 0, 2), "close(fd)"]
        case "two":
            lines += ["other = dup(fd)"] if dice.chance(0.4) else [_second(lines)]
            lines += [line.replace("(fd", "(other") if dice.chance(0.5) else line for line in _calls(dice, name, 2, 5)]
            lines += dice.pick((["close(fd)", "hold until unplugged", "close(other)"], ["close(fd)"], ["close(other)"]))
        case _:
            lines += _calls(dice, name, 1, 6)
            lines += ["close(fd)"] if dice.chance(0.6) else []
    return sound(lines)


def _second(lines: list[str]) -> str:
    """The line that opened ``fd``, once more."""
    opened = next(line for line in lines if line.startswith("fd = "))
    return opened.replace("fd = ", "other = ", 1)
