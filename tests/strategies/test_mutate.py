"""Havoc and splices: children that are valid, close to their parents, bounded, and changed everywhere."""

from __future__ import annotations

import re
from functools import cache
from statistics import median

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import generate
from strategies.dice import Dice
from strategies.mutate import havoc_case, splice_cases
from strategies.mutate.identity import modules_of
from tests import ROOT
from tests.case.anything import cases
from usbfuzz.case import dumps, load, loads
from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, EndpointScript, Event, Expectation, Step
from usbfuzz.case.parts import parts, weight
from usbfuzz.wire import Answer, data

from .aliases import IDENTITIES

SEEDS = st.integers(0, 2**64 - 1)


@cache
def parents() -> tuple[Case, ...]:
    """What a corpus has: devices of people, known bugs, models, cases of a campaign."""
    files = sorted((ROOT / "corpus").glob("[!l]*/*.toml"))
    return (*map(load, files[::4]), *generate(5, 0, 64, IDENTITIES))


def rich() -> Case:
    """A case with something of everything that can be changed: a headset with buttons, answers, packets, a schedule."""
    spec = load(ROOT / "corpus/devices/audio1-headset-062a-9004.toml").devices[0]
    spec = evolve(
        spec,
        bos=bytes.fromhex("050f0c0001 071002020000 00"),
        qualifier=bytes.fromhex("0a060002000000400100"),
        control=(
            ControlScript((Step(data(bytes(range(16))), 3), Step(data(b"\1\2"), 0)), bmRequestType=0xC0),
            ControlScript((Step(data(b"\x10\x20\x30"), 1), Step(data(b"\4"), 2)), 0xA1, 1, 0x0100),
            ControlScript((Step(Answer(), 0),), bmRequestType=0x40),
        ),
        endpoints=(
            EndpointScript(0x81, (Step(data(b"\1\2\3\4"), 4), Step(data(b"\5\6"), 1))),
            EndpointScript(0x82, (Step(data(bytes(8)), 1),)),
        ),
    )
    events = (Event(Action.PLUG, 0, 0), Event(Action.UNPLUG, 0, after_requests=9), Event(Action.PLUG, 0, 0, after_ms=5))
    return Case((spec,), events)


def test_the_parents_are_many() -> None:
    assert len(parents()) > 90


@given(parent=cases(), seed=SEEDS)
def test_a_child_of_any_case_is_a_case_that_files_can_hold(parent: Case, seed: int) -> None:
    child = havoc_case(Dice(seed), parent, IDENTITIES)
    assert loads(dumps(child)) == child
    assert child.provenance.strategy == "havoc"
    assert child.provenance.notes
    assert child.guest == parent.guest
    assert child.expect == ()


@given(parent=cases(), other=cases(), seed=SEEDS)
def test_a_splice_of_any_two_cases_is_a_case_that_files_can_hold(parent: Case, other: Case, seed: int) -> None:
    child = splice_cases(Dice(seed), parent, other, IDENTITIES)
    assert loads(dumps(child)) == child
    assert child.provenance.strategy == "splice"
    assert child.provenance.notes
    assert child.guest == parent.guest
    assert child.expect == ()


def _played(case: Case) -> tuple[object, ...]:
    """What a case does, as against what is said of it."""
    return case.devices, case.events, case.uses, case.firmware


@settings(max_examples=300)
@given(parent=st.deferred(lambda: st.sampled_from(parents())), other=st.deferred(lambda: st.sampled_from(parents())),
       seed=SEEDS)  # fmt: skip
def test_children_of_what_a_corpus_has_differ_from_it_and_come_again(parent: Case, other: Case, seed: int) -> None:
    before = dumps(parent), dumps(other)
    child, spliced = (
        havoc_case(Dice(seed), parent, IDENTITIES),
        splice_cases(Dice(seed), parent, other, IDENTITIES),
    )
    for made in (child, spliced):
        assert loads(dumps(made)) == made
        assert _played(made) != _played(parent)
    assert child == havoc_case(Dice(seed), parent, IDENTITIES)
    assert spliced == splice_cases(Dice(seed), parent, other, IDENTITIES)
    assert (dumps(parent), dumps(other)) == before


