"""What is compared between runs: drivers by interface, the kernel's words without what always differs."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from harness.guest.survey import Seen
from harness.lane.outcome import Binding, Outcome, Verdict
from usbfuzz.case.model import Action, Event
from usbfuzz.jobs.regress.observe import kernel_lines, observe, stable_line

from .cells import CASE, report

OUTCOME = Outcome(
    verdict=Verdict.CLEAN,
    reports=(),
    console="[    1.500000] usb 1-1: device descriptor read/64, error -71\nusbfuzz: a mark of the agent\n",
    bindings=(Binding(0, "1-1:1.0", "usbhid"), Binding(-1, "0003:0627:0001.0007", "hid-generic")),
    interfaces=("1-1:1.0", "1-1:1.1"),
    plugs=1,
    enumerated=1,
    requests=9,
    seconds=0.1,
    worst_reply_ms=1,
    dilated=False,
    restored=False,
)


def test_each_interface_has_a_line_bound_or_not() -> None:
    assert observe(OUTCOME, CASE, fresh=True).drivers == ("1.0 usbhid", "1.1 -", "hid hid-generic")


def test_several_ports_are_told_apart() -> None:
    case = evolve(CASE, events=(*CASE.events, Event(Action.PLUG, port=1, device=0)))
    outcome = evolve(OUTCOME, bindings=(Binding(1, "4-1:1.0", "uas"),), interfaces=("1-1:1.0", "4-1:1.0"))
    assert observe(outcome, case, fresh=True).drivers == ("port 0 1.0 -", "port 1 1.0 uas")


def test_what_user_space_sees_has_a_line_each_by_interface() -> None:
    seen = (
        Seen("1-1", "1.2", "sound capture rates", "44100 48000"),
        Seen("1-1", "", "power", "present"),
        Seen("1-1", "1.0", "input 'A: B' name", "a\x1bb"),
    )
    lines = observe(evolve(OUTCOME, userspace=seen), CASE, fresh=True).userspace
    assert lines == ("1.0 input 'A:B' name: a?b", "1.2 sound capture rates: 44100 48000", "device power: present")
    assert observe(OUTCOME, CASE, fresh=True).userspace is None
    case = evolve(CASE, events=(*CASE.events, Event(Action.PLUG, port=1, device=0)))
    lines = observe(evolve(OUTCOME, userspace=(Seen("4-1", "1.0", "net", "up"),)), case, fresh=True).userspace
    assert lines == ("port 1 1.0 net: up",)


def test_only_the_kernels_own_lines_count() -> None:
    assert observe(OUTCOME, CASE, fresh=True).log == ("usb 1-1: device descriptor read/64, error -71",)


def test_a_crash_is_compared_by_its_title_alone() -> None:
    seen = observe(evolve(OUTCOME, reports=(report(text="x" * 100_000),), dilated=True), CASE, fresh=False)
    assert seen.log == ()
    assert seen.trusted
    assert len(seen.reports[0].text) < 20_000


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("usb 1-1: device not accepting address 5, error -71", "usb 1-1: device not accepting address 17, error -71"),
        ("hid-generic 0003:1234:0F0F.0001: bad", "hid-generic 0003:1234:0F0F.00A2: bad"),
        ("pl2303 ttyUSB0: failed", "pl2303 ttyUSB3: failed"),
        ("quatech-serial ttyUSB0: port change to port: 1", "usb-serial ttyUSB0: port change to port: 1"),
        ("quatech-serial ttyUSB0: port change to port: 1", "usb-serial (null): port change to port: 1"),
        ("sd 2:0:0:0: [sda] No Caching mode page", "sd 11:0:0:0: [sdb] No Caching mode page"),
        ("Bluetooth: hci0: command 0x1001 tx timeout", "Bluetooth: hci4: command 0x1001 tx timeout"),
        ("x: buffer at ffff888012345678", "x: buffer at ffff88801abcdef0"),
        ("asix 1-1:1.0 eth0: 02:11:22:33:44:55", "asix 1-1:1.0 eth1: 02:aa:bb:cc:dd:ee"),
    ],
)
def test_what_counts_up_does_not_tell_two_runs_apart(first: str, second: str) -> None:
    assert stable_line(first) == stable_line(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("usb 1-1: config 1 has no interface number 0", "usb 1-1: config 1 has no interface number 1"),
        ("usb 1-1: endpoint 0x81 has invalid maxpacket 0", "usb 1-1: endpoint 0x82 has invalid maxpacket 0"),
        ("usb 1-1: string descriptor 0 read error: -22", "usb 1-1: string descriptor 0 read error: -32"),
        ("hid-generic 0003:1234:0F0F.0001: bad", "hid-generic 0003:1234:0F10.0001: bad"),
    ],
)
def test_behaviour_does(first: str, second: str) -> None:
    assert stable_line(first) != stable_line(second)


@pytest.mark.parametrize(
    "line",
    [
        "ERROR Transfer event TRB DMA ptr not part of current TD ep_index 2 comp_code 13",
        "Looking for event-dma 0000000004a2 trb-start 0000000004a3 trb-end 0000000004a3 seg-start 0 seg-end 0",
        "Event dma 0x0000000004a21000 for ep 2 status 13 not part of TD at 0000000004a21010 - 0000000004a21010",
    ],
)
def test_what_the_host_controller_says_by_chance_is_no_behaviour_of_the_device(line: str) -> None:
    console = f"[    1.000000] xhci_hcd 0000:00:02.0: {line}\n[    1.100000] usb 1-1: no\n"
    assert kernel_lines(console) == ("usb 1-1: no",)


@given(st.text())
def test_whatever_a_guest_says_is_bounded_printable_and_in_order(console: str) -> None:
    lines = kernel_lines("".join(f"[    1.000000] {line}\n" for line in console.splitlines()) * 2)
    assert list(lines) == sorted(set(lines))
    assert all(line.isprintable() and len(line) <= 300 for line in lines)


def test_a_guest_that_complains_without_end_is_cut() -> None:
    assert len(kernel_lines("".join(f"[    1.000000] usb 1-1: complaint {n}\n" for n in range(5000)))) == 100


@given(st.text(st.characters(codec="ascii"), max_size=80))
def test_a_stable_line_stays_as_it_is(line: str) -> None:
    once = stable_line(line)
    assert stable_line(once) == once
