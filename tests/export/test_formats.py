"""Every format that an importer reads gives the device back; where it cannot, that is said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings

from usbfuzz.case import DeviceSpec
from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.errors import InputError
from usbfuzz.export import FORMATS, export
from usbfuzz.importers import import_bytes
from usbfuzz.report.losses import losses
from usbfuzz.report.served import served
from usbfuzz.wire import NAK, STALL, Answer, Speed, Status, data

from .devices import KEPT, ODD

MOUSE = KEPT["boot-mouse"]
#: What of a kept device a format may lose, besides answers. Descriptors that it carries it carries whole.
MAY_LOSE = {
    "facedancer": "the absence of string",
    "syz": "configuration [1-7]|the HID report descriptor of interface 2$|the absence of string",
    "pcapng": r"the speed \(",
    "lsusb": r"the speed \(|configuration [\d, ]+\(wBytesPerInterval\)$|string \d|the absence of string",
    "umockdev": r"string \d|the device qualifier|the absence of string",
}
ANSWERS = r"answers to the control requests|what endpoint 0x\d\d answers"
#: Reading these takes a second for a hundred devices or more; each sees a half.
LONG = ("facedancer", "lsusb")
READ = [name for name in FORMATS if name in MAY_LOSE]


@pytest.mark.parametrize("form", READ)
def test_every_kept_device_comes_back_but_for_what_is_said(form: str) -> None:
    unexpected = {}
    half = LONG.index(form) if form in LONG else None
    for name, spec in [*KEPT.items()] if half is None else [*KEPT.items()][half::2]:
        said = export(spec, form).lost
        if others := [what for what in said if not re.match(f"{MAY_LOSE[form]}|{ANSWERS}", what)]:
            unexpected[name] = others
    assert unexpected == {}


@pytest.mark.parametrize("form", READ)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=ODD)
def test_what_of_any_device_does_not_come_back_is_said(form: str, spec: DeviceSpec) -> None:
    try:
        exported = export(spec, form)
    except InputError:
        return  # which is tested below
    got = import_bytes(exported.content, "exported")[0].device
    for what, ours, theirs in (
        ("the device descriptor", spec.device, got.device),
        ("configuration 0", spec.configurations[:1], got.configurations[:1]),
        ("the BOS", spec.bos, got.bos),
        ("the device qualifier", spec.qualifier, got.qualifier),
    ):
        assert (ours != theirs) == any(said.startswith(what) for said in exported.lost)


WHOLE = MOUSE.configurations[0]
LIES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "wTotalLength too large": ({"configurations": (WHOLE[:2] + b"\xff\0" + WHOLE[4:],)}, ()),
    "cut in an endpoint": ({"configurations": (WHOLE[:-3],)}, ("lsusb",)),
    "bLength too small": ({"configurations": (WHOLE[:18] + b"\4" + WHOLE[19:],)}, ()),
    "bNumConfigurations": ({"device": MOUSE.device[:17] + b"\3"}, ("syz",)),
}  #: and the formats that cannot


@pytest.mark.parametrize("what", LIES)
def test_a_lie_is_carried_where_the_format_can(what: str) -> None:
    changes, cannot = LIES[what]
    spec = evolve(MOUSE, **changes)
    for form in READ:
        said = any(re.match("the device descriptor|.*configuration", lost) for lost in export(spec, form).lost)
        assert said == (form in cannot), form


def test_a_difference_of_any_kind_is_a_loss() -> None:
    script = ControlScript((Step(data(b"x"), 0),), 0xC0, 1)
    spec = evolve(MOUSE, control=(script,), endpoints=(EndpointScript(0x81, (Step(data(b"x")),)),), bos=b"\5\x0f")
    others: dict[str, dict[str, Any]] = {
        "the speed (high, taken for low)": {"speed": Speed.LOW},
        "the device descriptor": {"device": b""},
        "configuration 0": {"configurations": ()},
        "the absence of configuration 1": {"configurations": (WHOLE, WHOLE)},
        "string 0, 1, 2": {"strings": spec.strings[:0]},
        "the absence of string 9": {"strings": (*spec.strings, (9, b"\2\3"))},
        "the HID report descriptor of interface 0": {"reports": ()},
        "the BOS": {"bos": b""},
        "the device qualifier": {"qualifier": b"\0"},
        "answers to the control requests c0 01": {"control": ()},
        "what endpoint 0x81 answers": {"endpoints": ()},
    }
    assert list(losses(spec, spec)) == []
    for words, changed in others.items():
        found = list(losses(spec, evolve(spec, **changed)))
        assert any(what.startswith(words) or words in what for what in found), (words, found)


@pytest.mark.parametrize("form", ["syz", "umockdev", "pcapng"])
def test_a_device_without_a_device_descriptor_is_refused_in_a_sentence(form: str) -> None:
    with pytest.raises(InputError, match=f"^{MOUSE.name}: .*; use --as python") as caught:
        export(evolve(MOUSE, device=b""), form)
    assert "\n" not in str(caught.value)


def test_facedancer_tells_configurations_of_the_same_value_apart_by_their_place_alone() -> None:
    for value, lost in ((1, ()), (2, ("which of two configurations with the same bConfigurationValue is chosen",))):
        same = WHOLE[:5] + bytes((value,)) + WHOLE[6:]
        spec = evolve(MOUSE, device=MOUSE.device[:17] + b"\2", configurations=(same, same))
        assert export(spec, "facedancer").lost == lost


def test_fields_that_do_not_come_back_are_named() -> None:
    power = evolve(MOUSE, configurations=(WHOLE[:8] + b"\7" + WHOLE[9:],))
    assert list(losses(MOUSE, power)) == ["configuration 0 (bMaxPower)"]


def test_a_capture_holds_late_held_and_failed_answers() -> None:
    steps = (Step(data(b"a"), 2), Step(NAK), Step(data(b"b")), Step(Answer(Status.STALL)), Step(Answer(data=b"c")))
    control = (
        ControlScript((Step(Answer(data=b"late", delay_ms=700)), Step(STALL, 2), Step(data(b"on"), 0)), 0xC0, 1, 2, 3),
        ControlScript((Step(Answer(Status.NEVER), 0),), 0xC0, 2, 2, 3),
    )
    spec = evolve(KEPT["keyboard"], control=control, endpoints=(EndpointScript(0x81, steps),))
    assert [lost for lost in export(spec, "pcapng").lost if "speed" not in lost] == []
    assert export(spec, "pcapng") == export(spec, "pcapng")


@pytest.mark.parametrize("name", [*KEPT][::4])
def test_a_raw_gadget_program_holds_all_that_is_served(name: str) -> None:
    text = export(KEPT[name], "c").content.decode()
    for wValue, raw in served(KEPT[name]).device.items():
        found = re.search(rf"static const uint8_t d0_{wValue:04x}\[\] = \{{(.*?)\n\}};", text, re.DOTALL)
        assert found is not None
        digits = re.findall(r"\b0x([0-9a-f]{2})\b", re.sub(r"/\*.*?\*/", "", found[1]))
        assert bytes.fromhex("".join(digits)) == raw


def test_a_raw_gadget_program_says_what_it_cannot_do_and_accuses_nobody() -> None:
    scripts = (ControlScript((Step(Answer(Status.BABBLE, b"x")), Step(STALL)), 0xC0, 1),)
    exported = export(evolve(MOUSE, control=scripts), "c")
    assert exported.lost == ("answers that end with babble (stalled instead)",)
    assert b"Seen on" not in exported.content
    assert b"caused" not in exported.content
