"""drivers/usb/core/config.c as of Linux 6.12, followed step by step with its own buffers and counters.

An oracle for :mod:`usbfuzz.descriptors.kernel`, which does the same in one pass.
"""

from __future__ import annotations

from typing import Any

from usbfuzz.wire import Speed

Alternate = dict[str, Any]  #: number, alternate, triple and endpoints of a ``usb_host_interface``
Caches = list[list[Alternate]]  #: of each interface number

MAXES = {
    Speed.LOW: [8, 0, 0, 8],
    Speed.FULL: [64, 1023, 64, 64],
    Speed.HIGH: [64, 1024, 1024, 1024],
    Speed.SUPER: [512, 1024, 1024, 1024],
}


def kept_by_the_kernel(raw: bytes, speed: Speed) -> dict[tuple[int, int], Any]:
    """(number, alternate) → ((class, subclass, protocol), [(address, type, interval, packet, streams), ...])."""
    if len(raw) < 9:
        return {}
    raw = raw[: max(raw[2] | raw[3] << 8, 9)]
    if raw[1] != 2 or raw[0] < 9 or raw[0] > len(raw):
        return {}
    buffer = raw[raw[0] :]
    inums, nalts, size = _count(buffer)
    buffer = buffer[:size]
    caches: Caches = [[] for _ in inums]
    buffer = buffer[_skip(buffer, (4,)) :]
    while buffer:
        buffer = buffer[_interface(buffer, speed, inums, nalts, caches) :]
    return {
        (number, alt["alternate"]): (alt["triple"], alt["endpoints"])
        for number, cache in zip(inums, caches, strict=True)
        for alt in cache
    }


def _count(buffer: bytes) -> tuple[list[int], list[int], int]:
    inums: list[int] = []
    nalts: list[int] = []
    at = 0
    while at < len(buffer):
        if len(buffer) - at < 2 or buffer[at] > len(buffer) - at or buffer[at] < 2:
            break
        if buffer[at + 1] == 4 and buffer[at] >= 9:
            number = buffer[at + 2]
            if number in inums:
                nalts[inums.index(number)] = min(nalts[inums.index(number)] + 1, 255)
            elif len(inums) < 32:
                inums.append(number)
                nalts.append(1)
        at += buffer[at]
    return inums, [min(count, 128) for count in nalts], at


def _skip(buffer: bytes, kinds: tuple[int, ...]) -> int:
    """find_next_descriptor"""
    at = 0
    while at < len(buffer) and buffer[at + 1] not in kinds:
        at += buffer[at]
    return at


def _interface(buffer: bytes, speed: Speed, inums: list[int], nalts: list[int], caches: Caches) -> int:
    """usb_parse_interface: bytes consumed"""
    d, at = buffer[: buffer[0]], buffer[0]
    refused = at + _skip(buffer[at:], (4,))
    if d[0] < 9 or d[2] not in inums:
        return refused
    which = inums.index(d[2])
    if len(caches[which]) >= nalts[which] or any(alt["alternate"] == d[3] for alt in caches[which]):
        return refused
    alt: Alternate = {"number": d[2], "alternate": d[3], "triple": tuple(d[5:8]), "endpoints": []}
    caches[which].append(alt)
    at += _skip(buffer[at:], (5, 4))
    while at < len(buffer) and buffer[at + 1] != 4:
        at += _endpoint(buffer[at:], speed, alt, min(d[4], 30), caches)
    return at


def _taken(address: int, kind: int, alt: Alternate, caches: Caches) -> bool:
    """config_endpoint_is_duplicate"""
    for other in (other for cache in caches for other in cache):
        if other["number"] == alt["number"] and other["alternate"] != alt["alternate"]:
            continue
        for theirs, their_kind, *_ in other["endpoints"]:
            if theirs == address or (0 in (kind, their_kind) and theirs & 15 == address & 15):
                return True
    return False


def _endpoint(buffer: bytes, speed: Speed, alt: Alternate, room: int, caches: Caches) -> int:
    """usb_parse_endpoint: bytes consumed"""
    d, rest = buffer[: buffer[0]], buffer[buffer[0] :]
    done = len(d) + _skip(rest, (5, 4))
    if len(d) < 7 or d[2] & 0x0F == 0 or len(alt["endpoints"]) >= room:
        return done
    address, kind, interval, maxp = d[2] & 0x8F, d[3] & 3, d[6], d[4] | d[5] << 8
    if _taken(address, kind, alt, caches):
        return done
    low, high, guess = 0, 255, 0
    if kind == 3:
        low, guess = 1, 10
        if speed in (Speed.HIGH, Speed.SUPER):
            high, guess = 16, (interval * 8).bit_length() or 7
    elif kind == 1:
        low, high, guess = 1, 16, 7 if speed is Speed.HIGH else 4
    if not low <= interval <= high:
        interval = guess
    if speed is Speed.LOW and kind == 2:
        kind, interval, maxp = 3, 1, min(maxp, 8)
    if speed is Speed.HIGH and kind in (1, 3):
        maxp &= ~0x1800
    maxp = min(maxp, MAXES[speed][kind])
    streams = 0
    if speed is Speed.SUPER and kind == 2 and len(rest) >= 6 and rest[1] == 0x30 and rest[3]:
        streams = 1 << min(rest[3], 16)
    alt["endpoints"].append((address, kind, interval, maxp, streams))
    return done
