"""The memory that is shared with the plugin inside QEMU: a file without a name, filled before QEMU starts."""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, field

from usbfuzz.errors import StorageError

from .layout import CONSTANTS, Record, structure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .facts import Facts
    from .probing import Probing

__all__ = ["SLOTS", "Shared"]

_PAGE = CONSTANTS["PAGE"]
#: Blocks of code that can be told apart in one lane's life; those of all modules that ran in an hour are a third.
SLOTS = 1 << 18
_REPORTS = 64
#: Instructions whose comparisons are kept in one round: a driver and the modules it uses have a quarter of them.
_COMPARES = 1 << 13
#: Call chains that allocate: those of a guest in which all devices of the corpus are plugged in are some thousand.
_SITES = 1 << 14
#: Bytes for the kernel's log with all that describes it: log_buf_len=1M takes five of these MiB.
_LOG = 8 << 20
_MODULES = (0xFFFFFFFFC0000000, 0xFFFFFFFFFF000000)


@define(eq=False)
class Shared:
    """The file and the host's view of it. One lane has one, which each QEMU that it starts inherits."""

    fd: int
    _map: mmap.mmap
    header: Record = field(init=False)  #: one ``struct header``
    _vcpus: int
    _parts: dict[str, Record] = field(init=False, factory=dict)

    @classmethod
    def make(cls, facts: Facts, probing: Probing, memory_mib: int, vcpus: int = 1) -> Shared:
        """A file for guests with these facts; raises StorageError when there is no memory for it."""
        sizes = {
            "header": structure("header").itemsize,
            "blocks": structure("block").itemsize * SLOTS,
            "counts": 8 * SLOTS * vcpus,
            "hooks": facts.hooks.nbytes,
            "callees": facts.callees.nbytes,
            "reports": structure("report").itemsize * _REPORTS,
        }
        if probing.compare:
            sizes |= {"compares": structure("compared").itemsize * _COMPARES, "armed": 8 * CONSTANTS["ARMED_PAGES"]}
        if probing.alive:
            sizes["sites"] = structure("site").itemsize * _SITES
        if facts.log:
            sizes["log"] = _LOG
        places, end = {}, 0
        for name, size in sizes.items():
            places[name], end = end, end + -(-max(size, 1) // _PAGE) * _PAGE
        fd = os.memfd_create("usbfuzz-probe", os.MFD_CLOEXEC)
        try:
            os.ftruncate(fd, end)
            shared = cls(fd, mmap.mmap(fd, end), vcpus)
        except (OSError, ValueError) as error:
            os.close(fd)
            raise StorageError(f"the probe: no {end >> 20} MiB of memory to share with QEMU: {error}") from error
        shared._fill(facts, probing, places, memory_mib)
        return shared

    def _fill(self, facts: Facts, probing: Probing, places: dict[str, int], memory_mib: int) -> None:
        self.header = self._view("header", 1, places["header"])[0]
        self._parts = {
            "blocks": self._view("block", SLOTS, places["blocks"]),
            "reports": self._view("report", _REPORTS, places["reports"]),
            "hooks": self._view("hook", len(facts.hooks), places["hooks"]),
            "callees": self._view("callee", len(facts.callees), places["callees"]),
        }
        if probing.compare:
            self._parts["compares"] = self._view("compared", _COMPARES, places["compares"])
            self._parts["armed"] = np.frombuffer(self._map, np.uint64, CONSTANTS["ARMED_PAGES"], places["armed"])
        if probing.alive:
            self._parts["sites"] = self._view("site", _SITES, places["sites"])
        if facts.log:
            self._parts["log"] = np.frombuffer(self._map, np.uint8, _LOG, places["log"])
        self._parts["hooks"][:] = facts.hooks
        self._parts["callees"][:] = facts.callees
        text = facts.symbols.extent_of_kernel()
        ranges = np.zeros((2, CONSTANTS["RANGES"]), np.uint64)
        if probing.coverage:
            ranges[:, 0] = _MODULES
        if probing.coverage and probing.kernel:
            ranges[:, 1] = text
        values: dict[str, Any] = {
            "magic": CONSTANTS["PROBE_MAGIC"],
            "layout": CONSTANTS["PROBE_LAYOUT"],
            "slots": SLOTS,
            "vcpus": self._vcpus,
            "hooks": len(facts.hooks),
            "callees": len(facts.callees),
            "reports": _REPORTS,
            "compares": _COMPARES if probing.compare else 0,
            "sites": _SITES if probing.alive else 0,
            "heap_mode": CONSTANTS[f"HEAP_{probing.heap.name}"],
            "log_room": _LOG if facts.log else 0,
            "memory": memory_mib << 20,
            "cover_start": ranges[0],
            "cover_end": ranges[1],
            "check_start": _MODULES[0],
            "check_end": _MODULES[1],
            "text_start": text[0],
            "text_end": text[1],
            **{f"{name}_at": place for name, place in places.items() if name != "header"},
            **facts.offsets,
        }
        for name, value in values.items():
            self.header[name] = value

    def begin(self) -> None:
        """Forget what an earlier QEMU counted and found, before the next starts; its blocks keep their slots."""
        for name in (
            "alive",
            "features",
            "stopped",
            "reported",
            "frozen",
            "allocations",
            "frees",
            "untold",
            "ram_at",
            "log_copied",
        ):
            self.header[name] = 0
        if self.header["sites"]:
            self.sites[:] = 0
        self.header["message"] = b""
        self._counts_bytes[:] = 0

    @property
    def used(self) -> int:
        """Slots taken, checked against what there is."""
        return min(int(self.header["used_blocks"]), SLOTS)

    @property
    def blocks(self) -> Record:
        """``struct block`` of the slots taken; those before the first real one are empty."""
        return self._parts["blocks"][: self.used]

    @property
    def counts(self) -> NDArray[np.uint64]:
        """How often each block ran, on whichever processor, for the slots taken; slots of the first page are 0."""
        skew = int(self.header["skew"]) % _PAGE
        used = max(self.used, _FIRST)
        start = int(self.header["counts_at"]) - skew + 8 * _FIRST
        mine = [
            np.frombuffer(self._map, np.uint64, used - _FIRST, start + 8 * SLOTS * vcpu) for vcpu in range(self._vcpus)
        ]
        return mine[0] if len(mine) == 1 else np.sum(mine, axis=0, dtype=np.uint64)

    @property
    def reports(self) -> Record:
        """The ring of ``struct report``."""
        return self._parts["reports"]

    @property
    def compares(self) -> Record:
        """The table of ``struct compared``."""
        return self._parts["compares"]

    @property
    def sites(self) -> Record:
        """The table of ``struct site``."""
        return self._parts["sites"]

    @property
    def log(self) -> NDArray[np.uint8]:
        """The parts of the kernel's log that the plugin kept when QEMU ended, one behind the other."""
        return self._parts["log"]

    @property
    def armed(self) -> NDArray[np.uint64]:
        """A word for each page of code: not 0 where comparisons are kept."""
        return self._parts["armed"]

    @property
    def _counts_bytes(self) -> NDArray[np.uint8]:
        size = 8 * SLOTS * self._vcpus
        return np.frombuffer(self._map, np.uint8, size, int(self.header["counts_at"]))

    def _view(self, name: str, count: int, at: int) -> Record:
        return np.frombuffer(self._map, structure(name), count, at)

    def close(self) -> None:
        """Give the memory back; may be called twice."""
        self._parts = {}
        del self.header
        with contextlib.suppress(BufferError):  # somebody still looks at it; freed with the last look
            self._map.close()
        with contextlib.suppress(OSError):
            os.close(self.fd)


_FIRST = _PAGE // 8  #: the first slot that is used (FIRST in coverage.c)
