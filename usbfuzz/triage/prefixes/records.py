"""Logs that are records: `journalctl -o json`, `json-pretty`, `json-sse`, `json-seq`, `export`, `verbose`; `dmesg -J`.

And those in parts, of pstore. Sources: https://systemd.io/JOURNAL_EXPORT_FORMATS, journalctl(1), dmesg(1);
fs/pstore/platform.c (the heading of a part).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .piece import NO_TIME, Piece, raw_lines

__all__ = ["in_order", "records"]

#: What reads a record, whose bytes are given.
_Reader = Callable[[Mapping[str, Any], int, int], Iterator[Piece]]

_JSON = re.compile(r"(?:\xef\xbb\xbf)?[\s\x1e]*+(?:data: )?\[?\s*+\{\s*+\"[A-Z_]++\"\s*:")
_OBJECT = re.compile(r"^[\x1e ]*(?:data: )?\[?\{", re.MULTILINE)
#: util-linux, sys-utils/dmesg.c
_DMESG = re.compile(r"\s*+(?:\{\s*+\"dmesg\"\s*+:\s*+\[\s*+)?\{\s*+\"(?:pri|fac|time|caller|msg)\"\s*:")
_DMESG_OBJECT = re.compile(r"\{(?=\s*+\"(?:pri|fac|time|caller|msg)\"\s*:)")
_MOST_BAD = 50  #: objects that cannot be read; then the rest is left out
_FIELDS = re.compile(r"^ *(?:__CURSOR|_TRANSPORT|_BOOT_ID|MESSAGE)=", re.MULTILINE)
_LOOK = 1 << 16  #: bytes from the start of a log in which its form must show
_FIELD = re.compile(r" *([A-Z_][A-Z0-9_]*)=(.*)")
_CALLER = re.compile(r"[CT]\d{1,9}")
_LONGEST_TIME = 1e9  #: seconds
_IS_KERNEL = "kernel"

#: "Panic#1 Part2": what the kernel writes before each part of its log that it saves, the last lines in part 1.
_PART = re.compile(
    r"^(?:Panic|Oops|Emergency|Shutdown|Restart|Halt|Poweroff|Unknown)#(\d+) Part(\d+)\r?$", re.MULTILINE
)


def records(log: str) -> list[Piece] | None:
    """The kernel's lines of a journal of records; None when it is none."""
    if _JSON.match(log, 0, _LOOK):
        return list(_objects(log, _OBJECT, _kernels))
    if _DMESG.match(log, 0, _LOOK):
        return list(_objects(log, _DMESG_OBJECT, _printed))
    if "MESSAGE=" in log[:_LOOK] and len(_FIELDS.findall(log, 0, _LOOK)) > 2:
        return list(_from_fields(log))
    return None


def in_order(log: str) -> list[Piece] | None:
    """The lines of a log saved in parts, oldest first; None when it is not in parts."""
    if " Part" not in log or len(_PART.findall(log)) < 2:
        return None
    blocks: list[tuple[tuple[int, int], list[Piece]]] = [((0, 0), [])]
    for line in raw_lines(log):
        heading = _PART.match(line.text)
        if heading is None:
            blocks[-1][1].append(line)
        else:
            blocks.append(((int(heading[1][:9]), -int(heading[2][:9])), []))
    return [line for _, block in sorted(blocks, key=lambda block: block[0]) for line in block]


def _objects(log: str, begins: re.Pattern[str], read: _Reader) -> Iterator[Piece]:
    """The lines of objects of JSON, each of which begins with the last letter of what ``begins`` matches."""
    decoder = json.JSONDecoder()
    bad = 0
    at = 0
    while bad < _MOST_BAD and (found := begins.search(log, at)):
        start = found.end() - 1
        try:
            record, at = decoder.raw_decode(log, start)
        except (ValueError, RecursionError):
            bad, at = bad + 1, found.end()
            continue
        if isinstance(record, dict):
            yield from read(record, found.start(), at)


def _from_fields(log: str) -> Iterator[Piece]:
    record: dict[str, Any] = {}
    span = (0, 0)
    for line in raw_lines(log):
        found = _FIELD.match(line.text.rstrip("\r"))
        if found is None:
            yield from _kernels(record, *span)
            record, span = {}, (line.end, line.end)
        elif found[1] in {"MESSAGE", "_TRANSPORT", "SYSLOG_IDENTIFIER"}:
            record[found[1]] = found[2]
            if found[1] == "MESSAGE":
                span = (line.start, line.end)
    yield from _kernels(record, *span)


def _kernels(record: Mapping[str, Any], start: int, end: int) -> Iterator[Piece]:
    """The lines of a record, if it is the kernel's; a message that is no UTF-8 is a list of its bytes."""
    message = record.get("MESSAGE")
    names = {record[key] for key in ("_TRANSPORT", "SYSLOG_IDENTIFIER") if isinstance(record.get(key), str)}
    if names and _IS_KERNEL not in names:
        return
    if isinstance(message, list):
        message = bytes(byte & 255 for byte in message if isinstance(byte, int)).decode("latin-1")
    yield from _lines(message, NO_TIME, start, end)


def _printed(record: Mapping[str, Any], start: int, end: int) -> Iterator[Piece]:
    """The lines of a message that dmesg shows; its time is a number, or what the user asked for."""
    time, caller = record.get("time"), record.get("caller")
    stamp = f"[{time:12.6f}]" if isinstance(time, float) and 0 <= time < _LONGEST_TIME else NO_TIME
    yield from _lines(record.get("msg"), f"{stamp}[{caller:>6}]" if _is_caller(caller) else stamp, start, end)


def _is_caller(caller: object) -> bool:
    return isinstance(caller, str) and _CALLER.fullmatch(caller) is not None


def _lines(message: object, stamp: str, start: int, end: int) -> Iterator[Piece]:
    if isinstance(message, str):
        for text in message.encode("latin-1", "replace").decode("latin-1").split("\n"):
            yield Piece(f"{stamp} {text}", start, end)
