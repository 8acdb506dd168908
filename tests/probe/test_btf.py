"""Reading BTF as a compiler writes it."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.guest.probe.btf import Btf, BtfError

SOURCE = """
enum colour { RED, GREEN = 7, BLUE };
struct inner { int first; union { long a; char b[16]; }; };
struct outer { char name[5]; struct inner in; struct outer *next; struct { short deep; }; unsigned bits : 3; };
struct outer *made(struct outer *from, unsigned long size, enum colour colour) { return size ? from->next : 0; }
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory = tmp_path_factory.mktemp("btf")
    (directory / "types.c").write_text(SOURCE)
    subprocess.run(["cc", "-gbtf", "-c", "types.c", "-o", "types.o"], cwd=directory, check=True)
    subprocess.run(
        ["objcopy", "-O", "binary", "--only-section=.BTF", "--set-section-flags", ".BTF=alloc", "types.o", "types.btf"],
        cwd=directory,
        check=True,
    )
    return Path(directory / "types.btf").read_bytes()


def test_fields_are_found_in_structures_in_structures_and_in_anonymous_ones(raw: bytes) -> None:
    btf = Btf.parse(raw)
    assert btf.size("outer") == 48
    assert btf.offset("outer", "in") == 8
    assert btf.offset("outer", "in", "a") == 16
    assert btf.offset("outer", "next") == 32
    assert btf.offset("outer", "deep") == 40
    assert btf.offset("inner", "b") == 8


def test_what_is_not_there_is_none(raw: bytes) -> None:
    btf = Btf.parse(raw)
    assert btf.offset("outer", "nowhere") is None
    assert btf.offset("nothing", "in") is None
    assert btf.offset("outer", "name", "in") is None
    assert btf.size("nothing") is None
    assert btf.parameters("nothing") is None
    assert btf.enumerator("PINK") is None


def test_constants_of_enumerations_have_their_values(raw: bytes) -> None:
    btf = Btf.parse(raw)
    assert [btf.enumerator(name) for name in ("RED", "GREEN", "BLUE")] == [0, 7, 8]


@example(cut=0, flip=28, value=74)  # more elements of the first type than bytes
@given(cut=st.integers(0, 400), flip=st.integers(0, 400), value=st.integers(0, 255))
def test_broken_bytes_are_refused_or_read_but_never_anything_else(raw: bytes, cut: int, flip: int, value: int) -> None:
    broken = bytearray(raw)
    broken[flip % len(raw)] = value
    try:
        btf = Btf.parse(bytes(broken[: len(raw) - cut % len(raw)]))
    except BtfError:
        return
    btf.offset("outer", "in", "a")
    btf.parameters("made")
    btf.enumerator("BLUE")


def test_a_structure_that_holds_itself_without_a_name_has_an_end() -> None:
    member = (0, 1, 0)
    types = struct.pack("<III", 1, 4 << 24 | 2000, 8) + struct.pack("<III", *member) * 2000
    strings = b"\0outer\0"
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
    assert Btf.parse(header + types + strings).offset("outer", "in") is None
