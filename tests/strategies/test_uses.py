"""Programs of user space that strategies draw and change: they mean something, and come again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from strategies.dice import Dice
from strategies.generate import generate
from strategies.identities import CLASS_DRIVERS
from strategies.mutate.havoc import havoc_case
from strategies.mutate.splice import splice_cases
from strategies.uses import NODES, a_program, kind_of, nodes_of
from usbfuzz.case import dumps, loads
from usbfuzz.case.model import Action, Case, DeviceSpec
from usbfuzz.kinds import KINDS
from usbfuzz.uses import compiled
from usbfuzz.uses.kernel.calls import TABLES


@pytest.fixture(scope="module")
def used() -> list[Case]:
    """Generated cases with programs."""
    return [case for case in generate(5, 0, 300, CLASS_DRIVERS) if case.uses]


@pytest.mark.parametrize("name", NODES)
def test_what_is_done_with_a_node_means_something(name: str) -> None:
    kind = NODES[name]
    for opened in kind.opens:
        compiled(opened)
        for begun in kind.begins:
            compiled((*opened, *begun))
    assert any(request.startswith(kind.prefixes) for request in TABLES[kind.table].requests) or not kind.prefixes
    for seed in range(30):
        program = a_program(Dice(seed), name)
        assert compiled(program)
        assert program == a_program(Dice(seed), name)


def test_each_kind_that_makes_nodes_has_programs_for_them() -> None:
    for kind in KINDS.values():
        assert all(name in NODES for name in nodes_of(kind.name))
        assert not kind.nodes or nodes_of(kind.name)[0] not in ("usbfs", "attribute")


def test_the_kind_of_a_device_is_that_of_its_model_or_driver() -> None:
    assert kind_of(DeviceSpec("x", b"", model="camera")) == "video"
    assert kind_of(DeviceSpec("snd-usb-audio 1", b"")) == "audio"
    assert kind_of(DeviceSpec("hid-logitech 1", b"")) == "hid"
    assert kind_of(DeviceSpec("redrat3 1", b"")) == "vendor"


def test_a_share_of_the_generated_cases_uses_its_devices(used: list[Case]) -> None:
    assert 30 < len(used) < 110
    for case in used:
        assert loads(dumps(case)) == case
        assert {event.use for event in case.events} - {None} == set(range(len(case.uses)))
    events = [pair for case in used for pair in pairwise(case.events)]
    assert any(first.for_ms is not None and then.action is Action.UNPLUG for first, then in events)


def test_programs_are_changed_like_devices_are(used: list[Case]) -> None:
    children = [havoc_case(Dice(seed), used[seed % len(used)], CLASS_DRIVERS) for seed in range(300)]
    for seed, child in enumerate(children):
        assert loads(dumps(child)) == child
        assert child == havoc_case(Dice(seed), used[seed % len(used)], CLASS_DRIVERS)
    said = "; ".join(child.provenance.notes for child in children)
    for word in ("numbered", "inserted", "dropped", "doubled", "moved", "parted", "held", "opened", "one more use"):
        assert word in said


def test_a_splice_takes_the_programs_of_the_other(used: list[Case]) -> None:
    spliced = [splice_cases(Dice(seed), used[0], used[1 + seed % 20], CLASS_DRIVERS) for seed in range(300)]
    assert any("the other's uses" in child.provenance.notes for child in spliced)
    for child in spliced:
        assert loads(dumps(child)) == child
