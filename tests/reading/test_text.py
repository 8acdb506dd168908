"""Encodings are found without being told, logs with rubbish in them are logs, and what is no text is named."""

from __future__ import annotations

import contextlib
import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.errors import InputError
from usbfuzz.reading import log_of

_LINE = "[   12.003000] usb 1-1: Product: Tastatur für Müller\n"
_LOG = "".join(f"[{number / 1000:12.6f}] usb 1-1: device descriptor read/64, error -71\n" for number in range(400))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_the_encoding_is_found(encoding: str) -> None:
    assert log_of(_LINE.encode(encoding), "x") == _LINE.encode()


def test_big_endian_with_a_mark_is_read() -> None:
    assert log_of(b"\xfe\xff" + _LINE.encode("utf-16-be"), "x") == _LINE.encode()


def test_other_scripts_in_utf16_are_read() -> None:
    text = "\ufeff" + "Устройство USB 1-1: ошибка\r\n" * 20
    assert log_of(text.encode("utf-16-le"), "x") == text[1:].encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_an_input_error(content: bytes) -> None:
    with contextlib.suppress(InputError):
        assert log_of(content, "x")


def test_a_log_keeps_its_bytes_and_so_its_offsets() -> None:
    raw = "\ufeff".encode() + _LOG.encode() + b"\xff\xfe\n"
    assert log_of(raw, "x") == raw
    assert log_of(gzip.compress(raw), "x") == raw


def test_a_log_that_ends_in_zeros_is_a_log() -> None:
    raw = _LOG.encode() + bytes(10 * len(_LOG))
    assert log_of(raw, "x") == raw


def test_a_log_between_rubbish_of_a_serial_line_is_a_log() -> None:
    noise = random.Random(1).randbytes(len(_LOG))
    raw = noise + _LOG.encode()
    assert log_of(raw, "x") == raw


def test_colours_and_rubouts_are_text() -> None:
    raw = b"\x1b[32m[    0.5] \x1b[0musb\b\b\b\a\n" * 9
    assert log_of(raw, "x") == raw


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; give a file with text in it"),
        (bytes(4096), "is no text but nothing but zeros"),
        (random.Random(2).randbytes(4096), "is no text but binary data"),
        (b"\xff\xfe" + random.Random(3).randbytes(4096), "is no text but binary data"),
        (b"LPKSHHRH" + bytes(200), "is no text but a journal as systemd keeps it; give the text: journalctl"),
        (b"PK\x03\x04" + bytes(200), "is no text but a zip archive; unpack it"),
        (b"dmesg.txt".ljust(257, b"\0") + b"ustar\0", "is no text but a tar archive"),
        (gzip.compress(b"\x7fELF" + bytes(200)), "is no text but a program"),
        (Path("/bin/sh").read_bytes()[4:], "is no text but binary data"),
    ],
    ids=["empty", "zeros", "random", "random with a mark", "journal", "zip", "tar", "packed", "program"],
)
def test_what_is_no_text_is_named(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=f"^the.log: {words}"):
        log_of(content, "the.log")
