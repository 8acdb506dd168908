"""Enough cases are kept, none too many; what was measured survives an interruption."""

from __future__ import annotations

from functools import reduce
from operator import or_
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.errors import StorageError
from usbfuzz.jobs.corpus.cover import cover
from usbfuzz.jobs.corpus.measured import Measured, Measurement

sets = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, (1 << 12) - 1), max_size=10)


def _all(reached: dict[str, int]) -> int:
    return reduce(or_, reached.values(), 0)


@given(sets, st.data())
def test_what_is_kept_is_enough_and_none_is_unneeded(reached: dict[str, int], data: st.DataObject) -> None:
    cost = {name: (data.draw(st.integers(0, 3)),) for name in reached}
    stay = data.draw(st.sets(st.sampled_from(sorted(reached)))) if reached else set()
    kept = cover(reached, cost, stay)
    assert set(stay) <= kept.keys() <= reached.keys()
    assert _all({name: reached[name] for name in kept}) == _all(reached)
    for name in kept.keys() - stay:
        assert _all({other: reached[other] for other in kept if other != name}) != _all(reached)


@given(sets)
def test_every_block_is_one_cases_that_reaches_it(reached: dict[str, int]) -> None:
    kept = cover(reached, dict.fromkeys(reached, (0,)))
    assert sum(bits.bit_count() for bits in kept.values()) == _all(reached).bit_count()
    assert all(bits & ~reached[name] == 0 for name, bits in kept.items())


def test_a_large_case_is_kept_for_what_only_it_does() -> None:
    assert cover({"small": 0b011, "large": 0b111}, {"small": (1,), "large": (9,)}) == {"large": 0b111}
    assert cover({"small": 0b1011, "large": 0b0111}, {"small": (1,), "large": (9,)}) == {
        "small": 0b1011,
        "large": 0b0100,
    }
    assert cover({"small": 0b11, "large": 0b11}, {"small": (1,), "large": (9,)}) == {"small": 0b11}


KEYS = (("hid", ".text", (16, 1 << 24)), ("usbhid", ".text", (5,)))


def _read(path: Path, of: str) -> Measured:
    measured = Measured.open(path, of)
    measured.close(done=False)
    return measured


def _measured(path: Path, of: str = "kernel 1") -> Measured:
    measured = Measured.open(path, of)
    measured.add("first", Measurement(measured.bits(KEYS)))
    measured.add("second", Measurement(measured.bits(KEYS[1:]), fresh=True, crashed=True))
    measured.close(done=False)
    return measured


def test_what_was_measured_is_read_again(tmp_path: Path) -> None:
    before = _measured(tmp_path / "m")
    again = Measured.open(tmp_path / "m", "kernel 1")
    assert again.cases == before.cases
    assert again.keys(again.cases["first"].bits) == KEYS
    assert again.bits(KEYS) == 0b111
    assert [(block.module, block.offset, block.size) for block in again.blocks(0b010, "x")] == [("hid", 16, 0)]
    again.close(done=True)
    assert not (tmp_path / "m").exists()


def test_what_was_measured_on_another_kernel_is_not(tmp_path: Path) -> None:
    _measured(tmp_path / "m")
    assert _read(tmp_path / "m", "kernel 2").cases == {}
    assert _read(tmp_path / "m", "kernel 1").cases == {}


@given(cut=st.integers(0, 400))
def test_a_file_that_was_cut_off_gives_what_is_whole(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("measured") / "m"
    before = _measured(path)
    raw = path.read_bytes()[:cut]
    path.write_bytes(raw)
    again = Measured.open(path, "kernel 1")
    assert again.cases.items() <= before.cases.items()
    assert len(again) == raw[: raw.rfind(b"\n") + 1].count(b'"block"')
    for name in before.cases.keys() - again.cases:
        again.add(name, Measurement(again.bits(KEYS if name == "first" else KEYS[1:])))
    again.close(done=False)
    last = _read(path, "kernel 1")
    assert {name: last.keys(known.bits) for name, known in last.cases.items()} == {"first": KEYS, "second": KEYS[1:]}


@given(at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_damaged_file_names_no_block_that_is_not_there(
    at: int, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("measured") / "m"
    _measured(path)
    raw = bytearray(path.read_bytes())
    raw[at % len(raw)] = byte
    path.write_bytes(raw)
    again = _read(path, "kernel 1")
    assert all(known.bits < 1 << len(again) for known in again.cases.values())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none/m: cannot be written: No such file or directory; make room there"):
        Measured.open(tmp_path / "none" / "m", "kernel 1")