def test_what_was_expected_of_the_parent_is_not_expected_of_the_child() -> None:
    parent = evolve(rich(), expect=(Expectation("debian:5.10.223", "WARNING in usb_submit_urb"),))
    assert havoc_case(Dice(1), parent, IDENTITIES).expect == ()
    assert splice_cases(Dice(1), parent, parent, IDENTITIES).expect == ()


#: A word or two of what each change says that it did.
HAVOC = (
    r"fields|endpoint type|report shape",  # malform
    r"answer disturbed",
    r"changes between reads",
    r"interface 0 alt 0: b\w+ = ",
    r"CS_INTERFACE [^:]*: b\w+ = ",
    r"alternate setting \d+, as",
    r"no alternate setting",
    r"alternate settings \d+ and \d+ exchanged",
    r"report of interface",
    r"string \d: missing",
    r"string \d: another",
    r"string \d: cut",
    r"bos: missing",
    r"bos: \d+ bits",
    r"qualifier: ",
    r"(low|full|super) speed",
    r"configuration 0 twice",
    r"ids of ",
    r"request c0[^;]*: step 0: \d+ bits at \d+: [+-]\d+",
    r"request c0[^;]*: step 0: \d+ bits at \d+: \d+, as elsewhere",
    r"request c0[^;]*: step 0: \d+ bits at \d+: a length",
    r"request c0[^;]*: step 0: a few bytes",
    r"request c0[^;]*: step 0: a block (copied|moved|replaced|inserted|removed)",
    r"request c0[^;]*: step \d, once: ",
    r"request c0[^;]*: step \d: \d+ bytes",
    r"request c0[^;]*: step \d: (stall|io-error|babble|timeout|nak|never)",
    r"request c0[^;]*: step \d: after \d+ ms",
    r"request c0[^;]*: step \d: \d+ times",
    r"request c0[^;]*: a step more",
    r"request c0[^;]*: without step",
    r"request c0[^;]*: steps \d and \d exchanged",
    r"request c0[^;]*: step \d in two",
    r"request c0[^;]*: step \d again",
    r"request [^;]*, of its own: ",
    r"request [^;]*: now request",
    r"request [^;]*: a script of its own",
    r"request [^;]*: no script",
    r"request [^;]*: elsewhere among",
    r"request [^;]*: answers exchanged",
    r"request [^;]*: only after",
    r"endpoint 81: step \d",
    r"endpoint \w\w: packets of its own",
    r"endpoint 81: sends as",
    r"endpoint 81: no packets",
    r"endpoint 81: only after",
    r"endpoint 81: goes on as 82",
    r"unplugged after \d+ requests(;|$)",
    r"unplugged after \d+ ms(;|$)",
    r"unplug after \d+ requests",
    r"no unplug",
    r"reset (after|once)",
    r"and plugged again",
    r"another device in its place",
    r"a second device on another port",
    r"only plugged",
    r"events in another order",
)


@cache
def notes_of_children() -> str:
    parent = rich()
    return "\n".join(havoc_case(Dice(seed), parent, IDENTITIES).provenance.notes for seed in range(6000))


@pytest.mark.parametrize("phrase", HAVOC)
def test_havoc_reaches_every_part_of_a_case(phrase: str) -> None:
    assert re.search(phrase, notes_of_children(), re.MULTILINE)


SPLICES = (
    r"^answers of \w",
    r"^packets of \w",
    r"^answers and packets of",
    r"endpoint 81: ends as of",
    r"request [^;]*: ends as of",
    r"with the interfaces of",
    r"configurations of",
    r"report \d+ of",
    r"strings and BOS of",
    r" on another port",
    r"then \w",
    r"the other's schedule",
)


@cache
def notes_of_splices() -> str:
    parent = rich()
    spec = evolve(
        load(ROOT / "corpus/devices/boot-keyboard.toml").devices[0],
        control=(ControlScript((Step(data(b"\7"), 5),), bmRequestType=0xC0),),
        endpoints=(EndpointScript(0x83, (Step(data(b"\3\2\1"), 2),)),),
    )
    other = Case((spec,), (Event(Action.PLUG, 0, 0), Event(Action.RESET, 0)))
    return "\n".join(splice_cases(Dice(seed), parent, other, IDENTITIES).provenance.notes for seed in range(800))


