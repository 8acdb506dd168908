"""Objects compiled here stand for modules and a vmlinux: their functions and lines are those that binutils shows."""

from __future__ import annotations

import contextlib
import itertools
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.guest.kernels.elf import ElfFile
from harness.guest.kernels.line_header import Cursor
from harness.guest.kernels.lines import Lines, read_lines
from usbfuzz.errors import KernelError

_HEADER = "static inline __attribute__((always_inline)) int twice(int urb)\n{\n\treturn urb * 2;\n}\n"
_SOURCE = """\
#include "include/linux/twice.h"
extern int submit(int urb);
__attribute__((noinline)) static int uvc_start(int urb)
{
	if (urb > 3)
		return submit(twice(urb)) + 1;
	return 0;
}
int probe_it(int urb)
{
	return uvc_start(urb) * 3;
}
__attribute__((section(".text.unlikely"), noinline)) int fail(int urb)
{
	for (int i = 0; i < urb; i++)
		submit(urb);
	return 7;
}
static int uvc_init(void)
{
	return probe_it(9);
}
int init_module(void) __attribute__((alias("uvc_init")));
"""
_MAIN = "int probe_it(int urb);\nint submit(int urb) { return urb; }\nvoid _start(void) { for (;;) probe_it(1); }\n"
_ROW = re.compile(r"^(\S+) +(\d+) +(0x[0-9a-f]+|0)\b", re.MULTILINE)

FORMS = {
    "DWARF 2": ["-gdwarf-2", "-gstrict-dwarf"],
    "DWARF 4": ["-gdwarf-4"],
    "DWARF 5": ["-gdwarf-5"],
    "DWARF 5, 64 bits wide": ["-gdwarf-5", "-gdwarf64"],
    "without the assembler's help": ["-gdwarf-4", "-gno-as-loc-support"],
    "compressed": ["-gdwarf-5", "-gz=zlib"],
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    (root / "include" / "linux").mkdir(parents=True)
    (root / "include" / "linux" / "twice.h").write_text(_HEADER)
    (root / "uvc.c").write_text(_SOURCE)
    (root / "start.c").write_text(_MAIN)
    return root


def _built(tree: Path, *flags: str, linked: bool = False) -> Path:
    cc = ["gcc", "-O1", "-I.", "-fno-pic", "-fcf-protection=none", *flags]
    if linked:
        words = ["-w", "-static", "-no-pie", "-nostartfiles", "uvc.c", "start.c", "-o", "vmlinux"]
    else:
        words = ["-c", "uvc.c", "-o", "uvc.ko"]
    subprocess.run([*cc, *words], cwd=tree, check=True)
    return tree / words[-1]


def _elf(path: Path) -> ElfFile:
    return ElfFile.of(path.read_bytes(), path.name)


def _lines(path: Path) -> Lines:
    lines = read_lines(_elf(path))
    assert lines is not None
    return lines


def _shown_by_objdump(path: Path) -> set[tuple[str, int, int]]:
    shown = subprocess.run(["objdump", "--dwarf=decodedline", path], capture_output=True, text=True, check=True).stdout
    return {(name, int(line), int(address, 16)) for name, line, address in _ROW.findall(shown) if int(line)}


@pytest.mark.parametrize("linked", [False, True], ids=["a module", "a vmlinux"])
@pytest.mark.parametrize("form", FORMS)
def test_lines_are_those_that_objdump_decodes(tree: Path, form: str, linked: bool) -> None:
    path = _built(tree, *FORMS[form], linked=linked)
    lines = _lines(path)
    found = {(lines.files[row[3]].rpartition("/")[2], row[4], row[1]) for row in lines.rows.tolist()}
    assert found == _shown_by_objdump(path)
    assert {"uvc.c", "include/linux/twice.h"} <= set(lines.files)


def test_lines_of_a_module_are_in_their_sections(tree: Path) -> None:
    lines = _lines(_built(tree, "-g"))
    sections = {lines.sections[row[0]]: {other[4] for other in lines.rows.tolist() if other[0] == row[0]}
                for row in lines.rows.tolist()}  # fmt: skip
    assert set(sections) == {".text", ".text.unlikely"}
    assert sections[".text.unlikely"] <= set(range(13, 19))
    assert 11 in sections[".text"]


def test_each_row_of_lines_ends_where_the_next_begins(tree: Path) -> None:
    rows = [row for row in _lines(_built(tree, "-g")).rows.tolist() if row[0] == 1]
    for before, after in itertools.pairwise(rows):
        assert before[2] == max(after[1], before[1] + 1)


def test_functions_have_the_names_of_the_source_and_their_places(tree: Path) -> None:
    functions = {function.name: function for function in _elf(_built(tree, "-g")).functions()}
    assert set(functions) == {"uvc_start", "probe_it", "fail", "uvc_init"}
    assert functions["fail"].section == ".text.unlikely"
    assert functions["fail"].offset == 0
    assert 0 < functions["uvc_start"].offset + functions["uvc_start"].size <= functions["probe_it"].offset


def test_functions_of_a_linked_kernel_count_from_their_section(tree: Path) -> None:
    elf = _elf(_built(tree, "-g", linked=True))
    section = elf.section(".text")
    functions = {function.name: function for function in elf.functions()}
    assert section is not None
    assert elf.address_of("probe_it") == section.address + functions["probe_it"].offset
    assert elf.address_of("no_such_symbol") is None


def test_an_object_without_debug_information_has_no_lines(tree: Path) -> None:
    assert read_lines(_elf(_built(tree, "-g0"))) is None


def test_a_stripped_object_has_no_functions_and_says_so(tree: Path) -> None:
    path = _built(tree, "-g0", linked=True)
    subprocess.run(["strip", path], check=True)
    with pytest.raises(KernelError, match=r"vmlinux: has no table of symbols \(was it stripped\?\)"):
        _elf(path).functions()


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x01\x01" + bytes(99), b"MZ" * 99])
def test_what_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(KernelError, match=r"^x\.ko: is no ELF object of a 64-bit little-endian machine$"):
        ElfFile.of(content, "x.ko")


def test_an_object_that_is_cut_off_is_refused(tree: Path) -> None:
    raw = _built(tree, "-g").read_bytes()
    with pytest.raises(KernelError, match="is damaged, or cut off; fetch or build it again"):
        ElfFile.of(raw[: len(raw) // 2], "x.ko")


@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8), st.data())
def test_a_damaged_object_is_read_or_refused(changes: list[tuple[int, int]], data: st.DataObject) -> None:
    raw = bytearray(_kept())
    start = data.draw(st.sampled_from([0, _debug_line_at()]))
    for at, byte in changes:
        raw[(start + at) % len(raw)] = byte
    with contextlib.suppress(KernelError):
        elf = ElfFile.of(bytes(raw), "x.ko")
        elf.functions()
        read_lines(elf)


_OBJECTS: list[bytes] = []


@pytest.fixture(autouse=True, scope="module")
def _object(tree: Path) -> None:
    _OBJECTS.append(_built(tree, "-gdwarf-5").read_bytes())


def _kept() -> bytes:
    return _OBJECTS[0]


def _debug_line_at() -> int:
    section = ElfFile.of(_kept(), "x.ko").section(".debug_line")
    assert section is not None
    return section.offset


@given(st.integers(0, 1 << 70))
def test_numbers_of_any_length_are_read(value: int) -> None:
    raw = bytearray()
    left = value
    while left >= 0x80:
        raw.append(left & 0x7F | 0x80)
        left >>= 7
    assert Cursor(bytes([*raw, left]), {}).uleb() == value
