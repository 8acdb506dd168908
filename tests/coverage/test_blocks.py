"""Blocks as data: each once, sorted, added up; and there and back through their file."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.coverage import Block, Blocks, blocks_file, case_path, merge, read_blocks, write_blocks
from usbfuzz.errors import InputError, StorageError

KERNEL = ("debian:5.10.223-1", "5.10.0-32-amd64")
HEAD = "# usbfuzz coverage 1\n# kernel debian:5.10.223-1\n# release 5.10.0-32-amd64\n"

blocks = st.builds(
    Block,
    module=st.sampled_from(["uvcvideo", "snd_usb_audio", "vmlinux"]),
    section=st.sampled_from([".text", ".text.unlikely", ".init.text"]),
    offset=st.integers(0, 1 << 20) | st.integers(0, 3),
    size=st.integers(1, 3) | st.integers(1, 4096),
    hits=st.integers(1, 1 << 40),
    case=st.sampled_from(["", "case-1", "mouse", "A.b+c"]),
)


def _of(*some: Block) -> Blocks:
    return Blocks.of(*KERNEL, some)


@given(st.lists(blocks, max_size=40))
def test_each_block_is_there_once_and_sorted(some: list[Block]) -> None:
    keys = [(block.module, block.section, block.offset, block.size) for block in _of(*some)]
    assert keys == sorted({(block.module, block.section, block.offset, block.size) for block in some})


def test_hits_are_added_and_the_first_case_that_is_known_counts() -> None:
    first, later = Block("uvcvideo", ".text", 16, 4, 2), Block("uvcvideo", ".text", 16, 4, 3, "b")
    assert list(_of(first, later, Block("uvcvideo", ".text", 16, 4, 1, "a"))) == [
        Block("uvcvideo", ".text", 16, 4, 6, "b")
    ]


def test_blocks_of_another_size_are_others() -> None:
    assert len(_of(Block("uvcvideo", ".text", 16, 4), Block("uvcvideo", ".text", 16, 8))) == 2


def test_a_case_that_reached_nothing_first_is_not_named() -> None:
    first, second = (Block("uvcvideo", ".text", 2, 1, 1, case) for case in ("case-1", "mouse"))
    assert _of(first, second).cases == ("case-1",)


@given(st.lists(st.lists(blocks, max_size=12), min_size=1, max_size=4))
def test_merging_runs_is_the_same_as_one_run_of_all(runs: list[list[Block]]) -> None:
    assert merge([_of(*run) for run in runs]) == _of(*(block for run in runs for block in run))


def test_coverage_of_two_kernels_is_not_merged() -> None:
    with pytest.raises(InputError, match=r"coverage of debian:6\.1\.1-1 \(6\.1\.0-1-amd64\) cannot be added"):
        merge([_of(), Blocks.of("debian:6.1.1-1", "6.1.0-1-amd64", [])])


def test_a_counter_does_not_overflow() -> None:
    most = Block("uvcvideo", ".text", 0, 4, 1 << 63)
    assert [block.hits for block in merge([_of(most), _of(most)])] == [1 << 48]


def test_the_rows_of_a_section_are_those_of_its_place() -> None:
    found = _of(Block("a", ".text", 5, 1), Block("b", ".text", 6, 1), Block("b", ".init.text", 7, 1))
    assert found.modules == ("a", "b")
    assert found.at(("b", ".text"))["offset"].tolist() == [6]
    assert found.at(("c", ".text"))["offset"].tolist() == []


@given(some=st.lists(blocks, max_size=40))
def test_a_file_gives_back_what_was_written(some: list[Block], tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("coverage") / "blocks.tsv"
    write_blocks(file, _of(*some))
    assert read_blocks(file) == _of(*some)


def test_the_file_is_text_that_is_sorted(tmp_path: Path) -> None:
    file = tmp_path / "blocks.tsv"
    write_blocks(file, _of(Block("usbhid", ".text", 0x1A0, 23, 118, "mouse"), Block("hid", ".init.text", 0, 5)))
    assert file.read_text() == f"{HEAD}hid\t.init.text\t0\t5\t1\t-\nusbhid\t.text\t1a0\t23\t118\tmouse\n"


WRONG = {
    "": r"blocks.tsv:1: must be '# usbfuzz coverage 1'",
    "\n": r"blocks.tsv:1: must be '# usbfuzz coverage 1'",
    "# usbfuzz coverage 2\n": r"blocks.tsv:1: must be '# usbfuzz coverage 1'",
    "# usbfuzz coverage 1\n": r"must be '# kernel …'; the file was changed or cut off",
    "# usbfuzz coverage 1\n# kernel \n": r"blocks.tsv:2: must be '# kernel …'",
    "# usbfuzz coverage 1\n# kernel a\x1bb\n": r"blocks.tsv:2: must be '# kernel …'",
    "# usbfuzz coverage 1\n# kernel a\n# Release b\n": r"blocks.tsv:3: must be '# release …'",
    f"{HEAD}hid\t.text\t1a0\t23\t118\tmou": r"blocks.tsv:4: ends in the middle of a line; the file was cut off",
    f"{HEAD}hid\t.text\t1a0\t23\t118\n": r"blocks.tsv:4: must be MODULE, SECTION",
    f"{HEAD}\n": r"blocks.tsv:4: must be MODULE",
    f"{HEAD}hid\t.text\t1A0\t23\t118\t-\n": r"blocks.tsv:4: must be MODULE",
    f"{HEAD}hid\t.text\t-1\t23\t118\t-\n": r"blocks.tsv:4: must be MODULE",
    f"{HEAD}hid\t.text\t0\t٣\t118\t-\n": r"blocks.tsv:4: must be MODULE",
    f"{HEAD}hid\t.text\t{'f' * 11}\t1\t1\t-\n": r"blocks.tsv:4: must be MODULE",
    f"{HEAD}../hid\t.text\t0\t1\t1\t-\n": r"blocks.tsv:4: must be MODULE",
    f"{HEAD}hid\t.text\t0\t1\t1\t../../etc/passwd\n": r"blocks.tsv:4: must be MODULE",
    f"{HEAD}hid\t.text\t0\t1\t1\t.x\n": r"blocks.tsv:4: must be MODULE",
    f"{HEAD}hid\t.text\t0\t1\t1\t-\r\n": r"blocks.tsv:4: must be MODULE",
}


@pytest.mark.parametrize("content", WRONG)
def test_a_file_that_is_wrong_is_told_by_its_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "blocks.tsv").write_bytes(content.encode())
    with pytest.raises(InputError, match=WRONG[content]):
        read_blocks(tmp_path / "blocks.tsv")


def test_a_file_that_is_no_text_is_told_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "blocks.tsv").write_bytes(HEAD.encode() + b"\xff\n")
    with pytest.raises(InputError, match=r"blocks.tsv:4: is not UTF-8 text"):
        read_blocks(tmp_path / "blocks.tsv")


@given(cut=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_damaged_file_is_read_or_refused(cut: int, byte: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("coverage") / "blocks.tsv"
    write_blocks(file, _of(*(Block("hid", ".text", 16 * number, 4, 1, f"case-{number}") for number in range(12))))
    raw = bytearray(file.read_bytes())
    raw[cut % len(raw)] = byte
    file.write_bytes(raw)
    with contextlib.suppress(InputError):
        assert read_blocks(file).kernel


def test_a_directory_means_the_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "coverage").mkdir()
    file = tmp_path / "coverage" / "blocks.tsv"
    with pytest.raises(
        InputError, match=r"holds no coverage; give a campaign's output, its coverage/ or a blocks\.tsv"
    ):
        blocks_file(tmp_path)
    write_blocks(file, _of())
    assert {blocks_file(path) for path in (tmp_path, tmp_path / "coverage", file)} == {file}
    assert case_path(file, "mouse") == tmp_path / "coverage" / "cases" / "mouse.toml"
    with pytest.raises(InputError, match="there is no such file or directory"):
        blocks_file(tmp_path / "none")


def test_a_directory_that_is_gone_is_named_when_blocks_are_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"blocks\.tsv: cannot be written: No such file or directory; make room"):
        write_blocks(tmp_path / "gone" / "blocks.tsv", _of())