@pytest.mark.parametrize("phrase", SPLICES)
def test_a_splice_takes_every_part_of_the_other(phrase: str) -> None:
    assert re.search(phrase, notes_of_splices(), re.MULTILINE)


def test_most_children_stay_close_to_their_parent() -> None:
    """Half of them have at most two parts of a device that are not as before, and fewer than one in ten more than 8."""
    parent = rich()
    before = dict(parts(parent.devices[0]))
    differing = []
    for seed in range(500):
        after = dict(parts(havoc_case(Dice(seed), parent, IDENTITIES).devices[0]))
        differing.append(sum(before.get(name) != after.get(name) for name in before.keys() | after.keys()))
    assert median(differing) <= 2
    assert sum(count > 8 for count in differing) < 50


def test_a_thousand_generations_do_not_grow_without_end() -> None:
    case, largest = rich(), 0
    for seed in range(1000):
        dice = Dice(seed)
        case = splice_cases(dice, case, rich(), IDENTITIES) if seed % 4 == 0 else havoc_case(dice, case, IDENTITIES)
        largest = max(largest, weight(case))
        assert len(case.events) <= 16 + 2
        assert len(case.devices) <= 4
        assert len(case.title) < 300
        assert len(case.provenance.notes) <= 600
    assert weight(rich()) < largest < 25_000
    assert loads(dumps(case)) == case


def test_a_larger_parent_is_still_changed_but_does_not_grow() -> None:
    spec = rich().devices[0]
    script = EndpointScript(0x81, tuple(Step(data(bytes(1024))) for _ in range(60)))
    large = evolve(rich(), devices=(evolve(spec, endpoints=(script,)),))
    for seed in range(100):
        child = havoc_case(Dice(seed), large, IDENTITIES)
        assert weight(child) <= weight(large) + 100
        assert child.devices != large.devices or child.events != large.events


def test_another_id_of_the_driver_is_the_commonest_change_of_identity() -> None:
    device = bytes.fromhex("1201000200000040 0304 0160 00010102 0301")
    parent = Case((DeviceSpec("ftdi", device, (bytes.fromhex("09020900000100 8032"),)),), (Event(Action.PLUG, 0, 0),))
    assert modules_of(IDENTITIES, parent.devices[0]) == ("ftdi_sio",)
    found = [modules_of(IDENTITIES, child.devices[0]) for child in _with_ids(parent)]
    assert found.count(("ftdi_sio",)) > len(found) / 2
    assert len(set(found)) > 3  # other drivers, too


def _with_ids(parent: Case) -> list[Case]:
    children = (havoc_case(Dice(seed), parent, IDENTITIES) for seed in range(1500))
    return [
        child for child in children if child.provenance.notes.startswith("ids of") and ";" not in child.provenance.notes
    ]


def test_a_device_is_for_the_driver_of_its_interface_s_class_where_nobody_asks_for_its_ids() -> None:
    assert modules_of(IDENTITIES, load(ROOT / "corpus/devices/boot-mouse.toml").devices[0]) == ("usbhid",)


def test_a_model_is_left_to_what_it_does_or_becomes_bytes_that_are_changed() -> None:
    parent = Case((DeviceSpec("mouse", b"", model="mouse"),), (Event(Action.PLUG, 0, 0),))
    children = [havoc_case(Dice(seed), parent, IDENTITIES) for seed in range(60)]
    kept = [child for child in children if child.devices[0].model]
    assert 0 < len(kept) < len(children)
    assert all(child.events != parent.events for child in kept)
    assert all(child.devices[0].device for child in children if not child.devices[0].model)


def test_the_interfaces_of_both_have_numbers_and_addresses_of_their_own() -> None:
    parent = rich()
    keyboard = load(ROOT / "corpus/devices/boot-keyboard.toml")
    joined = []
    for seed in range(400):
        child = splice_cases(Dice(seed), parent, keyboard, IDENTITIES)
        if child.provenance.notes == f"with the interfaces of {keyboard.devices[0].name}":
            joined.append(child.devices[0])
    right = 0
    for spec in joined:
        whole = spec.configurations[0]
        assert int.from_bytes(whole[2:4], "little") == len(whole)
        right += len(spec.reports) == len(parent.devices[0].reports) + len(keyboard.devices[0].reports)
    assert len(joined) > 30
    assert right > 0.8 * len(joined)
