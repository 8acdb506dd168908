"""Generated cases reach what they are meant to: known traps turn up within a bounded number of cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from strategies.cases import make_case
from strategies.devices import make_device
from strategies.dice import Dice
from strategies.faults import FAULTS, Fault, endpoint_decoy, interface_order
from strategies.palette import COMPOSITE, Palette
from strategies.pieces import join, split_pieces
from usbfuzz.case.model import Case, DeviceSpec
from usbfuzz.wire import Status

from .aliases import IDENTITIES
from .hid_oracle import fields

PALETTE = Palette(IDENTITIES)
FEATURE = 0xB0
PID_SET_EFFECT, PID_SET_ENVELOPE, PID_BLOCK_LOAD = 0x0F0021, 0x0F005A, 0x0F0089
INPUT_MODE = 0x0D0052


def plausible(kind: str) -> Iterator[DeviceSpec]:
    """Devices of a kind, without end."""
    seed = 0
    while True:
        yield make_device(Dice(seed), PALETTE, kind)
        seed += 1


def found_within(count: int, kind: str, wanted: Callable[[DeviceSpec], bool]) -> bool:
    return any(wanted(spec) for spec in islice(plausible(kind), count))


def descriptors(spec: DeviceSpec) -> list[bytes]:
    return split_pieces(spec.configurations[0])


def interfaces(spec: DeviceSpec) -> list[bytes]:
    return [piece for piece in descriptors(spec) if piece[1] == 4]


def test_nearly_all_plausible_report_descriptors_are_accepted_by_the_kernel() -> None:
    reports = [raw for spec in islice(plausible("hid"), 400) for _, raw in spec.reports]
    assert sum(fields(raw) is not None for raw in reports) >= 0.97 * len(reports)


def test_force_feedback_without_a_set_envelope_report_is_generated() -> None:
    def trap(spec: DeviceSpec) -> bool:
        for _, raw in spec.reports:
            inside = {usage for field in fields(raw) or () for usage in field.collections}
            if {PID_SET_EFFECT, PID_BLOCK_LOAD} <= inside and PID_SET_ENVELOPE not in inside:
                return True
        return False

    assert found_within(1000, "hid", trap)


def test_an_input_mode_usage_far_back_in_a_feature_field_is_generated() -> None:
    def trap(spec: DeviceSpec) -> bool:
        return any(
            field.tag == FEATURE and INPUT_MODE in field.usages[4:]
            for _, raw in spec.reports
            for field in fields(raw) or ()
        )

    assert found_within(3000, "hid", trap)


def test_a_hub_behind_another_interface_is_generated() -> None:
    def trap(spec: DeviceSpec) -> bool:
        classes = [piece[5] for piece in interfaces(spec)]
        return 9 in classes[1:] and classes[0] == 3

    assert found_within(3000, COMPOSITE, trap)


def test_frames_of_a_format_that_has_none_are_generated() -> None:
    def trap(spec: DeviceSpec) -> bool:
        return any(piece[1:3] == b"\x24\x00" and len(piece) >= 38 for piece in descriptors(spec))

    assert found_within(100, "video", trap)


def test_a_cluster_segment_of_length_0_is_generated() -> None:
    def trap(spec: DeviceSpec) -> bool:
        clusters = [script.steps[0].answer.data for script in spec.control if script.bRequest == 6]
        return any(b"\xff\x00\x00\x00" in raw or b"\x00\x00\x00\x00\x00" in raw for raw in clusters)

    assert found_within(1500, "audio", trap)


def test_the_extigy_has_a_total_by_which_its_boot_code_runs() -> None:
    def trap(spec: DeviceSpec) -> bool:
        return spec.device[8:12] == b"\x1e\x04\x00\x30" and len(spec.configurations[0]) == 483

    assert found_within(1000, "audio", trap)


def test_packets_begin_with_the_codes_a_driver_branches_on() -> None:
    def trap(spec: DeviceSpec) -> bool:
        sent = [step.answer.data for script in spec.endpoints for step in script.steps]
        return spec.name.startswith("quatech2") and any(data.startswith(b"\x1b\x1b\x03") for data in sent)

    assert found_within(500, "vendor", trap)


def test_another_order_of_interfaces_changes_nothing_else() -> None:
    spec = next(spec for spec in plausible("cdc") if len(interfaces(spec)) > 1)
    orders = set()
    for seed in range(30):
        pieces = split_pieces(spec.configurations[0])
        interface_order(Dice(seed), pieces)
        whole = join(pieces)
        assert sorted(split_pieces(whole)) == sorted(split_pieces(spec.configurations[0]))
        orders.add(tuple(piece[2] for piece in pieces if piece[1] == 4))
    assert len(orders) > 1


def test_a_decoy_endpoint_waits_at_the_address_that_the_driver_wired() -> None:
    whole = bytes.fromhex(
        "09022e0001010080320904000004ff00000007058103400004 07050103400004 07058202000200 07050202000200"
    )
    lured = 0
    for seed in range(300):
        pieces = split_pieces(whole)
        endpoint_decoy(Dice(seed), pieces)
        kinds = [(piece[2], piece[3]) for piece in pieces if piece[1] == 5]
        lured += (0x01, 2) in kinds and any(address < 0x80 and address != 1 and kind == 3 for address, kind in kinds)
    assert lured


@pytest.mark.parametrize("fault", FAULTS.items, ids=lambda fault: fault.__name__)
def test_every_fault_changes_some_configuration(fault: Fault) -> None:
    changed = 0
    for seed, kind in enumerate(("audio", "cdc", "vendor", "hid", "storage") * 6):
        whole = make_device(Dice(seed), PALETTE, kind).configurations[0]
        pieces = split_pieces(whole)
        fault(Dice(seed), pieces)
        changed += b"".join(pieces) != whole
    assert changed


def sample(severity: str, count: int = 800) -> list[Case]:
    """Cases of one severity over all kinds."""
    made = []
    for seed in range(count):
        dice = Dice(seed)
        made.append(make_case(dice, PALETTE, dice.weighted(PALETTE.shares), severity, "once"))
    return made


def test_plain_cases_are_plausible_and_broken_ones_say_what_is_wrong() -> None:
    assert all(not case.provenance.notes for case in sample("plain", 200))
    assert all(case.provenance.notes for case in sample("light", 200))


def test_the_device_descriptor_is_seldom_malformed() -> None:
    cases = sample("light")
    broken = [case for case in cases if "device descriptor" in case.provenance.notes.split("; ")]
    assert 0 < len(broken) <= 0.05 * len(cases)


def test_answers_that_cost_a_timeout_are_rare() -> None:
    cases = sample("plain")
    waiting = [
        case
        for case in cases
        if any(step.answer.status is Status.NEVER for script in case.devices[0].control for step in script.steps)
    ]
    assert len(waiting) <= 0.05 * len(cases)
