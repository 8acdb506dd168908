"""What programs see of a device, as lines that can be kept and compared: ``1.2 sound capture rates: 48000``.

The left side, up to the first ``": "``, says what of the device it is and is there once; behind it is the value, often
a list of words.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from usbfuzz.reading import printable

__all__ = ["changes", "line", "recordable"]

_LINES = 300  #: of one run; what is beyond is one line, its digest
#: Of one value; the words beyond are counted, and their digest kept. The keys of a keyboard find room, the hundreds of
#: frame intervals that a camera may offer do not.
_VALUE_CHARS = 2000
_LEFT_CHARS = 200
#: Bus and device number in a name, of which the second counts up (drivers/usb/misc/apple-mfi-fastcharge.c).
_COUNTED = re.compile(r"(apple_mfi_fastcharge)_\d+_\d+")
_DIGEST_CHARS = 8
#: A value of more words than this is shown by what it lost and gained.
_FEW_WORDS = 6
_SHOWN_WORDS = 12  #: of those lost or gained
_NONE = "none"


def line(left: str, value: str) -> str:
    """One line of a record: printable, and of bounded length whatever the guest said.

    A long value keeps its first words, the number of the others and a digest of them, so that no difference is lost.
    """
    left = _COUNTED.sub(r"\1_N", printable(left).strip()).replace(": ", ":").rstrip(":")
    return f"{left[:_LEFT_CHARS]}: {_folded(printable(value).strip())}"


def recordable(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines sorted, their left sides made unique by counting, and no more of them than a case file should hold."""
    found = sorted(lines)
    times: Counter[str] = Counter()
    for number, text in enumerate(found):
        left, value = _sides(text)
        times[left] += 1
        if times[left] > 1:
            found[number] = f"{left} #{times[left]}: {value}"
    found.sort()
    rest = found[_LINES:]
    return tuple(found[:_LINES]) + ((f"~ {len(rest)} more: {_digest(rest)}",) if rest else ())


def changes(recorded: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    """What differs, a line for each left side: ``1.2 sound capture rates: 48000 → none``."""
    before, after = dict(map(_sides, recorded)), dict(map(_sides, now))
    for left in sorted(before.keys() | after.keys()):
        old, new = before.get(left), after.get(left)
        if old != new:
            yield f"{left}: {_change(old, new)}"


def _change(old: str | None, new: str | None) -> str:
    """``48000 → none``; of long lists only the words that went and came: ``-KEY_MUTE +KEY_MICMUTE``."""
    before, after = (old or "").split(), (new or "").split()
    if _is_list(before) and _is_list(after) and max(len(before), len(after)) > _FEW_WORDS:
        gone, come = [word for word in before if word not in after], [word for word in after if word not in before]
        if gone or come:  # else the order alone is another
            return " ".join((*_signed("-", gone), *_signed("+", come)))
    return f"{_side(old)} → {_side(new)}"


def _is_list(words: Sequence[str]) -> bool:
    """Whether the words stand for themselves: in a sentence or a range, some come twice."""
    return bool(words) and len(set(words)) == len(words)


def _signed(sign: str, words: Sequence[str]) -> Iterator[str]:
    yield from (sign + word for word in words[:_SHOWN_WORDS])
    if len(words) > _SHOWN_WORDS:
        yield f"({sign}{len(words) - _SHOWN_WORDS} more)"


def _side(value: str | None) -> str:
    if not value:
        return _NONE if value is None else "nothing"
    words = value.split(" ")
    more = len(words) - 2 * _SHOWN_WORDS
    return value if more <= 0 else f"{' '.join(words[: 2 * _SHOWN_WORDS])} (and {more} more)"


def _sides(text: str) -> tuple[str, str]:
    left, _, value = text.partition(": ")
    return left, value


def _folded(value: str) -> str:
    if len(value) <= _VALUE_CHARS:
        return value
    words = value.split(" ")
    kept = 0
    room = _VALUE_CHARS
    while kept < len(words) and len(words[kept]) < room:
        room -= len(words[kept]) + 1
        kept += 1
    rest = words[kept:]
    return " ".join((*words[:kept], f"(+{len(rest)} {_digest(rest)})"))


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:_DIGEST_CHARS]
