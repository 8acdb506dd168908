"""A learner finds out what a driver checks, whatever way that checks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from attrs import evolve

from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.identities import CLASS_DRIVERS
from strategies.learning.draft import draft_of
from strategies.learning.operands import Compared
from strategies.palette import Palette
from strategies.pieces import ENDPOINT, INTERFACE, split_pieces
from usbfuzz.case.model import Case
from usbfuzz.jobs.engine.desk import Seen
from usbfuzz.jobs.engine.learner import Learner, Limits, Looks

from .drivers import Kernel, runs


def big_endian_magic(kernel: Kernel) -> None:
    answer = kernel.read(1, 8)
    kernel.need(1, int.from_bytes(answer[2:6], "big"), 0xCAFE1234, 4)


def one_byte_after_another(kernel: Kernel) -> None:
    answer = kernel.read(1, 16)
    for place, wanted in enumerate(b"USBC"):
        kernel.need(place, answer[3 + place], wanted, 1)


def a_short_answer(kernel: Kernel) -> None:
    kernel.need(1, len(kernel.read(7, 64)), 12, 4)


def a_bit(kernel: Kernel) -> None:
    kernel.need(1, kernel.read(1, 1)[0], 0x40, 1, "test")
    kernel.need(2, kernel.read(2, 1)[0] & 0xFF, 0, 1, "zero")


def a_checksum_and_what_is_behind_it(kernel: Kernel) -> None:
    answer = kernel.read(1, 12)
    kernel.need(1, answer[11], sum(answer[:11]) & 0xFF, 1)
    kernel.need(2, int.from_bytes(kernel.read(2, 2), "little"), 0x8150, 2)


def a_firmware_with_a_header(kernel: Kernel) -> None:
    file = kernel.firmware("vendor/one.fw")
    kernel.need(1, int.from_bytes(file[:4], "little"), 0x53504C46, 4)
    kernel.need(2, int.from_bytes(file[6:8], "big"), 0x0102, 2)
    kernel.need(3, len(file), 0x2400, 8)
    kernel.need(4, kernel.firmware("vendor/two.fw")[9], 0x7F, 1)


def a_firmware_that_ends_with_its_records(kernel: Kernel) -> None:
    """As include/linux/ihex.h: the last record begins where the file ends but for its head, and has no length."""
    file, data = kernel.firmware("records.fw"), 0xFFFF8880_12340000
    kernel.need(1, data, data + len(file) - 6, 8)
    kernel.need(2, int.from_bytes(file[4:6], "big"), 0, 2, "zero")


def a_nibble_and_what_is_behind_it(kernel: Kernel) -> None:
    answer = kernel.read(1, 12)
    kernel.need(1, answer[7] >> 4, 0xA, 1)
    kernel.need(2, answer[9] & 0x0F, 3, 4)


def a_field_of_two_bytes(kernel: Kernel) -> None:
    kernel.need(1, int.from_bytes(kernel.read(1, 16)[6:8], "big") & 0xFFF, 0x321, 2)
    kernel.need(2, int.from_bytes(kernel.read(2, 4)[:2], "little") >> 3, 0x155, 4)


def a_number_that_is_moved(kernel: Kernel) -> None:
    kernel.need(1, kernel.read(1, 8)[2] << 6, 0x1C40 & ~0x3F, 4)


def bytes_that_are_added(kernel: Kernel) -> None:
    answer = kernel.read(1, 8).ljust(8, b"\0")  # as a buffer is, whatever came
    kernel.need(1, answer[2] + answer[3], 0x1F0, 4)
    kernel.need(2, (answer[6] - 0x30) % (1 << 32), 7, 4)


def a_loop_over_a_magic(kernel: Kernel) -> None:
    """As memcmp() compiled into the driver: each byte is compared by one instruction, and no block tells how many."""
    answer = kernel.read(1, 16).ljust(16, b"\0")
    for at, wanted in enumerate(b"ROOT"):
        kernel.need(1, answer[5 + at], wanted, 1)
    kernel.blocks.add(99)


def two_at_once(kernel: Kernel) -> None:
    """Two comparisons, and one branch on both."""
    answer = kernel.read(1, 16).ljust(16, b"\0")
    kernel.both(((1, answer[2], 0x5A, 1), (2, int.from_bytes(answer[8:10], "little"), 0x1234, 2)))


def classes_that_are_no_id(kernel: Kernel) -> None:
    """As speedtch_bind() and safe_startup(): fields of descriptors, most of which are 0 or 255."""
    kernel.need(1, kernel.spec.device[4], 0xFE, 1)
    interface = next(raw for raw in split_pieces(kernel.spec.configurations[0]) if raw[1] == INTERFACE)
    kernel.need(2, interface[7], 0x11, 1)


def a_name(kernel: Kernel) -> None:
    """As strcmp() compiled into the driver: a character after the other, the last of them the end."""
    text = kernel.text(2).ljust(32, b"\0")
    for at, wanted in enumerate(b"Box with knob\0"):
        kernel.need(1, text[at], wanted, 1)
    kernel.blocks.add(99)


def a_number_of_two_registers(kernel: Kernel) -> None:
    high, low = kernel.read(1, 1)[0], kernel.read(2, 1)[0]
    kernel.need(1, (high & 0x0F) << 4 | low >> 4, 0x27, 1)
    kernel.need(2, kernel.read(3, 1)[0] << 8 | kernel.read(4, 1)[0], 0x0803, 2)


def nothing_is_wanted(kernel: Kernel) -> None:
    kernel.read(1, 8)


DRIVERS = (
    big_endian_magic, one_byte_after_another, a_short_answer, a_bit, a_checksum_and_what_is_behind_it,
    a_firmware_with_a_header, a_firmware_that_ends_with_its_records,
    a_nibble_and_what_is_behind_it, a_field_of_two_bytes, a_number_that_is_moved, bytes_that_are_added,
    a_loop_over_a_magic, two_at_once, classes_that_are_no_id, a_name, a_number_of_two_registers, nothing_is_wanted,
)  # fmt: skip


def learner_of(run: Callable[[Case], Seen], runs_: int = 200) -> Learner:
    async def later(case: Case) -> Seen:
        return run(case)

    learner = Learner(Looks(frozenset(), later), Limits(runs=runs_))
    spec = bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer")
    asyncio.run(learner.learn([draft_of(spec)]))
    return learner


@pytest.mark.parametrize("probe", DRIVERS, ids=lambda probe: probe.__name__)
def test_a_driver_binds_once_its_checks_are_known(probe: Callable[[Kernel], None]) -> None:
    learner = learner_of(runs(probe))
    assert learner.best is not None
    assert learner.best.seen.bound, [str(change) for change in learner.best.draft.changes]
    # Whatever the bytes are that were not learned: the driver binds again.
    assert all(runs(probe)(learner.best.draft.case(paint)).bound for paint in range(2, 7))


def test_firmware_that_a_driver_asks_for_in_silence_is_one_that_it_declares() -> None:
    async def quiet(case: Case) -> Seen:
        return evolve(runs(a_firmware_with_a_header)(case), missed=())

    draft = draft_of(bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer"))
    for declared, binds in ((("vendor/one.fw", "vendor/two.fw"), True), ((), False)):
        learner = Learner(Looks(frozenset(), quiet), Limits(runs=100), declared=declared)
        asyncio.run(learner.learn([draft]))
        assert learner.bound is binds


_STRANGER = 0xF00D  #: idProduct of a device that no driver takes


def _asks_the_core(case: Case, core: bool) -> Seen:
    """A driver that has the USB core look for an interrupt IN endpoint 0x83, which is what the core compares with."""
    spec = case.devices[0]
    ends = [(raw[2], raw[3] & 3) for raw in split_pieces(spec.configurations[0]) if raw[1] == ENDPOINT]
    usual = [Compared(1, "cmp", 1, 0x42, 0x17, "usb_parse_endpoint+0x1")]
    if int.from_bytes(spec.device[10:12], "little") == _STRANGER:
        return Seen(compared=tuple(usual))
    place = "usb_check_int_endpoints"
    compared = [Compared(2, "cmp", 1, address, 0x83, f"{place}+0x2") for address, _ in ends]
    compared += [Compared(3, "cmp", 4, kind, 3, f"{place}+0x9") for address, kind in ends if address == 0x83]
    bound = (0x83, 3) in ends
    blocks = {1} | {2 for address, _ in ends if address == 0x83}
    return Seen(frozenset(blocks | {3} if bound else blocks), tuple(usual + compared if core else ()), {}, {}, bound)


def test_descriptors_are_learned_from_what_the_core_compares_for_a_driver_only() -> None:
    async def run(case: Case) -> Seen:
        return _asks_the_core(case, core=False)

    async def core(case: Case) -> Seen:
        return _asks_the_core(case, core=True)

    spec = bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer")
    blind = Learner(Looks(frozenset(), run), Limits(runs=200))
    learner = Learner(Looks(frozenset(), run, core), Limits(runs=200))
    asyncio.run(blind.learn([draft_of(spec)]))
    asyncio.run(learner.learn([draft_of(spec)]))
    assert blind.best is not None
    assert not blind.best.seen.bound
    assert learner.best is not None
    assert learner.best.seen.bound
    assert all(change.because.startswith("usb_check_int_endpoints+") for change in learner.best.draft.changes)


def _asks_the_core_for_two(case: Case, core: bool) -> Seen:
    """As usb_check_bulk_endpoints(): one endpoint is looked for after the other, by the same code."""
    spec = case.devices[0]
    ends = [raw[2] for raw in split_pieces(spec.configurations[0]) if raw[1] == ENDPOINT]
    if int.from_bytes(spec.device[10:12], "little") == _STRANGER:
        return Seen()
    compared: list[Compared] = []
    for wanted in (0x8C, 0x0D):
        compared += [Compared(2, "cmp", 1, address, wanted, "usb_check_bulk_endpoints+0x2") for address in ends]
        if wanted not in ends:
            return Seen(frozenset({1}), tuple(compared) if core else ())
    return Seen(frozenset({1, 2}), tuple(compared) if core else (), bound=True)


def test_endpoints_are_learned_that_the_core_looks_for_one_after_the_other() -> None:
    async def run(case: Case) -> Seen:
        return _asks_the_core_for_two(case, core=False)

    async def core(case: Case) -> Seen:
        return _asks_the_core_for_two(case, core=True)

    learner = Learner(Looks(frozenset(), run, core), Limits(runs=200))
    asyncio.run(learner.learn([draft_of(bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer"))]))
    assert learner.bound
    assert learner.runs < 60


def test_code_of_others_is_looked_at_once_a_drivers_own_leads_nowhere() -> None:
    """As a driver whose chip is asked for by a module that many use."""
    own, other = frozenset({"driver"}), frozenset({"chip"})

    def chip(kernel: Kernel) -> None:
        kernel.need(1, kernel.read(1, 1)[0], 0x14, 1)

    def looking(more: frozenset[str]) -> Looks:
        async def run(case: Case) -> Seen:
            seen = runs(chip)(case)
            strange = int.from_bytes(case.devices[0].device[10:12], "little") == _STRANGER
            ran = frozenset({"usbcore"}) if strange else own | other
            if strange or not other <= more:
                return Seen(asked=seen.asked, bound=seen.bound and not strange, ran=ran)
            return evolve(seen, ran=ran)

        return Looks(own | more, run, run)

    draft = draft_of(bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer"))
    blind, learner = Learner(looking(frozenset())), Learner(looking(frozenset()), looking=looking)
    for each in (blind, learner):
        asyncio.run(each.learn([draft]))
    assert (blind.bound, learner.bound) == (False, True)
    assert learner.looks.modules == own | other


def test_what_was_learned_names_the_instruction() -> None:
    best = learner_of(runs(big_endian_magic)).best
    assert best is not None
    (change,) = best.draft.changes
    assert (change.because, change.offset, change.value.hex()) == ("probe+0x1", 2, "cafe1234")


def test_no_more_runs_than_allowed() -> None:
    assert learner_of(runs(one_byte_after_another), runs_=3).runs <= 4  # the one that is under way ends


def test_runs_that_crash_are_kept_and_end_it_when_they_are_many() -> None:
    learner = learner_of(lambda case: Seen(title="BUG: it fell over"))
    assert learner.best is None
    assert [title for title, _ in learner.crashes] == ["BUG: it fell over"]
