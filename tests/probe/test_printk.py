"""The kernel's log read in another process's memory: here in our own, where a ring is laid out as the kernel's is."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from attrs import define, evolve, field

from harness.guest.probe.memory import Shared
from harness.guest.probe.printk import KernelLog, Line, shown_lines
from harness.guest.probe.probing import Probing

from .kernel import facts_of

RAM = 1 << 20
MOST = 100
MAP = 0xFFFF888000000000
PRB, RING, DESCS, INFOS, TEXT = 0x1000, 0x2000, 0x3000, 0x4000, 0x6000  #: places in the RAM
COUNT_BITS, SIZE_BITS = 3, 8
COMMITTED, FINALIZED, REUSABLE = 1, 2, 3
FIRST = (1 << 62) - 3  #: ids begin close to where they wrap round
LAYOUT = {
    "prb": MAP + PRB, "count_bits": 0, "descs": 8, "infos": 16, "head_id": 24, "size_bits": 48, "data": 56,
    "state": 0, "begin": 8, "next": 16, "ts_nsec": 8, "text_len": 16, "level": 19,
    "printk_ringbuffer": 88, "prb_desc": 24, "printk_info": 88,
}  # fmt: skip


@define
class Kernel:
    """What a kernel does to its log."""

    shared: Shared
    ram: ctypes.Array[ctypes.c_char] = field(factory=lambda: ctypes.create_string_buffer(RAM))
    head: int = 0
    lpos: int = 0

    def __attrs_post_init__(self) -> None:
        self.put(PRB, "<Q", MAP + RING)
        self.put(RING, "<I4xQQQ", COUNT_BITS, MAP + DESCS, MAP + INFOS, 0)
        self.put(RING + 48, "<I4xQ", SIZE_BITS, MAP + TEXT)
        header = self.shared.header
        header["ram_at"], header["memory"] = ctypes.addressof(self.ram), RAM
        header["direct_map"], header["phys_base"] = MAP, 0

    def put(self, at: int, form: str, *values: int) -> None:
        """Write numbers into the RAM."""
        struct.pack_into(form, self.ram, at, *values)

    def says(self, text: bytes, level: int = 4, state: int = FINALIZED, seconds: int = 5) -> int:
        """A record, and its id."""
        self.head += 1
        at, size = self.head % (1 << COUNT_BITS), 1 << SIZE_BITS
        begin, length = self.lpos, -(-(8 + len(text)) // 8) * 8
        if begin // size != (begin + length - 1) // size:  # it does not fit: all of it goes to the start
            where, end = 0, (begin // size + 1) * size + length
        else:
            where, end = begin % size, begin + length
        self.lpos = end
        self.put(TEXT + where, "<Q", self.head)
        struct.pack_into(f"{len(text)}s", self.ram, TEXT + where + 8, text)
        self.put(DESCS + at * 24, "<QQQ", state << 62 | self.head, begin, end)
        self.put(INFOS + at * 88, "<QQHBB", self.head, seconds * 10**9 + 1234, len(text), 0, level << 5)
        self.put(RING + 24, "<Q", self.head)
        return self.head

    def ends(self) -> None:
        """The copy that the plugin makes when QEMU ends, and nothing is left where the RAM was."""
        header = self.shared.header
        done = 0
        for place, length in zip(header["log_from"].tolist(), header["log_length"].tolist(), strict=True):
            self.shared.log[done : done + length] = np.frombuffer(self.ram.raw, np.uint8, length, place)
            done += length
        header["log_copied"], header["ram_at"] = done, 1


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    facts = facts_of("ffffffff81000000 T _text\nffffffff81000100 T _etext\n", log=LAYOUT)
    shared = Shared.make(facts, Probing(), 1)
    yield Kernel(shared)
    shared.close()


def _log(kernel: Kernel) -> KernelLog:
    """The log after one record."""
    kernel.says(b"first")
    log = KernelLog(kernel.shared, LAYOUT)
    assert log.begin(os.getpid())
    return log


def _texts(lines: list[Line]) -> list[bytes]:
    return [line.text for line in lines]


def test_records_are_read_as_a_console_prints_them(kernel: Kernel) -> None:
    log = _log(kernel)
    place = log.place
    kernel.says(b"usb 1-1: new device\nSerialNumber: x", level=6, seconds=12)
    kernel.says(b"", level=4)
    lines = log.after(place, MOST)
    assert [(line.id, line.level) for line in lines] == [(place + 1, 6), (place + 2, 4)]
    assert bytes(lines[0]) == b"[   12.000001] usb 1-1: new device\n[   12.000001] SerialNumber: x\n"
    assert bytes(lines[1]) == b"[    5.000001] \n"
    assert log.after(lines[-1].id, MOST) == []


def test_text_that_does_not_fit_at_the_end_of_the_ring_is_at_its_start(kernel: Kernel) -> None:
    log = _log(kernel)
    place = log.place
    said = [b"%d" % number * 17 for number in range(40)]  # of 24 and 48 bytes: they wrap at other places each time
    for text in said:
        kernel.says(text)
        assert _texts(log.after(place, MOST)) == [text]
        place = log.place


def test_what_was_overwritten_is_missing_and_what_is_being_written_waits(kernel: Kernel) -> None:
    log = _log(kernel)
    place = log.place
    for number in range(20):
        kernel.says(b"%d" % number)
    assert _texts(log.after(place, MOST)) == [b"%d" % number for number in range(12, 20)]
    place = log.place
    kernel.says(b"reserved", state=0)
    kernel.says(b"behind it")
    assert log.after(place, MOST) == []
    kernel.put(DESCS + (place + 1) % 8 * 24, "<Q", COMMITTED << 62 | place + 1)
    assert _texts(log.after(place, MOST)) == [b"reserved", b"behind it"]
    kernel.put(DESCS + (place + 1) % 8 * 24, "<Q", REUSABLE << 62 | place + 1)
    assert _texts(log.after(place, MOST)) == [b"behind it"]


def test_the_last_words_are_read_from_the_copy_when_the_memory_is_gone(kernel: Kernel) -> None:
    log = _log(kernel)
    place = log.place
    kernel.says(b"Oops: 0000 [#1] SMP")
    kernel.says(b"Kernel panic - not syncing: Fatal exception", level=0)
    kernel.ends()
    assert _texts(log.after(place, MOST)) == [b"Oops: 0000 [#1] SMP", b"Kernel panic - not syncing: Fatal exception"]
    assert log.place == place + 2


def test_only_the_newest_of_too_many_are_read(kernel: Kernel) -> None:
    log = _log(kernel)
    place = log.place
    for number in range(6):
        kernel.says(b"%d" % number)
    assert _texts(log.after(place, 2)) == [b"4", b"5"]


def test_without_a_copy_nothing_more_is_read(kernel: Kernel) -> None:
    log = _log(kernel)
    place = log.place
    kernel.says(b"lost")
    kernel.shared.header["ram_at"] = 1
    assert log.after(place, MOST) == []
    assert log.place == place


@pytest.mark.parametrize(
    ("at", "form", "value"),
    [
        (RING, "<I", 60),  # more descriptors than there can be
        (RING, "<I", 0),
        (RING + 48, "<I", 63),  # more text
        (RING + 8, "<Q", MAP + RAM),  # descriptors behind the RAM
        (RING + 8, "<Q", 0x1000),  # in front of it
        (RING + 16, "<Q", MAP + RAM - 8),  # their last part outside
        (PRB, "<Q", 0xFFFFFFFFFFFFFFFF),
        (RING + 24, "<Q", FIRST),  # the newest record is not there
    ],
)
def test_a_guest_that_lies_about_its_log_has_none(kernel: Kernel, at: int, form: str, value: int) -> None:
    kernel.says(b"first")
    kernel.put(at, form, value)
    log = KernelLog(kernel.shared, LAYOUT)
    assert not log.begin(os.getpid())
    assert log.after(0, MOST) == []
    assert not kernel.shared.header["log_length"].any()


@pytest.mark.parametrize("words", [(1 << 40, 1 << 41), (0, 0xFFFFFFFFFFFFFFF8), (252, 260)])
def test_positions_of_text_outside_of_the_ring_end_the_reading(kernel: Kernel, words: tuple[int, int]) -> None:
    log = _log(kernel)
    place = log.place
    kernel.says(b"x" * 30)
    kernel.put(DESCS + kernel.head % 8 * 24 + 8, "<QQ", *words)
    kernel.put(INFOS + kernel.head % 8 * 88 + 16, "<H", 0xFFFF)
    assert log.after(place, MOST) == []


def test_a_process_that_is_gone_has_no_log(kernel: Kernel) -> None:
    kernel.says(b"first")
    assert not KernelLog(kernel.shared, LAYOUT).begin(2**22 + 1)  # above the largest process id


def test_ids_wrap_round_no_later_than_their_states_bits(kernel: Kernel) -> None:
    kernel.head = FIRST
    log = _log(kernel)
    assert log.place == FIRST + 1


LINES = [
    Line(1, 0, 6, b"usb 1-1: new device"),
    Line(2, 0, 4, b"a warning"),
    Line(3, 0, 3, b"INFO: task kworker/0:1:7 blocked for more than 120 seconds."),
    Line(4, 0, 6, b"task:kworker/0:1     state:D stack:    0 pid:    7"),
    Line(5, 0, 7, b"debugging"),
]


def test_more_is_shown_once_the_kernel_itself_would_print_more() -> None:
    assert _shown(LINES, 5) == ([2, 3, 4], True)
    assert _shown(LINES[:2], 5) == ([2], False)
    assert _shown(LINES, 7) == ([1, 2, 3, 4], True)
    asked = [evolve(LINES[0], text=b"sysrq: Show Blocked State"), LINES[3]]
    assert _shown(asked, 5) == ([1, 4], True)


def _shown(lines: list[Line], loglevel: int) -> tuple[list[int], bool]:
    shown, verbose = shown_lines(lines, loglevel)
    return [line.id for line in shown], verbose
