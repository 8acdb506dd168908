"""repro.syz plugs in the case's devices in its order, and says at its top what it does not carry."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from tests import KNOWN_BUGS
from usbfuzz.case import load
from usbfuzz.case.model import Action, Case, Event, GuestNeeds
from usbfuzz.importers import import_bytes
from usbfuzz.report.syzkaller import render_syz_case

CASES = {path.stem: load(path) for path in sorted(KNOWN_BUGS.glob("*.toml"))}
SERIAL = CASES["quatech2-bulk-null"]


def _program(case: Case) -> tuple[list[str], list[str]]:
    """The comments and the calls."""
    lines = render_syz_case(case, title="WARNING in f", kernel="debian:6.1").splitlines()
    comments = [line for line in lines if line.startswith("# ")]
    assert lines[: len(comments)] == comments
    return comments, lines[len(comments) :]


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_importer_finds_each_device_that_is_plugged_in(name: str) -> None:
    case = CASES[name]
    plugged = [case.devices[event.device or 0] for event in case.events if event.action is Action.PLUG]
    text = render_syz_case(case, title="WARNING in f", kernel="debian:6.1")
    found = import_bytes(text.encode(), "repro.syz")
    assert [imported.device.device for imported in found] == [device.device for device in plugged]
    assert [imported.device.configurations[:1] for imported in found] == [d.configurations[:1] for d in plugged]


def test_what_it_is_and_what_it_lacks_stands_at_its_top() -> None:
    timed = (Event(Action.PLUG, device=0), Event(Action.RESET), Event(Action.UNPLUG, after_ms=5))
    case = evolve(SERIAL, events=timed, guest=GuestNeeds(("slub_debug=FZPU",)))
    comments, calls = _program(case)
    assert comments[:2] == ["# WARNING in f", "# Seen on debian:6.1."]
    assert "# The kernel was booted with slub_debug=FZPU" in comments
    for lost in ("resets of the port", "when devices are plugged in and pulled", "that the device's nodes are opened"):
        assert any(line.startswith(f"# Not in this program: {lost}") for line in comments)
    assert any("answers to the control requests 40 00" in line for line in comments)
    assert [call.partition("(")[0] for call in calls] == [
        "r0 = syz_usb_connect",
        "syz_usb_ep_write",
        "syz_usb_disconnect",
    ]


def test_what_is_carried_is_not_said_to_be_lost() -> None:
    quiet = evolve(SERIAL.devices[0], control=())
    case = Case((quiet,), (Event(Action.PLUG, device=0),), guest=GuestNeeds(exercise=False))
    assert not [line for line in _program(case)[0] if "Not in this program" in line]


def test_devices_that_are_plugged_in_side_by_side_have_names_and_memory_of_their_own() -> None:
    events = (Event(Action.PLUG, 0, 0), Event(Action.PLUG, 1, 0), Event(Action.UNPLUG, 0), Event(Action.UNPLUG, 0))
    _, calls = _program(evolve(SERIAL, events=events))
    assert [call for call in calls if "disconnect" in call] == ["syz_usb_disconnect(r0)"]
    assert sum(call.startswith("r1 = syz_usb_connect(") for call in calls) == 1
    addresses = re.findall(r"&\((0x[0-9a-f]+)\)", "".join(calls))
    assert len(addresses) == len(set(addresses))


def test_a_device_that_the_executor_would_not_connect_gives_a_comment() -> None:
    comments, calls = _program(evolve(SERIAL, devices=(evolve(SERIAL.devices[0], device=b"\x12\x01"),)))
    assert calls == []
    assert any(
        "There is no program: quatech-serial: syz_usb_connect needs a device descriptor" in line for line in comments
    )


def test_a_title_cannot_leave_its_comment() -> None:
    text = render_syz_case(SERIAL, title="x\nr9 = syz_usb_connect(0x3)\n", kernel="")
    assert text.startswith("# x?r9 = ")
