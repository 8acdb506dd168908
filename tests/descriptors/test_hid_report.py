"""HID report descriptors as items."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.descriptors import report_items

MOUSE = bytes.fromhex(
    "05010902a1010901a100050919012903150025019503750181029501750581030501093009311581257f750895028106c0c0"
)


@given(st.binary(max_size=100))
def test_the_items_of_any_bytes_join_to_the_same_bytes(raw: bytes) -> None:
    items = report_items(raw)
    assert b"".join(item.raw for item in items) == raw
    for item in items:
        assert item.text
        assert item.depth >= 0
        assert not item.truncated or item is items[-1]


def test_a_mouse_reads_as_its_data_sheet() -> None:
    assert [" " * item.depth + item.text for item in report_items(MOUSE)] == [
        "Usage Page (Generic Desktop)",
        "Usage (Mouse)",
        "Collection (Application)",
        " Usage (Pointer)",
        " Collection (Physical)",
        "  Usage Page (Button)",
        "  Usage Minimum (Button 1)",
        "  Usage Maximum (Button 3)",
        "  Logical Minimum (0)",
        "  Logical Maximum (1)",
        "  Report Count (3)",
        "  Report Size (1)",
        "  Input (Data, Variable, Absolute)",
        "  Report Count (1)",
        "  Report Size (5)",
        "  Input (Constant, Variable, Absolute)",
        "  Usage Page (Generic Desktop)",
        "  Usage (X)",
        "  Usage (Y)",
        "  Logical Minimum (-127)",
        "  Logical Maximum (127)",
        "  Report Size (8)",
        "  Report Count (2)",
        "  Input (Data, Variable, Relative)",
        " End Collection",
        "End Collection",
    ]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("05 0d", "Usage Page (Digitizers)"),
        ("06 00 ff", "Usage Page (Vendor 0xff00)"),
        ("0b 04 00 0d 00", "Usage (Touch Screen)"),
        ("a1 80", "Collection (Vendor 0x80)"),
        ("a1 07", "Collection (Reserved 0x07)"),
        ("b1 02", "Feature (Data, Variable, Absolute)"),
        ("82 02 01", "Input (Data, Variable, Absolute, Buffered Bytes)"),
        ("65 14", "Unit (0x14)"),
        ("a4", "Push"),
        ("85 07", "Report ID (7)"),
        ("fe 02 10 aa bb", "Long item, tag 0x10, 2 bytes"),
        ("fd 00", "Reserved item, type 3, tag 0xf, value 0x0"),
    ],
)
def test_an_item_is_described(raw: str, text: str) -> None:
    (item,) = report_items(bytes.fromhex(raw))
    assert item.text == text
    assert not item.truncated


@pytest.mark.parametrize("raw", ["05", "27 ff ff", "fe", "fe 05 10 aa"])
def test_an_item_the_descriptor_ends_in_is_kept_and_called_truncated(raw: str) -> None:
    (item,) = report_items(bytes.fromhex(raw))
    assert item.truncated
    assert item.text == f"truncated item {raw.replace(' ', '')}"


def test_push_and_pop_save_the_usage_page() -> None:
    items = report_items(bytes.fromhex("050d a4 0501 0930 b4 0922"))
    assert [item.text for item in items if item.type == 2] == ["Usage (X)", "Usage (Finger)"]
    assert [item.tag for item in items] == [0, 10, 0, 0, 11, 0]
    assert items[2].data == b"\x01"
