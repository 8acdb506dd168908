"""The log of the guest's kernel, read in QEMU's memory: nothing of it need be printed for the host to know it.

Format: kernel/printk/printk_ringbuffer.h of Linux 5.10 and later. A ring of descriptors says in which state each record
is and where in a second ring its text lies; a third has its time and level. Where fields lie is in the kernel's BTF.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from typing import TYPE_CHECKING

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .memory import Shared

__all__ = ["KernelLog", "Line", "shown_lines"]

_KERNEL_MAP = 0xFFFFFFFF80000000
_STATE = 62  #: of a descriptor's state: the upper bits say how far the record is, the lower ones are its id
_IDS = (1 << _STATE) - 1
_RESERVED, _FINALIZED = 0, 2
_FLAGS = 5  #: bits below a record's level
_DATALESS = 1  #: in a position of text: there is none
_MOST_BITS = 24  #: of a ring's size; what a hostile guest says beyond that is no ring
_WORD = struct.Struct("<Q")
#: After these the kernel itself prints everything: console_verbose(), or sysrq's own level.
_VERBOSE = re.compile(rb"^sysrq: |blocked for more than|BUG: soft lockup|\[#\d+\]|^Kernel panic|^Oops")
_INFO = 6
_UNREADABLE = (OSError, ValueError, struct.error, OverflowError)


@frozen
class Line:
    """A record of the log."""

    id: int  #: one more than that of the record before it
    nanoseconds: int  #: of the guest's clock
    level: int  #: 0 to 7, as of ``KERN_EMERG`` to ``KERN_DEBUG``
    text: bytes

    def __bytes__(self) -> bytes:
        """As a console prints it."""
        stamp = b"[%5d.%06d] " % divmod(self.nanoseconds // 1000, 1_000_000)
        return b"".join(stamp + line + b"\n" for line in self.text.split(b"\n"))


def shown_lines(lines: Iterable[Line], loglevel: int, *, verbose: bool = False) -> tuple[list[Line], bool]:
    """What a console of that level shows of them: more important ones, and more from where the kernel raises it.

    ``verbose``: it did before the first of them. Whether it has by the last of them comes with it.
    """
    shown = []
    for line in lines:
        verbose = verbose or _VERBOSE.search(line.text) is not None
        if line.level < loglevel or (verbose and line.level <= _INFO):
            shown.append(line)
    return shown, verbose


@define(eq=False)
class KernelLog:
    """The log of whichever guest runs in one lane."""

    shared: Shared
    layout: Mapping[str, int]  #: ``Facts.log``
    _memory: int = field(default=-1, init=False)  #: of QEMU, a descriptor
    _parts: tuple[tuple[int, int], ...] = field(default=(), init=False)  #: place in the RAM and bytes of each
    _count: int = field(default=0, init=False)  #: descriptors
    _last: int = field(default=0, init=False)  #: the newest record at the last look

    def begin(self, pid: int) -> bool:
        """Look into the QEMU with this process id, whose guest has booted; whether its log can be read."""
        self.end()
        try:
            self._memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
            self._find()
            self._last = self._head()
            found = bool(self.after(self._last - 1, 1))
        except _UNREADABLE:
            found = False
        if not found:
            self.end()
        return found

    def end(self) -> None:
        """That QEMU is not looked into any more."""
        if self._memory >= 0:
            os.close(self._memory)
        self._memory = -1
        header = self.shared.header
        header["log_from"] = header["log_length"] = header["log_copied"] = 0

    @property
    def place(self) -> int:
        """The id of the newest record; that of the last look when it cannot be read now."""
        with contextlib.suppress(*_UNREADABLE):
            self._last = self._head()
        return self._last

    def after(self, place: int, most: int) -> list[Line]:
        """The newest records behind one, up to the first that the kernel is not done with.

        Overwritten ones are missing.
        """
        lines: list[Line] = []
        with contextlib.suppress(*_UNREADABLE):
            number = max(place + 1, self.place + 1 - min(self._count, most))
            while number <= self._last:
                at = number % self._count
                many = min(self._last + 1 - number, self._count - at)
                found = list(self._records(number, at, many))
                lines += filter(None, found)
                if len(found) < many:
                    break
                number += many
        return lines

    def _find(self) -> None:
        """Where the four parts are in the guest's RAM, for the plugin too, which keeps them when QEMU ends."""
        header, layout = self.shared.header, self.layout
        if not header["ram_at"]:
            raise ValueError("the guest's memory was not found")
        ring = self._offset(_WORD.unpack(self._read(self._offset(layout["prb"]), 8))[0])
        self._parts = ((ring, layout["printk_ringbuffer"]),)
        self._count, size = 1 << self._bits("count_bits"), 1 << self._bits("size_bits")
        lengths = (self._count * layout["prb_desc"], self._count * layout["printk_info"], size)
        places = [self._offset(self._word(layout[name])) for name in ("descs", "infos", "data")]
        self._parts = (*self._parts, *zip(places, lengths, strict=True))
        for part, (place, length) in enumerate(self._parts):
            header["log_from"][part], header["log_length"][part] = place, length

    def _offset(self, address: int) -> int:
        """Where an address of the kernel's image, or of its map of all memory, is in the RAM."""
        header = self.shared.header
        if address >= _KERNEL_MAP:
            return address - _KERNEL_MAP + int(header["phys_base"])
        return address - int(header["direct_map"])

    def _head(self) -> int:
        return self._word(self.layout["head_id"]) & _IDS

    def _bits(self, name: str) -> int:
        bits = self._word(self.layout[name]) & 0xFFFFFFFF
        if not 0 < bits <= _MOST_BITS:
            raise ValueError("no ring has that size")
        return bits

    def _word(self, at: int) -> int:
        """A word of the ring's own structure."""
        number: int = _WORD.unpack(self._part(0, at, 8))[0]
        return number

    def _records(self, number: int, at: int, many: int) -> Iterator[Line | None]:
        """So many records that lie side by side; None for one that was overwritten. Ends at one being written."""
        layout = self.layout
        size, info_size = layout["prb_desc"], layout["printk_info"]
        descs, infos = self._part(1, at * size, many * size), self._part(2, at * info_size, many * info_size)
        for nth in range(many):
            state, begin, end = (
                _WORD.unpack_from(descs, nth * size + layout[name])[0] for name in ("state", "begin", "next")
            )
            if state & _IDS != number + nth or state >> _STATE > _FINALIZED:
                yield None
                continue
            if state >> _STATE == _RESERVED:
                return
            info = nth * info_size
            length: int = struct.unpack_from("<H", infos, info + layout["text_len"])[0]
            nanoseconds: int = _WORD.unpack_from(infos, info + layout["ts_nsec"])[0]
            text = self._text(begin, end, length)
            yield Line(number + nth, nanoseconds, infos[info + layout["level"]] >> _FLAGS, text)

    def _text(self, begin: int, end: int, length: int) -> bytes:
        """Text between two positions, behind the record's id; at the start of the ring if it would not fit."""
        if begin & _DATALESS or not length:
            return b""
        size = self._parts[3][1]
        wrapped = begin // size != end // size and end % size
        return self._part(3, (0 if wrapped else begin % size) + _WORD.size, length)

    def _part(self, part: int, at: int, length: int) -> bytes:
        """Bytes of one of the four parts; ValueError when it has not so many there."""
        place, there = self._parts[part]
        if at < 0 or at + length > there:
            raise ValueError("outside of the log")
        try:
            return self._read(place + at, length)
        except _UNREADABLE:
            before = sum(size for _, size in self._parts[:part])
            if before + there > int(self.shared.header["log_copied"]):
                raise
            return self.shared.log[before + at : before + at + length].tobytes()

    def _read(self, offset: int, length: int) -> bytes:
        header = self.shared.header
        if offset < 0 or offset + length > int(header["memory"]):
            raise ValueError("outside of the guest's memory")
        found = os.pread(self._memory, length, int(header["ram_at"]) + offset)
        if len(found) != length:
            raise ValueError("QEMU has ended")
        return found
