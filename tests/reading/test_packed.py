"""Compression is recognised by content, bounded, and damage is one sentence."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import subprocess
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.errors import InfraError, InputError
from usbfuzz.reading import unpack

_TEXT = b"usb 1-1: new high-speed USB device number 2 using xhci_hcd\n" * 40


def _zstd(content: bytes) -> bytes:
    return subprocess.run(["zstd", "--quiet", "--stdout"], input=content, check=True, capture_output=True).stdout


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "Zstandard": _zstd,
}


@pytest.mark.parametrize("kind", PACKERS)
def test_what_was_packed_comes_out(kind: str) -> None:
    assert unpack(PACKERS[kind](_TEXT), "x") == _TEXT


@pytest.mark.parametrize("kind", PACKERS)
def test_files_packed_one_behind_the_other_are_joined(kind: str) -> None:
    assert unpack(PACKERS[kind](_TEXT) + PACKERS[kind](b"end\n"), "x") == _TEXT + b"end\n"


def test_what_is_not_packed_stays_as_it_is() -> None:
    assert unpack(_TEXT, "x") == _TEXT
    assert unpack(b"", "x") == b""


def test_what_was_packed_twice_is_unpacked_twice() -> None:
    assert unpack(gzip.compress(lzma.compress(_TEXT)), "x") == _TEXT


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_is_refused_by_its_size(kind: str) -> None:
    bomb = PACKERS[kind](bytes(3 << 20))
    with pytest.raises(InputError, match=r"bomb: holds more than 1 MiB; cut out the part"):
        unpack(bomb, "bomb", 1 << 20)


def test_a_file_of_just_the_bound_is_read() -> None:
    for pack in PACKERS.values():
        assert unpack(pack(bytes(1 << 20)), "x", 1 << 20) == bytes(1 << 20)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_cut_file_is_damaged(kind: str) -> None:
    packed = PACKERS[kind](_TEXT)
    with pytest.raises(InputError, match=rf"^cut\.log: is damaged {kind} data: .+; fetch it again$"):
        unpack(packed[: len(packed) // 2], "cut.log")


@given(st.sampled_from([pack(_TEXT) for kind, pack in PACKERS.items() if kind != "Zstandard"]), st.data())
@settings(max_examples=200, deadline=None)
def test_damage_is_never_more_than_an_input_error(packed: bytes, data: st.DataObject) -> None:
    raw = bytearray(packed)
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=4)):
        raw[at] = value
    with contextlib.suppress(InputError):
        unpack(bytes(raw), "x")


def test_without_the_program_for_zstandard_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = _zstd(_TEXT)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InfraError, match="zstd is not installed; install the package zstd"):
        unpack(packed, "x")
