"""The boofuzz field sweep."""

from __future__ import annotations

from itertools import islice

from hypothesis import given, settings

from strategies import devices, sweep
from strategies.devices import make_device
from strategies.dice import Dice
from strategies.fields import FieldSweep, request_of
from strategies.palette import Palette
from usbfuzz.case.model import DeviceSpec

from .aliases import IDENTITIES

SPEC = make_device(Dice(1), Palette(IDENTITIES), "storage")


@settings(max_examples=30)
@given(spec=devices(IDENTITIES))
def test_an_unmutated_request_renders_to_the_descriptors(spec: DeviceSpec) -> None:
    assert request_of("configuration", spec.configurations[0]).render() == spec.configurations[0]


def test_odd_bytes_can_be_swept_too() -> None:
    for raw in (b"", b"\x09", b"\x09\x02\x20\x00", b"\x00\x02", bytes(40), b"\xff" * 300):
        assert request_of("odd", raw).render() == raw


def test_each_mutation_changes_one_field_and_keeps_the_length() -> None:
    for mutated, note in islice(sweep(SPEC), 0, 1500, 37):
        assert len(mutated.configurations[0]) == len(SPEC.configurations[0])
        changed = [
            at
            for old, new in zip(
                (SPEC.device, *SPEC.configurations), (mutated.device, *mutated.configurations), strict=True
            )
            for at, (before, other) in enumerate(zip(old, new, strict=True))
            if before != other
        ]
        assert len(changed) <= 2, note


def test_the_sweep_visits_every_field_of_the_configuration() -> None:
    fields = FieldSweep(SPEC)
    notes = {fields.field(number).rpartition(".")[2] for number in range(len(fields))}
    assert {
        "wTotalLength",
        "bNumInterfaces",
        "bInterfaceClass",
        "bEndpointAddress",
        "wMaxPacketSize",
        "bInterval",
    } <= notes


@settings(max_examples=5, deadline=None)
@given(spec=devices(IDENTITIES))
def test_mutations_are_numbered_as_boofuzz_enumerates_them(spec: DeviceSpec) -> None:
    fields = FieldSweep(spec)
    enumerated = [mutation for request in fields.requests for (mutation,) in request.get_mutations()]
    assert len(fields) == len(enumerated)
    for number in range(0, len(fields), 7):
        assert fields.field(number) == enumerated[number].qualified_name
        assert fields[number][1] == f"{enumerated[number].qualified_name} = {enumerated[number].value}"


def test_ids_and_lengths_of_the_device_descriptor_are_left_alone() -> None:
    fields = FieldSweep(SPEC)
    for number in range(0, len(fields), 13):
        mutated, _ = fields[number]
        assert mutated.device[:4] == SPEC.device[:4]
        assert mutated.device[7:14] == SPEC.device[7:14]


def test_spreading_visits_every_mutation_once() -> None:
    fields = FieldSweep(SPEC)
    assert {fields.spread(step) for step in range(len(fields))} == set(range(len(fields)))
