"""The instruction decoder: against objdump, on cut and random bytes, and which instructions may touch the heap."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest

from .objdump import Line, disassemble, expectation
from .programs import compile_driver, run

SOURCES = ("insn.c", "insn_meaning.c")
STEP = 16  #: of so many instructions of libc one is compared
AT_ONCE = 50_000  #: instructions that the driver gets
UNKNOWN = "0 other 0 unknown - none 0 - - heap"

#: A program whose code is compared too, all of it: an unpacked vmlinux takes some minutes.
FURTHER = os.environ.get("USBFUZZ_TEST_CODE")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_driver("insn_driver", SOURCES, tmp_path_factory.mktemp("insn"), "-O2")


@pytest.fixture(scope="module")
def libc() -> Path:
    done = subprocess.run(["cc", "-print-file-name=libc.so.6"], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def _without_scaled_displacement(description: str, line: Line) -> str:
    """EVEX displacements are left as they are encoded."""
    return re.sub(r",[0-9a-f]+,8(?= none)", ",…,8", description) if line.raw.startswith("62") else description


def _differences(driver: Path, lines: Iterable[Line]) -> tuple[int, list[str]]:
    """How many instructions were compared, and the first ones that are described otherwise."""
    rest, count, found = iter(lines), 0, []
    while batch := list(islice(rest, AT_ONCE)):
        said = run(driver, text="".join(f"{line.address:x} {line.raw}\n" for line in batch))
        for line, words in zip(batch, said, strict=True):
            want, have = (_without_scaled_displacement(w, line) for w in (expectation(line), words.rpartition(" ")[0]))
            if want != have:
                found.append(f"{line.raw} {line.text}: {have!r} and not {want!r}")
        count += len(batch)
    return count, found[:20]


def test_it_describes_the_instructions_of_libc_as_objdump_does(driver: Path, libc: Path) -> None:
    count, differences = _differences(driver, disassemble(libc, STEP))
    assert differences == []
    assert count > 10_000


@pytest.mark.skipif(FURTHER is None, reason="USBFUZZ_TEST_CODE names no program")
@pytest.mark.timeout(0)
def test_it_describes_the_instructions_of_a_program_as_objdump_does(driver: Path) -> None:
    count, differences = _differences(driver, disassemble(Path(FURTHER or "")))
    assert differences == []
    assert count


def test_an_instruction_that_is_cut_off_is_unknown(driver: Path, libc: Path) -> None:
    lines = [line for line in islice(disassemble(libc), 20_000) if line.length > 1]
    assert set(run(driver, text="".join(f"0 {line.raw[:-2]}\n" for line in lines))) == {UNKNOWN}


def test_no_bytes_make_it_read_beyond_their_end(tmp_path: Path) -> None:
    driver = compile_driver(
        "insn_driver", SOURCES, tmp_path, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover"
    )
    (known,) = run(driver, "1", "300000")
    assert int(known) > 100_000


@pytest.mark.parametrize(
    ("code", "text", "heap"),
    [
        ("488b4308", "mov 0x8(%rbx),%rax", True),
        ("488b4508", "mov 0x8(%rbp),%rax", True),
        ("488b442408", "mov 0x8(%rsp),%rax", False),
        ("488b44c408", "mov 0x8(%rsp,%rax,8),%rax", False),
        ("498b442408", "mov 0x8(%r12),%rax", True),
        ("67488b442408", "mov 0x8(%esp),%rax", True),
        ("488b0510000000", "mov 0x10(%rip),%rax", False),
        ("488b042500100000", "mov 0x1000,%rax", False),
        ("488b04c500000000", "mov 0x0(,%rax,8),%rax", True),
        ("48a10010000000000000", "movabs 0x1000,%rax", False),
        ("65488b042528000000", "mov %gs:0x28,%rax", False),
        ("65488b4308", "mov %gs:0x8(%rbx),%rax", False),
        ("653e488b4308", "mov %ds:0x8(%rbx),%rax", True),
        ("488d4308", "lea 0x8(%rbx),%rax", False),
        ("0f1f4308", "nopl 0x8(%rbx)", False),
        ("0f180b", "prefetcht0 (%rbx)", False),
        ("4889c3", "mov %rax,%rbx", False),
        ("0f20d8", "mov %cr3,%rax", False),
        ("55", "push %rbp", False),
        ("ff7308", "push 0x8(%rbx)", True),
        ("ff7424 08", "push 0x8(%rsp)", False),
        ("c9", "leave", False),
        ("e800000000", "call", False),
        ("ff5308", "call *0x8(%rbx)", True),
        ("3effe0", "notrack jmp *%rax", False),
        ("f3c3", "rep ret", False),
        ("f348ab", "rep stos %rax,(%rdi)", True),
        ("a4", "movsb (%rsi),(%rdi)", True),
        ("d7", "xlat (%rbx)", True),
        ("660ff7c1", "maskmovdqu %xmm1,%xmm0", True),
        ("c4e271900c0c", "vpgatherdd %xmm1,(%rsp,%xmm1,1),%xmm1", True),
        ("c5fe6f0424", "vmovdqu (%rsp),%ymm0", False),
        ("06", "no instruction", True),
    ],
)
def test_an_instruction_may_touch_the_heap(driver: Path, code: str, text: str, heap: bool) -> None:
    (line,) = run(driver, text=f"1000 {code.replace(' ', '')}\n")
    assert line.endswith(" heap" if heap else " elsewhere"), text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("7405", "2 jcc 1007 - - none 0 - - elsewhere"),
        ("e3fe", "2 jcc 1000 - - none 0 - - elsewhere"),
        ("f2e900000000", "6 jmp 1006 - - none 0 - - elsewhere"),  # bnd jmp
        ("e8fbefffff", "5 call 0 stack - none 0 - - elsewhere"),
        ("c20800", "3 ret 0 stack - none 0 - - elsewhere"),
        ("0f0b", "2 other 0 - - none 0 - - elsewhere"),
        ("f3a6", "2 none 0 string - cmp 1 [rsi] [rdi] heap"),
        ("f2ae", "2 none 0 string - cmp 1 rax [rdi] heap"),
        ("80fc7f", "3 none 0 - - cmp 1 high-rax 7f elsewhere"),
        ("4080fc7f", "4 none 0 - - cmp 1 rsp 7f elsewhere"),
        ("6683f8ff", "4 none 0 - - cmp 2 rax ffff elsewhere"),
        ("4883ec08", "4 none 0 - - none 0 - - elsewhere"),  # sub $8,%rsp
        ("83e805", "3 none 0 - - sub 4 rax 5 elsewhere"),
        ("85ff", "2 none 0 - - zero 4 rdi 0 elsewhere"),
        ("84e0", "2 none 0 - - test 1 rax high-rax elsewhere"),
        ("480fa3c8", "4 none 0 - - bt 8 rax rcx elsewhere"),
        ("0fbae025", "4 none 0 - - bt 4 rax 5 elsewhere"),
        ("0fb10b", "3 none 0 operand -:rbx,-,1,0,8 none 0 - - heap"),  # cmpxchg
        ("c5f838c8", "4 none 0 - - none 0 - - elsewhere"),  # VEX: no cmp
        ("0f3800c8", "4 none 0 - - none 0 - - elsewhere"),  # pshufb
    ],
)
def test_it_says(driver: Path, code: str, words: str) -> None:
    assert run(driver, text=f"1000 {code}\n") == [words]
