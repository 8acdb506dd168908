"""Structures that got another field, and files that got other lines: the functions that only show that are the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.guest.kernels.code import code_of
from harness.guest.kernels.elf import ElfFile
from harness.guest.probe.operands import instructions
from usbfuzz.arch import DEFAULT
from usbfuzz.jobs.aim.changes import by_base_name, differing
from usbfuzz.jobs.aim.moved import Pair, only_moved

_FLAGS = ("-c", "-O2", "-fno-pic", "-fcf-protection=none", "-fno-asynchronous-unwind-tables")
_VERSION = 6 << 8 | 12
#: Field `b` moves with FIELDS, lines with LINES; each function reads fields, one is told its line.
_SOURCE = """
extern int submit(long first, long second, const char *where, int line);
struct port { long fields[FIELDS]; long a, b, c; };
int one(struct port *port) { return submit(port->a, port->b, 0, 0); }
int two(struct port *port) { return submit(port->b, SECOND, 0, 0); }
int three(struct port *port) { port->c = port->a; return submit(port->c, LIMIT, 0, 0); }
int four(struct port *port) { return submit(port->SOME, 7, 0, 0); }
int fail_one(int urb) { return submit(urb, 0, __func__, LINES + 10); }
int fail_two(int urb) { return submit(urb, 0, __func__, LINES + 20); }
int fail_three(int urb) { return submit(urb, 0, __func__, LINES + 30) + 1; }
int wait(int urb) { return submit(urb, 0, 0, WAIT) + 2; }
int version(void) { return VERSION; }
"""
_OLD = {"FIELDS": 40, "LINES": 700, "SECOND": "port->c", "LIMIT": 5, "SOME": "a", "WAIT": 50, "VERSION": 0x060C2B}


def _compared(tmp_path: Path, **changed: object) -> set[str]:
    """The functions that count as changed once those are left out that only show what moved."""
    found = []
    for values in (_OLD, _OLD | changed):
        (tmp_path / "driver.c").write_text(_SOURCE)
        words = [f"-D{name}={value}" for name, value in values.items()]
        subprocess.run(["gcc", *_FLAGS, *words, "driver.c", "-o", "driver.ko"], cwd=tmp_path, check=True)
        assert DEFAULT.code
        found.append(code_of(ElfFile.of((tmp_path / "driver.ko").read_bytes(), "driver.ko"), DEFAULT.code))
    old, new = found
    names = differing(new, old)
    pairs = {("driver", name): Pair(by_base_name(old)[name][0], new[name][0]) for name in names}
    assert names, "or nothing is tried"
    return set(names) - {name for _, name in only_moved(pairs, _VERSION)}


def test_a_field_that_moved_in_several_functions_changes_none_of_them(tmp_path: Path) -> None:
    assert _compared(tmp_path, FIELDS=42) == set()


def test_another_field_in_one_function_is_a_change(tmp_path: Path) -> None:
    assert _compared(tmp_path, SOME="b") == {"four"}
    assert _compared(tmp_path, SECOND="port->a") == {"two"}


def test_a_constant_that_changed_beside_a_field_that_moved_is_a_change(tmp_path: Path) -> None:
    assert _compared(tmp_path, FIELDS=42, LIMIT=9) == {"three"}


def test_lines_that_moved_together_are_no_change_and_a_time_that_changed_is_one(tmp_path: Path) -> None:
    assert _compared(tmp_path, LINES=703) == set()
    assert _compared(tmp_path, LINES=703, WAIT=80) == {"wait"}


def test_the_version_of_the_kernel_is_no_change(tmp_path: Path) -> None:
    assert _compared(tmp_path, VERSION=0x060C39) == set()
    assert _compared(tmp_path, VERSION=0x060D39) == {"version"}


@pytest.mark.parametrize(
    ("code", "length", "displacement", "immediate"),
    [
        ("8b8790070000", 6, (2, 6), (0, 0)),  # mov 0x790(%rdi),%eax
        ("418b8424f8000000", 8, (4, 8), (0, 0)),  # mov 0xf8(%r12),%eax
        ("8b4708", 3, (2, 3), (0, 0)),  # mov 0x8(%rdi),%eax
        ("803d0000000000", 7, (0, 0), (6, 7)),  # cmpb $0x0,0x0(%rip)
        ("c787c808000000000000", 10, (2, 6), (6, 10)),  # movl $0x0,0x8c8(%rdi)
        ("4881c7d0080000", 7, (0, 0), (3, 7)),  # add $0x8d0,%rdi
        ("be03000000", 5, (0, 0), (1, 5)),  # mov $0x3,%esi
        ("48b80102030405060708", 10, (0, 0), (2, 10)),  # movabs
        ("66c740023412", 6, (3, 4), (4, 6)),  # movw $0x1234,0x2(%rax)
        ("0f8490000000", 6, (0, 0), (0, 0)),  # je
        ("4839c8", 3, (0, 0), (0, 0)),  # cmp %rcx,%rax
        ("0f1f440000", 5, (4, 5), (0, 0)),  # nop with an operand
    ],
)
def test_the_numbers_of_an_instruction_are_found(
    code: str, length: int, displacement: tuple[int, int], immediate: tuple[int, int]
) -> None:
    (found,) = instructions(bytes.fromhex(code))
    assert (found.length, found.displacement, found.immediate) == (length, displacement, immediate)


def test_instructions_begin_where_objdump_has_them_begin(tmp_path: Path) -> None:
    libc = subprocess.run(["cc", "-print-file-name=libc.a"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["ar", "x", libc, "vfprintf-internal.o"], cwd=tmp_path, check=True)
    path = tmp_path / "vfprintf-internal.o"
    shown = subprocess.run(["objdump", "-d", "-w", "-j", ".text", path], capture_output=True, text=True, check=True)
    wanted = [int(line.partition(":")[0], 16) for line in shown.stdout.splitlines() if ":\t" in line]
    elf = ElfFile.of(path.read_bytes(), path.name)
    section = elf.section(".text")
    assert section is not None
    assert [it.start for it in instructions(elf.bytes_of(section))] == wanted
    assert len(wanted) > 1000
