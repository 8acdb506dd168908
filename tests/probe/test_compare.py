"""What is kept of comparisons: operands from registers and memory, distinct pairs, generations, full tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.guest.probe.layout import CONSTANTS

from .programs import compile_driver, run

SOURCES = ("compare.c", "insn.c", "insn_meaning.c")
PAIRS = 24  #: that compare.h keeps of an instruction
IDLE = 128  #: runs without a new pair that compare.c looks at
CMP_EAX_ECX = "39c8"  #: cmp %ecx,%eax


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("compare")
    return compile_driver("compare_driver", SOURCES, directory, "-fsanitize=address,undefined", "-fno-sanitize-recover")


def _lines(driver: Path, *commands: str, places: int = 64) -> list[str]:
    return run(driver, str(places), text="".join(f"{command}\n" for command in commands))


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        (CMP_EAX_ECX, "cmp 4 0 89abcdef:77777777"),
        ("4839c8", "cmp 8 0 123456789abcdef:7777777777777777"),
        ("80fc05", "cmp 1 1 cd:5"),  # cmp $5,%ah
        ("6683f8ff", "cmp 2 1 cdef:ffff"),
        ("4883f8ff", "cmp 8 1 123456789abcdef:ffffffffffffffff"),
        ("837b0801", "cmp 4 1 44332211:1"),  # 0x8(%rbx)
        ("443a449308", "cmp 1 0 0:11"),  # cmp 0x8(%rbx,%rdx,4),%r8b
        ("65803c250800000005", "cmp 1 1 11:5"),  # %gs:0x8
        ("67837b0801", "cmp 4 1 44332211:1"),  # 0x8(%ebx)
        ("833d0110000001", "cmp 4 1 44332211:1"),  # 0x1001(%rip)
        ("85c0", "zero 4 1 89abcdef:0"),
        ("a810", "test 1 1 ef:10"),
        ("83e805", "sub 4 1 89abcdef:5"),
        ("0fbae025", "bt 4 1 89abcdef:5"),
        ("480fa333", "bt 8 0 8877665544332211:40"),  # bt %rsi,(%rbx): the bit string's second word
        ("a6", "cmp 1 0 11:88"),  # (%rsi) with (%rdi)
    ],
)
def test_it_keeps_both_operands(driver: Path, code: str, kept: str) -> None:
    string = code == "a6"
    commands = (
        "reg 0 123456789abcdef", "reg 1 7777777777777777", "reg 2 0", "reg 3 2000", "reg 8 0", "reg 17 2000",
        f"reg 6 {'2008' if string else '40'}", f"reg 7 {'200f' if string else '0'}", "mem 2008 8877665544332211",
    )  # fmt: skip
    assert _lines(driver, *commands, f"run 1000 {code}", "show") == [f"1000 {kept}"]


TEXT, BYTES = CONSTANTS["CALLEE_COMPARES_TEXT"], CONSTANTS["CALLEE_COMPARES_BYTES"]


@pytest.mark.parametrize(
    ("kind", "limit", "left", "right", "kept"),
    [
        (TEXT, None, 0x2000, 0x2003, ["42:43"]),  # "AB" with "AC": where they differ
        (TEXT, 1, 0x2000, 0x2003, ["41:41"]),  # strncmp() looks no farther
        (TEXT, None, 0x2000, 0x2000, ["0:0"]),  # alike until they end
        (BYTES, 3, 0x2000, 0x2000, ["0:0"]),  # memcmp(): the last of them
        (BYTES, 8, 0x2000, 0x2000, ["44:44"]),  # and a zero ends nothing
        (BYTES, 0, 0x2000, 0x2003, []),
        (TEXT, None, 0x2006, 0x9000, []),  # cannot be read
    ],
)
def test_a_call_of_a_function_that_compares_shows_the_first_difference(
    driver: Path, kind: int, limit: int | None, left: int, right: int, kept: list[str]
) -> None:
    memory = int.from_bytes(b"AB\0AC\0\0D", "little")
    commands = [f"mem 2000 {memory:x}", f"reg 7 {left:x}", f"reg 6 {right:x}", f"reg 2 {limit or 0:x}"]
    lines = _lines(driver, *commands, f"called 1000 {kind} {int(limit is not None)}", "show")
    assert lines == [f"1000 cmp 1 0 {pair}" for pair in kept]


def test_a_32_bit_address_is_cut_before_the_segment_is_added(driver: Path) -> None:
    commands = ("reg 3 ffffffff00002000", "reg 17 100000000", "mem 100002008 5")
    assert _lines(driver, *commands, "run 1 6567837b0801", "show") == ["1 cmp 4 1 5:1"]


def test_a_negative_bit_number_reads_before_the_operand(driver: Path) -> None:
    assert _lines(driver, "reg 3 2000", "reg 6 ffffffff", "mem 1ffc 12345678", "run 1 0fa333", "show") == [
        "1 bt 4 0 12345678:ffffffff"
    ]


def test_memory_that_cannot_be_read_makes_no_pair(driver: Path) -> None:
    assert _lines(driver, "reg 3 5000", "mem 2000 0", "run 1 837b0801", "show") == []


def test_a_repeated_comparison_of_nothing_makes_no_pair(driver: Path) -> None:
    commands = ("reg 6 2000", "reg 7 2001", "mem 2000 201")
    assert _lines(driver, *commands, "reg 1 0", "run 1 f3a6", "show") == []
    assert _lines(driver, *commands, "reg 1 1", "run 1 f3a6", "show") == ["1 cmp 1 0 1:2"]


def test_what_compares_nothing_is_never_read(driver: Path) -> None:
    assert _lines(driver, "run 1 90", "run 1 90", "run 2 01c8", "show", "counts") == ["0 0"]


def test_equal_pairs_are_kept_once(driver: Path) -> None:
    runs = [f"reg 0 {value}\nrun 1 {CMP_EAX_ECX}" for value in (1, 1, 2, 1, 2, 3)]
    assert _lines(driver, "reg 1 9", *runs, "show") == ["1 cmp 4 0 1:9 2:9 3:9"]


def test_an_instruction_with_all_its_pairs_costs_no_more_reads(driver: Path) -> None:
    runs = [f"reg 0 {value:x}\nrun 1 {CMP_EAX_ECX}" for value in range(100)]
    kept, counts = _lines(driver, *runs, "show", "counts")
    assert kept.split()[4:] == [f"{value:x}:0" for value in range(PAIRS)]
    assert counts == f"{2 * PAIRS} 0"


def test_an_instruction_that_compares_nothing_new_for_long_is_let_be_until_the_next_generation(driver: Path) -> None:
    again = [f"run 1 {CMP_EAX_ECX}"]
    other = ["reg 0 7", *again, "reg 0 0"]
    for runs, kept in ((IDLE, "1 cmp 4 0 0:0 7:0"), (IDLE + 1, "1 cmp 4 0 0:0")):
        assert _lines(driver, *again * runs, *other, "show") == [kept]
    assert _lines(driver, *again * 500, "generation 1", *again, *other, "show") == ["1 cmp 4 0 0:0 7:0"]


def test_a_new_generation_empties_the_table(driver: Path) -> None:
    full = [f"reg 0 {value:x}\nrun 1 {CMP_EAX_ECX}" for value in range(30)]
    commands = (*full, f"run 2 {CMP_EAX_ECX}", "generation 1", "show", "reg 0 7", f"run 1 {CMP_EAX_ECX}", "show")
    assert _lines(driver, *commands) == ["1 cmp 4 0 7:0"]


def test_the_last_pair_of_a_generation_is_kept_in_the_next_too(driver: Path) -> None:
    run_once = f"run 1 {CMP_EAX_ECX}"
    assert _lines(driver, "reg 0 5", run_once, "generation 7", run_once, "show") == ["1 cmp 4 0 5:0"]


def test_two_translations_of_an_instruction_share_its_pairs(driver: Path) -> None:
    # The second has a prefix without effect, so its bytes are others.
    commands = ("reg 0 1", f"run 1 {CMP_EAX_ECX}", f"run 1 2e{CMP_EAX_ECX}", "reg 0 2", f"run 1 2e{CMP_EAX_ECX}")
    assert _lines(driver, *commands, "show") == ["1 cmp 4 0 1:0 2:0"]


def test_other_code_at_the_same_address_has_pairs_of_its_own(driver: Path) -> None:
    lines = _lines(driver, "reg 0 1", f"run 1 {CMP_EAX_ECX}", "run 1 4839c8", "show")
    assert sorted(lines) == ["1 cmp 4 0 1:0", "1 cmp 8 0 1:0"]


def test_a_full_table_counts_the_instructions_that_it_drops_once(driver: Path) -> None:
    twice = [f"run {address:x} {CMP_EAX_ECX}" for address in range(1, 7)] * 2
    *kept, counts = _lines(driver, *twice, "show", "counts", places=4)
    assert len(kept) == 4
    assert counts.split()[1] == "2"


def test_a_table_that_was_full_has_room_in_the_next_generation(driver: Path) -> None:
    runs = [f"run {address:x} {CMP_EAX_ECX}" for address in range(1, 7)]
    lines = _lines(driver, *runs, "generation 1", *runs[4:], "show", "counts", places=4)
    assert sorted(lines[:-1]) == ["5 cmp 4 0 0:0", "6 cmp 4 0 0:0"]
    assert lines[-1].split()[1] == "2"


def test_a_table_holds_as_many_instructions_as_it_has_places_for(driver: Path) -> None:
    runs = [f"run {0xFFFFFFFFC0000000 + 4 * number:x} {CMP_EAX_ECX}" for number in range(1500)]
    *kept, counts = _lines(driver, *runs, "show", "counts", places=2048)
    assert (len(kept), counts.split()[1]) == (1500, "0")
