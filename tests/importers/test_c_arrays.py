"""Descriptors in C: what export writes comes back byte for byte, and arrays of a firmware make a device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.export.devices import KEPT
from usbfuzz.descriptors import string_text
from usbfuzz.errors import InputError
from usbfuzz.export import export
from usbfuzz.importers import import_bytes
from usbfuzz.wire import Speed

from .damage import damaged, damaged_text, survives

_PARTS = ("device", "configurations", "bos", "reports", "qualifier", "speed")

FIRMWARE = """\
#include <stdint.h>
#define REPORT_SIZE 23
#define EP_SIZE (8u)
/* two strings; { 0x12, 0x01 }, is a remark */
static const uint8_t lang[4] = { 0x04, 0x03, 0x09, 0x04 };
const unsigned char maker[] PROGMEM = { 6, 3, 0x4d, 0, 0x65, 0 };
const unsigned char product[] PROGMEM = { 8, 3, 'P', 0, 'a', 0, 'd', 0 };
const uint8_t Report[REPORT_SIZE] = {
    0x05, 0x01, // Usage Page (Generic Desktop)
    0x09, 0x05, 0xa1, 0x01, 0x05, 0x09, 0x19, 0x01, 0x29, 0x08, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08,
    0x81, 0x02, 0xc0,
};
const uint8_t DeviceDescriptor[] = {
    18, 1, 0x10, 0x01, 0, 0, 0, EP_SIZE, 0x09, 0x12, 0x02, 0x00, 0x00, 0x01, 1, 2, 0, (uint8_t)1,
};
static const uint8_t Config[] = {
    9, 2, 34, 0, 1, 1, 0, 0x80, 50, /* bus powered */
    9, 4, 0, 0, 1, 3, 0, 0, 0,
    9, 0x21, 0x11, 0x01, 0, 1, 0x22, REPORT_SIZE, 0,
    7, 5, 0x81, 3, EP_SIZE, 0, 10
};
int main(void) { return 0; }
"""


def test_every_kept_device_comes_back_from_its_raw_gadget_program() -> None:
    lost = {}
    for name, spec in KEPT.items():
        (imported,) = import_bytes(export(spec, "c").content, "repro.c")
        got = imported.device
        differ = [part for part in _PARTS if getattr(got, part) != getattr(spec, part)]
        if differ or not set(spec.strings) <= set(got.strings):
            lost[name] = differ
    assert lost == {}


def test_answers_that_are_not_read_are_told() -> None:
    for spec in list(KEPT.values())[:20]:
        (imported,) = import_bytes(export(spec, "c").content, "repro.c")
        told = "what it answers besides descriptors is not read" in map(str, imported.problems)
        assert told == bool(spec.control or spec.endpoints)


def test_arrays_of_a_firmware_are_a_device() -> None:
    (imported,) = import_bytes(FIRMWARE.encode(), "usb.c")
    got = imported.device
    assert got.device.hex(" ").startswith("12 01 10 01 00 00 00 08 09 12 02 00")
    assert len(got.configurations[0]) == 34
    assert len(dict(got.reports)[0]) == 23
    assert [string_text(raw) for _, raw in got.strings[1:]] == ["Me", "Pad"]
    assert got.speed is Speed.LOW
    assert imported.synthesised == ("speed: guessed from the packet sizes",)


def test_a_source_without_a_device_descriptor_is_refused() -> None:
    with pytest.raises(InputError, match="none of the kinds"):
        import_bytes(b"const uint8_t a[] = { 9, 2, 18, 0, 1, 1, 0, 0x80, 50 };\nint main(void) { return 0; }\n", "x.c")


_SOURCES = (FIRMWARE.encode(), export(KEPT["boot-mouse"], "c").content)


@given(st.sampled_from(_SOURCES).flatmap(lambda source: damaged_text(source) | damaged(source, st.integers(32, 126))))
def test_damaged_sources_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_bytes, content)
