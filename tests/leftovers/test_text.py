"""Reports of leaks, as triage reads them."""

from __future__ import annotations

import pytest

from usbfuzz.leftovers import Counted, Grown, Sort, is_leak, leak_reports
from usbfuzz.triage import CrashType, blamed, extract, same_bug

DRIVERS = frozenset({"hfcsusb", "uss720"})
URB = Counted(Sort.MEMORY, chain=("usb_alloc_urb+0x25/0x80 [usbcore]", "hfcsusb_probe+0x6a/0xa99 [hfcsusb]"), size=184)
PORT = Counted(
    Sort.MEMORY, chain=("parport_register_port+0x2e/0x2d0 [parport]", "uss720_probe+0xd1/0x26a [uss720]"), size=1312
)
DEVICE = Counted(
    Sort.MEMORY, chain=("usb_alloc_dev+0x2e/0x350 [usbcore]", "hub_event+0xc7a/0x1810 [usbcore]"), size=1392
)
NAME = Counted(
    Sort.MEMORY, chain=("usb_cache_string+0x25/0x80 [usbcore]", "hfcsusb_probe+0x6a/0xa99 [hfcsusb]"), size=96
)
ENTRY = Counted(Sort.DEVICE, "/sys/bus/parport/devices/parportN")


def titles(*leaks: Counted, bound: str = "") -> list[str]:
    grown = [Grown(each, 1, 6) for each in leaks]
    return [report.title for report in extract(leak_reports(grown, DRIVERS, bound))]


def test_a_leak_is_named_after_the_first_function_that_is_no_allocator() -> None:
    text = leak_reports([Grown(URB, 2, 6)], DRIVERS)
    (report,) = extract(text)
    assert report.title == "memory leak in hfcsusb_probe"
    assert report.type is CrashType.LEAK
    assert "2 of 184 bytes more with each of the last 6 plug cycles" in report.text
    assert "hfcsusb_probe+0x6a/0xa99 [hfcsusb]" in report.text


def test_what_hangs_on_a_drivers_leak_is_listed_in_its_report() -> None:
    assert titles(DEVICE, PORT, ENTRY) == ["memory leak in parport_register_port"]
    text = leak_reports([Grown(each, 1, 6) for each in (DEVICE, PORT, ENTRY)], DRIVERS)
    assert "also 1 of 1392 bytes by usb_alloc_dev+0x2e/0x350 [usbcore]" in text
    assert "also 1 device nodes or sysfs entries /sys/bus/parport/devices/parportN" in text


def test_leaks_of_two_drivers_are_two_reports() -> None:
    assert titles(PORT, URB) == ["memory leak in parport_register_port", "memory leak in hfcsusb_probe"]


def test_what_the_core_allocates_for_a_driver_is_the_drivers() -> None:
    (report,) = extract(leak_reports([Grown(NAME, 1, 6)], DRIVERS))
    assert (report.title, report.module) == ("memory leak in hfcsusb_probe", "hfcsusb")
    assert "usb_cache_string+0x25/0x80 [usbcore]" in report.text


def test_what_only_the_core_allocated_is_named_after_the_driver_that_was_bound_with_what_hangs_on_it() -> None:
    text = leak_reports([Grown(each, 1, 6) for each in (DEVICE, ENTRY)], DRIVERS, "uss720")
    (report,) = blamed(extract(text), DRIVERS)
    assert report.title == "memory leak in uss720 (usb_alloc_dev)"
    assert (report.guilty, report.type) == ("uss720", CrashType.LEAK)
    assert "also 1 device nodes or sysfs entries /sys/bus/parport/devices/parportN" in text


def test_a_device_that_two_drivers_keep_is_two_bugs() -> None:
    reports = [blamed(extract(leak_reports([Grown(DEVICE, 1, 6)], DRIVERS, name)), DRIVERS)[0] for name in DRIVERS]
    assert not same_bug(*reports)


def test_without_a_driver_each_thing_is_a_report() -> None:
    assert titles(DEVICE, ENTRY) == [
        "memory leak in an unknown driver (usb_alloc_dev)",
        "device leak of /sys/bus/parport/devices/parportN",
    ]


@pytest.mark.parametrize(
    ("what", "title"),
    [
        (Counted(Sort.CACHE, "kmalloc-1k", size=1024), "memory leak in cache kmalloc-1k"),
        (Counted(Sort.MODULE, "snd_usb_audio"), "reference leak of module snd_usb_audio"),
        (Counted(Sort.THREAD, "usb-storage"), "thread leak of usb-storage"),
    ],
)
def test_what_is_no_memory_of_a_known_function_is_named_too(what: Counted, title: str) -> None:
    assert titles(what) == [title]
    assert is_leak([title])


def test_a_bug_of_another_sort_needs_no_cycles() -> None:
    assert is_leak(["memory leak in hfcsusb_probe"])
    assert is_leak(titles(DEVICE, bound="uss720"))
    assert not is_leak(["kernel-usb-infoleak in wacom (bulk)", "hang in digi_close", ""])


def test_no_leaks_are_no_text() -> None:
    assert leak_reports((), DRIVERS) == ""
