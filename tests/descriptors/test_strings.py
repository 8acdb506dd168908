"""String descriptors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.descriptors import language_descriptor, language_ids, string_descriptor, string_text
from usbfuzz.errors import InputError


@given(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=126))
def test_text_comes_back_from_its_descriptor(text: str) -> None:
    assert string_text(string_descriptor(text)) == text


@given(st.binary(max_size=40) | st.binary(max_size=253).map(lambda body: bytes((len(body) + 2, 3)) + body))
def test_text_is_given_only_for_bytes_that_it_gives_back(raw: bytes) -> None:
    text = string_text(raw)
    assert text is None or string_descriptor(text) == raw
    ids = language_ids(raw)
    assert ids is None or language_descriptor(*ids) == raw


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x02", b"\x04\x03a", b"\x05\x03abc", b"\x04\x04a\x00", b"\x04\x03\x00\xd8", b"\x04\x03a\x00b\x00"],
    ids=["empty", "one byte", "cut short", "odd", "other type", "lone surrogate", "trailing bytes"],
)
def test_a_string_descriptor_that_is_not_canonical_has_no_text(raw: bytes) -> None:
    assert string_text(raw) is None


def test_a_string_is_utf_16_behind_length_and_type() -> None:
    assert string_descriptor("Aé") == bytes.fromhex("0603 4100 e900")
    assert string_text(b"\x02\x03") == ""


def test_language_ids_default_to_us_english() -> None:
    assert language_descriptor() == bytes.fromhex("0403 0904")
    assert language_descriptor(0x0407, 0x0409) == bytes.fromhex("0603 0704 0904")
    assert language_ids(bytes.fromhex("0603 0704 0904")) == (0x0407, 0x0409)


@pytest.mark.parametrize("text", ["x" * 127, "\ud800"])
def test_text_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="string"):
        string_descriptor(text)


def test_a_language_id_has_16_bits() -> None:
    with pytest.raises(InputError, match="16-bit"):
        language_descriptor(0x10000)
