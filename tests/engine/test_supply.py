"""Cases as a plan asks for them."""

from __future__ import annotations

from collections import Counter

import pytest
from attrs import evolve

from strategies import CLASS_DRIVERS, generate
from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.learning.draft import Change, draft_of
from strategies.learning.learned import Learned, LearnedDevice
from strategies.learning.parts import Read
from strategies.palette import Palette
from strategies.target import target_of
from usbfuzz.case import dumps, loads
from usbfuzz.case.model import Case
from usbfuzz.jobs.engine.plan import Plan, Source
from usbfuzz.jobs.engine.pool import Entry, Pool
from usbfuzz.jobs.engine.supply import GuidedSupply, Supplied
from usbfuzz.load import in_bytes

_BRED = {Source.HAVOC: 1.0, Source.SPLICE: 1.0, Source.SWEEP: 1.0}


def _kept(count: int = 12) -> list[Case]:
    return [case for case in generate(3, 0, 4 * count, CLASS_DRIVERS) if case.devices[0].configurations][:count]


def _supply(entries: list[Case]) -> GuidedSupply:
    pool = Pool()
    for number, case in enumerate(entries):
        pool.add(Entry(f"{number:016x}", case, in_bytes(case), target_of(case)))
    return GuidedSupply(7, CLASS_DRIVERS, pool)


def _made(entries: list[Case], plan: Plan, count: int = 60) -> list[Supplied]:
    return list(_supply(entries).cases(0, count, plan))


def test_an_empty_corpus_leaves_fresh_cases() -> None:
    made = _made([], Plan({Source.FRESH: 0.1, **_BRED}))
    assert {each.source for each in made} == {Source.FRESH}
    assert len(made) == 60


def test_the_first_device_for_a_driver_that_was_learned_is_as_it_was_learned() -> None:
    spec = bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer")
    draft = draft_of(spec).changed(Change(Read(0xC0), 3, b"\x5a"))
    knows = Learned("usblp", "debian:5.10.223-1", 10, 20, (LearnedDevice(draft, True, 20, ()),))
    identities = evolve(CLASS_DRIVERS.only(("usblp",)), learned={"usblp": knows})
    made = list(GuidedSupply(7, identities, Pool()).cases(0, 12, Plan({Source.FRESH: 1.0})))
    assert [each.case.provenance.notes for each in made].count("as it was learned") == 1
    first = made[0]
    assert (first.source, first.module) == (Source.LEARNED, "usblp")
    assert first.case.devices[0].device == spec.device
    assert first.case.devices[0].configurations == spec.configurations
    assert Source.of(first.case.provenance) is Source.LEARNED
    assert loads(dumps(first.case), "made") == first.case


def test_shares_decide_where_cases_come_from() -> None:
    made = _made(_kept(), Plan({Source.FRESH: 1.0, Source.HAVOC: 3.0, Source.SPLICE: 0.0, Source.SWEEP: 1.0}), 200)
    counts = Counter(each.source for each in made)
    assert counts[Source.HAVOC] > 2 * counts[Source.FRESH] > 0
    assert counts[Source.SWEEP] > 0
    assert counts[Source.SPLICE] == 0


def test_fresh_devices_are_as_a_driver_wants_them_and_broken_ones_are_not() -> None:
    made = _made([], Plan({Source.FRESH: 1.0, Source.BROKEN: 1.0}), 120)
    assert all(bool(each.case.provenance.notes) == (each.source is Source.BROKEN) for each in made)
    assert all(each.source is Source.of(each.case.provenance) for each in made)
    assert min(Counter(each.source for each in made).values()) > 40


def test_what_is_made_of_the_corpus_can_be_kept_and_names_its_parents() -> None:
    for each in _made(_kept(), Plan(dict(_BRED))):
        assert Source.of(each.case.provenance) is each.source
        assert each.case.provenance.notes.startswith("from 0000000")
        assert loads(dumps(each.case), "made") == each.case
        assert not each.case.expect


def test_the_same_plan_and_corpus_make_the_same_cases() -> None:
    plan = Plan({Source.FRESH: 1.0, **_BRED})
    first, second = (_made(_kept(), plan) for _ in range(2))
    assert [each.case for each in first] == [each.case for each in second]


@pytest.mark.parametrize("source", [Source.FRESH, Source.HAVOC, Source.SWEEP])
def test_energy_decides_for_which_drivers_cases_are_made(source: Source) -> None:
    module = "usb_storage"
    entries = [case for case in generate(3, 0, 400, CLASS_DRIVERS) if target_of(case) in (module, "usbhid")]
    energy = {name: 1000.0 if name == module else 1.0 for name in CLASS_DRIVERS.modules}
    made = _made(entries, Plan({source: 1.0}, energy), 64)
    share = sum(each.module == module for each in made) / len(made)
    assert share > 0.7


def test_without_energy_kinds_have_their_usual_shares_and_drivers_are_alike() -> None:
    assert Palette(CLASS_DRIVERS).shares.items[0] == Palette(CLASS_DRIVERS, {}).shares.items[0]
    even = Palette(CLASS_DRIVERS, dict.fromkeys(CLASS_DRIVERS.modules, 1.0))
    dice = Dice(5)
    drawn = Counter(even.identity(dice, dice.weighted(even.functions)).module for _ in range(3000))
    assert set(drawn) <= set(CLASS_DRIVERS.modules)
    assert len(drawn) >= len(CLASS_DRIVERS.modules) - 2


def test_a_sweep_goes_on_where_it_was() -> None:
    supply = _supply(_kept(1))
    notes = [
        each.case.provenance.notes
        for first in (0, 20, 40)
        for each in supply.cases(first, 20, Plan({Source.SWEEP: 1.0}))
    ]
    assert len(set(notes)) == len(notes)


def test_each_entry_of_a_driver_gets_its_turn() -> None:
    pool = Pool()
    entries = [case for case in generate(3, 0, 600, CLASS_DRIVERS) if target_of(case) == "usbhid"][:12]
    for number, case in enumerate(entries):
        pool.add(Entry(f"{number:016x}", case, in_bytes(case), target_of(case)))
    chosen = Counter(pool.pick(Dice(number), {"usbhid": 1.0}).name for number in range(240))
    assert len(chosen) == len(entries)
    assert chosen[f"{len(entries) - 1:016x}"] > chosen[f"{0:016x}"]


def test_an_empty_pool_has_nothing_to_pick() -> None:
    with pytest.raises(IndexError, match="empty"):
        Pool().pick(Dice(1), {})
